"""How long to wait before the next try: longer each time, until something has lasted."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

JITTER: Final = 0.25
"""Part by which a wait is longer at most, so that agents do not come back in step."""


class Pause:
    """Waits that double."""

    def __init__(
        self,
        first_s: float,
        most_s: float,
        *,
        steady_s: float = 0.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``steady_s``: what lasted so long makes the next wait the first again."""
        self._first_s = first_s
        self._most_s = most_s
        self._steady_s = steady_s
        self._chance = chance
        self._next_s = first_s

    def next(self) -> float:
        """Seconds to wait now."""
        wait_s, self._next_s = self._next_s, min(self._next_s * 2, self._most_s)
        return wait_s * (1 + JITTER * self._chance())

    def lasted(self, seconds: float) -> None:
        """What was tried has worked for so long."""
        if seconds >= self._steady_s:
            self._next_s = self._first_s
