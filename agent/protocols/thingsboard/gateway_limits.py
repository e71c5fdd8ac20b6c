"""How much a gateway may send: what the server tells, and when the next message may go out.

A limit is ``count:seconds``, several are joined by commas, and all of them hold. The gateway has
three of them for all that it sends, and each sub-device has three of its own: for messages, for
those with values, and for the values in them. No clock: time enters as an argument (seconds).
Source: cloud-thingsboard, sections 7 and 10.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYLOAD: Final = 65_536
"""Bytes of a packet that a server takes unless it says otherwise."""
PAYLOAD_LEAST: Final = 1024
"""A server that takes less could be told nothing of a board; it is not believed."""
PAYLOAD_MOST: Final = 1_048_576
"""More than we ever have to say at once."""
PACKET_ROOM: Final = 64
"""Bytes of a packet beside its payload: header, topic (29 at most) and number."""
SHARE: Final = 0.8
"""Of each limit that is used: answers to the connection's own calls are not counted here, and the
server's clock is another one. The vendor's client keeps the same distance."""
COUNT_MOST: Final = 10**9
SECONDS_MOST: Final = 86_400 * 31
"""Longer than a month is no limit that anybody writes."""
PARTS_MOST: Final = 10
"""Limits in one text; the server's form has room for a few."""
DEVICES_MOST: Final = 1024
"""Sub-devices whose allowance is remembered: more boards than one computer has."""
TEXT_MOST: Final = 400


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` within any ``seconds``."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What one party may send; nothing in a tuple: as much as it likes."""

    messages: tuple[Limit, ...] = ()
    telemetry: tuple[Limit, ...] = ()
    """Messages with values."""
    points: tuple[Limit, ...] = ()
    """Values."""


USUAL: Final = Rates((Limit(50, 1.0),), (Limit(50, 1.0),), (Limit(100, 1.0),))
"""For a server that does not say: half of what a fresh installation allows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What ``getSessionLimits`` said."""

    payload: int = PAYLOAD - PACKET_ROOM
    """Bytes of one payload."""
    whole: Rates = USUAL
    """All that the gateway sends."""
    device: Rates = USUAL
    """Each sub-device, and the gateway's own values."""


def parse_limits(said: Mapping[str, Any] | None) -> Limits:
    """The limits in the server's answer; what is not in it, or makes no sense, is the usual one.

    A server that tells ``gatewayRateLimits`` means sub-devices by ``rateLimits``; an older one has
    only these, and means the gateway.
    """
    if said is None:
        return Limits()
    size = said.get("maxPayloadSize")
    told = isinstance(size, int) and not isinstance(size, bool) and size >= PAYLOAD_LEAST
    payload = min(int(size), PAYLOAD_MOST) if told and isinstance(size, int) else PAYLOAD
    device = _rates(said.get("rateLimits"))
    whole = _rates(said["gatewayRateLimits"]) if "gatewayRateLimits" in said else device
    return Limits(payload - PACKET_ROOM, whole, device)


def parse_rate(text: object) -> tuple[Limit, ...] | None:
    """``200:1,6000:60`` as limits; None if it is none of this form. ``0:0`` sets no limit."""
    if not isinstance(text, str) or len(text) > TEXT_MOST:
        return None
    found = []
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > PARTS_MOST:
        return None
    for part in parts:
        count, mark, seconds = part.partition(":")
        if not (mark and _is_number(count) and _is_number(seconds)):
            return None
        if int(count) and int(seconds):
            found.append(Limit(min(int(count), COUNT_MOST), min(int(seconds), SECONDS_MOST)))
    return tuple(found)


class Allowance:
    """One limit in use: some at once, the rest spread, never more than it allows in any window.

    With a burst of b and r per second at most ``b + r * seconds`` go out within ``seconds``. What
    is sent is taken when the server has it (:meth:`take`), so that no delay on the way can bring
    two messages closer together than they were counted.
    """

    def __init__(self, limit: Limit) -> None:
        count = max(1, int(limit.count * SHARE))
        self.burst = (count + 1) // 2
        """The most that may go out at once."""
        self._per_s = (count - self.burst + 1) / limit.seconds
        self._left = float(self.burst)
        self._at = float("-inf")

    def wait_s(self, now: float, cost: int = 1) -> float:
        """Seconds until ``cost`` of them may go out; what is more than a burst goes as one."""
        self._fill(now)
        missing = min(cost, self.burst) - self._left
        return max(0.0, missing / self._per_s)

    def take(self, now: float, cost: int = 1) -> None:
        """They are with the server."""
        self._fill(now)
        self._left -= cost

    def _fill(self, now: float) -> None:
        if now > self._at:
            passed = now - self._at
            self._left = min(float(self.burst), self._left + passed * self._per_s)
            self._at = now


class Pace:
    """What one party may send, and when."""

    def __init__(self, rates: Rates) -> None:
        self._messages = [Allowance(limit) for limit in rates.messages]
        self._telemetry = [Allowance(limit) for limit in rates.telemetry]
        self._points = [Allowance(limit) for limit in rates.points]

    @property
    def points_at_once(self) -> int:
        """The most values that may ever be in one message."""
        return min((each.burst for each in self._points), default=COUNT_MOST)

    def wait_s(self, now: float, points: int = 0) -> float:
        """Seconds until a message with so many values may go out."""
        waits = [each.wait_s(now) for each in self._messages]
        if points:
            waits += [each.wait_s(now) for each in self._telemetry]
            waits += [each.wait_s(now, points) for each in self._points]
        return max(waits, default=0.0)

    def take(self, now: float, points: int = 0) -> None:
        """Such a message is with the server."""
        for each in self._messages:
            each.take(now)
        if points:
            for each in self._telemetry:
                each.take(now)
            for each in self._points:
                each.take(now, points)


@dataclass(slots=True)
class GatewayPace:
    """When the gateway's next message may go out; ``""`` is the gateway's own place."""

    limits: Limits = field(default_factory=Limits)
    _whole: Pace = field(init=False)
    _devices: dict[str, Pace] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._whole = Pace(self.limits.whole)

    @property
    def points_at_once(self) -> int:
        """The most values that may ever be in one message about one device."""
        return min(self._whole.points_at_once, Pace(self.limits.device).points_at_once)

    def wait_s(self, now: float, points: Mapping[str, int]) -> float:
        """Seconds until a message about these devices, with so many values of each, may go out."""
        waits = [self.device_wait_s(now, name, count) for name, count in points.items()]
        return max(self.whole_wait_s(now, sum(points.values())), *waits, 0.0)

    def whole_wait_s(self, now: float, points: int) -> float:
        """The same of the gateway alone, for all values of the message."""
        return self._whole.wait_s(now, points)

    def device_wait_s(self, now: float, name: str, points: int) -> float:
        """The same of one device alone, for its values in the message."""
        return self._of(name).wait_s(now, points)

    def sent(self, now: float, points: Mapping[str, int]) -> None:
        """The server has it."""
        self._whole.take(now, sum(points.values()))
        for name, count in points.items():
            self._of(name).take(now, count)

    def _of(self, name: str) -> Pace:
        found = self._devices.pop(name, None) or Pace(self.limits.device)
        self._devices[name] = found  # the one that was used last is the last to be forgotten
        if len(self._devices) > DEVICES_MOST:
            del self._devices[next(iter(self._devices))]
        return found


def _rates(said: object) -> Rates:
    table = said if isinstance(said, dict) else {}
    read = [parse_rate(table.get(name)) for name in _NAMES]
    usual = (USUAL.messages, USUAL.telemetry, USUAL.points)
    return Rates(
        *(other if each is None else each for each, other in zip(read, usual, strict=True))
    )


_NAMES: Final = ("messages", "telemetryMessages", "telemetryDataPoints")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10
