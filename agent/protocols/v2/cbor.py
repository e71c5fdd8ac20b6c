"""The subset of CBOR (RFC 8949) that provisioning 2.0 uses.

A tag of four bytes, an array of definite length, and in it integers, byte strings, text strings
and, once, an array of integers. Written by hand because names of networks are text strings that
need not be UTF-8, and because reading needs no recursion: nothing a board sends can nest.
"""

from __future__ import annotations

from typing import Final

UINT: Final = 0
NEGATIVE: Final = 1
BYTES: Final = 2
TEXT: Final = 3
ARRAY: Final = 4
TAG: Final = 6

_LONGEST_ARGUMENT: Final = 27  # eight bytes


class CborError(ValueError):
    """Not what was expected here; the text says what was."""


def head(major: int, argument: int) -> bytes:
    """The shortest head of an item, as the firmware's encoder writes it."""
    major <<= 5
    if argument < 24:
        return bytes((major | argument,))
    if argument < 0x100:
        return bytes((major | 24, argument))
    if argument < 0x1_0000:
        return bytes((major | 25,)) + argument.to_bytes(2, "big")
    if argument < 0x1_0000_0000:
        return bytes((major | 26,)) + argument.to_bytes(4, "big")
    return bytes((major | 27,)) + argument.to_bytes(8, "big")


def integer(value: int) -> bytes:
    """A signed integer; OverflowError beyond 64 bits."""
    return head(UINT, value) if value >= 0 else head(NEGATIVE, -1 - value)


def byte_string(value: bytes) -> bytes:
    """A byte string."""
    return head(BYTES, len(value)) + value


def text(value: bytes) -> bytes:
    """A text string from its bytes, which need not be UTF-8."""
    return head(TEXT, len(value)) + value


def tagged(tag: int, *items: bytes) -> bytes:
    """``tag(T) [items]``: the form of every message."""
    return b"".join((head(TAG, tag), head(ARRAY, len(items)), *items))


class Reader:
    """Reads items one after the other; raises :class:`CborError` at the first that is wrong."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    def head(self) -> tuple[int, int]:
        """Major type and argument of the next item."""
        data, at = self._data, self._at
        if at >= len(data):
            raise CborError("it ends too early")
        first = data[at]
        argument = first & 0x1F
        at += 1
        if argument >= 24:
            if argument > _LONGEST_ARGUMENT:
                raise CborError("an item has no definite length")
            end = at + (1 << (argument - 24))
            if end > len(data):
                raise CborError("it ends too early")
            argument = int.from_bytes(data[at:end], "big")
            at = end
        self._at = at
        return first >> 5, argument

    def array(self) -> int:
        """Number of elements of the array that begins here."""
        major, count = self.head()
        if major != ARRAY:
            raise CborError("an array was expected")
        return count

    def integer(self) -> int:
        """A signed integer."""
        data, at = self._data, self._at
        # Nearly every integer is one of these two; this halves the time of a network list.
        if at < len(data) and data[at] < 24:
            self._at = at + 1
            return data[at]
        if at + 1 < len(data) and data[at] == NEGATIVE << 5 | 24:
            self._at = at + 2
            return -1 - data[at + 1]
        major, argument = self.head()
        if major == UINT:
            return argument
        if major == NEGATIVE:
            return -1 - argument
        raise CborError("an integer was expected")

    def byte_string(self) -> bytes:
        """A byte string."""
        return self._string(BYTES, "a byte string was expected")

    def text(self) -> bytes:
        """The bytes of a text string."""
        return self._string(TEXT, "a text string was expected")

    def _string(self, wanted: int, problem: str) -> bytes:
        data, at = self._data, self._at
        size = data[at] - (wanted << 5) if at < len(data) else -1
        if 0 <= size < 24:  # a short string: most names
            at += 1
        else:
            major, size = self.head()
            if major != wanted:
                raise CborError(problem)
            at = self._at
        self._at = end = at + size
        if end > len(data):
            raise CborError("it ends too early")
        return data[at:end]
