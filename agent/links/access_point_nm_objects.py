"""NetworkManager's objects as data: what they say, and the profile that we make.

Source: NetworkManager's D-Bus reference, 1.42: ``org.freedesktop.NetworkManager.*``, the types
``NMDeviceType``, ``NMDeviceState``, ``NMActiveConnectionState``, and the settings reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agent.links.access_point_wifi import AccessPoint, Adapter, Computer, Network
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE: Final = "org.freedesktop.NetworkManager"
ROOT: Final = "/org/freedesktop/NetworkManager"
SETTINGS: Final = f"{SERVICE}.Settings"
SETTINGS_PATH: Final = f"{ROOT}/Settings"
DEVICE: Final = f"{SERVICE}.Device"
WIRELESS: Final = f"{SERVICE}.Device.Wireless"
ACTIVE: Final = f"{SERVICE}.Connection.Active"
POINT: Final = f"{SERVICE}.AccessPoint"
NOWHERE: Final = "/"
"""The path of no object."""

_DEVICE_TYPE_WIFI: Final = 2
_DEVICE_DISCONNECTED: Final = 30
"""From here on a device can be used; below it is unmanaged (10) or unavailable (20), as with the
radio switched off."""
_DEVICE_UNAVAILABLE: Final = 20
_INFRASTRUCTURE: Final = 2
ACTIVATING: Final = 1
ACTIVATED: Final = 2

Objects: TypeAlias = "Mapping[str, Mapping[str, Mapping[str, Any]]]"
"""Path to interface to property to value, as ``GetManagedObjects`` gives them, without variants."""


@dataclass(frozen=True, slots=True)
class ActiveConnection:
    """A profile in use."""

    path: str
    uuid: str
    name: str
    state: int
    """ACTIVATING, ACTIVATED, or on its way out."""


@dataclass(frozen=True, slots=True)
class Device:
    """A Wi-Fi device, usable or not."""

    path: str
    interface: str
    state: int
    active: ActiveConnection | None
    last_scan_ms: int
    """Of the clock since the start of the computer; -1: never."""
    points: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """It can join a network."""
        return self.state >= _DEVICE_DISCONNECTED

    @property
    def off(self) -> bool:
        """Its radio is off, or its firmware is missing."""
        return self.state == _DEVICE_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Radio:
    """The switches for Wi-Fi."""

    software: bool
    hardware: bool

    @property
    def on(self) -> bool:
        """Both."""
        return self.software and self.hardware


def read_devices(objects: Objects) -> list[Device]:
    """All Wi-Fi devices."""
    devices = []
    for path, interfaces in objects.items():
        device = interfaces.get(DEVICE)
        if device is None or device.get("DeviceType") != _DEVICE_TYPE_WIFI:
            continue
        wireless = interfaces.get(WIRELESS, {})
        devices.append(
            Device(
                path=path,
                interface=str(device.get("Interface", "")),
                state=int(device.get("State", 0)),
                active=read_active(objects, str(device.get("ActiveConnection", NOWHERE))),
                last_scan_ms=int(wireless.get("LastScan", -1)),
                points=tuple(map(str, wireless.get("AccessPoints", ()))),
            )
        )
    return sorted(devices, key=lambda device: device.interface)


def read_active(objects: Objects, path: str) -> ActiveConnection | None:
    """The profile in use at ``path``; None: there is none any more."""
    active = objects.get(path, {}).get(ACTIVE)
    if active is None:
        return None
    return ActiveConnection(
        path=path,
        uuid=str(active.get("Uuid", "")),
        name=str(active.get("Id", "")),
        state=int(active.get("State", 0)),
    )


def read_radio(objects: Objects) -> Radio:
    """The switches."""
    manager = objects.get(ROOT, {}).get(SERVICE, {})
    software = bool(manager.get("WirelessEnabled", True)) and bool(
        manager.get("NetworkingEnabled", True)
    )
    return Radio(software=software, hardware=bool(manager.get("WirelessHardwareEnabled", True)))


def read_computer(objects: Objects) -> Computer:
    """What the computer is connected to, and through what it reaches the Internet."""
    primary = str(objects.get(ROOT, {}).get(SERVICE, {}).get("PrimaryConnection", NOWHERE))
    wifi = read_devices(objects)
    adapters = tuple(
        Adapter(
            name=device.interface,
            network=_network(device.active),
            internet=device.active is not None and device.active.path == primary,
        )
        for device in wifi
        if device.usable
    )
    over_wifi = {device.active.path for device in wifi if device.active}
    elsewhere = primary != NOWHERE and primary not in over_wifi
    return Computer(adapters, elsewhere=elsewhere)


def _network(active: ActiveConnection | None) -> Network | None:
    if active is None or active.state not in {ACTIVATING, ACTIVATED}:
        return None
    return Network(id=active.uuid, name=clean_text(active.name))


def read_points(objects: Objects) -> list[AccessPoint]:
    """What the usable devices hear; other computers' ad-hoc networks are left out."""
    heard = []
    for device in read_devices(objects):
        for path in device.points if device.usable else ():
            point = objects.get(path, {}).get(POINT)
            if point is None or point.get("Mode", _INFRASTRUCTURE) != _INFRASTRUCTURE:
                continue
            heard.append(
                AccessPoint(
                    ssid=bytes(point.get("Ssid", b"")),
                    bssid=str(point.get("HwAddress", "")),
                    strength=int(point.get("Strength", 0)),
                    secured=any(point.get(name) for name in ("Flags", "WpaFlags", "RsnFlags")),
                    adapter=device.interface,
                    place=path,
                )
            )
    return heard


def profile(ssid: bytes, uuid: str, interface: str, user: str | None) -> dict[str, dict[str, Any]]:
    """The settings of a profile for a board's access point: setting to key to value.

    Nothing of the computer's other connections changes: no default route, no name server (that of
    a board answers all names with itself), nothing over IPv6. ``user``: the profile is this user's
    alone, which an account may make that may not make one for everybody.
    """
    connection = {
        "id": f"Mooring {uuid[:8]}",
        "uuid": uuid,
        "type": "802-11-wireless",
        "interface-name": interface,
        "autoconnect": False,
    }
    if user is not None:
        connection["permissions"] = [f"user:{user}:"]
    return {
        "connection": connection,
        "802-11-wireless": {"ssid": ssid, "mode": "infrastructure"},
        "ipv4": {
            "method": "auto",
            "never-default": True,
            "ignore-auto-dns": True,
            "may-fail": False,
        },
        "ipv6": {"method": "ignore", "never-default": True, "ignore-auto-dns": True},
    }


SIGNATURES: Final = {
    "ssid": "ay",
    "permissions": "as",
    "autoconnect": "b",
    "never-default": "b",
    "ignore-auto-dns": "b",
    "may-fail": "b",
}
"""D-Bus types of the keys of :func:`profile`; the others are texts."""
