"""What a person does at the board itself: the pin or button that erases its network settings.

On boards with Bluetooth LE the same brings that back: the sketch switches it off once the board is
in its cloud (protocol-v2, 3 and 9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from agent.catalog import Model

BLE_OFF: Final = "Its Bluetooth is off now."


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """How a model erases its settings by itself, from the catalogue."""

    pin: str
    """``2``, ``PA_13``, ``BTN_USER``."""
    hold_seconds: float
    procedure: str
    drawing: str
    led: str = ""

    @property
    def gesture(self) -> str:
        """What is to be done, as a clause: “connect pin 2 to GND for 3 seconds”."""
        seconds = f"{self.hold_seconds:g}"
        if self.pin.upper().startswith("BTN"):
            return f"hold the user button for {seconds} seconds"
        return f"connect pin {self.pin} to GND for {seconds} seconds"

    @property
    def shown(self) -> dict[str, str | float]:
        """The part that a question carries: ``{pin, hold_seconds, drawing, led}``."""
        return {
            "pin": self.pin,
            "hold_seconds": self.hold_seconds,
            "drawing": self.drawing,
            "led": self.led,
        }


def guide_of(model: Model | None) -> Guide | None:
    """The input of this model; None if it has none, or the model is not known."""
    if model is None:
        return None
    found = model.reconfiguration
    if not found.available or found.pin is None or found.hold_seconds is None:
        return None
    return Guide(
        pin=found.pin,
        hold_seconds=found.hold_seconds,
        procedure=found.procedure,
        drawing=model.drawing,
    )


def stored_note(wanted: str, stored: str, guide: Guide | None, *, in_the_air: bool) -> str:
    """What to say of a board that is online with the network that it had stored before.

    ``wanted`` is the network that was asked for; ``stored`` may be empty: it is not known.
    """
    if stored == wanted:
        return f"It came online with {wanted} as it had stored it; nothing had to be sent."
    where = f"{stored}, which" if stored else "the network that"
    said = f"It came online in {where} it had stored before; {wanted} was not sent to it."
    if in_the_air or guide is None:
        return said
    return f"{said} To change its network: {guide.gesture}, then set its network again."


def ble_off_note(guide: Guide | None) -> str:
    """What to say of a board that switched its Bluetooth off because it is done."""
    if guide is None:
        return f"{BLE_OFF} To change its network later, use a cable."
    return f"{BLE_OFF} To change its network later: {guide.gesture}; then it can be found again."


def air_firmware(model: Model | None) -> str | None:
    """The oldest Wi-Fi firmware with which this model can be provisioned over Bluetooth LE."""
    return model.ble_provisioning.min_wifi_firmware if model else None
