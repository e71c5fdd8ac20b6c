"""What an NVS partition holds: names, keys and values, as its firmware would find them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from agent.protocols.nvs.entries import NAMESPACES, Type
from agent.protocols.nvs.pages import PAGE_BYTES, NvsBroken, Page, PageState, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.protocols.nvs.entries import Item

PAGES_MIN: Final = 3
"""Firmware refuses a smaller partition: one page is written, one is full, one is free."""

Value: TypeAlias = int | bytes
"""A number; a string without its zero byte, or a blob."""


class Store:
    """The pages of one partition, in the order in which they were written."""

    def __init__(self, pages: list[Page], count: int) -> None:
        self.pages = pages
        self.count = count
        """Pages of the partition, blank ones too."""

    @property
    def blank(self) -> list[int]:
        """Places of the blank pages."""
        used = {page.place for page in self.pages}
        return [place for place in range(self.count) if place not in used]

    def items(self) -> Iterator[tuple[Page, int, Item]]:
        """All items, the oldest first, with their page and first entry."""
        for page in self.pages:
            for entry, item in page.items:
                yield page, entry, item

    def namespaces(self) -> dict[bytes, int]:
        """Names to numbers; the older of two entries counts, as for firmware."""
        found: dict[bytes, int] = {}
        for _, _, item in self.items():
            if item.namespace == NAMESPACES and item.type == Type.U8:
                found.setdefault(item.key, item.number)
        return found

    def get(self, namespace: str, key: str) -> Value | None:
        """A value; None if there is none, or it is damaged."""
        return self.value(self.namespaces().get(namespace.encode()), key.encode())

    def value(self, number: int | None, key: bytes) -> Value | None:
        """The same by the number of the namespace."""
        for _, _, item in self.items():
            if item.namespace == number and item.key == key and item.type != Type.BLOB_DATA:
                return self._value(item)
        return None

    def keys(self, namespace: str) -> list[str]:
        """The keys of a namespace, the oldest first."""
        number = self.namespaces().get(namespace.encode())
        found = [
            item.key.decode(errors="replace")
            for _, _, item in self.items()
            if item.namespace == number and item.type != Type.BLOB_DATA
        ]
        return list(dict.fromkeys(found))

    def to_bytes(self) -> bytes:
        """The partition."""
        image = bytearray(b"\xff" * (self.count * PAGE_BYTES))
        for page in self.pages:
            image[page.place * PAGE_BYTES : (page.place + 1) * PAGE_BYTES] = page.data
        return bytes(image)

    def _value(self, item: Item) -> Value | None:
        if item.type == Type.BLOB_INDEX:
            return self._blob(item)
        if item.type == Type.STRING:
            text = item.payload
            return None if text is None else text.removesuffix(b"\0")
        if item.type == Type.BLOB:
            return item.payload
        return item.number

    def _blob(self, index: Item) -> bytes | None:
        size, count, first = index.blob
        pieces: dict[int, bytes | None] = {}
        for _, _, item in self.items():
            same = (item.namespace, item.key) == (index.namespace, index.key)
            if same and item.type == Type.BLOB_DATA:
                pieces.setdefault(item.chunk, item.payload)
        found = [pieces.get(number) for number in range(first, first + count)]
        whole = b"".join(piece or b"" for piece in found)
        return whole if None not in found and len(whole) == size else None


def read_store(image: bytes) -> Store:
    """What a partition holds; raises :class:`NvsBroken` for one that must not be touched.

    The one damage that is let pass is at the very end of what was written: its firmware was
    interrupted there, and does not count that item either.
    """
    count, rest = divmod(len(image), PAGE_BYTES)
    if rest or count < PAGES_MIN:
        raise NvsBroken(Problem.SIZE)
    found = [
        Page.read(place, image[place * PAGE_BYTES : (place + 1) * PAGE_BYTES])
        for place in range(count)
    ]
    pages = sorted((page for page in found if page is not None), key=lambda page: page.number)
    if len({page.number for page in pages}) < len(pages):
        raise NvsBroken(Problem.SEQUENCE)
    if len(pages) == count:
        raise NvsBroken(Problem.NO_BLANK)
    _require_readable(pages)
    return Store(pages, count)


def _require_readable(pages: list[Page]) -> None:
    damaged = [page for page in pages if page.damaged]
    if not damaged:
        return
    if not any(page.items for page in pages):
        raise NvsBroken(Problem.ENCRYPTED)
    last = pages[-1]
    if damaged == [last] and last.state == PageState.ACTIVE:
        good = last.items[-1][0] if last.items else -1
        if last.damaged[0] > good:
            return
    raise NvsBroken(Problem.ENTRY, damaged[0].place)
