"""How a simulated board gets into its bootloader, which one that is, and on which memory."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from agent.simulator.board_flash import BoardFlash, EspFlash, Rp2040Flash, SambaFlash
from agent.simulator.loader_face import EspFace, SambaFace
from agent.simulator.samba import SamdLoader, UnoR4Loader

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.simulator.config import BoardConfig, BootloaderConfig
    from agent.simulator.loader_face import LoaderFace
    from agent.simulator.stage import Stage

ESP_SYNC: Final = b"\xc0\x00\x08\x24\x00"
"""How the first request of a host to a chip's ROM begins."""


class Entry(Enum):
    """How a board leaves its sketch."""

    RESTARTS = "restarts"
    """Touched, it comes back as another USB device."""
    STAYS = "stays"
    """Touched, its port stays: a bridge restarts the chip behind it."""
    ROM = "rom"
    """A host's first request stands for the reset lines that a pseudo-terminal does not have."""
    NEVER = "never"
    """Not by anything that is simulated here."""


def entry_of(model: Model) -> Entry:
    """Decided by the method with which the model is flashed."""
    upload = model.upload
    if upload.method == "esptool":
        return Entry.ROM
    if not upload.use_1200bps_touch:
        return Entry.NEVER
    return Entry.STAYS if upload.method == "sam-ba-arduino-ext" else Entry.RESTARTS


def flash_of(board: BoardConfig, model: Model) -> BoardFlash:
    """The flash memory of a new board."""
    method = model.upload.method
    if method in {"sam-ba", "sam-ba-arduino-ext"}:
        return SambaFlash(board, model)
    if method == "esptool":
        return EspFlash(board, model)
    if method in {"uf2", "rp2040"}:
        return Rp2040Flash(board, model)
    return BoardFlash(board, model)


def make_loader(stage: Stage, flash: BoardFlash, model: Model, how: BootloaderConfig) -> LoaderFace:
    """The bootloader, on the flash of its board."""
    from agent.simulator.drive_face import DriveFace, UsbFace

    if isinstance(flash, EspFlash):
        return EspFace(stage, how, flash, model.upload.chip)
    if isinstance(flash, Rp2040Flash):
        return DriveFace(stage, how, flash)
    if not isinstance(flash, SambaFlash):
        return UsbFace(stage, how)
    if entry_of(model) is Entry.STAYS:
        return SambaFace(stage, how, UnoR4Loader(memory=flash.memory))
    return SambaFace(stage, how, SamdLoader(memory=flash.memory, extended=how.extended))
