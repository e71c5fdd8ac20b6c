"""Two sketches of 1.0 that speak text: a LoRa board's, and the console that asks people.

Source: protocol-v1, sections 5 and 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.simulator.board_cbor import Halted
from agent.simulator.hardware import Timer
from agent.simulator.world import Uplink

if TYPE_CHECKING:
    from agent.simulator.hardware import Hardware, Steps

EUI_EVERY_MS: Final = 3_000
PROMPTS: Final = (
    "Make a new private key and CSR? (y/N): ",
    "Enter the device id: ",
    "Enter the issue year of the certificate: ",
)
"""In the manner of the real ones; they end before anything is stored."""
CONSOLE_START_MS: Final = 500.0
"""From the opened port to the first question: the sketch sets its secure element up. Libraries
that open a port discard what came before they have configured it."""


class TextSketch:
    """Prints as soon as a host opens the port; knows no frames."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware

    @property
    def host_connected(self) -> bool:
        """A host has the port open."""
        return self._hardware.port_open

    @property
    def working(self) -> bool:
        """Never: nobody waits for it."""
        return False

    def setup(self) -> Steps[None]:
        """Nothing before the port is open."""
        return
        yield

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """Nothing: it asks no cloud."""

    def release_pin(self) -> None:
        """Nothing: it reads no pin."""

    def wedge(self) -> None:
        """Nothing: it has no receiver."""


class LoRaSketch(TextSketch):
    """Prints the device EUI every three seconds, or that the modem failed."""

    state_name = "LORA_1.0"

    def __init__(self, hardware: Hardware) -> None:
        super().__init__(hardware)
        self._pause = Timer(hardware)
        self._started = False

    def turn(self) -> Steps[None]:
        """One turn of the loop."""
        hardware = self._hardware
        hardware.take()
        if not self._started:
            if not hardware.port_open:
                return
            yield hardware.timing.link
            if hardware.world.modem in {Uplink.BROKEN, Uplink.STOPPED}:
                hardware.print("Modem failed to start")
                raise Halted
            self._started = True
            self._pause.start(-1)
        if self._pause.expired:
            hardware.print(hardware.config.device_eui)
            self._pause.start(EUI_EVERY_MS)


class ConsoleSketch(TextSketch):
    """Asks its questions one by one."""

    state_name = "CONSOLE_1.0"

    def __init__(self, hardware: Hardware) -> None:
        super().__init__(hardware)
        self._asked = 0
        self._line = b""

    def turn(self) -> Steps[None]:
        """One turn of the loop."""
        *lines, self._line = (self._line + self._hardware.take()).split(b"\n")
        if not self._asked and self._hardware.port_open:
            yield CONSOLE_START_MS
            self._ask()
        for line in lines:
            if self._asked < len(PROMPTS):
                self._hardware.write(line + b"\r\n")
                self._ask()

    def _ask(self) -> None:
        self._hardware.write(PROMPTS[self._asked].encode())
        self._asked += 1
