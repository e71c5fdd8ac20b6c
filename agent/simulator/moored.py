"""What boards do with the settings that Mooring put on them: join the network, stay in their cloud.

:class:`Moored` is the way there, whatever form the settings came in; :class:`MooredProgram` is a
program that prints how it goes, as docs/nvs.md and docs/micropython.md ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from agent.errors import InputError
from agent.protocols import board_keys
from agent.simulator.hardware import CloudVisit, Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.simulator.hardware import Hardware, Steps

MooredState: TypeAlias = Literal["idle", "connecting", "connected", "refused", "network-failed"]

AGAIN_MS: Final = 5_000
"""Until it tries again what failed."""
SAID_AGAIN_MS: Final = 3_000
"""Between two lines that say the same: what came before a host listened is lost."""


class Moored:
    """One board's way to its cloud; ``tell`` hears each state, and a sentence."""

    def __init__(self, hardware: Hardware, tell: Callable[[MooredState, str], None]) -> None:
        self.pause = Timer(hardware)
        """Until :meth:`connect` is wanted."""
        self.visiting = False
        """Connected, or on the way from the network to the cloud."""
        self._hardware = hardware
        self._tell = tell

    @property
    def due(self) -> bool:
        """Whether :meth:`connect` is to be called."""
        return not self.visiting and self.pause.expired

    def begin(self) -> None:
        """There are new settings: forget the connection that the old ones made."""
        self.hang_up()
        self.pause.start(-1)

    def connect(self, values: Mapping[str, bytes]) -> Steps[None]:
        """Join and go to the cloud; the end of it comes through :meth:`cloud_answer`."""
        if "wifi_ssid" not in values:
            self._stop("idle")
            return
        self._tell("connecting", "")
        self._hardware.reach("joining")
        failure = yield from self._join(values)
        if failure:
            self._stop("network-failed", failure)
            return
        try:
            cloud = board_keys.unflatten(values).cloud
        except InputError as error:
            self._stop("refused", str(error))
            return
        if cloud is None:
            self._stop("idle", "The network was joined; there is no cloud.")
            return
        if cloud.scheme.startswith("coap"):
            self._stop("network-failed", "This board speaks no CoAP.")
            return
        self.visiting = True
        self._hardware.calls.append(CloudVisit(cloud))

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """How a visit began, or that it ended."""
        if status == CloudVisit.CONNECTED:
            self._hardware.reach("connected")
            self._tell("connected", "")
            return
        self.visiting = False
        self._stop("refused" if status == CloudVisit.REFUSED else "network-failed", body.decode())

    def hang_up(self) -> None:
        """Leave the cloud."""
        if self.visiting:
            self._hardware.calls.append(CloudVisit(None))
        self.visiting = False

    def _stop(self, state: MooredState, detail: str = "") -> None:
        self._tell(state, detail)
        self.pause.start(AGAIN_MS)

    def _join(self, values: Mapping[str, bytes]) -> Steps[str]:
        """Empty, or what failed."""
        world, timing = self._hardware.world, self._hardware.timing
        if not world.wifi_module:
            return "The Wi-Fi module does not answer."
        network = world.find(values["wifi_ssid"], values.get("wifi_pass", b""))
        if network is None or not (network.dhcp and world.dhcp):
            yield timing.failing_join
            return "The Wi-Fi network was not joined."
        yield timing.join
        return "" if network.internet and world.internet else "The network leads nowhere."


class MooredProgram:
    """Begins with the settings that it finds, and prints how it goes, again and again."""

    def __init__(self, hardware: Hardware) -> None:
        self.state: MooredState = "idle"
        self._hardware = hardware
        self._moored = Moored(hardware, self._tell)
        self._again = Timer(hardware)
        self._detail = ""
        self._values: Mapping[str, bytes] | None = None

    @property
    def running(self) -> bool:
        """It was started and not stopped since."""
        return self._values is not None

    def start(self, values: Mapping[str, bytes]) -> None:
        """Run, with these settings."""
        self._values = values
        self.state, self._detail = "idle", ""
        self._moored.begin()

    def stop(self) -> None:
        """Somebody stopped it; a network card goes on by itself, but nobody speaks through it."""
        self._values = None
        self._moored.hang_up()

    def turn(self) -> Steps[None]:
        """One turn of its loop."""
        if self._values is None:
            return
        if self._moored.due:
            yield from self._moored.connect(self._values)
        if self.state in {"connected", "refused", "network-failed"} and self._again.expired:
            self._print()

    def cloud_answer(self, status: int | None, body: bytes) -> None:
        """How a visit began, or that it ended."""
        if self.running:
            self._moored.cloud_answer(status, body)

    def _tell(self, state: MooredState, detail: str) -> None:
        if state == "connecting" or (state, detail) == (self.state, self._detail):
            # It tries again: what was said last still counts for whoever listens.
            return
        self.state, self._detail = state, detail
        self._hardware.active = True
        if state != "idle":
            self._print()

    def _print(self) -> None:
        self._hardware.print(f"mooring: {self.state} {self._detail}".rstrip())
        self._again.start(SAID_AGAIN_MS)
