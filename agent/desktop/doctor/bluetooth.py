"""Whether boards can be heard over Bluetooth LE: listens for a moment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from agent.desktop.doctor.found import fine, from_error
from agent.errors import BluetoothError, BluetoothFailed, BluetoothNever, BluetoothOff, Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.desktop.doctor.found import Found
    from agent.links.ble_radio import BleRadio

AREA: Final = "bluetooth"
LISTEN_S: Final = 1.5
"""A radio that cannot be used says so within milliseconds; boards advertise some times a second."""
NOBODY: Final = "00:00:00:00:00:00"
"""No device has this address, so the whole time is listened."""

BLUEZ: Final = "org.bluez"
_ADAPTER: Final = "org.bluez.Adapter1"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_OBJECTS: Final = "org.freedesktop.DBus.ObjectManager"
BUS_LIMIT_S: Final = 10.0
"""For one question to the Bluetooth service; switching a radio on takes up to some seconds."""
_COMMANDS: Final = (
    "rfkill unblock bluetooth",
    "bluetoothctl power on",
    "sudo systemctl enable --now bluetooth",
)
"""Of the remedies that :mod:`agent.links.ble_failures` gives on Linux."""
WILL: Final = "Switches Bluetooth on."


class Bluetooth:
    """Listens through the agent's own radio; None: its settings say never."""

    area = AREA

    def __init__(self, radio: BleRadio | None, *, listen_s: float = LISTEN_S) -> None:
        self._radio = radio
        self._listen_s = listen_s

    async def look(self) -> Sequence[Found]:
        """The state of the radio as the agent meets it."""
        if self._radio is None:
            return [from_error(AREA, BluetoothNever(), Level.WARNING)]
        try:
            await self._radio.find(NOBODY, self._listen_s)
        except BluetoothError as error:
            # Boards on a cable need none of it.
            off = isinstance(error, BluetoothOff) and sys.platform == "linux"
            fix = switch_on if off else None
            return [from_error(AREA, error, Level.WARNING, commands=_COMMANDS, fix=fix, will=WILL)]
        return [fine(AREA, "Bluetooth works: this computer can listen for boards.")]


async def switch_on() -> None:
    """Give the radios of this Linux power, as the switch in a desktop's settings does.

    Raises :class:`BluetoothFailed`; not to be used against flight mode, which the system refuses.
    """
    from dbus_fast import DBusError, Variant
    from dbus_fast.aio import MessageBus
    from dbus_fast.constants import BusType, MessageType
    from dbus_fast.message import Message

    from agent.links.ble_failures import shown
    from agent.links.ble_library import within

    bus = MessageBus(bus_type=BusType.SYSTEM)

    async def ask(path: str, interface: str, member: str, *values: object) -> list[Any]:
        signature = "ssv" if values else ""
        call = Message(
            destination=BLUEZ,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(values),
        )
        reply = await within(BUS_LIMIT_S, bus.call(call))
        if reply.message_type is MessageType.ERROR:
            detail = str(reply.body[0]) if reply.body else "no reason given"
            raise BluetoothFailed(detail=shown(OSError(detail)))
        return list(reply.body)

    try:
        await within(BUS_LIMIT_S, bus.connect())
        objects: dict[str, dict[str, object]]
        (objects,) = await ask("/", _OBJECTS, "GetManagedObjects")
        for path in [path for path, has in objects.items() if _ADAPTER in has]:
            await ask(path, _PROPERTIES, "Set", _ADAPTER, "Powered", Variant("b", True))
    except (OSError, EOFError, DBusError) as error:
        raise BluetoothFailed(detail=shown(error)) from error
    finally:
        bus.disconnect()
