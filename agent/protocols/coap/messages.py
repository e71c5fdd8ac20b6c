"""CoAP messages as bytes. Source: RFC 7252, section 3; RFC 7959 (blocks)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

CON, NON, ACK, RST = range(4)
URI_HOST, ETAG, OBSERVE, URI_PATH, CONTENT_FORMAT, URI_QUERY = 3, 4, 6, 11, 12, 15
BLOCK2, BLOCK1 = 23, 27
KNOWN_CRITICAL: Final = frozenset(
    {1, URI_HOST, 5, 7, URI_PATH, URI_QUERY, 17, BLOCK2, BLOCK1, 35, 39}
)
"""Options that must be understood (odd numbers) and are, or change nothing here."""
EMPTY: Final = 0
CONTINUE, TOO_LARGE = 0x5F, 0x8D
"""2.31 and 4.13."""
GET, POST, PUT, DELETE = 1, 2, 3, 4
MARKER: Final = 0xFF


class WrongMessageError(ValueError):
    """What came is not CoAP."""


@dataclass(frozen=True, slots=True)
class CoapMessage:
    """One datagram. ``code`` has the class in its upper three bits: 2.01 is 0x41."""

    kind: int
    code: int
    mid: int
    token: bytes = b""
    options: tuple[tuple[int, bytes], ...] = ()
    payload: bytes = field(default=b"", repr=False)

    def values(self, number: int) -> list[bytes]:
        """All values of an option."""
        return [value for name, value in self.options if name == number]

    def block(self, number: int) -> Block | None:
        """The block that an option names."""
        found = self.values(number)
        return Block.read(found[0]) if found else None


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a body: its place, whether more follow, and two to the power of its size minus 4."""

    number: int
    more: bool
    exponent: int

    @property
    def size(self) -> int:
        """Bytes of each part but the last."""
        return int(2 ** (self.exponent + 4))

    @classmethod
    def read(cls, value: bytes) -> Block:
        """Out of an option; :class:`WrongMessageError`."""
        number = int.from_bytes(value, "big")
        if len(value) > 3 or number & 7 == 7:
            raise WrongMessageError("a block is wrong")
        return cls(number >> 4, bool(number & 8), number & 7)

    def pack(self) -> bytes:
        """As the value of an option."""
        return pack_number(self.number << 4 | self.more << 3 | self.exponent)


def pack_number(value: int) -> bytes:
    """A number in as few bytes as it needs; 0 needs none."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def decode(data: bytes) -> CoapMessage:
    """One datagram; raises :class:`WrongMessageError`."""
    if len(data) < 4 or data[0] >> 6 != 1:
        raise WrongMessageError("no CoAP header")
    size = data[0] & 0x0F
    if size > 8 or len(data) < 4 + size:
        raise WrongMessageError("the token is wrong")
    options, at, number = [], 4 + size, 0
    while at < len(data) and data[at] != MARKER:
        delta, length = data[at] >> 4, data[at] & 0x0F
        delta, at = _extended(data, delta, at + 1)
        length, at = _extended(data, length, at)
        number += delta
        if at + length > len(data):
            raise WrongMessageError("an option ends too late")
        options.append((number, data[at : at + length]))
        at += length
    payload = data[at + 1 :]
    if at < len(data) and not payload:
        raise WrongMessageError("nothing behind the payload marker")
    kind, mid = data[0] >> 4 & 3, int.from_bytes(data[2:4], "big")
    if data[1] == EMPTY and len(data) > 4:
        raise WrongMessageError("an empty message is not empty")
    return CoapMessage(kind, data[1], mid, data[4 : 4 + size], tuple(options), payload)


def encode(message: CoapMessage) -> bytes:
    """A datagram; options are put into their order."""
    out = bytearray([0x40 | message.kind << 4 | len(message.token), message.code])
    out += message.mid.to_bytes(2, "big") + message.token
    last = 0
    for number, value in sorted(message.options, key=lambda option: option[0]):
        delta, more = _nibble(number - last)
        length, longer = _nibble(len(value))
        out += bytes([delta << 4 | length]) + more + longer + value
        last = number
    if message.payload:
        out += bytes([MARKER]) + message.payload
    return bytes(out)


def _extended(data: bytes, nibble: int, at: int) -> tuple[int, int]:
    if nibble == 15:
        raise WrongMessageError("a reserved length")
    size = max(0, nibble - 12)
    if at + size > len(data):
        raise WrongMessageError("an option ends too late")
    more = int.from_bytes(data[at : at + size], "big")
    return (nibble, 13 + more, 269 + more)[size], at + size


def _nibble(value: int) -> tuple[int, bytes]:
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes([value - 13])
    return 14, (value - 269).to_bytes(2, "big")
