"""Reading CBOR the way the board's library does: one item at a time, as leniently as it.

The board never checks a message as a whole. What it accepts, refuses or halts on follows from
how far it reads: an item is looked at when the cursor arrives at it, and a string also looks at
the item behind it.
Source: protocol-v2, section 4; TinyCBOR as in Arduino_CloudUtils cc0cd49.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

INDEFINITE: Final = 31
_BREAK: Final = 0xFF
_MAX_NESTING: Final = 1024


class Refused(Exception):
    """The board's decoder gives up: status -5 on a link."""


class Halted(Exception):
    """An assertion of the board's CBOR library fails: the board stands still until a reset."""


class Kind(Enum):
    """What stands at the cursor."""

    INTEGER = 0
    BYTES = 2
    TEXT = 3
    ARRAY = 4
    MAP = 5
    TAG = 6
    SIMPLE = 7
    NOTHING = -1
    """Past the last element of a container."""


class Cursor:
    """A place in a CBOR text. Copied when the library copies its iterator."""

    __slots__ = ("argument", "at", "data", "indefinite", "kind", "negative", "remaining")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.remaining: int | None = 1  # elements left in this container; None: until a break
        self.kind = Kind.NOTHING
        self.argument = 0
        self.negative = False
        self.indefinite = False
        self._look()

    def integer(self) -> int:
        """The value as a C ``int``: 32 bits of it, as the board keeps them."""
        value = _signed32(self.argument)
        return _signed32(-value - 1) if self.negative else value

    def string(self, size: int) -> bytes:
        """Content of a text or byte string, at most ``size`` bytes; chunks are joined.

        The item behind the string is looked at as well, as the library does.
        """
        return self._string(size)[0]

    def advance(self) -> None:
        """Go to the next item; items inside this one are skipped."""
        if self.kind is Kind.NOTHING:
            raise Halted
        self.skip()

    def enter(self) -> Cursor:
        """A cursor at the first element of this array or map."""
        inner = self.copy()
        if self.indefinite:
            inner.remaining = None
            inner.at += 1
        else:
            inner.take_head()
            count = self.argument * (2 if self.kind is Kind.MAP else 1)
            if count >= 0xFFFFFFFF:
                raise Refused
            inner.remaining = count
            if count == 0:
                inner.kind = Kind.NOTHING
                return inner
        inner.look_next()
        return inner

    def leave(self, inner: Cursor) -> None:
        """Go behind this container, whose elements ``inner`` has all read."""
        if inner.kind is not Kind.NOTHING:
            raise Halted
        self.at = inner.at
        self.next()

    def copy(self) -> Cursor:
        """An independent cursor at the same place."""
        other = Cursor.__new__(Cursor)
        other.data, other.at, other.remaining = self.data, self.at, self.remaining
        other.kind, other.argument = self.kind, self.argument
        other.negative, other.indefinite = self.negative, self.indefinite
        return other

    def skip(self) -> None:
        """:meth:`advance` without its assertion."""
        if self.kind in {Kind.BYTES, Kind.TEXT}:
            _, behind = self._string(None)
            self._become(behind)
            return
        if self.kind not in {Kind.ARRAY, Kind.MAP}:
            self.take_head()
            self.next()
            return
        open_containers = [self]
        inner = self.enter()
        while True:
            if inner.remaining == 0:
                outer = open_containers.pop()
                outer.leave(inner)
                if not open_containers:
                    return
                inner = outer
            elif inner.kind in {Kind.ARRAY, Kind.MAP}:
                if len(open_containers) >= _MAX_NESTING:
                    raise Refused
                open_containers.append(inner)
                inner = inner.enter()
            else:
                inner.skip()

    def _become(self, other: Cursor) -> None:
        self.at, self.remaining = other.at, other.remaining
        self.kind, self.argument = other.kind, other.argument
        self.negative, self.indefinite = other.negative, other.indefinite

    def _string(self, size: int | None) -> tuple[bytes, Cursor]:
        """Content, and the cursor behind the string."""
        behind = self.copy()
        major = self.kind.value
        if self.indefinite:
            behind.at += 1
            parts: list[bytes] = []
            while True:
                if behind.at >= len(self.data):
                    raise Refused
                if self.data[behind.at] == _BREAK:
                    behind.at += 1
                    break
                if self.data[behind.at] >> 5 != major:
                    raise Refused
                parts.append(behind.take_chunk())
            content = b"".join(parts)
        else:
            content = behind.take_chunk()
        behind.next()
        if size is not None and len(content) > size:
            raise Refused
        return content, behind

    def take_chunk(self) -> bytes:
        """One string of known length, which is left behind."""
        length = self.take_head()
        if length > len(self.data) - self.at:
            raise Refused
        chunk = self.data[self.at : self.at + length]
        self.at += length
        return chunk

    def take_head(self) -> int:
        """Argument of the head at the cursor, which is left behind."""
        info = self.data[self.at] & 0x1F
        self.at += 1
        if info < 24:
            return info
        if info > 27:
            raise Refused
        width = 1 << (info - 24)
        if width > len(self.data) - self.at:
            raise Refused
        argument = int.from_bytes(self.data[self.at : self.at + width], "big")
        self.at += width
        return argument

    def next(self) -> None:
        """Count the item just read, and look at the one behind it. Tags do not count."""
        if self.remaining is not None and self.kind is not Kind.TAG:
            self.remaining -= 1
            if self.remaining == 0:
                self.kind = Kind.NOTHING
                return
        self.look_next()

    def look_next(self) -> None:
        """Look at the next element, or notice the end of a container of indefinite length."""
        if self.remaining is None and self.data[self.at : self.at + 1] == b"\xff":
            self.at += 1
            self.remaining = 0
            self.kind = Kind.NOTHING
            return
        self._look()

    def _look(self) -> None:
        """Read the head at the cursor; :class:`Refused` if there is no good one."""
        self.kind = Kind.NOTHING
        if self.at >= len(self.data):
            raise Refused
        major, info = divmod(self.data[self.at], 32)
        self.negative = major == 1
        self.indefinite = info == INDEFINITE
        if self.indefinite and major not in {2, 3, 4, 5}:
            raise Refused
        if self.indefinite:
            self.argument = 0
        else:
            start = self.at
            self.argument = self.take_head()
            self.at = start
        if major == 7 and info == 24 and self.argument < 32:
            raise Refused
        self.kind = Kind.INTEGER if major == 1 else Kind(major)


def _signed32(value: int) -> int:
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000
