"""One item of NVS: an entry of 32 bytes, and as many behind it as its value needs."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

ENTRY_BYTES: Final = 32
KEY_BYTES: Final = 15
"""Of a key or the name of a namespace, without the zero byte behind it."""
CHUNK_ANY: Final = 0xFF
"""In the place of a chunk's number where there are no chunks."""
STRING_BYTES: Final = 4000
"""The longest string with its zero byte: all entries of a page but one."""
NAMESPACES: Final = 0
"""The namespace in which the names of the others are."""

_HEAD: Final = struct.Struct("<BBBBI16s8s")
_CRC_SEED: Final = 0xFFFF_FFFF


class Type(IntEnum):
    """What a value is. Numbers: size in the low digit, sign in the high one."""

    U8 = 0x01
    U16 = 0x02
    U32 = 0x04
    U64 = 0x08
    I8 = 0x11
    I16 = 0x12
    I32 = 0x14
    I64 = 0x18
    STRING = 0x21
    BLOB = 0x41
    """Of version 1: in one piece."""
    BLOB_DATA = 0x42
    """A piece of a blob of version 2."""
    BLOB_INDEX = 0x48
    """How long it is, how many pieces it has, and the number of the first."""


VARIABLE: Final = frozenset({Type.STRING, Type.BLOB, Type.BLOB_DATA})
"""Types whose value stands in the entries behind the first."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it is in flash."""

    namespace: int
    type: int
    span: int
    """Entries that it takes, the first included."""
    chunk: int
    key: bytes
    data: bytes
    """The last eight bytes of the first entry: a number, or the size and check value of the rest."""
    raw: bytes
    """All of it."""

    @property
    def size(self) -> int:
        """Bytes of a value that stands behind the first entry."""
        return int.from_bytes(self.data[:2], "little")

    @property
    def payload(self) -> bytes | None:
        """That value; None if it is damaged."""
        value = self.raw[ENTRY_BYTES : ENTRY_BYTES + self.size]
        whole = len(value) == self.size and crc(value) == int.from_bytes(self.data[4:], "little")
        return value if whole else None

    @property
    def number(self) -> int:
        """The value of the types of numbers."""
        signed = bool(self.type & 0x10)
        return int.from_bytes(self.data[: self.type & 0x0F], "little", signed=signed)

    @property
    def blob(self) -> tuple[int, int, int]:
        """Of a BLOB_INDEX: size, count of pieces, number of the first."""
        return int.from_bytes(self.data[:4], "little"), self.data[4], self.data[5]


def crc(data: bytes) -> int:
    """Check value of headers, entries and values (CRC-32 with all bits set before it)."""
    return zlib.crc32(data, _CRC_SEED)


def read_item(entries: bytes) -> Item | None:
    """The item that begins here; None if this is the beginning of none.

    ``entries`` goes to the end of the page.
    """
    if len(entries) < ENTRY_BYTES:
        return None
    namespace, kind, span, chunk, check, key, data = _HEAD.unpack_from(entries)
    if check != _check(entries[:ENTRY_BYTES]) or not 0 < span <= len(entries) // ENTRY_BYTES:
        return None
    name, end, _ = key.partition(b"\0")
    if not end or (span > 1 and kind not in VARIABLE):
        return None
    return Item(namespace, kind, span, chunk, name, data, bytes(entries[: span * ENTRY_BYTES]))


def name_item(name: bytes, number: int) -> bytes:
    """The entry that gives a namespace its number."""
    return _first(NAMESPACES, Type.U8, 1, CHUNK_ANY, name, bytes([number]))


def string_item(namespace: int, key: bytes, text: bytes) -> bytes:
    """A string, its zero byte added."""
    return _variable(namespace, Type.STRING, CHUNK_ANY, key, text + b"\0")


def piece_item(namespace: int, key: bytes, chunk: int, data: bytes) -> bytes:
    """A piece of a blob."""
    return _variable(namespace, Type.BLOB_DATA, chunk, key, data)


def index_item(namespace: int, key: bytes, size: int, count: int, first: int) -> bytes:
    """The entry that holds the pieces of a blob together; written last."""
    data = size.to_bytes(4, "little") + bytes([count, first])
    return _first(namespace, Type.BLOB_INDEX, 1, CHUNK_ANY, key, data)


def renumbered(item: Item, namespace: int) -> bytes:
    """The same item in the namespace with another number."""
    first = bytearray(item.raw[:ENTRY_BYTES])
    first[0] = namespace
    first[4:8] = _check(first).to_bytes(4, "little")
    return bytes(first) + item.raw[ENTRY_BYTES:]


def _variable(namespace: int, kind: Type, chunk: int, key: bytes, value: bytes) -> bytes:
    count = -(-len(value) // ENTRY_BYTES)
    data = struct.pack("<HHI", len(value), 0xFFFF, crc(value))
    first = _first(namespace, kind, 1 + count, chunk, key, data)
    return first + value.ljust(count * ENTRY_BYTES, b"\xff")


def _first(namespace: int, kind: Type, span: int, chunk: int, key: bytes, data: bytes) -> bytes:
    name, rest = key.ljust(16, b"\0"), data.ljust(8, b"\xff")
    entry = bytearray(_HEAD.pack(namespace, kind, span, chunk, 0, name, rest))
    entry[4:8] = _check(entry).to_bytes(4, "little")
    return bytes(entry)


def _check(entry: bytes | bytearray) -> int:
    """Of an entry, its own check value left out."""
    return crc(bytes(entry[:4] + entry[8:]))
