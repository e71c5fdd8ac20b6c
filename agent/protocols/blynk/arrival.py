"""When to ask whether a board has come online, and when to stop: a machine without a clock.

A board needs some seconds for Wi-Fi and as many for TLS, at most 50 s each with one try
(cloud-blynk, section 2.2), so the first questions come soon and the later ones less often. Whoever
hears from the board itself that it is connected says so, and the next question comes at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

ARRIVAL_LIMIT_S: Final = 120.0
"""Twice 50 s and some seconds for each change of state."""
FIRST_WAIT_S: Final = 1.0
"""Wi-Fi and TLS take longer than that on every board."""
GROWTH: Final = 1.25
LONGEST_WAIT_S: Final = 5.0
"""A person notices no more than that; 30 questions in all."""
REFUSALS_BELIEVED: Final = 3
"""A new token may be unknown to the region of the device interface at first."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask after that, or earlier if the board says something."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Arrived:
    """The board is online."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Late:
    """The limit is over."""

    after_s: float
    detail: str
    """What was wrong with the last question; empty: the answer was no."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The token is of no device, and stays so."""


Step: TypeAlias = Ask | Wait | Arrived | Late | Refused


class Arrival:
    """One wait for one board; ``now`` is in seconds that only grow.

    ``fresh``: its token is of no device before its board has logged in, so it may be unknown.
    """

    def __init__(
        self, now: float, limit_s: float = ARRIVAL_LIMIT_S, *, fresh: bool = False
    ) -> None:
        self._fresh = fresh
        self._start = now
        self._end = now + limit_s
        self._next = now
        self._wait_s = FIRST_WAIT_S
        self._detail = ""
        self._refusals = 0
        self._over: Step | None = None

    def step(self, now: float) -> Step:
        """What to do now; the same answer until something happens."""
        if self._over is not None:
            return self._over
        if now >= self._next:
            return Ask()
        return Wait(self._next - now)

    def answered(self, connected: bool, now: float) -> Step:
        """The cloud's answer."""
        self._detail, self._refusals = "", 0
        if connected:
            self._over = Arrived(now - self._start)
        return self._later(now)

    def failed(self, detail: str, now: float, *, unknown: bool = False) -> Step:
        """There was no answer, or (``unknown``) nobody knows the token."""
        self._detail = detail
        self._refusals = self._refusals + 1 if unknown else 0
        if not self._fresh and self._refusals >= REFUSALS_BELIEVED:
            self._over = Refused()
        return self._later(now)

    def heard(self, now: float) -> Step:
        """The board says that it is connected."""
        self._next = min(self._next, now)
        self._wait_s = FIRST_WAIT_S
        return self.step(now)

    def _later(self, now: float) -> Step:
        if self._over is None and now >= self._end:
            self._over = Late(now - self._start, self._detail)
        # The last question is at the limit, not before it.
        self._next = min(now + self._wait_s, max(self._end, now))
        self._wait_s = min(self._wait_s * GROWTH, LONGEST_WAIT_S)
        return self.step(now)
