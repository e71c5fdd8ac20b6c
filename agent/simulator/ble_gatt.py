"""The GATT objects of one link as BlueZ shows them, and the calls that programs make to them.

Source: bench-desktop, 1.3; BlueZ, src/gatt-client.c.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from dbus_fast import Variant

from agent.simulator import ble_faults
from agent.simulator.ble_air import AttError, LinkFailedError
from agent.simulator.ble_objects import CHARACTERISTIC, DESCRIPTOR, SERVICE, BluezError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from agent.simulator.ble_air import GattCharacteristic, GattService, PeripheralLink
    from agent.simulator.ble_objects import Objects

T = TypeVar("T")


class RemoteGatt:
    """Services of a device while the link is up."""

    def __init__(self, objects: Objects, device: str, link: PeripheralLink) -> None:
        self._objects = objects
        self._device = device
        self._link = link
        self._characteristics: dict[str, GattCharacteristic] = {}
        self._busy: set[tuple[str, str]] = set()
        self._listeners: dict[str, set[str]] = {}

    def show(self) -> None:
        """The services appear, each after what it belongs to."""
        for service in self._link.services:
            self._show_service(service)

    def hide(self) -> None:
        """They vanish."""
        for service in self._link.services:
            self._objects.remove(self._service_path(service))
        self._characteristics.clear()
        self._listeners.clear()

    def has(self, path: str) -> bool:
        """Whether ``path`` is a characteristic of this link."""
        return path in self._characteristics

    def agree(self, mtu: int) -> None:
        """Another ATT_MTU from now on: the exchange came late."""
        for path in self._characteristics:
            self._objects.change(path, CHARACTERISTIC, {"MTU": Variant("q", mtu)})

    async def read_value(self, path: str) -> bytes:
        """``ReadValue``; who subscribed sees it as a notification too."""
        with self._operation(path, "read"):
            value = await _att(self._link.read(self._characteristics[path].handle))
        self._deliver(path, value)
        return value

    async def write_value(self, path: str, data: bytes, kind: str) -> None:
        """``WriteValue`` of type ``request`` or ``command``."""
        characteristic = self._characteristics[path]
        response = kind != "command"
        if not response and "write-without-response" not in characteristic.flags:
            raise BluezError(*ble_faults.NOT_SUPPORTED)
        with self._operation(path, "write"):
            await _att(self._link.write(characteristic.handle, data, response=response))

    async def start_notify(self, path: str, client: str) -> None:
        """``StartNotify`` of one client; that of the first one writes the descriptor."""
        characteristic = self._characteristics[path]
        if not {"notify", "indicate"} & set(characteristic.flags):
            raise BluezError(*ble_faults.NOT_SUPPORTED)
        listeners = self._listeners.setdefault(path, set())
        if client in listeners:
            raise BluezError(*ble_faults.IN_PROGRESS)
        first = not listeners
        listeners.add(client)
        if not first:
            return
        handle = characteristic.handle
        try:
            await _att(self._link.subscribe(handle, lambda value: self._deliver(path, value)))
        except BaseException:
            listeners.discard(client)
            raise
        self._objects.change(path, CHARACTERISTIC, {"Notifying": Variant("b", True)})

    async def stop_notify(self, path: str, client: str) -> None:
        """``StopNotify``; that of the last one writes the descriptor."""
        listeners = self._listeners.get(path, set())
        if client not in listeners:
            raise BluezError("Failed", "No notify session started")
        listeners.discard(client)
        if not listeners:
            await _att(self._link.unsubscribe(self._characteristics[path].handle))
            self._objects.change(path, CHARACTERISTIC, {"Notifying": Variant("b", False)})

    async def client_gone(self, client: str) -> None:
        """A program left the bus: what it had subscribed to ends; the link stays."""
        for path in [path for path, clients in self._listeners.items() if client in clients]:
            with contextlib.suppress(BluezError):
                await self.stop_notify(path, client)

    def _deliver(self, path: str, value: bytes) -> None:
        self._objects.change(path, CHARACTERISTIC, {"Value": Variant("ay", value)})

    @contextlib.contextmanager
    def _operation(self, path: str, what: str) -> Iterator[None]:
        """One at a time for each characteristic; BlueZ has no queue here."""
        if (path, what) in self._busy:
            raise BluezError(*ble_faults.IN_PROGRESS)
        self._busy.add((path, what))
        try:
            yield
        finally:
            self._busy.discard((path, what))

    def _service_path(self, service: GattService) -> str:
        return f"{self._device}/service{service.handle:04x}"

    def _show_service(self, service: GattService) -> None:
        path = self._service_path(service)
        properties = {
            "UUID": Variant("s", service.uuid),
            "Device": Variant("o", self._device),
            "Primary": Variant("b", True),
            "Includes": Variant("ao", []),
        }
        self._objects.add(path, {SERVICE: properties})
        for characteristic in service.characteristics:
            self._show_characteristic(path, characteristic)

    def _show_characteristic(self, service: str, characteristic: GattCharacteristic) -> None:
        path = f"{service}/char{characteristic.handle:04x}"
        self._characteristics[path] = characteristic
        properties = {
            "UUID": Variant("s", characteristic.uuid),
            "Service": Variant("o", service),
            "Value": Variant("ay", b""),
            "Flags": Variant("as", list(characteristic.flags)),
            "MTU": Variant("q", self._link.mtu),
        }
        if {"notify", "indicate"} & set(characteristic.flags):
            properties["Notifying"] = Variant("b", False)
        self._objects.add(path, {CHARACTERISTIC: properties})
        for handle, uuid in characteristic.descriptors:
            self._objects.add(
                f"{path}/desc{handle:04x}",
                {
                    DESCRIPTOR: {
                        "UUID": Variant("s", uuid),
                        "Characteristic": Variant("o", path),
                        "Value": Variant("ay", b""),
                    }
                },
            )


async def _att(work: Awaitable[T]) -> T:
    """What the device answered, in BlueZ' words."""
    try:
        return await work
    except AttError as error:
        raise ble_faults.att_error(error) from None
    except LinkFailedError:
        raise BluezError(*ble_faults.NOT_CONNECTED) from None
