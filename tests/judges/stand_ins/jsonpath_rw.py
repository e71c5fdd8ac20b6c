"""Stands in for jsonpath-rw: thingsboard-gateway imports it, and needs it for its connectors only."""

from __future__ import annotations


def parse(path: str) -> object:
    """What nothing here may come to."""
    raise NotImplementedError(path)
