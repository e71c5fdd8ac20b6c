"""When a request may go out, and whether it goes out again: no I/O, no clock of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Waits before the 2nd to 5th attempt when the cloud names none (cloud-arduino, section 7)."""
CONNECT_ATTEMPTS: Final = 3
"""A computer without a network fails at once each time; 1 + 2 s tell a hiccup from that."""
RETRY_AFTER_LIMIT_S: Final = 60.0
"""A person waits a minute; a cloud that asks for longer is reported instead."""
PAUSE_LIMIT_S: Final = 600.0
"""A longer silence than ten minutes is not believed: it would stop the agent until a restart."""
ROUNDING_S: Final = 1e-6
"""Sums of intervals are not exact; nobody waits a microsecond."""
SERVER_ERROR: Final = 500
TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second, and how many may go out at once.

    The default is half of what Arduino Cloud allows per client.
    """

    per_s: float = 5.0
    burst: int = 5

    @classmethod
    def of(cls, per_s: float) -> Rate:
        """So many per second, and those of a second at once."""
        return cls(per_s=per_s, burst=ceil(per_s))


class TokenBucket:
    """Spreads requests; those that wait are served in the order of their reservations."""

    def __init__(self, rate: Rate) -> None:
        self._interval_s = 1.0 / rate.per_s
        self._window_s = (rate.burst - 1) * self._interval_s
        # The moment at which all of the burst would be available again.
        self._full_at = float("-inf")
        self._silent_until = float("-inf")

    def change(self, rate: Rate, now: float) -> None:
        """From now on this rate; turns that are taken stay so, and a silence is kept."""
        begin = max(now, self._silent_until)
        taken = max(0.0, self._full_at - begin) / self._interval_s
        self._interval_s = 1.0 / rate.per_s
        self._window_s = (rate.burst - 1) * self._interval_s
        silent = self._silent_until + self._window_s
        self._full_at = max(begin + taken * self._interval_s, silent)

    def wait_s(self, now: float) -> float:
        """Seconds that a reservation made now would wait."""
        wait_s = self._full_at - self._window_s - now
        return wait_s if wait_s > ROUNDING_S else 0.0

    def reserve(self, now: float) -> float:
        """Take a turn; the caller waits the seconds returned before it sends."""
        wait_s = self.wait_s(now)
        self._full_at = max(self._full_at, now) + self._interval_s
        return wait_s

    def pause(self, now: float, seconds: float) -> None:
        """The cloud asked for silence: turns begin one by one when it is over."""
        silence_s = min(seconds, PAUSE_LIMIT_S)
        self._silent_until = max(self._silent_until, now + silence_s)
        self._full_at = max(self._full_at, self._silent_until + self._window_s)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: a status, or none because no whole answer came."""

    status: int | None = None
    retry_after_s: float | None = None
    sent: bool = True
    """False: the cloud surely saw nothing of it."""
    hopeless: bool = False
    """Asking again cannot help: the certificate is not trusted."""


def retry_delay(outcome: Outcome, attempts: int, *, repeatable: bool) -> float | None:
    """Seconds until the next attempt after ``attempts`` of them; None: this one counts.

    Only requests that may be repeated (GET, DELETE, token) are, and only after 429, 5xx or a lost
    connection. ``Retry-After`` goes before the steps of :data:`BACKOFF_S`.
    """
    overloaded = outcome.status is None or (
        outcome.status == TOO_MANY_REQUESTS or outcome.status >= SERVER_ERROR
    )
    if not repeatable or not overloaded or outcome.hopeless or attempts > len(BACKOFF_S):
        return None
    if not outcome.sent and attempts >= CONNECT_ATTEMPTS:
        return None
    if outcome.retry_after_s is None:
        return BACKOFF_S[attempts - 1]
    return outcome.retry_after_s if outcome.retry_after_s <= RETRY_AFTER_LIMIT_S else None


def parse_retry_after(value: str | None, wall_now: float) -> float | None:
    """The header ``Retry-After`` in seconds: digits or an HTTP date; None if absent or wrong.

    ``wall_now`` is in Unix seconds. Source: RFC 9110, section 10.2.3.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(wall_now, UTC)).total_seconds())
