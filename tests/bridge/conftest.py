"""Fixtures of the bridge's tests."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.bridge.running import Bridge, run_bridge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def bridge(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Bridge]:
    """A bridge on a free port, with two allowed pages and no board yet."""
    async with run_bridge(tmp_path) as running:
        yield running
    defects = [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR]
    assert not defects, [record.getMessage() for record in defects]
