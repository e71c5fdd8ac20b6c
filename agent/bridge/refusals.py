"""Refused connections in the log, without driving out everything else.

A page that is not allowed tries again every few seconds as long as its tab is open, and any page
can try hundreds of times a second.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S: Final = 3600.0
"""The same refusal is written once in this time."""
TOLD_MAX: Final = 20
"""Different ones in this time; a site can have any number of origins."""

_logger = logging.getLogger(__name__)


class Refusals:
    """What was refused lately."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` tells seconds of a clock that nobody sets."""
        self._now = now
        self._end = 0.0
        self._told: set[str] = set()
        self._left_out = 0

    def tell(self, why: str) -> None:
        """Write it down, unless that was done a short while ago."""
        now = self._now()
        if now >= self._end:
            if self._left_out:
                _logger.info("refused before this: %d more times", self._left_out)
            self._told.clear()
            self._left_out = 0
            self._end = now + WINDOW_S
        if why in self._told or len(self._told) >= TOLD_MAX:
            self._left_out += 1
            return
        self._told.add(why)
        _logger.info("refused: %s", why)
