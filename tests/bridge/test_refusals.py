"""Refused connections in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agent.bridge.refusals import TOLD_MAX, WINDOW_S, Refusals

if TYPE_CHECKING:
    import pytest


def test_a_page_that_tries_again_and_again_is_written_down_once_in_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    now = 1000.0
    refusals = Refusals(lambda: now)
    for _ in range(500):
        refusals.tell("the page")
    assert caplog.messages == ["refused: the page"]
    now += WINDOW_S
    refusals.tell("the page")
    assert caplog.messages[1:] == ["refused before this: 499 more times", "refused: the page"]


def test_any_number_of_pages_writes_a_bounded_number_of_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    refusals = Refusals(lambda: 0.0)
    for number in range(10_000):
        refusals.tell(f"page {number}")
    assert len(caplog.messages) == TOLD_MAX
