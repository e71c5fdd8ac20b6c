"""How a simulated board gets into its bootloader, and which one that is."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from agent.simulator.samba import LoaderFaults, SamdLoader, UnoR4Loader
from agent.simulator.samba_face import SambaFace

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.simulator.board_flash import BoardFlash
    from agent.simulator.config import BootloaderConfig
    from agent.simulator.face import Face, Stage
    from agent.simulator.samba import SambaLoader


class Entry(Enum):
    """What a touch does."""

    RESTARTS = "restarts"
    """The sketch erases its first row and restarts as another USB device."""
    STAYS = "stays"
    """A bridge restarts the chip behind it; its own port stays."""
    OTHER = "other"
    """Nothing that is simulated here."""


def entry_of(model: Model) -> Entry:
    """Decided by the method with which the model is flashed."""
    return {"sam-ba": Entry.RESTARTS, "sam-ba-arduino-ext": Entry.STAYS}.get(
        model.upload.method, Entry.OTHER
    )


def make_loader(stage: Stage, flash: BoardFlash, entry: Entry, how: BootloaderConfig) -> Face:
    """The bootloader, on the flash of its board."""
    faults = LoaderFaults(silent=how.silent, delay_s=how.delay_ms / 1000)
    loader: SambaLoader
    if entry is Entry.STAYS:
        loader = UnoR4Loader(memory=flash.memory, faults=faults)
    else:
        loader = SamdLoader(memory=flash.memory, extended=how.extended, faults=faults)
    return SambaFace(stage, loader)
