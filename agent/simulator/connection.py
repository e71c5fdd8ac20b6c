"""The connection handler: gets the board into a network, one small step per poll.

Steps are taken at intervals that depend on the state; a driver's call inside a step blocks the
whole board. Whether a step succeeds is up to the world.
Source: protocol-v2, 6 and 7.2; Arduino_ConnectionHandler 782dd72.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from agent.protocols.v2.status import StatusCode
from agent.simulator.board_cbor import NetworkKind, Settings
from agent.simulator.world import Uplink

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.hardware import Hardware, Steps


class Connection(Enum):
    """State of the handler."""

    INIT = auto()
    CONNECTING = auto()
    """Joined; the internet check is still to come."""
    CONNECTED = auto()
    DISCONNECTING = auto()
    DISCONNECTED = auto()
    CLOSED = auto()
    ERROR = auto()


INTERVAL_MS: Final = {
    Connection.INIT: 500,
    Connection.CONNECTING: 500,
    Connection.CONNECTED: 10_000,
    Connection.DISCONNECTING: 100,
    Connection.DISCONNECTED: 1_000,
    Connection.CLOSED: 1_000,
    Connection.ERROR: 1_000,
}
"""Shortest time between two steps (default timeout table of the handler)."""

DISCONNECT_LIMIT_MS: Final = 5_000

FAILURE: Final = {
    Connection.INIT: StatusCode.FAILED_TO_CONNECT,
    Connection.CONNECTING: StatusCode.INTERNET_NOT_AVAILABLE,
    Connection.DISCONNECTED: StatusCode.DISCONNECTED,
    Connection.CLOSED: StatusCode.HW_CONN_MODULE_STOPPED,
    Connection.ERROR: StatusCode.HW_ERROR_CONN_MODULE,
}
"""What an attempt is said to have failed with, by the state at its end."""

# Kinds that the generic handler has an implementation for; LoRa is not among them.
_HANDLED: Final = frozenset(NetworkKind) - {NetworkKind.LORA}


class ConnectionHandler:
    """The board's way into its network."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._settings: Settings | None = None
        self._keep_alive = True
        self._last_step = 0.0
        self._joined = False
        self._on_change: Callable[[Connection], None] | None = None
        self.state = Connection.INIT

    def on_change(self, callback: Callable[[Connection], None]) -> None:
        """Call back when the state changed."""
        self._on_change = callback

    def update_settings(self, settings: Settings) -> bool:
        """Use these settings from now on; False if they cannot be taken."""
        if self._settings is not None and self.state is not Connection.INIT:
            return False
        if settings.kind not in self._hardware.config.adapters or settings.kind not in _HANDLED:
            self._settings = None
            return False
        self._settings = settings
        return True

    def connect(self) -> None:
        """Start again after an end."""
        if self.state not in {Connection.INIT, Connection.CONNECTING}:
            self._keep_alive = True
            self.state = Connection.INIT

    def disconnect(self) -> Steps[bool]:
        """End the connection and be ready for new settings; False if that takes too long."""
        self._keep_alive = False
        self.state = Connection.DISCONNECTING
        limit = self._hardware.now + DISCONNECT_LIMIT_MS
        while (yield from self.check()) is not Connection.CLOSED:
            if self._hardware.now >= limit:
                return False
            step_at = self._last_step + INTERVAL_MS[self.state] + 1
            yield max(1.0, min(step_at, limit) - self._hardware.now)
        self.connect()
        return True

    def drop(self) -> None:
        """A scan of the board's module ended the radio connection."""
        if self._settings is not None and self._settings.kind is NetworkKind.WIFI:
            self._joined = False

    def check(self) -> Steps[Connection]:
        """Take a step if one is due; the state afterwards."""
        hardware = self._hardware
        due = self._last_step + INTERVAL_MS[self.state]
        if hardware.now <= due:
            hardware.wake_at(due + 1)
            return self.state
        self._last_step = hardware.now
        before = self.state
        after = yield from self._step()
        self.state = after
        hardware.wake_at(self._last_step + INTERVAL_MS[after] + 1)
        if after is not before:
            hardware.active = True
            if self._on_change is not None:
                self._on_change(after)
        return after

    def _step(self) -> Steps[Connection]:
        if self._settings is None:
            return Connection.INIT
        if self.state is Connection.INIT:
            return (yield from self._join())
        if self.state is Connection.CONNECTING:
            return (yield from self._ping())
        if self.state is Connection.CONNECTED:
            return self.state if self._still_joined() else Connection.DISCONNECTED
        if self.state is Connection.DISCONNECTING:
            self._joined = False
            return Connection.DISCONNECTED
        if self.state is Connection.DISCONNECTED:
            if not self._keep_alive:
                return Connection.CLOSED
            # A driver that is turned away again and again is in this state nearly all the time.
            return self.state if self._refused() else Connection.INIT
        return self.state

    def _join(self) -> Steps[Connection]:
        assert self._settings is not None  # noqa: S101  (asked before every step)
        if self._settings.kind is NetworkKind.WIFI:
            return (yield from self._join_wifi(self._settings))
        timing = self._hardware.timing
        uplink = self._uplink()
        ethernet = self._settings.kind is NetworkKind.ETHERNET
        if uplink is not Uplink.BROKEN:
            yield timing.link if ethernet else timing.register
            uplink = self._uplink()
        self._joined = uplink in {Uplink.OK, Uplink.NO_INTERNET}
        if uplink is Uplink.BROKEN:
            return Connection.ERROR
        if uplink is Uplink.STOPPED:
            return Connection.CLOSED
        if uplink is Uplink.REFUSED:
            return Connection.DISCONNECTED
        return Connection.CONNECTING if self._joined else Connection.INIT

    def _join_wifi(self, settings: Settings) -> Steps[Connection]:
        hardware, world = self._hardware, self._hardware.world
        hardware.log("WiFi.status(): 0")
        if not world.wifi_module:
            hardware.log("WiFi Hardware failure.", "Then reset and retry.")
            return Connection.ERROR
        hardware.log(f"Current WiFi Firmware: {hardware.config.wifi_firmware}")
        name = settings.text("ssid").decode(errors="replace")
        if not self._joined:
            found = world.find(settings.text("ssid"), settings.text("pwd"))
            self._joined = found is not None and found.dhcp and world.dhcp
            yield hardware.timing.join if self._joined else hardware.timing.failing_join
        if not self._joined:
            hardware.log(f'Connection to "{name}" failed', 'Retrying in  "500" milliseconds')
            return Connection.INIT
        hardware.log(f'Connected to "{name}"')
        return Connection.CONNECTING

    def _ping(self) -> Steps[Connection]:
        if not self._still_joined():
            return Connection.INIT
        reached = self._internet()
        timing = self._hardware.timing
        yield timing.ping if reached else timing.lost_ping
        prefix = "Ethernet" if self._is(NetworkKind.ETHERNET) else "WiFi"
        self._hardware.log(f"{prefix}.ping(): {5 if reached else -1}")
        if not reached:
            self._hardware.log("Internet check failed", 'Retrying in  "500" milliseconds')
            return Connection.CONNECTING
        self._hardware.log("Connected to Internet")
        return Connection.CONNECTED

    def _refused(self) -> bool:
        wifi = self._is(NetworkKind.WIFI)
        return not wifi and self._uplink() is Uplink.REFUSED

    def _still_joined(self) -> bool:
        """Whether the network that was joined is still there."""
        settings, world = self._settings, self._hardware.world
        if settings is None or not self._joined:
            return False
        if settings.kind is NetworkKind.WIFI:
            found = world.find(settings.text("ssid"), settings.text("pwd"))
            return world.wifi_module and found is not None
        return self._uplink() in {Uplink.OK, Uplink.NO_INTERNET}

    def _internet(self) -> bool:
        settings, world = self._settings, self._hardware.world
        if settings is None or not world.internet:
            return False
        if settings.kind is NetworkKind.WIFI:
            found = world.find(settings.text("ssid"), settings.text("pwd"))
            return found is not None and found.internet
        return self._uplink() is Uplink.OK

    def _uplink(self) -> Uplink:
        world = self._hardware.world
        if not self._is(NetworkKind.ETHERNET):
            return world.modem
        return world.ethernet if world.dhcp or world.ethernet is Uplink.BROKEN else Uplink.ABSENT

    def _is(self, kind: NetworkKind) -> bool:
        return self._settings is not None and self._settings.kind is kind
