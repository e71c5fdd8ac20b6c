"""Which boards have a settings area (NVS) that can be written over USB, and how its chip is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.errors import NotSupported
from agent.flash.esp_program import AFTER, BEFORE

if TYPE_CHECKING:
    from agent.catalog import Model


class NvsPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a chip is, and how it is brought into its loader and out of it."""

    name: str
    """Of the board, as people call it."""
    port: str
    chip: str = "auto"
    """As esptool calls it; ``auto``: it finds out."""
    baud: int = 460_800
    """What all bridges can do."""
    before: str = BEFORE
    after: str = AFTER
    manual: str = "Hold the button BOOT while you press the reset button (EN)."


def place_of(model: Model, port: str) -> NvsPlace:
    """The chip of a board of ``model`` on ``port``.

    Raises :class:`NotSupported` for a model whose settings area cannot be written over USB.
    """
    upload = model.upload
    if upload.method != "esptool" or not upload.chip:
        raise _not_supported(
            model.name,
            "Only the loader of Espressif chips reads and writes it, and this board has another.",
        )
    require_nvs(model.name, upload.chip)
    return NvsPlace(
        name=model.name,
        port=port,
        chip=upload.chip,
        baud=upload.baud or NvsPlace.baud,
        before=upload.before or BEFORE,
        after=upload.after or AFTER,
        manual=model.bootloader_entry.manual,
    )


def require_nvs(name: str, chip: str) -> None:
    """Raise :class:`NotSupported` for a chip that has no such area."""
    if chip == "esp8266":
        why = "The ESP8266 has no NVS: its sketches keep settings in files or in EEPROM."
        raise _not_supported(name, why)


def _not_supported(name: str, why: str) -> NotSupported:
    return NotSupported(
        model=name,
        what="keep settings in an NVS partition",
        why=why,
        action="Use another delivery: the serial console, or a header file for the sketch.",
    )
