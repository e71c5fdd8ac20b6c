"""Packets of the Socket.IO protocol of its 2.x libraries (revision 4), each one Engine.IO message.

A packet is its kind, then perhaps a namespace with a comma, the number of an acknowledgement, and
JSON. Source: agent-api-compat.md, 5.2; socketio/socket.io-protocol, revision 4; socket.io-parser 3.3.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NoReturn, TypeAlias

DEFAULT: Final = "/"
"""The namespace that every client is in."""
ID_DIGITS: Final = 15
"""Of an acknowledgement's number: what JavaScript counts exactly."""
_SHAPE: Final = re.compile(
    r"(?P<kind>[0-6])(?:(?P<attached>[0-9]{1,4})-)?(?:(?P<namespace>/[^,]*)(?:,|\Z))?"
    rf"(?P<id>[0-9]{{1,{ID_DIGITS}}})?(?P<data>.*)",
    re.DOTALL,
)


class Kind(Enum):
    """What a packet is for; the value is its first character."""

    CONNECT = "0"
    """Server's: the client is in the namespace. Client's: it wants to be."""
    DISCONNECT = "1"
    EVENT = "2"
    """A name and its arguments."""
    ACK = "3"
    """Arguments that answer an event which asked for them."""
    ERROR = "4"
    """Server's: what it refused."""
    BINARY_EVENT = "5"
    """An event whose binary arguments follow as binary messages."""
    BINARY_ACK = "6"


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. ``data``: anything JSON can say; None: nothing is said."""

    kind: Kind
    data: Any = None
    id: int | None = None
    """Of an event: the number that its acknowledgement is wanted with; of an ACK: that number."""
    namespace: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Malformed:
    """No packet; ``reason`` is for the log."""

    reason: str


Decoded: TypeAlias = Packet | Malformed


def encode_packet(packet: Packet) -> str:
    """The packet as one message. Numbers that JSON has no word for raise ValueError."""
    namespace = "" if packet.namespace == DEFAULT else f"{packet.namespace},"
    number = "" if packet.id is None else str(packet.id)
    data = "" if packet.data is None else _JSON.encode(packet.data)
    return f"{packet.kind.value}{namespace}{number}{data}"


def decode_packet(text: str) -> Decoded:
    """The packet in one message; a namespace is given without its query."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return Malformed("unknown kind of packet" if text else "empty packet")
    kind = Kind(shape["kind"])
    if (shape["attached"] is not None) != (kind in {Kind.BINARY_EVENT, Kind.BINARY_ACK}):
        return Malformed("number of attachments and kind of packet do not match")
    try:
        data = json.loads(shape["data"], parse_constant=_no_constant) if shape["data"] else None
    except (ValueError, RecursionError):
        return Malformed("not JSON")
    number = None if shape["id"] is None else int(shape["id"])
    namespace = (shape["namespace"] or DEFAULT).partition("?")[0]
    return Packet(kind, data, number, namespace)


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _no_constant(name: str) -> NoReturn:
    msg = f"{name} is not JSON"
    raise ValueError(msg)
