"""The flash of an Espressif chip with a partition table and a settings area, for tests."""

from __future__ import annotations

from agent.simulator.esp_rom import EspRom
from agent.simulator.esp_table import ROWS, SETTINGS_AT, SETTINGS_BYTES, Row, table

AREA_AT, AREA_BYTES = SETTINGS_AT, SETTINGS_BYTES
"""As in the default table of the Arduino core."""


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
