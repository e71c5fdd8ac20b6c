"""The flash memory of a simulated board: outlives power, and decides what the board runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from agent.simulator.images import ImageIdentity, build_image, read_running
from agent.simulator.samba_chip import ERASED, RA4M1, SAMD21G18A, SAMD51P19A, ChipMemory

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.simulator.config import BoardConfig, SketchName
    from agent.simulator.images import Runs
    from agent.simulator.samba_chip import Chip

SAMD_CHIPS: Final = {chip.loader_bytes: chip for chip in (SAMD21G18A, SAMD51P19A)}
"""By the place where sketches begin."""

_RUNS: Final[dict[SketchName, Runs]] = {
    "provisioning": "provisioning-2.0",
    "application": "application",
    "provisioning-1.0": "provisioning-1.0",
    "lora-1.0": "lora-1.0",
    "console-1.0": "console-1.0",
    "other": "other",
}
_SKETCHES: Final = {runs: sketch for sketch, runs in _RUNS.items()}


class BoardFlash:
    """What a board was delivered with, until a bootloader writes something else."""

    def __init__(self, board: BoardConfig, model: Model) -> None:
        self._board = board
        self._model = model
        self._delivered = ImageIdentity(
            runs=_RUNS[board.sketch] if board.answers else "other",
            fqbn=model.fqbn or "",
            version=board.sketch_version if board.sketch == "provisioning" else "",
        )
        self._memory: ChipMemory | None = None

    @property
    def memory(self) -> ChipMemory:
        """The memory of a chip with a SAM-BA bootloader; made when it is first looked at."""
        if self._memory is None:
            self._memory = ChipMemory(self._chip)
            image = build_image(self._delivered, self._model)
            start = self._chip.loader_bytes
            self._memory.flash[start : start + len(image)] = image
        return self._memory

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

    def identity(self) -> ImageIdentity | None:
        """What is in the flash; None: nothing that starts."""
        if self._memory is None:
            return self._delivered
        return read_running(bytes(self._memory.flash[self._chip.loader_bytes :]))

    def erase_first_row(self) -> None:
        """What a SAMD sketch does with itself before it restarts into the bootloader."""
        start = self._chip.loader_bytes
        row = self._chip.erase_bytes
        self.memory.flash[start : start + row] = bytes([ERASED]) * row

    @property
    def _chip(self) -> Chip:
        if self._board.bridged:
            return RA4M1
        return SAMD_CHIPS[int(self._model.upload.offset or "0", 16)]
