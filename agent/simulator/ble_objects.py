"""The objects of a simulated ``org.bluez``, and the signals that tell of their changes.

Raw messages: BlueZ sends ``InterfacesAdded`` from ``/`` with all interfaces of an object at once
and leaves properties out, neither of which a class per interface could do.
Source: bench-desktop, 1.2; BlueZ, doc/org.bluez.*.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from dbus_fast import Variant
from dbus_fast.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

OBJECT_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
ADAPTER: Final = "org.bluez.Adapter1"
DEVICE: Final = "org.bluez.Device1"
SERVICE: Final = "org.bluez.GattService1"
CHARACTERISTIC: Final = "org.bluez.GattCharacteristic1"
DESCRIPTOR: Final = "org.bluez.GattDescriptor1"

Properties: TypeAlias = dict[str, Variant]
Interfaces: TypeAlias = dict[str, Properties]


class BluezError(Exception):
    """An error reply of BlueZ: its D-Bus name, and its text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name if "." in name else f"org.bluez.Error.{name}"
        self.text = text


class Objects:
    """All objects by path."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._objects: dict[str, Interfaces] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._objects

    @property
    def snapshot(self) -> dict[str, Interfaces]:
        """What ``GetManagedObjects`` returns."""
        return self._objects

    def interface(self, path: str, name: str) -> Properties:
        """Properties of one interface; :class:`BluezError` as D-Bus reports what is not there."""
        if path not in self._objects:
            kind = "org.freedesktop.DBus.Error.UnknownObject"
            raise BluezError(kind, f"Method was called on unknown object {path}")
        if name not in self._objects[path]:
            kind = "org.freedesktop.DBus.Error.UnknownMethod"
            raise BluezError(kind, f"{path} has no interface {name}")
        return self._objects[path][name]

    def add(self, path: str, interfaces: Interfaces) -> None:
        """A new object appears."""
        self._objects[path] = interfaces
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def remove(self, path: str) -> None:
        """An object vanishes, and all below it before it."""
        below = [each for each in self._objects if each.startswith(f"{path}/")]
        for each in (*sorted(below, reverse=True), path):
            interfaces = list(self._objects.pop(each, {}))
            if interfaces:
                self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [each, interfaces])

    def change(
        self, path: str, interface: str, changed: Properties, invalidated: tuple[str, ...] = ()
    ) -> None:
        """Properties get values, or lose them; one signal. Nothing if the object is gone."""
        properties = self._objects.get(path, {}).get(interface)
        if properties is None:
            return
        properties.update(changed)
        gone = [name for name in invalidated if properties.pop(name, None) is not None]
        if changed or gone:
            told: list[object] = [interface, changed, gone]
            self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", told)

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: list[object]
    ) -> None:
        self._send(Message.new_signal(path, interface, member, signature, body))
