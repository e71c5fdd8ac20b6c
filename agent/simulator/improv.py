"""A simulated device that speaks Improv Wi-Fi, without I/O and without a carrier.

Board time in milliseconds comes in with :meth:`ImprovFirmware.run`, commands with
:meth:`ImprovFirmware.command`; messages and log lines go out with :meth:`ImprovFirmware.take`.
The habits of known firmware are data: :data:`HABITS`, with their sources.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from agent.protocols.improv.messages import (
    Capability,
    Command,
    CurrentState,
    Error,
    ErrorState,
    Message,
    Rpc,
    RpcResult,
    State,
    parse_strings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.world import World

Brand: TypeAlias = Literal["standard", "esphome", "wled", "tasmota", "library"]
Scans: TypeAlias = Literal["yes", "refused", "silent"]

COMMANDS_LIMIT: Final = 8
"""Commands that wait while the device does nothing else; more are lost, as in a full buffer."""
AUTHORISED_MS: Final = 60_000.0
"""The minute that the standard proposes."""
HOSTNAME_CHARS: Final = 63
IDENTIFY_MS: Final = 10_000.0


@dataclass(frozen=True, slots=True)
class Habits:
    """How a firmware differs from the others."""

    acknowledges: bool = False
    """Reports "no error" for each command, as the standard wishes."""
    failure: tuple[State | Error, ...] = (Error.UNABLE_TO_CONNECT, State.AUTHORISED)
    """What it reports after an attempt in vain, in this order."""
    blocks: bool = False
    """It does nothing else while it joins or scans."""
    restarts: bool = False
    """It restarts to join, and hears nothing until it is up again."""
    wants_newline: bool = False
    """It carries a packet out when the newline behind it has come."""
    sends_newline: bool = True
    pads_results: bool = False
    """A zero byte stands behind each result (sdk-cpp 1.2.6, build_rpc_response)."""
    knows_names: bool = False
    """Hostname and device name."""


HABITS: Final[dict[Brand, Habits]] = {
    "standard": Habits(acknowledges=True, knows_names=True),
    "esphome": Habits(pads_results=True),  # improv_serial_component.cpp, 06d4163
    "wled": Habits(failure=(Error.UNABLE_TO_CONNECT,)),  # improv.cpp and wled.cpp, 01b1c51
    "tasmota": Habits(restarts=True, wants_newline=True),  # xdrv_62_improv.ino, 8a08895
    "library": Habits(  # ImprovWiFiLibrary.cpp, 0e9116e
        blocks=True, sends_newline=False, failure=(State.STOPPED, Error.UNABLE_TO_CONNECT)
    ),
}


class ImprovConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The device: what it says it is, how it behaves, how long it takes, what it is never good at."""

    brand: Brand = "standard"
    firmware: str = "Simulated"
    version: str = "1.0.0"
    hardware: str = "ESP32-C3"
    name: str = "Improv demo"
    os_name: str = ""
    os_version: str = ""
    url: str = "http://192.168.4.20"
    """Of its own page; empty: it has none."""
    joined: bool = False
    """It has a network from the start."""
    log: bool = True
    """It prints lines of text (serial)."""
    needs_button: bool = False
    """Bluetooth LE: somebody has to press its button first."""
    can_identify: bool = True
    scans: Scans = "yes"
    """``silent``: neither networks nor an error (WLED on chips whose USB is their own)."""
    results: bool = True
    """False: the result of an attempt to join never comes."""
    answer_ms: float = 5.0
    scan_ms: float = 2000.0
    join_ms: float = 2500.0
    give_up_ms: float = 30_000.0
    boot_ms: float = 1500.0


class ImprovFirmware:
    """One device in its surroundings."""

    def __init__(self, config: ImprovConfig, world: World) -> None:
        self.config = config
        self.habits = HABITS[config.brand]
        self.world = world
        self.now = 0.0
        self.state: State = State.STOPPED
        self.error: Error = Error.NONE
        self.name = config.name
        self.hostname = "improv-demo"
        self.identifies_until = -math.inf
        """Its light blinks until then."""
        self.credentials: tuple[bytes, bytes] | None = None
        """Name and password of the network that it is in, or was told last."""
        self._settings_allowed_until = math.inf
        self._jobs: list[tuple[float, Callable[[], None]]] = []
        self._attempt = 0
        self._deaf_until = self._busy_until = 0.0
        self._waiting: deque[Rpc] = deque(maxlen=COMMANDS_LIMIT)
        self._output: list[Message | bytes] = []
        self._boot()

    # --- from outside ------------------------------------------------------------------------

    @property
    def capabilities(self) -> Capability:
        """What it can do over Bluetooth LE."""
        can = Capability.DEVICE_INFO
        can |= Capability.IDENTIFY if self.config.can_identify else Capability(0)
        can |= Capability.WIFI_NETWORKS if self.config.scans == "yes" else Capability(0)
        return can | (Capability.HOSTNAME if self.habits.knows_names else Capability(0))

    @property
    def deaf(self) -> bool:
        """It starts: what comes now is lost."""
        return self.now < self._deaf_until

    @property
    def next_wake(self) -> float:
        """When :meth:`run` has something to do; infinity: not before a command comes."""
        jobs = [when for when, _ in self._jobs]
        if self._waiting:
            jobs.append(self._busy_until)
        if self.state is State.AUTHORISED:
            jobs.append(self._settings_allowed_until)
        return min(jobs, default=math.inf)

    def run(self, until: float) -> None:
        """Let the time pass up to ``until``."""
        while (wake := self.next_wake) <= until:
            self.now = max(self.now, wake)
            if self.state is State.AUTHORISED and wake == self._settings_allowed_until:
                self._settings_allowed_until = math.inf
                self._set_state(State.AUTHORISATION_REQUIRED)
                continue
            due = [job for job in self._jobs if job[0] <= wake]
            self._jobs = [job for job in self._jobs if job[0] > wake]
            for _, job in due:
                job()
            while self._waiting and self.now >= self._busy_until:
                self._carry_out(self._waiting.popleft())
        self.now = max(self.now, until)

    def command(self, rpc: Rpc | None) -> None:
        """A command came; None: one that was damaged."""
        if self.deaf:
            return
        if rpc is None:
            self._set_error(Error.INVALID_RPC)
        else:
            self._waiting.append(rpc)
            self.run(self.now)

    def press_button(self) -> None:
        """Somebody presses the button: settings are allowed for a minute."""
        if self.state is State.AUTHORISATION_REQUIRED:
            self._set_state(State.AUTHORISED)
        if self.config.needs_button:
            self._settings_allowed_until = self.now + AUTHORISED_MS

    def restart(self) -> None:
        """Its reset button, or its power."""
        self._jobs, self._attempt = [], self._attempt + 1
        self._waiting.clear()
        self._boot()

    def take(self) -> list[Message | bytes]:
        """Messages and log lines since the last call, in order."""
        output, self._output = self._output, []
        return output

    # --- commands ----------------------------------------------------------------------------

    def _carry_out(self, rpc: Rpc) -> None:
        if self.habits.acknowledges:
            self._set_error(Error.NONE)
        match rpc.command:
            case Command.WIFI_SETTINGS:
                self._join(rpc.data)
            case Command.CURRENT_STATE:
                self._after(self.config.answer_ms, self._report_state)
            case Command.DEVICE_INFO:
                self._after(self.config.answer_ms, self._report_info)
            case Command.WIFI_NETWORKS if self.config.scans != "refused":
                self._after(self.config.scan_ms, self._report_networks, blocks=self.habits.blocks)
            case Command.HOSTNAME | Command.DEVICE_NAME if self.habits.knows_names:
                self._set_text(rpc)
            case _:
                self._set_error(Error.UNKNOWN_RPC)

    def identify(self) -> None:
        """Blink (command 2 over Bluetooth LE)."""
        if self.config.can_identify:
            self.identifies_until = self.now + IDENTIFY_MS
        else:
            self._set_error(Error.UNKNOWN_RPC)

    def _join(self, data: bytes) -> None:
        strings = parse_strings(data)
        if strings is None or len(strings) != 2:
            self._set_error(Error.INVALID_RPC)
            return
        if self.state is State.AUTHORISATION_REQUIRED:
            self._set_error(Error.NOT_AUTHORISED)
            return
        self._set_state(State.PROVISIONING)
        self._log("joining")
        self.credentials = (strings[0], strings[1])
        self._attempt += 1
        attempt = self._attempt
        network = self.world.find(*strings)
        joins = network is not None and network.dhcp and self.world.dhcp and self.world.wifi_module
        wait_ms = self.config.join_ms if joins else self.config.give_up_ms
        if self.habits.restarts:
            self._deaf_until = self.now + self.config.boot_ms
            self._log("restart: settings changed")
            wait_ms += self.config.boot_ms

        def end() -> None:
            if attempt != self._attempt:
                return  # other settings came meanwhile
            if joins:
                self._joined()
            else:
                self._failed()

        self._after(wait_ms, end, blocks=self.habits.blocks)

    def _joined(self) -> None:
        self._log("joined")
        self._set_state(State.PROVISIONED)
        if self.config.results:
            self._send_address(Command.WIFI_SETTINGS)

    def _failed(self) -> None:
        self.credentials = None
        for report in self.habits.failure:
            if isinstance(report, Error):
                self._set_error(report)
            else:
                self._set_state(report)
        # The library reports "stopped" but takes settings all the same; WLED says nothing more.
        if State.AUTHORISED not in self.habits.failure:
            self.state = State.AUTHORISED
        if self.config.needs_button:
            self._settings_allowed_until = self.now + AUTHORISED_MS

    def _report_state(self) -> None:
        self._output.append(CurrentState(self.state))
        if self.state is State.PROVISIONED:
            self._send_address(Command.CURRENT_STATE)

    def _report_info(self) -> None:
        config = self.config
        strings = [config.firmware, config.version, config.hardware, self.name]
        if config.os_name:
            strings += [config.os_name, config.os_version]
        self._send(Command.DEVICE_INFO, *(string.encode() for string in strings))

    def _report_networks(self) -> None:
        if self.config.scans == "silent":
            return
        if self.world.scans:
            for network in self.world.networks:
                if network.listed_name:
                    secured = b"YES" if network.password else b"NO"
                    rssi = str(network.rssi).encode()
                    self._send(Command.WIFI_NETWORKS, network.listed_name, rssi, secured)
        self._send(Command.WIFI_NETWORKS)

    def _set_text(self, rpc: Rpc) -> None:
        text = rpc.data.decode("utf-8", errors="replace")
        if rpc.command == Command.DEVICE_NAME:
            self.name = text or self.name
            self._send(rpc.command, self.name.encode())
            return
        plain = text.isascii() and all(c.isalnum() or c == "-" for c in text)
        if not plain or len(text) > HOSTNAME_CHARS or text.startswith("-"):
            self._set_error(Error.BAD_HOSTNAME)
            return
        self.hostname = text or self.hostname
        self._send(rpc.command, self.hostname.encode())

    # --- inside ------------------------------------------------------------------------------

    def _boot(self) -> None:
        self._deaf_until = self._busy_until = self.now + self.config.boot_ms
        self.error = Error.NONE
        self.state = State.STOPPED
        self._log("boot")

        def start() -> None:
            joined = self.config.joined or self.credentials is not None
            ready = State.AUTHORISATION_REQUIRED if self.config.needs_button else State.AUTHORISED
            self.state = State.PROVISIONED if joined else ready

        self._after(self.config.boot_ms, start)

    def _after(self, ms: float, do: Callable[[], None], *, blocks: bool = False) -> None:
        self._jobs.append((self.now + ms, do))
        self._jobs.sort(key=lambda job: job[0])
        if blocks:
            self._busy_until = max(self._busy_until, self.now + ms)

    def _set_state(self, state: State) -> None:
        self.state = state
        self._output.append(CurrentState(state))

    def _set_error(self, error: Error) -> None:
        self.error = error
        self._output.append(ErrorState(error))

    def _send_address(self, command: Command) -> None:
        self._send(command, *([self.config.url.encode()] if self.config.url else []))

    def _send(self, command: int, *strings: bytes) -> None:
        self._output.append(RpcResult(command, strings))

    def _log(self, text: str) -> None:
        if self.config.log:
            self._output.append(f"[{self.now:08.0f}][I] {text}\r\n".encode())
