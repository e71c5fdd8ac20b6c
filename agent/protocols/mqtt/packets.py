"""What MQTT peers say to each other; the same packets for both versions.

What only MQTT 5 has (codes of some acknowledgements, properties) is left out when 3.1.1 is spoken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.protocols.mqtt.properties import Value

V311: Final = 4
"""The protocol level of MQTT 3.1.1."""
V5: Final = 5
FAILURE: Final = 0x80
"""Codes from here on are refusals, in every packet but CONNACK of 3.1.1."""


class Kind(IntEnum):
    """Packet types (2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the server publishes for a client that is lost."""

    topic: str
    payload: bytes = field(repr=False, default=b"")
    qos: int = 0
    retain: bool = False
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """The first packet of a client."""

    client_id: str = ""
    username: str | None = field(default=None, repr=False)
    """A name may be a token, so it is not shown."""
    password: bytes | None = field(default=None, repr=False)
    clean_start: bool = True
    keep_alive_s: int = 60
    will: Will | None = None
    version: int = V311
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnAck:
    """The server's answer to it; ``code`` 0 accepts."""

    code: int = 0
    session_present: bool = False
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """A message; ``packet_id`` is 0 with QoS 0 only."""

    topic: str
    payload: bytes = field(default=b"", repr=False)
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""

    kind: Kind = Kind.PUBACK
    packet_id: int
    code: int = 0
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Filters, each with its options: the lowest two bits are the highest QoS."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubAck:
    """One code for each filter: the QoS granted, or a refusal."""

    packet_id: int
    codes: tuple[int, ...]
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """Filters that are wanted no longer."""

    packet_id: int
    filters: tuple[str, ...]
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubAck:
    """The answer to it; 3.1.1 has no codes here."""

    packet_id: int
    codes: tuple[int, ...] = ()
    properties: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PingReq:
    """Asks whether the server is still there."""


@dataclass(frozen=True, slots=True)
class PingResp:
    """It is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """The last packet; with MQTT 5 servers send it too, and say why."""

    code: int = 0
    properties: Mapping[int, Value] = field(default_factory=dict)


Packet: TypeAlias = (
    Connect
    | ConnAck
    | Publish
    | Acknowledge
    | Subscribe
    | SubAck
    | Unsubscribe
    | UnsubAck
    | PingReq
    | PingResp
    | Disconnect
)
"""AUTH is left out: no server here has enhanced authentication."""
