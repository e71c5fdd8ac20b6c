"""Packets of Engine.IO protocol 3, and how many of them travel in one HTTP body.

Over a WebSocket each text message is one packet. Over HTTP several stand in one body, each behind
its length **in UTF-16 code units**, as JavaScript counts the length of a string: an emoji is two.
Clients of other languages may send the framing in bytes instead, with text and binary packets.
Source: agent-api-compat.md, 5.2; socketio/engine.io-protocol, revision 3; engine.io-parser 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LENGTH_DIGITS: Final = 9
"""Of a packet's length; more would be a packet of a gigabyte."""
NOTHING: Final = b"0:"
"""A body without packets: the empty body is an error to clients."""
_TEXT, _BINARY, _END = 0, 1, 0xFF
"""Of the framing in bytes: what a packet is, and what ends its length."""


class Kind(Enum):
    """What a packet is for; the value is its first character."""

    OPEN = "0"
    """Server's first: the session's id and its times, as JSON."""
    CLOSE = "1"
    """The session ends."""
    PING = "2"
    """Client's sign of life, which a PONG with the same data answers; ``probe`` tries a transport."""
    PONG = "3"
    MESSAGE = "4"
    """What the protocol above sends."""
    UPGRADE = "5"
    """Client's: from here on the WebSocket alone is used."""
    NOOP = "6"
    """Ends a waiting poll, and says nothing."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of text."""

    kind: Kind
    data: str = ""


@dataclass(frozen=True, slots=True)
class Binary:
    """A packet with ``size`` bytes of binary data, which nothing here has a use for."""

    kind: Kind
    size: int


@dataclass(frozen=True, slots=True)
class Malformed:
    """No packet, and nothing after it can be read either; ``reason`` is for the log."""

    reason: str


Decoded: TypeAlias = Packet | Binary | Malformed


def well_formed(text: str) -> str:
    """The text as UTF-8 can carry it: halves of a surrogate pair joined, lone ones U+FFFD.

    Browsers do the same with what a page sends.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def utf16_units(text: str) -> int:
    """The length of the text as JavaScript counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def encode_packet(packet: Packet) -> str:
    """The packet as one WebSocket message."""
    return packet.kind.value + well_formed(packet.data)


def decode_packet(text: str) -> Decoded:
    """The packet in one WebSocket message; binary data may come as base64."""
    binary = text[:1] == "b"
    try:
        kind = Kind(text[1:2] if binary else text[:1])
    except ValueError:
        return Malformed("unknown kind of packet" if text else "empty packet")
    return Binary(kind, (len(text) - 2) * 3 // 4) if binary else Packet(kind, text[1:])


def decode_binary(data: bytes) -> Decoded:
    """The packet in one binary WebSocket message: its kind is the number of the first byte."""
    try:
        return Binary(Kind(str(data[0])), len(data) - 1)
    except (IndexError, ValueError):
        return Malformed("unknown kind of packet")


def encode_payload(packets: Iterable[Packet]) -> bytes:
    """Packets as one HTTP body."""
    texts = (encode_packet(packet) for packet in packets)
    return "".join(f"{utf16_units(text)}:{text}" for text in texts).encode() or NOTHING


def decode_payload(body: bytes, most: int) -> Iterator[Decoded]:
    """The packets of one HTTP body; if something is wrong in it, the last one says what.

    ``most``: packets in one body. Empty packets are passed over, as clients do.
    """
    if not body:
        yield Malformed("empty body")
        return
    packets = _in_bytes(body) if body[0] in {_TEXT, _BINARY} else _in_text(body)
    for number, each in enumerate(packets):
        if number == most:
            yield Malformed(f"more than {most} packets in one body")
            return
        if each is not None:
            yield each
        if isinstance(each, Malformed):
            return


def _in_text(body: bytes) -> Iterator[Decoded | None]:
    """Packets of the framing in text; None for an empty one."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        yield Malformed("body is not UTF-8")
        return
    # Lengths count units of 16 bits; those of ASCII are its bytes.
    width, codec = (1, "ascii") if text.isascii() else (2, "utf-16-le")
    units = text.encode(codec)
    colon = ":".encode(codec)
    start = 0
    while start < len(units):
        end = _find(units, colon, start, width)
        digits = units[start : max(end, start)].decode(codec, "replace")
        if not (digits.isascii() and digits.isdigit()):
            yield Malformed("length of a packet is not a number")
            return
        start = end + width
        end = start + int(digits) * width
        if end > len(units):
            yield Malformed("packet ends before its length")
            return
        try:
            packet = units[start:end].decode(codec)
        except UnicodeDecodeError:
            yield Malformed("length of a packet divides a character")
            return
        start = end
        yield decode_packet(packet) if packet else None


def _find(units: bytes, colon: bytes, start: int, width: int) -> int:
    """Where the colon is that ends a length; -1 if there is none where one may be."""
    for place in range(start, min(start + (LENGTH_DIGITS + 1) * width, len(units)), width):
        if units[place : place + width] == colon:
            return place
    return -1


def _in_bytes(body: bytes) -> Iterator[Decoded | None]:
    """Packets of the framing in bytes (kind, digits, 0xFF, data); None for an empty one."""
    start = 0
    while start < len(body):
        mark = body.find(_END, start + 1, start + LENGTH_DIGITS + 2)
        digits = body[start + 1 : max(mark, 0)]
        if body[start] not in {_TEXT, _BINARY} or not digits or max(digits) not in range(10):
            yield Malformed("length of a packet is not a number")
            return
        end = mark + 1 + int("".join(map(str, digits)))
        if end > len(body):
            yield Malformed("packet ends before its length")
            return
        decode = _decode_text if body[start] == _TEXT else decode_binary
        yield decode(body[mark + 1 : end]) if end > mark + 1 else None
        start = end


def _decode_text(data: bytes) -> Decoded:
    try:
        return decode_packet(well_formed(data.decode("utf-8", "surrogatepass")))
    except UnicodeDecodeError:
        return Malformed("packet is not UTF-8")
