"""Somebody's own sketch that knows no provisioning: prints a line of text now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.simulator.hardware import Timer
from agent.simulator.v1_text_sketches import TextSketch

if TYPE_CHECKING:
    from agent.simulator.hardware import Hardware, Steps

LINE_EVERY_MS: Final = 1_000


class OtherSketch(TextSketch):
    """Counts its seconds aloud; what it hears it throws away."""

    state_name = "OTHER"

    def __init__(self, hardware: Hardware) -> None:
        super().__init__(hardware)
        self._pause = Timer(hardware)
        self._lines = 0

    @property
    def host_connected(self) -> bool:
        """Never: it knows of no host."""
        return False

    def setup(self) -> Steps[None]:
        """Begin with a line."""
        self._hardware.print("Sketch started")
        self._pause.start(LINE_EVERY_MS)
        return
        yield

    def turn(self) -> Steps[None]:
        """One turn of the loop."""
        self._hardware.take()
        if self._pause.expired:
            self._lines += 1
            self._hardware.print(f"uptime {self._lines} s")
            self._pause.start(LINE_EVERY_MS)
        return
        yield
