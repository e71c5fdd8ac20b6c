"""The network configurator: stores settings, tries them, scans.

Source: protocol-v2, 7.2; Arduino_NetworkConfigurator ec9ff8e.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.protocols.v2.messages import CommandCode, Tag
from agent.protocols.v2.status import StatusCode
from agent.simulator import board_cbor
from agent.simulator.board_cbor import Address, NetworkKind, Settings
from agent.simulator.connection import FAILURE, Connection, ConnectionHandler
from agent.simulator.hardware import Reset, Timer

if TYPE_CHECKING:
    from agent.simulator.agents import AgentsManager
    from agent.simulator.hardware import Hardware, Steps

ATTEMPT_MS: Final = 15_000
MODEM_ATTEMPT_MS: Final = 30_000
RETRY_MS: Final = 120_000
"""Pause between attempts with stored settings while no host is there."""
RESCAN_MS: Final = 120_000
LISTED_NETWORKS: Final = 20
"""Raw results of a scan that are looked at."""
STORAGE_KEY: Final = "NETWORK_CONFIGS"
START_BLE_KEY: Final = "START_BLE"
HOLD_MS: Final = 3_000
"""How long the reconfigure pin must be held."""

_MODEMS: Final = frozenset({NetworkKind.GSM, NetworkKind.NB, NetworkKind.CATM1, NetworkKind.CELL})
_ANY_ADDRESS: Final = Address(4, bytes(16))
_OWN_ETHERNET: Final = Settings(
    NetworkKind.ETHERNET,
    {
        **dict.fromkeys(("ip", "dns", "gateway", "netmask"), _ANY_ADDRESS),
        "timeout": 250,
        "response_timeout": 500,
    },
)
"""What a board without settings tries by itself: DHCP, with short waits."""


class State(Enum):
    """State of the configurator."""

    END = auto()
    READ_STORED = auto()
    ZERO_TOUCH = auto()
    WAITING = auto()
    CONNECTING = auto()
    CONFIGURED = auto()
    UPDATING = auto()
    ERROR = auto()


class NetworkConfigurator:
    """Configurator of a firmware; polled with :meth:`update`."""

    def __init__(
        self, hardware: Hardware, agents: AgentsManager, connection: ConnectionHandler
    ) -> None:
        self._hardware = hardware
        self._agents = agents
        self._connection = connection
        self._settings: Settings | None = None
        self._event: CommandCode | None = None
        self._instantiated = False
        self._host_there = False
        self._attempt = Timer(hardware)
        self._retry = Timer(hardware)
        self._rescan = Timer(hardware)
        self.pin_released = False
        self.state = State.END

    def begin(self) -> None:
        """Take part: register for the commands that are answered here."""
        if self.state is not State.END:
            return
        self.state = State.READ_STORED
        commands = [CommandCode.CONNECT, CommandCode.GET_LIBRARY_VERSION]
        if NetworkKind.WIFI in self._hardware.config.adapters:
            commands += [CommandCode.SCAN, CommandCode.GET_WIFI_FIRMWARE]
        for command in commands:
            self._agents.handlers[command] = partial(self._request, command)
        self._agents.on_settings = self._take_settings

    def update(self) -> Steps[State]:
        """One turn."""
        step = {
            State.READ_STORED: self._read_stored,
            State.ZERO_TOUCH: self._zero_touch,
            State.WAITING: self._wait,
            State.CONNECTING: self._connecting,
            State.CONFIGURED: self._configured,
            State.UPDATING: self._updating,
            State.ERROR: self._error,
        }.get(self.state)
        if step is not None:
            after = yield from step()
            if after is not self.state:
                self._hardware.active = True
                if after is State.CONNECTING:
                    self._start_attempt()
                self.state = after
        if self.pin_released:
            yield from self.reconfigure()
        return self.state

    def reconfigure(self) -> Steps[None]:
        """The reconfigure pin was held long enough: forget the network and restart."""
        yield from self.forget()
        if self._hardware.world.storage:
            self._hardware.memory.storage[START_BLE_KEY] = True
        raise Reset

    def forget(self) -> Steps[bool]:
        """Erase the stored settings; False if the storage fails."""
        self._settings = None
        if self._instantiated:
            yield from self._connection.disconnect()
            self._instantiated = False
        if self.state is not State.END:
            self.state = State.WAITING
        if not self._hardware.world.storage:
            return False
        if not self._hardware.world.storage_writes:
            return STORAGE_KEY not in self._hardware.memory.storage
        self._hardware.memory.storage.pop(STORAGE_KEY, None)
        return True

    def scan(self) -> Steps[None]:
        """Look for networks and report them."""
        hardware = self._hardware
        hardware.active = True
        networks: list[tuple[bytes, int]] = []
        if NetworkKind.WIFI in hardware.config.adapters:
            self._agents.send_status(StatusCode.SCANNING)
            found = yield from self._scan_wifi()
            if found is None:
                self._agents.send_status(StatusCode.HW_ERROR_CONN_MODULE)
                return
            networks = found
        self._agents.send_networks(networks)
        self._rescan.start(RESCAN_MS)

    def _scan_wifi(self) -> Steps[list[tuple[bytes, int]] | None]:
        """Names and strengths, each name once; None if the scan failed."""
        hardware = self._hardware
        if not hardware.config.wifi:
            return []
        if hardware.config.bridged:
            self._connection.drop()
        if not hardware.world.wifi_module or not hardware.world.scans:
            yield max(1.0, hardware.timing.failing_scan)
            return None
        yield hardware.timing.scan
        found: dict[bytes, int] = {}
        for network in hardware.world.networks[:LISTED_NETWORKS]:
            name = network.listed_name
            found[name] = max(network.rssi, found.get(name, network.rssi))
        return list(found.items())

    def _request(self, command: CommandCode) -> None:
        self._event = command

    def _take_settings(self, settings: Settings) -> None:
        self._settings = settings
        self._event = None
        self._log_settings(settings)

    def _read_stored(self) -> Steps[State]:
        hardware = self._hardware
        if not hardware.world.storage:
            self._agents.send_status(StatusCode.ERROR_STORAGE_BEGIN)
            return State.ERROR
        hardware.memory.storage.pop(START_BLE_KEY, None)
        stored = hardware.memory.storage.get(STORAGE_KEY)
        if isinstance(stored, Settings):
            self._settings = stored
            self._log_settings(stored)
            if self._connection.update_settings(stored):
                self._instantiated = True
                self._host_there = self._agents.in_progress
                return State.UPDATING if self._host_there else State.CONFIGURED
        if self._rescan.delay == 0:
            yield from self.scan()
        return State.ZERO_TOUCH if hardware.config.tries_ethernet else State.WAITING

    def _zero_touch(self) -> Steps[State]:
        if self._settings is None:
            self._settings = _OWN_ETHERNET
            if not self._connection.update_settings(_OWN_ETHERNET):
                return State.WAITING
            self._instantiated = True
            self._start_attempt()
        result = yield from self._try()
        if result is True:
            return State.CONFIGURED
        if result is not None:
            if not (yield from self._connection.disconnect()):
                self._agents.send_status(StatusCode.ERROR)
            self._instantiated = False
            return State.WAITING
        return (yield from self._wait())

    def _wait(self) -> Steps[State]:
        self._agents.update()
        event, self._event = self._event, None
        connect = False
        if event is CommandCode.SCAN:
            yield from self.scan()
        elif event is CommandCode.CONNECT:
            connect = yield from self._prepare()
        elif event is CommandCode.GET_WIFI_FIRMWARE:
            version = self._hardware.config.wifi_firmware if self._hardware.config.wifi else ""
            self._answer(event, Tag.WIFI_FIRMWARE, version)
        elif event is CommandCode.GET_LIBRARY_VERSION:
            self._answer(event, Tag.LIBRARY_VERSION, self._hardware.config.library_version)
        alone = self._instantiated and not self._agents.in_progress
        if connect or (alone and self._retry.expired):
            self._announce()
            return State.CONNECTING
        if self._rescan.expired:
            yield from self.scan()
        return self.state

    def _connecting(self) -> Steps[State]:
        self._agents.update()
        result = yield from self._try()
        self._host_there = self._agents.in_progress
        if result is True:
            return State.CONFIGURED
        if result is not None:
            self._agents.send_status(StatusCode(result))
            return State.WAITING
        return State.CONNECTING

    def _configured(self) -> Steps[State]:
        self._agents.update()
        if self._host_there != self._agents.in_progress:
            self._host_there = self._agents.in_progress
            if self._host_there:
                yield from self.scan()
                return State.UPDATING
        return State.CONFIGURED

    def _updating(self) -> Steps[State]:
        self._host_there = self._agents.in_progress
        if not self._host_there:
            self._announce()
            return State.CONNECTING
        return (yield from self._wait())

    def _error(self) -> Steps[State]:
        self._agents.update()
        return State.ERROR
        yield

    def _answer(self, command: CommandCode, tag: Tag, version: str) -> None:
        self._hardware.active = True
        self._agents.send_answer(command, board_cbor.encode_version(tag, version))

    def _announce(self) -> None:
        self._hardware.reach("joining")
        self._agents.send_status(StatusCode.CONNECTING)

    def _prepare(self) -> Steps[bool]:
        """Everything that comes before an attempt; False if there will be none."""
        hardware, settings = self._hardware, self._settings
        hardware.active = True
        if settings is None:
            self._agents.send_status(StatusCode.PARAMS_NOT_FOUND)
            return False
        if settings.kind is NetworkKind.WIFI and not hardware.config.wifi:
            self._agents.send_status(StatusCode.INVALID_PARAMS)
            return False
        if not hardware.world.storage:
            self._agents.send_status(StatusCode.ERROR_STORAGE_BEGIN)
            return False
        if not hardware.world.storage_writes:
            self._agents.send_status(StatusCode.ERROR)
            return False
        hardware.memory.storage[STORAGE_KEY] = settings
        if self._instantiated and not (yield from self._connection.disconnect()):
            self._agents.send_status(StatusCode.ERROR)
            return False
        if not self._connection.update_settings(settings):
            self._agents.send_status(StatusCode.INVALID_PARAMS)
            return False
        self._instantiated = True
        return True

    def _start_attempt(self) -> None:
        modem = self._settings is not None and self._settings.kind in _MODEMS
        self._attempt.start(MODEM_ATTEMPT_MS if modem else ATTEMPT_MS)

    def _try(self) -> Steps[StatusCode | bool | None]:
        """True once connected, the failure when the limit is over, None in between."""
        state = yield from self._connection.check()
        if state is Connection.CONNECTED:
            self._hardware.log("NetworkConfigurator: Connected to network")
            self._hardware.reach("connected")
            self._agents.send_status(StatusCode.CONNECTED)
            return True
        if not self._attempt.expired:
            return None
        self._hardware.active = True
        self._retry.start(RETRY_MS)
        return FAILURE.get(state, StatusCode.ERROR)

    def _log_settings(self, settings: Settings) -> None:
        self._hardware.log("Network settings received:", settings.kind.name)
        if settings.kind is NetworkKind.WIFI:
            self._hardware.log(f"SSID: {settings.text('ssid').decode(errors='replace')}")
