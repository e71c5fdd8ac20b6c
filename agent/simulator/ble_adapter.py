"""The Bluetooth adapter of a simulated BlueZ: its power, who discovers, and the devices it knows.

Source: BlueZ, doc/org.bluez.Adapter.rst and src/adapter.c.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from dbus_fast import Variant

from agent.simulator import ble_faults
from agent.simulator.ble_air import ADVERTISING_INTERVAL_S
from agent.simulator.ble_device import RemoteDevice
from agent.simulator.ble_objects import ADAPTER, BluezError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.ble_air import Peripheral
    from agent.simulator.ble_objects import Objects

FORGET_AFTER_S: Final = 30.0
"""A device without a link that is no longer heard is removed (BlueZ, TemporaryTimeout)."""
CONNECT_LIMIT_S: Final = 20.0
"""Until a device that does not answer is given up (kernel, HCI_LE_CONN_TIMEOUT)."""
RSSI_THRESHOLD_DB: Final = 8
"""Smaller changes are told only to who set a filter (BlueZ, src/device.c)."""


class AdapterState(Enum):
    """What the computer's Bluetooth is like."""

    ON = "on"
    OFF = "off"
    """Switched off by software; can be switched on."""
    BLOCKED = "off-blocked"
    """Switched off by a key or by flight mode (rfkill); cannot be switched on by software."""
    ABSENT = "absent"
    """No radio: there is no such object."""


class Adapter:
    """``/org/bluez/hci0``."""

    def __init__(
        self, objects: Objects, *, path: str = "/org/bluez/hci0", forget_after_s: float
    ) -> None:
        self.path = path
        self.state = AdapterState.ABSENT
        self.peripherals: list[Peripheral] = []
        self.connect_limit_s = CONNECT_LIMIT_S
        self.roles = ["central", "peripheral"]
        self.fading: Callable[[int], int] | None = None
        """What becomes of a strength in dBm on its way, for each advertisement anew."""
        self._objects = objects
        self._forget_after_s = forget_after_s
        self._devices: dict[str, RemoteDevice] = {}
        self._discovering: dict[str, dict[str, Any]] = {}
        self._filters: dict[str, dict[str, Any]] = {}
        self._listening: asyncio.Task[None] | None = None

    @property
    def powered(self) -> bool:
        """Whether it works."""
        return self.state is AdapterState.ON

    @property
    def discovering(self) -> bool:
        """Whether it scans for somebody."""
        return bool(self._discovering)

    def device(self, path: str) -> RemoteDevice | None:
        """The device whose object this is, or is below of."""
        return self._devices.get("/".join(path.split("/")[:5]))

    async def set_state(self, state: AdapterState) -> None:
        """Switch, plug in or pull out the radio."""
        if state is self.state:
            return
        before, self.state = self.state, state
        if not self.powered:
            await self._fall_silent()
        if state is AdapterState.ABSENT:
            self._objects.remove(self.path)
        elif before is AdapterState.ABSENT:
            self._objects.add(self.path, {ADAPTER: self._new()})
        else:
            self._objects.change(self.path, ADAPTER, self._power())

    async def set_powered(self, *, on: bool) -> None:
        """``Set Powered`` by a program."""
        if on and self.state is AdapterState.BLOCKED:
            raise BluezError("Blocked", "Blocked through rfkill")
        if on != self.powered:
            await self.set_state(AdapterState.ON if on else AdapterState.OFF)

    async def close(self) -> None:
        """Hang up everywhere."""
        await self._fall_silent()
        self._objects.remove(self.path)
        self.state = AdapterState.ABSENT

    # --- discovery ---

    def set_filter(self, client: str, wanted: dict[str, Any]) -> None:
        """``SetDiscoveryFilter``; an empty one removes it."""
        if wanted:
            self._filters[client] = wanted
        else:
            self._filters.pop(client, None)
        if client in self._discovering:
            self._discovering[client] = wanted

    def start_discovery(self, client: str) -> None:
        """``StartDiscovery``."""
        if not self.powered:
            raise BluezError(*ble_faults.NOT_READY)
        if client in self._discovering:
            raise BluezError(*ble_faults.IN_PROGRESS)
        self._discovering[client] = self._filters.get(client, {})
        if self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._listen())
            self._objects.change(self.path, ADAPTER, {"Discovering": Variant("b", True)})

    def stop_discovery(self, client: str) -> None:
        """``StopDiscovery``."""
        if not self.powered:
            raise BluezError(*ble_faults.NOT_READY)
        if client not in self._discovering:
            raise BluezError("Failed", "No discovery started")
        self._end_discovery(client)

    async def remove_device(self, device: RemoteDevice) -> None:
        """``RemoveDevice``: hang up and forget."""
        await device.close()
        self._forget(device)

    def _forget(self, device: RemoteDevice) -> None:
        self._devices.pop(device.path, None)
        self._objects.remove(device.path)

    async def client_gone(self, client: str) -> None:
        """A program left the bus: its discovery and its subscriptions end, its links stay."""
        self._filters.pop(client, None)
        self._end_discovery(client)
        for device in self._devices.values():
            if device.gatt is not None:
                await device.gatt.client_gone(client)

    def _end_discovery(self, client: str) -> None:
        if self._discovering.pop(client, None) is None or self._discovering:
            return
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        for device in self._devices.values():
            device.forget_strength()
        self._objects.change(self.path, ADAPTER, {"Discovering": Variant("b", False)})

    async def _listen(self) -> None:
        """Hear everybody once per advertising interval."""
        while True:
            await asyncio.sleep(ADVERTISING_INTERVAL_S)
            now = asyncio.get_running_loop().time()
            for peripheral in self.peripherals:
                self._hear(peripheral, now)
            for device in list(self._devices.values()):
                if not device.in_use and now - device.last_heard > self._forget_after_s:
                    self._forget(device)

    def _hear(self, peripheral: Peripheral, now: float) -> None:
        advertisement, rssi_dbm = peripheral.advertisement, peripheral.rssi_dbm
        if advertisement is None or rssi_dbm is None:
            return
        if self.fading is not None:
            rssi_dbm = self.fading(rssi_dbm)
        filters = list(self._discovering.values())
        if not any(_passes(each, advertisement.services) for each in filters):
            return
        device = RemoteDevice(self._objects, self.path, peripheral)
        device = self._devices.setdefault(device.path, device)
        device.last_heard = now
        threshold = 0 if any(filters) else RSSI_THRESHOLD_DB
        device.hear(advertisement, rssi_dbm, threshold_db=threshold)

    async def _fall_silent(self) -> None:
        """Power is gone: no discovery, no links, no devices that were only heard."""
        for client in list(self._discovering):
            self._end_discovery(client)
        self._filters.clear()
        for device in list(self._devices.values()):
            await self.remove_device(device)

    def _power(self) -> dict[str, Variant]:
        return {
            "Powered": Variant("b", self.powered),
            "PowerState": Variant("s", self.state.value),
        }

    def _new(self) -> dict[str, Variant]:
        return self._power() | {
            "Address": Variant("s", "00:1A:7D:DA:71:13"),
            "AddressType": Variant("s", "public"),
            "Name": Variant("s", "bench"),
            "Alias": Variant("s", "bench"),
            "Discoverable": Variant("b", False),
            "Pairable": Variant("b", False),
            "Discovering": Variant("b", False),
            "UUIDs": Variant("as", []),
            "Roles": Variant("as", self.roles),
        }


def _passes(wanted: dict[str, Any], services: tuple[str, ...]) -> bool:
    """Whether a filter lets a device with these services through."""
    uuids = {uuid.lower() for uuid in wanted.get("UUIDs", ())}
    return not uuids or bool(uuids & set(services))
