"""A page of NVS: a header, two bits of state for each entry, and 126 entries."""

from __future__ import annotations

import struct
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final

from agent.protocols.nvs.entries import ENTRY_BYTES, crc, read_item

if TYPE_CHECKING:
    from agent.protocols.nvs.entries import Item

PAGE_BYTES: Final = 4096
ENTRIES: Final = 126
BLANK: Final = b"\xff" * PAGE_BYTES
_TABLE_AT: Final = 32
_ENTRIES_AT: Final = 64
_HEADER: Final = struct.Struct("<IIB19sI")

VERSION_1: Final = 0xFF
VERSION_2: Final = 0xFE
"""Blobs may be in several pieces. Versions count downwards."""


class PageState(IntEnum):
    """Each is reached from the one before it by clearing bits."""

    BLANK = 0xFFFF_FFFF
    ACTIVE = 0xFFFF_FFFE
    """The one that is written to: that with the highest number."""
    FULL = 0xFFFF_FFFC
    FREEING = 0xFFFF_FFF8
    """What is still needed of it is being copied to another page."""


class EntryState(IntEnum):
    """Two bits of the table."""

    ERASED = 0
    WRITTEN = 2
    EMPTY = 3


class Problem(Enum):
    """Why a partition is not touched."""

    SIZE = "its size is not that of an NVS partition"
    HEADER = "the header of a page is damaged"
    FREEING = "its firmware was interrupted while it tidied up"
    VERSION = "it was written by a newer version of NVS"
    SEQUENCE = "two of its pages have the same number"
    ENTRY = "an entry is damaged"
    ENCRYPTED = "it is encrypted"
    NO_BLANK = "it has no free page, so its firmware will erase it"


class NvsBroken(Exception):
    """A partition that cannot be read, and so is not written either."""

    def __init__(self, problem: Problem, page: int | None = None) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.page = page
        """Which one, from 0."""


class Page:
    """One page that holds something; :attr:`data` may be changed through its methods."""

    def __init__(self, place: int, data: bytearray) -> None:
        self.place = place
        """In the partition, from 0."""
        self.data = data
        self.items: list[tuple[int, Item]] = []
        """What it holds, by the number of the first entry."""
        self.end = 0
        """The first entry that was never written."""
        self.damaged: list[int] = []
        """Entries that are marked as written and begin no item."""
        self.state, self.number, self.version, _, check = _HEADER.unpack_from(data)
        if check != crc(bytes(data[4:28])):
            raise NvsBroken(Problem.HEADER, place)

    @classmethod
    def read(cls, place: int, data: bytes) -> Page | None:
        """The page in these bytes; None if it is blank. Raises :class:`NvsBroken`."""
        if data == BLANK:
            return None
        page = cls(place, bytearray(data))
        if page.state == PageState.FREEING:
            raise NvsBroken(Problem.FREEING, place)
        if page.state not in {PageState.ACTIVE, PageState.FULL}:
            raise NvsBroken(Problem.HEADER, place)
        if page.version < VERSION_2:
            raise NvsBroken(Problem.VERSION, place)
        page._find_items()
        return page

    @classmethod
    def new(cls, place: int, number: int, version: int) -> Page:
        """An active page without entries."""
        data = bytearray(BLANK)
        _HEADER.pack_into(data, 0, PageState.ACTIVE, number, version, b"\xff" * 19, 0)
        data[28:32] = crc(bytes(data[4:28])).to_bytes(4, "little")
        return cls(place, data)

    @property
    def room(self) -> int:
        """Entries that may still be added."""
        return ENTRIES - self.end if self.state == PageState.ACTIVE else 0

    def add(self, raw: bytes) -> None:
        """Append an item; the caller has asked for :attr:`room`."""
        item = read_item(raw)
        assert item is not None  # noqa: S101  (made by the functions of this package)
        assert item.span <= self.room  # noqa: S101  (as above)
        begin = _ENTRIES_AT + self.end * ENTRY_BYTES
        self.data[begin : begin + len(raw)] = raw
        for entry in range(self.end, self.end + item.span):
            self._mark(entry, EntryState.WRITTEN)
        self.items.append((self.end, item))
        self.end += item.span

    def erase(self, first: int) -> None:
        """Take the item away that begins at this entry; its bytes stay, as in a real erasure."""
        index = next(at for at, (entry, _) in enumerate(self.items) if entry == first)
        _, item = self.items.pop(index)
        for entry in range(first, first + item.span):
            self._mark(entry, EntryState.ERASED)

    def close(self) -> None:
        """Nothing more is added."""
        self.state = PageState.FULL
        self.data[:4] = PageState.FULL.to_bytes(4, "little")

    def tidy(self) -> None:
        """Make the rest blank where its firmware was interrupted while it wrote an item."""
        for entry in self.damaged:
            self._mark(entry, EntryState.ERASED)
        self.damaged.clear()
        begin = _ENTRIES_AT + self.end * ENTRY_BYTES
        self.data[begin:] = b"\xff" * (PAGE_BYTES - begin)

    def _find_items(self) -> None:
        entries = bytes(self.data[_ENTRIES_AT : _ENTRIES_AT + ENTRIES * ENTRY_BYTES])
        place = 0
        while place < ENTRIES and self._state(place) != EntryState.EMPTY:
            span = 1
            if self._state(place) == EntryState.WRITTEN:
                item = read_item(entries[place * ENTRY_BYTES :])
                if item is not None and self._written(place, item.span):
                    self.items.append((place, item))
                    span = item.span
                else:
                    self.damaged.append(place)
            place += span
        self.end = place
        if any(self._state(entry) != EntryState.EMPTY for entry in range(place, ENTRIES)):
            raise NvsBroken(Problem.ENTRY, self.place)

    def _written(self, first: int, span: int) -> bool:
        return all(self._state(entry) == EntryState.WRITTEN for entry in range(first, first + span))

    def _state(self, entry: int) -> int:
        return self.data[_TABLE_AT + entry // 4] >> (entry % 4 * 2) & 3

    def _mark(self, entry: int, state: EntryState) -> None:
        at, shift = _TABLE_AT + entry // 4, entry % 4 * 2
        self.data[at] = self.data[at] & ~(3 << shift) | state << shift
