"""Memory of the chips behind simulated SAM-BA loaders: flash, RAM and the flash controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

RAM_START: Final = 0x20000000
CPUID: Final = 0xE000ED00
AIRCR: Final = 0xE000ED0C
RESET_REQUEST: Final = 0x05FA0004
DEVICE_ID: Final = 0x41002018
USER_ROW: Final = 0x00804000
USER_ROW_BYTES: Final = 256

NVM_COMMAND: Final = 0x41004000
NVM_CONTROL: Final = 0x41004004
NVM_PARAMETERS: Final = 0x41004008
NVM_READY: Final = 0x41004014
NVM_STATUS: Final = 0x41004018
NVM_ADDRESS: Final = 0x4100401C
"""Registers of the SAMD21; the address counts half-words. Source: bench-boards, section b."""
ERASE_ROW: Final = 0xA502
WRITE_PAGE: Final = 0xA504
CLEAR_PAGE_BUFFER: Final = 0xA544
ERASED: Final = 0xFF
EVER: Final = 1 << 30
"""More writes than a test makes."""

FlashStep = Literal["erase", "write", "verify"]

APPLET_SOURCE: Final = 0x2C
APPLET_DESTINATION: Final = 0x28
APPLET_WORDS: Final = 0x30
"""Where the word-copy applet that hosts upload keeps its parameters."""


@dataclass(frozen=True, slots=True)
class Chip:
    """What differs between chips; sizes in bytes."""

    name: str
    flash_bytes: int
    ram_bytes: int
    loader_bytes: int
    page_bytes: int
    erase_bytes: int
    cpu_id: int
    device_id: int
    has_nvm_registers: bool = False


SAMD21G18A: Final = Chip(
    "SAMD21G18A", 0x40000, 0x8000, 0x2000, 64, 256, 0x410CC601, 0x10010305, has_nvm_registers=True
)
SAMD51P19A: Final = Chip("SAMD51P19A", 0x80000, 0x30000, 0x4000, 512, 8192, 0x410FC241, 0x60060301)
RA4M1: Final = Chip("RA4M1", 0x40000, 0x8000, 0x4000, 8, 2048, 0x410FC241, 0)


class ChipMemory:
    """The memory map of a chip; what is not there reads as zero and ignores writes."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.flash = bytearray([ERASED]) * chip.flash_bytes
        # A vector table, as every loader begins with one: stack at the end of RAM, then code.
        self.flash[:8] = (RAM_START + chip.ram_bytes).to_bytes(4, "little") + b"\x01\x01\0\0"
        self.ram = bytearray(chip.ram_bytes)
        self.reset_requested = False
        self.flips: dict[int, int] = {}
        """Addresses whose next so many writes go wrong by one bit."""
        self.leaks = False
        """The next cell that is written goes wrong, and stays so."""
        self.on_step: Callable[[FlashStep], None] | None = None
        """Told in the middle of an erase or a write, and before flash is compared. What it raises
        leaves the flash as it is then."""
        self._user_row = bytearray([ERASED]) * USER_ROW_BYTES
        self._page_buffer: dict[int, int] = {}
        self._registers = {CPUID: chip.cpu_id, DEVICE_ID: chip.device_id}
        if chip.has_nvm_registers:
            pages = chip.flash_bytes // chip.page_bytes
            self._registers |= {NVM_CONTROL: 0x80, NVM_READY: 1, NVM_STATUS: 0, NVM_ADDRESS: 0}
            self._registers[NVM_PARAMETERS] = (chip.page_bytes.bit_length() - 4) << 16 | pages

    def read(self, address: int, size: int) -> bytes:
        """Any memory, up to the size of the flash at once."""
        size = min(size, len(self.flash))
        for start, memory in self._regions():
            if start <= address and address + size <= start + len(memory):
                return bytes(memory[address - start : address - start + size])
        word = self._registers.get(address & ~3, 0).to_bytes(4, "little") + bytes(size)
        return word[address & 3 :][:size]

    def write(self, address: int, data: bytes) -> None:
        """RAM, a register, or the page buffer of the flash; no loader checks where."""
        start = address - RAM_START
        if start >= 0 and start + len(data) <= len(self.ram):
            self.ram[start : start + len(data)] = data
        elif address < len(self.flash):
            for index, value in enumerate(data):
                self._page_buffer[address + index] = value
            self._registers[NVM_ADDRESS] = address // 2
        elif len(data) == 4:
            self._write_register(address, int.from_bytes(data, "little"))

    def erase(self, start: int, stop: int) -> None:
        """All erase units that overlap with this; the loader itself is protected."""
        unit = self.chip.erase_bytes
        start = max(start - start % unit, self.chip.loader_bytes)
        stop = min(-(-stop // unit) * unit, len(self.flash))
        if start < stop:
            half = start + (stop - start) // 2
            self.flash[start:half] = bytes([ERASED]) * (half - start)
            self.reach("erase")
            self.flash[half:stop] = bytes([ERASED]) * (stop - half)

    def program(self, address: int, data: bytes) -> None:
        """Write flash: bits become 0 only, and the loader itself is protected."""
        half = len(data) // 2
        self._burn(address, data[:half])
        self.reach("write")
        self._burn(address + half, data[half:])

    def reach(self, step: FlashStep) -> None:
        """Tell who simulates faults how far a host came."""
        if self.on_step is not None:
            self.on_step(step)

    def run_applet(self, address: int) -> None:
        """What the word-copy applet around ``address`` does."""
        base = address & ~0xFF

        def parameter(offset: int) -> int:
            return int.from_bytes(self.read(base + offset, 4), "little")

        size = 4 * min(parameter(APPLET_WORDS), self.chip.ram_bytes // 4)
        self.write(parameter(APPLET_DESTINATION), self.read(parameter(APPLET_SOURCE), size))

    def _regions(self) -> tuple[tuple[int, bytearray], ...]:
        return (0, self.flash), (RAM_START, self.ram), (USER_ROW, self._user_row)

    def _write_register(self, address: int, value: int) -> None:
        if address == AIRCR:
            self.reset_requested = value == RESET_REQUEST
        elif address == NVM_COMMAND and self.chip.has_nvm_registers:
            self._run_nvm_command(value & 0xFFFF)
        elif address in {NVM_CONTROL, NVM_ADDRESS}:
            self._registers[address] = value

    def _run_nvm_command(self, command: int) -> None:
        address = 2 * self._registers[NVM_ADDRESS]
        if command == ERASE_ROW:
            self.erase(address, address + 1)
        elif command == WRITE_PAGE:
            page = address - address % self.chip.page_bytes
            for at, value in self._page_buffer.items():
                if page <= at < page + self.chip.page_bytes:
                    self.program(at, bytes([value]))
            self._page_buffer.clear()
        elif command == CLEAR_PAGE_BUFFER:
            self._page_buffer.clear()

    def _burn(self, address: int, data: bytes) -> None:
        for at, value in enumerate(data, address):
            if self.chip.loader_bytes <= at < len(self.flash):
                self.flash[at] &= self._flipped(at, value)

    def _flipped(self, address: int, value: int) -> int:
        if self.leaks and value:
            self.leaks = False
            self.flips[address] = EVER
        left = self.flips.get(address, 0)
        if not left:
            return value
        self.flips[address] = left - 1
        # The lowest bit that was to stay 1 becomes 0, as in a cell that leaks.
        return value & (value - 1)
