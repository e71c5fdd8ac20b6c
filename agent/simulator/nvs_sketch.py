"""A sketch that finds its settings in the settings area (NVS) of its chip, as docs/nvs.md shows one.

It reads them when it starts, joins the network, connects, and prints how that went. Steps that a
person can watch: ``joining`` and ``connected``; those of writing are its loader's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.protocols.nvs.pages import NvsBroken
from agent.protocols.nvs.store import read_store
from agent.simulator.hardware import Timer
from agent.simulator.moored import MooredProgram

if TYPE_CHECKING:
    from agent.simulator.hardware import Hardware, Steps

LOG_EVERY_MS: Final = 1_000


class NvsSketch:
    """Listens to nobody."""

    host_connected = False

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._program = MooredProgram(hardware)
        self._log = Timer(hardware)

    @property
    def state_name(self) -> str:
        """State of its connection."""
        return f"NVS/{self._program.state.upper()}"

    @property
    def working(self) -> bool:
        """Never: no host waits for it."""
        return False

    def setup(self) -> Steps[None]:
        """Starts, and reads what it finds."""
        yield self._hardware.timing.setup
        self._hardware.print("mooring_nvs 1.0")
        self._program.start(self._read())

    def turn(self) -> Steps[None]:
        """One turn of the loop."""
        self._hardware.take()
        if self._hardware.config.log and self._log.expired:
            self._hardware.print(f"uptime {self._hardware.now / 1000:.0f} s")
            self._log.start(LOG_EVERY_MS)
        yield from self._program.turn()

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """How a visit began, or that it ended."""
        self._program.cloud_answer(status, body)

    def release_pin(self) -> None:
        """Nothing: it reads no pin."""

    def wedge(self) -> None:
        """Nothing: it has no receiver."""

    def _read(self) -> dict[str, bytes]:
        """Settings, by their keys; none where the area cannot be read."""
        try:
            store = read_store(self._hardware.memory.settings_area())
        except NvsBroken as broken:
            self._hardware.print(f"The settings area cannot be used: {broken.problem.value}")
            return {}
        names = self._hardware.config.nvs
        space = names.namespace
        return names.ours({key: store.get(space, key) for key in store.keys(space)})
