"""Boards that Mooring knows but cannot flash: what to use instead.

Detect only, by decision: these need programs of their makers, which bring their own drivers and
licences. Source: flashing, section 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from agent.errors import NotSupported

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.flash.method import FlashImage, FlashPlan, FlashTarget, Progress


class Advice(msgspec.Struct, frozen=True):
    """Why a method is left to others, and what a person does; whole sentences."""

    why: str
    action: str


ADVICE: Final = {
    "adb": Advice(
        "It is a Linux computer of its own, and its microcontroller is loaded from there.",
        "Use the Arduino IDE or adb to load the sketch, then start again.",
    ),
    "mcuboot-serial": Advice(
        "It takes signed updates of Nordic only, over a bootloader that Mooring does not speak.",
        "Use Nordic's Programmer app or nrfutil device program with the .zip of the firmware.",
    ),
    "jlink": Advice(
        "It is programmed through the debugger on it, which needs SEGGER's and Nordic's tools.",
        "Use Nordic's Programmer app or nrfutil device program with the .hex of the firmware.",
    ),
}
"""By the catalogue's ``upload.method``."""


class UnsupportedFlasher:
    """See :class:`agent.flash.method.Flasher`; refuses, before anything is touched."""

    def __init__(self, method: str) -> None:
        self.method = method

    def plan(self, image: FlashImage, model: Model) -> FlashPlan:  # noqa: ARG002 - of the interface
        """Raises :class:`agent.errors.NotSupported` with the word for the person."""
        refuse_method(model)

    async def run(self, plan: FlashPlan, target: FlashTarget, progress: Progress) -> None:  # noqa: ARG002 - as above
        """Never called: there is no plan."""
        msg = f"there is no way to flash by {self.method}"
        raise TypeError(msg)

    async def start(self, model: Model, target: FlashTarget) -> None:  # noqa: ARG002 - as above
        """Raises :class:`agent.errors.NotSupported`, as :meth:`plan`."""
        refuse_method(model)


def refuse_method(model: Model) -> NoReturn:
    """Say why a model cannot be flashed here, and what can be done."""
    advice = ADVICE.get(model.upload.method)
    if advice is None:
        advice = Advice(
            f"Mooring does not know the method “{model.upload.method}”.",
            "Use the program of the board's maker.",
        )
    raise NotSupported(
        model=model.name, what="be flashed by Mooring", why=advice.why, action=advice.action
    )
