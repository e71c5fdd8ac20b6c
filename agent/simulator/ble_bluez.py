"""A stand-in of BlueZ on a D-Bus: programs meet what bluetoothd would show them, errors included.

It hears of devices through ``agent.simulator.ble_air`` alone; who wants to see calls fail asks
``faults``. Source: bench-desktop, 1.2 and 1.3; BlueZ, doc/org.bluez.*.rst.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.constants import RequestNameReply

from agent.simulator import ble_faults
from agent.simulator.ble_adapter import FORGET_AFTER_S, Adapter, AdapterState
from agent.simulator.ble_faults import CallFaults
from agent.simulator.ble_objects import (
    ADAPTER,
    CHARACTERISTIC,
    DEVICE,
    OBJECT_MANAGER,
    PROPERTIES,
    BluezError,
    Objects,
)
from agent.simulator.ble_outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from agent.simulator.ble_air import Peripheral
    from agent.simulator.ble_device import RemoteDevice
    from agent.simulator.ble_gatt import RemoteGatt

NAME: Final = "org.bluez"
_BUS: Final = "org.freedesktop.DBus"

Reply: TypeAlias = tuple[str, list[Any]]
"""Signature and body of an answer."""
NOTHING: Final[Reply] = ("", [])


class BluezStandIn:
    """``org.bluez`` on the bus at ``address``; an asynchronous context manager."""

    def __init__(
        self,
        address: str,
        *,
        state: AdapterState = AdapterState.ON,
        forget_after_s: float = FORGET_AFTER_S,
    ) -> None:
        self.faults = CallFaults()
        self.calls: list[str] = []
        """Methods that were called, in order, for tests."""
        self.forbidden = False
        """True: every call is answered as by a bus whose policy keeps this user away."""
        self._address = address
        self._first_state = state
        self._bus: MessageBus | None = None
        self._outbox: Outbox | None = None
        self._objects = Objects(self._send)
        self.adapter = Adapter(self._objects, forget_after_s=forget_after_s)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> BluezStandIn:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def running(self) -> bool:
        """Whether it is on the bus."""
        return self._bus is not None

    async def start(self) -> None:
        """Take the name on the bus, with the adapter in its first state."""
        bus = MessageBus(bus_address=self._address, negotiate_unix_fd=True)
        await bus.connect()
        self._bus, self._outbox = bus, Outbox(bus)
        bus.add_message_handler(self._on_message)
        rule = f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged'"
        await bus.call(
            Message(
                destination=_BUS,
                path="/org/freedesktop/DBus",
                interface=_BUS,
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )
        await self.adapter.set_state(self._first_state)
        if await bus.request_name(NAME) is not RequestNameReply.PRIMARY_OWNER:
            msg = f"{NAME} is taken on this bus"
            raise RuntimeError(msg)

    async def stop(self) -> None:
        """Leave the bus, as when bluetoothd ends; may be called again."""
        bus, self._bus = self._bus, None
        outbox, self._outbox = self._outbox, None
        if bus is None or outbox is None:
            return
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.adapter.close()
        await outbox.close()
        bus.disconnect()

    async def set_state(self, state: AdapterState) -> None:
        """Change the computer's Bluetooth."""
        await self.adapter.set_state(state)

    def add(self, *peripherals: Peripheral) -> None:
        """Devices are there from now on."""
        self.adapter.peripherals.extend(peripherals)

    def remove(self, peripheral: Peripheral) -> None:
        """A device is no longer there; what was heard of it stays until it is forgotten."""
        self.adapter.peripherals.remove(peripheral)

    # --- calls ---

    def _on_message(self, message: Message) -> bool:
        if message.message_type is MessageType.METHOD_CALL:
            self._spawn(self._answer(message))
            return True
        if message.member == "NameOwnerChanged" and message.sender == _BUS:
            name, _, owner = message.body
            if not owner:
                self._spawn(self.adapter.client_gone(name))
        return False

    async def _answer(self, call: Message) -> None:
        member = call.member or ""
        self.calls.append(member)
        try:
            await self._meet_faults(member, call.path or "")
            signature, body = await self._perform(call, call.path or "", call.sender or "")
        except BluezError as error:
            self._send(Message.new_error(call, error.name, error.text))
        else:
            self._send(Message.new_method_return(call, signature, body))

    async def _meet_faults(self, member: str, path: str) -> None:
        if self.forbidden:
            raise BluezError(*ble_faults.ACCESS_DENIED)
        try:
            await self.faults.meet(member)
        except BluezError as error:
            if member == "Connect" and error.text == ble_faults.ABORT_BY_LOCAL[1]:
                self._device(path).flash_up()
            raise

    async def _perform(self, call: Message, path: str, client: str) -> Reply:
        member, body = call.member or "", call.body
        if call.interface == OBJECT_MANAGER and member == "GetManagedObjects":
            return "a{oa{sa{sv}}}", [self._objects.snapshot]
        if call.interface == PROPERTIES:
            return await self._properties_call(path, member, body)
        if call.interface not in {ADAPTER, DEVICE, CHARACTERISTIC}:
            raise _unknown(call)
        self._objects.interface(path, call.interface)
        if call.interface == ADAPTER:
            return self._adapter_call(call, member, client)
        if call.interface == DEVICE:
            return await self._device_call(call, member, self._device(path))
        gatt = self._device(path).gatt
        if gatt is None or not gatt.has(path):
            raise BluezError(*ble_faults.NOT_CONNECTED)
        return await _characteristic_call(call, member, client, gatt)

    async def _properties_call(self, path: str, member: str, body: list[Any]) -> Reply:
        interface = body[0] if body else ""
        properties = self._objects.interface(path, interface)
        if member == "GetAll":
            return "a{sv}", [properties]
        if member == "Get" and body[1] in properties:
            return "v", [properties[body[1]]]
        if member == "Set" and (interface, body[1]) == (ADAPTER, "Powered"):
            await self.adapter.set_powered(on=bool(body[2].value))
            return NOTHING
        if member == "Set" and (interface, body[1]) == (DEVICE, "Trusted"):
            self._objects.change(path, DEVICE, {"Trusted": body[2]})
            return NOTHING
        raise BluezError("org.freedesktop.DBus.Error.InvalidArgs", f"No such property: {body[1:]}")

    def _adapter_call(self, call: Message, member: str, client: str) -> Reply:
        if member == "SetDiscoveryFilter":
            self.adapter.set_filter(client, {n: v.value for n, v in call.body[0].items()})
        elif member == "StartDiscovery":
            self.adapter.start_discovery(client)
        elif member == "StopDiscovery":
            self.adapter.stop_discovery(client)
        elif member == "RemoveDevice":
            device = self.adapter.device(call.body[0])
            if device is None:
                raise BluezError("DoesNotExist", "Does Not Exist")
            self._spawn(self.adapter.remove_device(device))
        else:
            raise _unknown(call)
        return NOTHING

    async def _device_call(self, call: Message, member: str, device: RemoteDevice) -> Reply:
        if member == "Connect":
            if not self.adapter.powered:
                raise BluezError(*ble_faults.NOT_READY)
            await device.connect(self.adapter.connect_limit_s)
        elif member == "Disconnect":
            await device.disconnect()
        elif member == "Pair":
            # ArduinoBLE refuses to pair unless the sketch asks for it.
            raise BluezError("AuthenticationFailed", "Authentication Failed")
        else:
            raise _unknown(call)
        return NOTHING

    # --- inside ---

    def _device(self, path: str) -> RemoteDevice:
        device = self.adapter.device(path)
        if device is None:
            kind = "org.freedesktop.DBus.Error.UnknownObject"
            raise BluezError(kind, f"Method was called on unknown object {path}")
        return device

    def _send(self, message: Message) -> None:
        if self._outbox is not None:
            self._outbox.send(message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _characteristic_call(call: Message, member: str, client: str, gatt: RemoteGatt) -> Reply:
    path = call.path or ""
    if member == "ReadValue":
        return "ay", [await gatt.read_value(path)]
    if member == "WriteValue":
        kind = call.body[1].get("type", Variant("s", "request")).value
        await gatt.write_value(path, bytes(call.body[0]), kind)
    elif member == "StartNotify":
        await gatt.start_notify(path, client)
    elif member == "StopNotify":
        await gatt.stop_notify(path, client)
    else:
        raise _unknown(call)
    return NOTHING


def _unknown(call: Message) -> BluezError:
    kind = "org.freedesktop.DBus.Error.UnknownMethod"
    text = f'Method "{call.member}" on interface "{call.interface}" does not exist'
    return BluezError(kind, text)
