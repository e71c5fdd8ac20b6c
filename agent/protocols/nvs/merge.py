"""Puts values into an NVS partition; what others keep there stays byte for byte.

Pages that need no change are not changed, and what is new goes behind what is there, as firmware
does it. Only where there is no room for that, all that counts is written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.protocols.nvs.entries import (
    ENTRY_BYTES,
    KEY_BYTES,
    NAMESPACES,
    STRING_BYTES,
    Type,
    index_item,
    name_item,
    piece_item,
    renumbered,
    string_item,
)
from agent.protocols.nvs.pages import ENTRIES, VERSION_1, VERSION_2, Page, PageState
from agent.protocols.nvs.store import Store, read_store

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agent.protocols.nvs.entries import Item

STRING_BYTES_1: Final = 1984
"""The longest string of version 1, with its zero byte."""
FIRST_PIECE, OTHER_PIECE = 0x00, 0x80
"""Number of a blob's first piece: one for its old value, the other for the new."""
NUMBERS: Final = range(1, 255)
"""Of namespaces."""


class NvsFull(Exception):
    """The partition has no room: entries that are needed, and those that there are."""

    def __init__(self, needed: int, room: int) -> None:
        super().__init__("no room")
        self.needed_bytes = needed * ENTRY_BYTES
        self.room_bytes = room * ENTRY_BYTES


class ValueTooLong(Exception):
    """A value that this version of NVS does not hold."""

    def __init__(self, key: str, size: int, limit: int) -> None:
        super().__init__("too long")
        self.key = key
        self.size = size
        self.limit = limit


class _NoRoom(Exception):
    """All that counts must be written anew."""


def make(size: int, namespace: str, values: Mapping[str, bytes]) -> bytes:
    """A partition with these values alone; ``size`` in bytes."""
    return merge(b"\xff" * size, namespace, values, ())


def merge(
    image: bytes, namespace: str, values: Mapping[str, bytes], drop: Collection[str]
) -> bytes:
    """The partition with ``values`` in ``namespace``, and without the keys of ``drop``.

    A value is a string (without a zero byte), or a blob if it is longer than
    :data:`STRING_BYTES`. What is there already stays as it is, so the same values again change
    nothing. Raises :class:`NvsBroken`, :class:`NvsFull`, :class:`ValueTooLong`, and ValueError
    for a name that does not go.
    """
    for name in (namespace, *values, *drop):
        require_name(name)
    store = read_store(image)
    changed = {
        key: value for key, value in values.items() if not _holds(store, namespace, key, value)
    }
    gone = (set(drop) | set(changed)) - (set(values) - set(changed))
    try:
        _change(store, namespace, changed, gone)
    except _NoRoom:
        store = _compacted(read_store(image), namespace, gone)
        try:
            _change(store, namespace, changed, ())
        except _NoRoom:
            raise _full(store, namespace, changed) from None
    return store.to_bytes()


def put_back(image: bytes, old: bytes) -> bytes:
    """The partition ``image`` with every value of ``old`` that it lacks; what it has stays.

    For one that firmware went on with after a part of it was lost. Raises :class:`NvsBroken` and
    :class:`NvsFull`.
    """
    store, before = read_store(image), read_store(old)
    named = {NAMESPACES, *store.namespaces().values()}
    for page, entry, item in list(store.items()):
        if item.namespace not in named:
            # Of a namespace whose name was not written any more: nobody finds it.
            page.erase(entry)
    for name, number in before.namespaces().items():
        there = store.namespaces().get(name)
        lost = {
            item.key
            for _, _, item in before.items()
            if item.namespace == number and store.value(there, item.key) is None
        }
        missing = _oldest(before, number, lost)
        try:
            _erase(store, there, lost)  # pieces of blobs
            if missing and there is None:
                there = _new_number(store)
                _append(store, name_item(name, there))
            for item in missing:
                _append(store, renumbered(item, there or 0))
        except _NoRoom:
            raise NvsFull(*_sizes(store, [item.raw for item in missing])) from None
    return store.to_bytes()


def require_name(name: str) -> None:
    """Raise ValueError for what is no name of a key or namespace."""
    if not (0 < len(name) <= KEY_BYTES and name.isascii() and name.isprintable()):
        msg = f"a name has 1 to {KEY_BYTES} printable ASCII characters"
        raise ValueError(msg)


def _holds(store: Store, namespace: str, key: str, value: bytes) -> bool:
    """It has exactly this value, once, in the form that is written here."""
    number = store.namespaces().get(namespace.encode())
    kinds = [
        item.type
        for _, _, item in store.items()
        if item.namespace == number and item.key == key.encode() and item.type != Type.BLOB_DATA
    ]
    expected = Type.STRING if len(value) < STRING_BYTES else Type.BLOB_INDEX
    return kinds == [expected] and store.get(namespace, key) == value


def _change(
    store: Store, namespace: str, values: Mapping[str, bytes], gone: Collection[str]
) -> None:
    """Change ``store`` itself; raises :class:`_NoRoom` in the middle of it."""
    number = store.namespaces().get(namespace.encode())
    first_pieces = _erase(store, number, {key.encode() for key in gone})
    if not values:
        return
    if number is None:
        number = _new_number(store)
        _append(store, name_item(namespace.encode(), number))
    # Short ones first: they fill up the page that is being written.
    for key, value in sorted(values.items(), key=lambda pair: (len(pair[1]), pair[0])):
        name = key.encode()
        if len(value) < _string_limit(store):
            _append(store, string_item(number, name, value))
        elif _version(store) == VERSION_1:
            raise ValueTooLong(key, len(value), STRING_BYTES_1 - 1)
        else:
            old = first_pieces.get(name)
            first = OTHER_PIECE if old == FIRST_PIECE else FIRST_PIECE
            _append_blob(store, number, name, value, first)


def _erase(store: Store, number: int | None, keys: Collection[bytes]) -> dict[bytes, int]:
    """Take these keys away; where the blobs among them began."""
    first_pieces: dict[bytes, int] = {}
    for page, entry, item in list(store.items()):
        if number is not None and item.namespace == number and item.key in keys:
            if item.type == Type.BLOB_INDEX:
                first_pieces[item.key] = item.blob[2]
            page.erase(entry)
    return first_pieces


def _new_number(store: Store) -> int:
    """The lowest number that no namespace has, nor an item whose namespace was lost."""
    used = {*store.namespaces().values(), *(item.namespace for _, _, item in store.items())}
    number = next((each for each in NUMBERS if each not in used), None)
    if number is None:
        raise NvsFull(1, 0)
    return number


def _oldest(store: Store, number: int, keys: Collection[bytes]) -> list[Item]:
    """The items of these keys of a namespace, each once: as firmware finds them."""
    found: dict[tuple[bytes, int, int], Item] = {}
    for _, _, item in store.items():
        if item.namespace == number and item.key in keys:
            found.setdefault((item.key, item.type, item.chunk), item)
    return list(found.values())


def _append_blob(store: Store, number: int, key: bytes, value: bytes, first: int) -> None:
    count = place = 0
    while place < len(value):
        page = _page_with(store, 2)
        size = min(len(value) - place, (page.room - 1) * ENTRY_BYTES)
        page.add(piece_item(number, key, first + count, value[place : place + size]))
        place, count = place + size, count + 1
    _append(store, index_item(number, key, len(value), count, first))


def _append(store: Store, raw: bytes) -> None:
    _page_with(store, len(raw) // ENTRY_BYTES).add(raw)


def _page_with(store: Store, entries: int) -> Page:
    """The page that is written to, with room for so many entries; a new one if need be."""
    last = store.pages[-1] if store.pages else None
    if last is not None and last.state == PageState.ACTIVE:
        last.tidy()
        if last.room >= entries:
            return last
        last.close()
    blank = store.blank
    if len(blank) < 2:
        # Firmware erases a partition without a blank page.
        raise _NoRoom
    page = Page.new(blank[0], 0 if last is None else last.number + 1, _version(store))
    store.pages.append(page)
    return page


def _compacted(store: Store, namespace: str, gone: Collection[str]) -> Store:
    """The same items, entry by entry, without the room that erased ones take."""
    number = store.namespaces().get(namespace.encode())
    _erase(store, number, {key.encode() for key in gone})
    after = store.pages[-1].number + 1 if store.pages else 0
    new = Store([], store.count)
    new_version = _version(store)
    for _, _, item in store.items():
        page = new.pages[-1] if new.pages else None
        if page is None or page.room < item.span:
            if page is not None:
                page.close()
            if len(new.pages) == store.count - 1:
                raise NvsFull(*_sizes(store, ()))
            page = Page.new(len(new.pages), after + len(new.pages), new_version)
            new.pages.append(page)
        page.add(item.raw)
    return new


def _full(store: Store, namespace: str, values: Mapping[str, bytes]) -> NvsFull:
    names = () if namespace.encode() in store.namespaces() else (b"",)
    return NvsFull(*_sizes(store, [*names, *values.values()]))


def _sizes(store: Store, values: Collection[bytes]) -> tuple[int, int]:
    """Entries that values need, and those that are left beside what counts."""
    used = sum(item.span for _, _, item in store.items())
    needed = sum(1 + -(-(len(value) + 1) // ENTRY_BYTES) for value in values)
    return needed, max(0, (store.count - 1) * ENTRIES - used)


def _version(store: Store) -> int:
    """That of what is there: firmware that writes version 1 cannot read version 2."""
    return store.pages[-1].version if store.pages else VERSION_2


def _string_limit(store: Store) -> int:
    return STRING_BYTES_1 if _version(store) == VERSION_1 else STRING_BYTES
