"""A sketch with our serial console, as docs/examples/mooring_console is one.

It keeps what it is given, joins the network and connects to its cloud.
Everything that a person can watch has the names of the other sketches' steps: ``connect`` (hello),
``settings`` (each line of a delivery), ``storage`` (before it is stored), ``stored`` (before that
is answered), ``joining``, ``connected``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.protocols import board_keys
from agent.protocols.console.board import BoardConsole
from agent.simulator.hardware import Timer
from agent.simulator.moored import Moored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.simulator.hardware import Hardware, Steps
    from agent.simulator.moored import MooredState

KEYS: Final = frozenset(
    key.name for key in board_keys.KEYS if key.group == "cloud" or key.name.startswith("wifi_")
)
"""Settings that it makes use of: Wi-Fi alone, and all that ThingsBoard can ask for but CoAP."""
QUIET_MS: Final = 5_000
"""After a line of a host it begins nothing that blocks, unless it has new settings."""
LOG_EVERY_MS: Final = 1_000
_STEPS: Final = {"hello": "connect", "begin": "settings", "set": "settings"}
_STORED: Final = "console"


class StoredSettings:
    """The part of the board's storage that outlives its power."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware

    def read(self) -> dict[str, bytes]:
        """Keys and values."""
        found = self._hardware.memory.storage.get(_STORED)
        return dict(found) if isinstance(found, dict) else {}

    def write(self, values: Mapping[str, bytes]) -> bool:
        """All at once, as a board with two slots does."""
        self._hardware.reach("storage")
        if not self._hardware.world.storage_writes:
            return False
        self._hardware.memory.storage[_STORED] = dict(values)
        self._hardware.reach("stored")
        return True


class SettingsSketch:
    """Serves the console, and stays connected."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._memory = StoredSettings(hardware)
        self._console = BoardConsole(
            self._memory,
            _facts(hardware),
            keys=KEYS,
            takes=lambda key, value: (key, value) != ("tb_proto", b"coap"),
            on_line=self._hear_line,
        )
        self._moored = Moored(hardware, self._tell)
        self._log = Timer(hardware)
        self._heard = False
        self._deaf = False

    @property
    def host_connected(self) -> bool:
        """A host said something since the reset."""
        return self._heard

    @property
    def state_name(self) -> str:
        """State of its connection."""
        return f"CONSOLE/{self._console.state.upper()}"

    @property
    def working(self) -> bool:
        """Whether it is on its way to its cloud."""
        return self._console.state == "connecting"

    def setup(self) -> Steps[None]:
        """Starts, and looks at what it holds."""
        yield self._hardware.timing.setup
        self._hardware.print("mooring_console 1.0")
        self._console.state = "connecting" if self._memory.read() else "idle"
        self._moored.pause.start(QUIET_MS)

    def turn(self) -> Steps[None]:
        """One turn of the loop."""
        hardware = self._hardware
        data = hardware.take()
        for answer in self._console.hear(data) if not self._deaf else ():
            hardware.write(answer)
        if hardware.config.log and self._log.expired:
            hardware.print(f"uptime {hardware.now / 1000:.0f} s")
            self._log.start(LOG_EVERY_MS)
        if self._console.fresh:
            self._console.fresh = False
            self._moored.begin()
        if not self._console.open and self._moored.due:
            yield from self._moored.connect(self._memory.read())

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """How a visit began, or that it ended."""
        self._moored.cloud_answer(status, body)

    def release_pin(self) -> None:
        """Erase what it holds."""
        self._memory.write({})
        self._moored.hang_up()
        self._tell("idle")

    def wedge(self) -> None:
        """Hears nothing from now on."""
        self._deaf = True

    # --- inside ------------------------------------------------------------------------------

    def _hear_line(self, verb: str) -> None:
        self._heard = True
        if verb != "status" and not self._moored.visiting:
            self._moored.pause.start(QUIET_MS)
        if verb in _STEPS:
            self._hardware.reach(_STEPS[verb])

    def _tell(self, state: MooredState, detail: str = "") -> None:
        if (state, detail) != (self._console.state, self._console.detail):
            self._hardware.active = True
            self._console.state, self._console.detail = state, detail
            self._hardware.log(f"cloud: {state} {detail}".rstrip())


def _facts(hardware: Hardware) -> dict[str, str]:
    board = hardware.config
    return {
        "id": board.chip_id.hex(),
        "family": board.model,
        "firmware": "mooring_console",
        "version": "1.0",
    }
