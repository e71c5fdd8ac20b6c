"""MicroPython or CircuitPython on a board of the simulator, with a program that uses our file.

The prompt is :mod:`agent.simulator.repl_firmware`; the program is the one of docs/micropython.md: it
reads its file when it starts, joins the network, connects, and prints how that went. Steps that a
person can watch: ``connect`` (its program was stopped), ``settings`` (each write of a file),
``storage`` (before a file takes the place of another), ``stored`` (behind that), ``joining`` and
``connected``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal

from agent.protocols.board_keys import KEYS
from agent.simulator.config import PYTHON_BOARDS
from agent.simulator.moored import MooredProgram
from agent.simulator.repl_disk import Disk
from agent.simulator.repl_firmware import ReplConfig, ReplFirmware

if TYPE_CHECKING:
    from agent.simulator.config import BoardConfig
    from agent.simulator.hardware import Hardware, Steps
    from agent.simulator.repl_disk import DiskStep

JSON_FILES: Final = ("/mooring.json", "/mooring.old")
WIFI_NAMES: Final = {
    "wifi_ssid": "CIRCUITPY_WIFI_SSID",
    "wifi_pass": "CIRCUITPY_WIFI_PASSWORD",
}
"""Those of CircuitPython itself; all others have ours."""
_STEPS: Final[dict[DiskStep, str]] = {
    "write": "settings",
    "rename": "storage",
    "renamed": "stored",
}
_STORED: Final = "disk"


class ReplSketch:
    """The firmware between two resets; its files outlive them."""

    def __init__(
        self, hardware: Hardware, firmware: Literal["micropython", "circuitpython"]
    ) -> None:
        self._hardware = hardware
        self._toml = firmware == "circuitpython"
        config = repl_config(hardware.config, firmware)
        self._disk = _disk(hardware, config)
        self._disk.power_on()
        self._disk.watch = self._watch
        self._repl = ReplFirmware(config, self._disk, hardware.write)
        self._program = MooredProgram(hardware)
        self._started = 0
        self._deaf = False

    @property
    def host_connected(self) -> bool:
        """Its program was stopped by a host."""
        return self._repl.mode != "program"

    @property
    def state_name(self) -> str:
        """What it runs, and the state of its connection."""
        if self._repl.mode != "program":
            return f"PYTHON/{self._repl.mode.upper()}"
        return f"PYTHON/PROGRAM/{self._program.state.upper()}"

    @property
    def working(self) -> bool:
        """Never for long: a prompt answers at once."""
        return False

    def setup(self) -> Steps[None]:
        """Starts its program."""
        yield self._hardware.timing.setup

    def turn(self) -> Steps[None]:
        """One turn of the loop."""
        data = self._hardware.take()
        if data and not self._deaf:
            self._repl.receive(data)
        if self._repl.mode != "program":
            if self._program.running:
                self._program.stop()
                self._hardware.reach("connect")
            return
        if self._started != self._repl.starts:
            self._started = self._repl.starts
            self._program.start(self._read())
        yield from self._program.turn()

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """How a visit began, or that it ended."""
        self._program.cloud_answer(status, body)

    def release_pin(self) -> None:
        """Nothing: it reads no pin."""

    def wedge(self) -> None:
        """Hears nothing from now on."""
        self._deaf = True

    # --- inside ------------------------------------------------------------------------------

    def _watch(self, step: DiskStep) -> None:
        if step in _STEPS:
            self._hardware.reach(_STEPS[step])

    def _read(self) -> dict[str, bytes]:
        """Settings by their keys, as a program finds them."""
        if self._toml:
            names = {key.name: f"MOORING_{key.name.upper()}" for key in KEYS} | WIFI_NAMES
            found: dict[str, object] = {key: self._disk.getenv(name) for key, name in names.items()}
        else:
            found = self._read_json()
        known = {key.name: found.get(key.name) for key in KEYS}
        return {key: text.encode() for key, text in known.items() if isinstance(text, str) and text}

    def _read_json(self) -> dict[str, object]:
        for name in JSON_FILES:
            try:
                found = json.loads(self._disk.files[name])
            except (KeyError, ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                return found
        return {}


def repl_config(
    board: BoardConfig, firmware: Literal["micropython", "circuitpython"]
) -> ReplConfig:
    """What this board tells of itself."""
    machine, chip, platform = PYTHON_BOARDS[board.model]
    espressif = chip.startswith("ESP")
    # An RP2040 is known by the id of its flash chip, 8 bytes; an Espressif chip by its address.
    unique_id = board.chip_id.hex() if espressif else f"e661{board.chip_id.hex()}"
    if firmware == "circuitpython":
        if espressif:  # it tells the two digits of each byte the other way round
            swapped = (unique_id[at + 1] + unique_id[at] for at in range(0, len(unique_id), 2))
            unique_id = "".join(swapped)
        version, platform, chip = (10, 0, 3), chip, chip.lower()
    else:
        version = (1, 26, 0)
    return ReplConfig(
        firmware=firmware,
        version=version,
        machine=f"{machine} with {chip}",
        platform=platform,
        unique_id=unique_id,
        drive=board.drive if firmware == "circuitpython" else "none",
    )


def _disk(hardware: Hardware, config: ReplConfig) -> Disk:
    found = hardware.memory.storage.get(_STORED)
    if isinstance(found, Disk):
        return found
    fat = config.fat or config.firmware == "circuitpython"
    disk = Disk(fat=fat, room=config.room, drive=config.drive)
    hardware.memory.storage[_STORED] = disk
    return disk
