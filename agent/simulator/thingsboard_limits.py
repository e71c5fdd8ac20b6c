"""Limits as ThingsBoard writes and counts them: ``count:seconds``, joined by commas.

Source: cloud-thingsboard, sections 7 and 10.4.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

MAX_PAYLOAD: Final = 65_536
"""Bytes of an MQTT packet that the server reads."""
MAX_INFLIGHT: Final = 100


@dataclass(frozen=True, slots=True)
class Rates:
    """The three limits that a session is told."""

    messages: str = "200:1,6000:60"
    telemetry_messages: str = "100:1,3000:60"
    telemetry_points: str = "200:1,6000:60"

    def as_json(self) -> dict[str, str]:
        """With the server's names."""
        return {
            "messages": self.messages,
            "telemetryMessages": self.telemetry_messages,
            "telemetryDataPoints": self.telemetry_points,
        }


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What ``getSessionLimits`` answers."""

    device: Rates = Rates()
    """A device's own; to a gateway: for each of its sub-devices."""
    gateway: Rates = Rates()
    max_payload: int = MAX_PAYLOAD
    max_inflight: int = MAX_INFLIGHT

    def as_json(self, *, gateway: bool) -> dict[str, Any]:
        """The answer."""
        said: dict[str, Any] = {
            "maxPayloadSize": self.max_payload,
            "maxInflightMessages": self.max_inflight,
            "rateLimits": self.device.as_json(),
        }
        if gateway:
            said["gatewayRateLimits"] = self.gateway.as_json()
        return said


class RateLimit:
    """Counts messages of one session against one text."""

    def __init__(self, text: str) -> None:
        """``ValueError`` if the text is none of this form; an empty one sets no limit."""
        pairs = (part.split(":") for part in text.split(",") if part)
        self._limits = [(int(count), float(seconds)) for count, seconds in pairs]
        self._past: deque[float] = deque(
            maxlen=max((count for count, _ in self._limits), default=1)
        )

    def take(self, now: float) -> bool:
        """One more message; False if it is one too many."""
        for count, seconds in self._limits:
            within = sum(1 for at in self._past if at > now - seconds)
            if within >= count:
                return False
        self._past.append(now)
        return True
