"""Values of sub-devices as messages, none of them larger than the server takes.

Source: cloud-thingsboard, section 10.4 (``v1/gateway/telemetry`` and ``.../attributes``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from agent.protocols.thingsboard import gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.protocols.thingsboard.gateway import Json

OWN: Final = ""
"""The gateway itself among the devices; it has topics of its own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of one device at one moment."""

    device: str
    """:data:`OWN`: the gateway."""
    at_ms: int
    """Unix time in milliseconds."""
    values: Mapping[str, Json]

    def encoded(self) -> bytes:
        """As it stands in a message."""
        return msgspec.json.encode({"ts": self.at_ms, "values": self.values})


@dataclass(slots=True)
class Message:
    """One message that may still grow."""

    topic: str
    parts: dict[str, list[bytes]] = field(default_factory=dict)
    """What is said of each device."""
    points: dict[str, int] = field(default_factory=dict)
    """How many values of each."""
    size: int = 2
    """Bytes of the payload: the braces to begin with."""

    def payload(self) -> bytes:
        """What is sent."""
        if OWN in self.parts:
            return b"[" + b",".join(self.parts[OWN]) + b"]"
        if self.topic == gateway.ATTRIBUTES:
            entries = (_name(name) + b":" + parts[0] for name, parts in self.parts.items())
        else:
            entries = (
                _name(name) + b":[" + b",".join(parts) + b"]" for name, parts in self.parts.items()
            )
        return b"{" + b",".join(entries) + b"}"

    def grown(self, device: str, part: bytes) -> int:
        """Its size with one more part."""
        if device in self.parts:
            return self.size + len(part) + 1
        return self.size + len(part) + (len(_name(device)) + 4 if device else 0)

    def add(self, device: str, part: bytes, points: int) -> None:
        """One more part, for whose size there is room."""
        self.size = self.grown(device, part)
        self.parts.setdefault(device, []).append(part)
        self.points[device] = self.points.get(device, 0) + points


def telemetry_of(device: str) -> Message:
    """An empty message for values of ``device`` and of others like it."""
    return Message(gateway.TELEMETRY if device else gateway.OWN_TELEMETRY)


def split_sample(sample: Sample, most_points: int, most_bytes: int) -> list[Sample]:
    """The same values as samples that each fit into a message; one that never fits is left out."""
    whole = _fits(sample, most_bytes)
    if whole and len(sample.values) <= most_points:
        return [sample]
    found: list[Sample] = []
    taken: dict[str, Json] = {}
    for name, value in sample.values.items():
        more = Sample(sample.device, sample.at_ms, {**taken, name: value})
        if len(more.values) <= most_points and _fits(more, most_bytes):
            taken = dict(more.values)
            continue
        if taken:
            found.append(Sample(sample.device, sample.at_ms, taken))
        taken = {name: value}
        if not _fits(Sample(sample.device, sample.at_ms, taken), most_bytes):
            taken = {}
    return [*found, Sample(sample.device, sample.at_ms, taken)] if taken else found


def attributes(
    changes: Iterable[tuple[str, Mapping[str, Json]]], most_points: int, most_bytes: int
) -> tuple[Message, dict[str, list[str]]]:
    """A message with as many attributes of as many devices as fit, and which those are.

    One that fits into no message is among them without being said; nothing else can be done.
    """
    message = Message(gateway.ATTRIBUTES)
    said: dict[str, list[str]] = {}
    for name, values in changes:
        room = most_points - sum(message.points.values())
        taken: dict[str, Json] = {}
        for key, value in values.items():
            part = msgspec.json.encode({**taken, key: value})
            if len(taken) < room and message.grown(name, part) <= most_bytes:
                taken[key] = value
                said.setdefault(name, []).append(key)
            elif not message.parts and not taken:
                said.setdefault(name, []).append(key)
        if taken:
            message.add(name, msgspec.json.encode(taken), len(taken))
        if len(taken) < len(values) and message.parts:
            break
    return message, said


def own_attributes(values: Mapping[str, Json]) -> bytes:
    """The gateway's own, for ``v1/devices/me/attributes``."""
    return msgspec.json.encode(values)


def _fits(sample: Sample, most_bytes: int) -> bool:
    message = telemetry_of(sample.device)
    return message.grown(sample.device, sample.encoded()) <= most_bytes


def _name(device: str) -> bytes:
    return msgspec.json.encode(device)
