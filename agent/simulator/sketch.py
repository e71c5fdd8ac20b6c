"""What a sketch is to the board that runs it, and which ones there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent.simulator.console_board import SettingsSketch
from agent.simulator.other_sketch import OtherSketch
from agent.simulator.sketches import ApplicationSketch, ProvisioningSketch
from agent.simulator.v1_sketch import ProvisioningSketchV1
from agent.simulator.v1_text_sketches import ConsoleSketch, LoRaSketch

if TYPE_CHECKING:
    import random

    from agent.simulator.config import SketchName
    from agent.simulator.hardware import Hardware, Steps


class Sketch(Protocol):
    """What the firmware runs: one setup, then turn after turn."""

    def setup(self) -> Steps[None]:
        """What happens once after a reset."""

    def turn(self) -> Steps[None]:
        """One turn of the loop."""

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """The answer to a cloud call."""

    def release_pin(self) -> None:
        """The reconfigure pin was held long enough."""

    def wedge(self) -> None:
        """Put the receiver into the state that only a restart ends."""

    @property
    def host_connected(self) -> bool:
        """Whether a host talks to it, as far as it knows."""

    @property
    def state_name(self) -> str:
        """Where it is, for people and tests."""

    @property
    def working(self) -> bool:
        """Whether a host that waits now waits for the board."""


def make_sketch(
    name: SketchName, hardware: Hardware, chance: random.Random, *, asks_cloud: bool
) -> Sketch:
    """The sketch of this name as it starts after a reset."""
    match name:
        case "provisioning":
            return ProvisioningSketch(hardware, chance, asks_cloud=asks_cloud)
        case "application":
            return ApplicationSketch(hardware)
        case "provisioning-1.0":
            return ProvisioningSketchV1(hardware)
        case "lora-1.0":
            return LoRaSketch(hardware)
        case "console-1.0":
            return ConsoleSketch(hardware)
        case "console":
            return SettingsSketch(hardware)
        case "nvs":
            from agent.simulator.nvs_sketch import NvsSketch

            return NvsSketch(hardware)
        case "micropython" | "circuitpython":
            from agent.simulator.repl_sketch import ReplSketch

            return ReplSketch(hardware, name)
        case "other":
            return OtherSketch(hardware)
