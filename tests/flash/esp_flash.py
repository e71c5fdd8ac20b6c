"""The flash of an Espressif chip with a partition table and a settings area, for tests."""

from __future__ import annotations

import hashlib
import struct

from agent.simulator.esp_rom import EspRom

AREA_AT, AREA_BYTES = 0x9000, 0x5000
"""As in the default table of the Arduino core."""
Row = tuple[str, int, int, int, int, int]
ROWS: tuple[Row, ...] = (
    ("nvs", 1, 2, AREA_AT, AREA_BYTES, 0),
    ("otadata", 1, 0, 0xE000, 0x2000, 0),
    ("app0", 0, 0x10, 0x1_0000, 0x14_0000, 0),
    ("spiffs", 1, 0x82, 0x29_0000, 0x16_0000, 0),
)


def table(rows: tuple[Row, ...] = ROWS) -> bytes:
    """A partition table with its digest."""
    data = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, label.encode(), flags)
        for label, kind, subtype, offset, size, flags in rows
    )
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return (data + b"\xeb\xeb" + b"\xff" * 14 + digest).ljust(0xC00, b"\xff")


def chip_with(
    image: bytes, chip: str = "esp32", *, rows: tuple[Row, ...] = ROWS, at: int = AREA_AT
) -> EspRom:
    """A chip with a sketch, and ``image`` in its settings area."""
    rom = EspRom(chip)
    rom.flash[0x8000:0x8C00] = table(rows)
    rom.flash[0x1_0000 : 0x1_0000 + 64] = b"sketch" + bytes(58)
    rom.flash[at : at + len(image)] = image
    return rom


def area(rom: EspRom, at: int = AREA_AT, size: int = AREA_BYTES) -> bytes:
    """What the settings area holds now."""
    return bytes(rom.flash[at : at + size])
