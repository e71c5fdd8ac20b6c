"""What lies beside the sketch in the flash of an Espressif chip: the partition table, the settings.

Source: ESP-IDF documentation, “Partition Tables”; the rows are those of the Arduino core's default.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = tuple[str, int, int, int, int, int]
"""Label, type, subtype, offset, size, flags."""

TABLE_AT: Final = 0x8000
TABLE_BYTES: Final = 0xC00
SETTINGS_AT: Final = 0x9000
SETTINGS_BYTES: Final = 0x5000
ROWS: Final[tuple[Row, ...]] = (
    ("nvs", 1, 2, SETTINGS_AT, SETTINGS_BYTES, 0),
    ("otadata", 1, 0, 0xE000, 0x2000, 0),
    ("app0", 0, 0x10, 0x1_0000, 0x14_0000, 0),
    ("spiffs", 1, 0x82, 0x29_0000, 0x16_0000, 0),
)
OWN_NAMESPACE: Final = "station"
OWN_SETTINGS: Final = {"place": b"roof"}
"""What the sketch itself keeps there; nothing that Mooring does may take it away."""

_ROW: Final = struct.Struct("<2sBBII16sI")
_ROW_MAGIC: Final = b"\xaa\x50"
_DATA, _NVS = 1, 2


def table(rows: Sequence[Row] = ROWS) -> bytes:
    """A partition table with its digest."""
    data = b"".join(
        _ROW.pack(_ROW_MAGIC, kind, subtype, offset, size, label.encode(), flags)
        for label, kind, subtype, offset, size, flags in rows
    )
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return (data + b"\xeb\xeb" + b"\xff" * 14 + digest).ljust(TABLE_BYTES, b"\xff")


def settings_image() -> bytes:
    """The settings of a board that was in use already."""
    from agent.protocols.nvs.merge import make

    return make(SETTINGS_BYTES, OWN_NAMESPACE, OWN_SETTINGS)


def find_settings(flash: bytes | bytearray) -> tuple[int, int] | None:
    """Place and size of the first partition for settings, as firmware finds it; None: there is none."""
    for at in range(TABLE_AT, TABLE_AT + TABLE_BYTES, _ROW.size):
        magic, kind, subtype, offset, size, _, _ = _ROW.unpack_from(flash, at)
        if magic != _ROW_MAGIC:
            return None
        if (kind, subtype) == (_DATA, _NVS) and offset + size <= len(flash):
            return offset, size
    return None
