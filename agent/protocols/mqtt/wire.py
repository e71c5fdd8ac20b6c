"""The types that packets are made of (1.5), read from bytes that nobody vouches for."""

from __future__ import annotations

from typing import Final

VARIABLE_MAX: Final = 268_435_455
"""Largest number in four bytes of seven bits (1.5.5)."""
TEXT_MAX: Final = 65_535
"""Bytes of a text or of binary data."""


class Wrong(Exception):
    """The bytes are no MQTT; the text says why."""


def variable(number: int) -> bytes:
    """A variable byte integer."""
    if not 0 <= number <= VARIABLE_MAX:
        msg = f"{number} is no variable byte integer"
        raise ValueError(msg)
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | 0x80 if number else low)
        if not number:
            return bytes(out)


def u16(number: int) -> bytes:
    """Two bytes, high byte first."""
    return number.to_bytes(2, "big")


def binary(data: bytes) -> bytes:
    """Data with its length; ValueError if it is too long."""
    if len(data) > TEXT_MAX:
        msg = f"{len(data)} bytes do not fit into a field of {TEXT_MAX}"
        raise ValueError(msg)
    return u16(len(data)) + data


def text(value: str) -> bytes:
    """A text with its length; ValueError if it is too long, has a zero, or is not Unicode."""
    if "\0" in value:
        msg = "a text of MQTT has no zero character"
        raise ValueError(msg)
    return binary(value.encode())


class Reader:
    """Takes the fields of one packet off its front; raises :class:`Wrong` at the end of it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that were not taken yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """So many bytes."""
        if count > self.left:
            raise Wrong("a field is longer than its packet")
        self._at += count
        return self._data[self._at - count : self._at]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)

    def number(self, count: int) -> int:
        """An integer of ``count`` bytes."""
        return int.from_bytes(self.take(count), "big")

    def packet_id(self) -> int:
        """An identifier, which is never 0."""
        number = self.number(2)
        if not number:
            raise Wrong("a packet identifier is 0")
        return number

    def variable(self) -> int:
        """A variable byte integer in its shortest form."""
        number = 0
        for place in range(4):
            byte = self.number(1)
            number |= (byte & 0x7F) << (7 * place)
            if not byte & 0x80:
                if place and not byte:
                    raise Wrong("a length is not in its shortest form")
                return number
        raise Wrong("a length has more than four bytes")

    def binary(self) -> bytes:
        """Data with its length before it."""
        return self.take(self.number(2))

    def text(self) -> str:
        """A text: UTF-8 without surrogates and zeros."""
        try:
            value = self.binary().decode()
        except UnicodeDecodeError:
            raise Wrong("a text is not UTF-8") from None
        if "\0" in value:
            raise Wrong("a text has a zero character")
        return value
