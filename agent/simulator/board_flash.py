"""The flash memory of a simulated board: outlives power, and decides what the board runs.

Until a bootloader writes, it holds the sketch that the board was delivered with; its bytes are
made when they are first looked at.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from agent.protocols.elf import parse_elf
from agent.protocols.uf2 import parse_uf2
from agent.simulator.esp_spi import FLASH_BYTES
from agent.simulator.esp_table import SETTINGS_AT, TABLE_AT, find_settings, settings_image, table
from agent.simulator.images import ImageIdentity, build_image, read_running
from agent.simulator.samba_chip import ERASED, RA4M1, SAMD21G18A, SAMD51P19A, ChipMemory

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.simulator.config import BoardConfig, SketchName
    from agent.simulator.images import Runs

SAMD_CHIPS: Final = {chip.loader_bytes: chip for chip in (SAMD21G18A, SAMD51P19A)}
"""By the place where sketches begin."""
BLOCK_BYTES: Final = 256
"""What an RP2040's bootloader writes at once."""
RP2040_START: Final = 0x1000_0000

_RUNS: Final[dict[SketchName, Runs]] = {
    "provisioning": "provisioning-2.0",
    "application": "application",
    "provisioning-1.0": "provisioning-1.0",
    "lora-1.0": "lora-1.0",
    "console-1.0": "console-1.0",
    "console": "console",
    "nvs": "nvs",
    "micropython": "micropython",
    "circuitpython": "circuitpython",
    "other": "other",
}
_SKETCHES: Final = {runs: sketch for sketch, runs in _RUNS.items()}


class BoardFlash:
    """Of a board whose bootloader is not simulated here: its content stays."""

    def __init__(self, board: BoardConfig, model: Model) -> None:
        self._board = board
        self._model = model
        self._delivered = ImageIdentity(
            runs=_RUNS[board.sketch] if board.answers else "other",
            fqbn=model.fqbn or "",
            version=board.sketch_version if board.sketch == "provisioning" else "",
        )

    def identity(self) -> ImageIdentity | None:
        """What is in the flash; None: nothing that starts."""
        return self._delivered

    @property
    def chip_id(self) -> bytes:
        """Address of the chip, which nothing that is written changes."""
        return self._board.chip_id

    def running(self) -> BoardConfig | None:
        """The board as it is with the sketch in its flash; None: nothing there starts."""
        found = self.identity()
        if found is None:
            return None
        if found == self._delivered:
            return self._board
        return msgspec.structs.replace(
            self._board,
            sketch=_SKETCHES[found.runs],
            sketch_version=found.version or self._board.sketch_version,
            answers=True,
        )

    @property
    def _image(self) -> bytes:
        return build_image(self._delivered, self._model)


class SambaFlash(BoardFlash):
    """The memory of a chip with a SAM-BA bootloader."""

    def __init__(self, board: BoardConfig, model: Model) -> None:
        super().__init__(board, model)
        start = int(model.upload.offset or "0", 16)
        self._chip = RA4M1 if board.bridged else SAMD_CHIPS[start]

    @cached_property
    def memory(self) -> ChipMemory:
        """All of it, registers included."""
        memory, image = ChipMemory(self._chip), self._image
        start = self._chip.loader_bytes
        memory.flash[start : start + len(image)] = image
        return memory

    def identity(self) -> ImageIdentity | None:
        """See the base class."""
        if "memory" not in self.__dict__:
            return self._delivered
        return read_running(self.memory.flash[self._chip.loader_bytes :])

    def erase_first_row(self) -> None:
        """What a SAMD sketch does with itself before it restarts into the bootloader."""
        start, size = self._chip.loader_bytes, self._chip.erase_bytes
        self.memory.flash[start : start + size] = bytes([ERASED]) * size


class EspFlash(BoardFlash):
    """The flash chip beside a chip of the Espressif family."""

    def __init__(self, board: BoardConfig, model: Model) -> None:
        super().__init__(board, model)
        self._start = int(model.upload.flash_layout.get("app", "0"), 16)
        self._has_table = "partitions" in model.upload.flash_layout

    @cached_property
    def content(self) -> bytearray:
        """All of it."""
        content = bytearray(b"\xff") * FLASH_BYTES
        image = self._image
        content[self._start : self._start + len(image)] = image
        if self._has_table:
            parts = {TABLE_AT: table(), SETTINGS_AT: settings_image()}
            for place, data in parts.items():
                content[place : place + len(data)] = data
        return content

    def settings_area(self) -> bytes:
        """What the partition for settings holds; empty where the table names none."""
        found = find_settings(self.content) if self._has_table else None
        return b"" if found is None else bytes(self.content[found[0] : sum(found)])

    def identity(self) -> ImageIdentity | None:
        """See the base class."""
        if "content" not in self.__dict__:
            return self._delivered
        return read_running(self.content[self._start :])


class Rp2040Flash(BoardFlash):
    """The flash chip beside an RP2040, block by block."""

    @cached_property
    def blocks(self) -> dict[int, bytes]:
        """Content by address, of everything that was ever written."""
        image = self._image
        parse = parse_uf2 if self._model.upload.file_extension == ".uf2" else parse_elf
        return {
            segment.address + at: segment.data[at : at + BLOCK_BYTES]
            for segment in parse(image).segments
            for at in range(0, len(segment.data), BLOCK_BYTES)
        }

    def identity(self) -> ImageIdentity | None:
        """See the base class."""
        if "blocks" not in self.__dict__:
            return self._delivered
        content = bytearray()
        while (block := self.blocks.get(RP2040_START + len(content))) is not None:
            content += block
            if len(block) < BLOCK_BYTES:
                break
        return read_running(content)
