"""The flash chip beside an Espressif chip, as its host asks it: over the registers of the SPI unit.

A host puts a command and an address into registers, says go, and reads the answer from another.
Sources: espressif/esptool: esptool/loader.py (run_spiflash_command); JEDEC JESD216 (SFDP).
"""

from __future__ import annotations

from typing import Final

import msgspec

FLASH_BYTES: Final = 8 << 20
FLASH_ID: Final = 0x17_40C8
"""Maker, kind and size (2^23 bytes) as a flash chip of 8 MiB tells them."""

_READ_ID, _READ_SFDP = 0x9F, 0x5A
_ADDRESS: Final = 0x04
_ADDRESS_BITS: Final = 24
_PARAMETERS_AT: Final = 0x30
_SFDP: Final = (
    b"SFDP\x06\x01\x00\xff"
    + bytes([0x00, 0x06, 0x01, 0x10, _PARAMETERS_AT, 0x00, 0x00, 0xFF])
    + b"\xff" * (_PARAMETERS_AT - 16)
    + bytes.fromhex("e520f1ff")
    + (8 * FLASH_BYTES - 1).to_bytes(4, "little")
)
"""A header, and the first two words of the basic parameters: kinds of reading, and the size."""


class SpiUnit(msgspec.Struct, frozen=True):
    """Where the registers of a chip's SPI unit are."""

    base: int
    """What to do; it reads as done."""
    command: int
    """The command's byte, from ``base``; in its lowest byte."""
    answer: int
    """From ``base``."""
    high_address: bool
    """An address stands at the upper end of its register."""


class SpiFlash:
    """Answers what is read from the SPI unit; ``registers`` are the chip's, by address."""

    def __init__(self, unit: SpiUnit, registers: dict[int, int], *, attached: bool) -> None:
        self.attached = attached
        """The pins lead to the flash chip; before, it is not heard."""
        self._unit = unit
        self._registers = registers

    def read(self, register: int) -> int | None:
        """The value of a register of the SPI unit that is more than a memory; else None."""
        unit = self._unit
        if register == unit.base:
            return 0
        if register == unit.base + unit.answer:
            return self._answer() if self.attached else 0
        return None

    def _answer(self) -> int:
        unit = self._unit
        command = self._registers.get(unit.base + unit.command, 0) & 0xFF
        if command == _READ_ID:
            return FLASH_ID
        if command != _READ_SFDP:
            return 0
        address = self._registers.get(unit.base + _ADDRESS, 0)
        if unit.high_address:
            address >>= 32 - _ADDRESS_BITS
        return int.from_bytes(_SFDP[address : address + 4].ljust(4, b"\xff"), "little")
