"""The records of ``wlanapi.h``, laid out by ctypes, and reading them.

They have no pointers but in the two that Windows is given and gives; so the layout is the same on
every system, and the reading is tested on each.
Source: Microsoft Learn, wlanapi.h; sizes as the 64-bit SDK has them.
"""

from __future__ import annotations

import ctypes
import uuid
from typing import Final

from agent.links.access_point_wlan import Connected, Heard

_NAME_CHARS: Final = 256
_SSID_BYTES: Final = 32
_PHY_TYPES: Final = 8
RADIOS: Final = 64
CONNECTED: Final = 1
"""``wlan_interface_state_connected``."""
RADIO_ON: Final = 1
"""``dot11_radio_state_on``."""
INFRASTRUCTURE: Final = 1
"""``dot11_BSS_type_infrastructure``."""
WideName = ctypes.c_uint16 * _NAME_CHARS
"""Not ``wchar``, which has four bytes on other systems."""


class Guid(ctypes.Structure):
    """The name of an adapter."""

    _fields_ = (("data", ctypes.c_ubyte * 16),)

    def __str__(self) -> str:
        return str(uuid.UUID(bytes_le=bytes(self.data)))

    @classmethod
    def parse(cls, text: str) -> Guid:
        """Raises :class:`ValueError`."""
        return cls((ctypes.c_ubyte * 16)(*uuid.UUID(text).bytes_le))


class Interface(ctypes.Structure):
    """``WLAN_INTERFACE_INFO``, 532 bytes."""

    _fields_ = (("guid", Guid), ("description", WideName), ("state", ctypes.c_uint32))


class Ssid(ctypes.Structure):
    """``DOT11_SSID``, 36 bytes."""

    _fields_ = (("length", ctypes.c_uint32), ("data", ctypes.c_ubyte * _SSID_BYTES))

    @property
    def value(self) -> bytes:
        """The bytes of the name, never more than there are."""
        return bytes(self.data)[: min(self.length, _SSID_BYTES)]


class AvailableNetwork(ctypes.Structure):
    """``WLAN_AVAILABLE_NETWORK``, 628 bytes."""

    _fields_ = (
        ("profile", WideName),
        ("ssid", Ssid),
        ("kind", ctypes.c_uint32),
        ("points", ctypes.c_uint32),
        ("connectable", ctypes.c_int32),
        ("reason", ctypes.c_uint32),
        ("phy_count", ctypes.c_uint32),
        ("phys", ctypes.c_uint32 * _PHY_TYPES),
        ("more_phys", ctypes.c_int32),
        ("quality", ctypes.c_uint32),
        ("secured", ctypes.c_int32),
        ("authentication", ctypes.c_uint32),
        ("cipher", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class Connection(ctypes.Structure):
    """``WLAN_CONNECTION_ATTRIBUTES``, 604 bytes."""

    _fields_ = (
        ("state", ctypes.c_uint32),
        ("mode", ctypes.c_uint32),
        ("profile", WideName),
        ("ssid", Ssid),
        ("kind", ctypes.c_uint32),
        ("bssid", ctypes.c_ubyte * 6),
        ("phy", ctypes.c_uint32),
        ("phy_index", ctypes.c_uint32),
        ("quality", ctypes.c_uint32),
        ("receive_rate", ctypes.c_uint32),
        ("send_rate", ctypes.c_uint32),
        ("secured", ctypes.c_int32),
        ("one_x", ctypes.c_int32),
        ("authentication", ctypes.c_uint32),
        ("cipher", ctypes.c_uint32),
    )


class RadioState(ctypes.Structure):
    """``WLAN_PHY_RADIO_STATE``."""

    _fields_ = (
        ("index", ctypes.c_uint32),
        ("software", ctypes.c_uint32),
        ("hardware", ctypes.c_uint32),
    )


class RadioStates(ctypes.Structure):
    """``WLAN_RADIO_STATE``."""

    _fields_ = (("count", ctypes.c_uint32), ("states", RadioState * RADIOS))


class ConnectionNews(ctypes.Structure):
    """``WLAN_CONNECTION_NOTIFICATION_DATA``, up to the flags."""

    _fields_ = (
        ("mode", ctypes.c_uint32),
        ("profile", WideName),
        ("ssid", Ssid),
        ("kind", ctypes.c_uint32),
        ("secured", ctypes.c_int32),
        ("reason", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    )


class Notification(ctypes.Structure):
    """``WLAN_NOTIFICATION_DATA``."""

    _fields_ = (
        ("source", ctypes.c_uint32),
        ("code", ctypes.c_uint32),
        ("guid", Guid),
        ("size", ctypes.c_uint32),
        ("data", ctypes.c_void_p),
    )


class Parameters(ctypes.Structure):
    """``WLAN_CONNECTION_PARAMETERS``."""

    _fields_ = (
        ("mode", ctypes.c_uint32),
        ("profile", ctypes.c_wchar_p),
        ("ssid", ctypes.c_void_p),
        ("bssids", ctypes.c_void_p),
        ("kind", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    )


def wide(name: ctypes.Array[ctypes.c_uint16]) -> str:
    """A name that ends at its first zero."""
    return bytes(name).decode("utf-16-le", errors="replace").partition("\0")[0]


def read_connection(data: bytes) -> Connected | None:
    """What an adapter is in; None: nothing yet, or too few bytes to say."""
    if len(data) < ctypes.sizeof(Connection):
        return None
    found = Connection.from_buffer_copy(data)
    if found.state != CONNECTED:
        return None
    return Connected(wide(found.profile), found.ssid.value)


def read_networks(data: bytes) -> list[Heard]:
    """The list of ``WlanGetAvailableNetworkList``: a count, an index, and the networks.

    A network with a stored profile is listed twice, which is one network all the same.
    """
    size = ctypes.sizeof(AvailableNetwork)
    count = int.from_bytes(data[:4], "little")
    found = []
    for start in range(8, min(8 + count * size, len(data) - size + 1), size):
        network = AvailableNetwork.from_buffer_copy(data, start)
        if network.kind == INFRASTRUCTURE and network.ssid.value:
            quality = min(network.quality, 100)
            found.append(Heard(network.ssid.value, quality, bool(network.secured)))
    return list(dict.fromkeys(found))


def read_radio(data: bytes) -> bool:
    """Whether one of the adapter's radios is on by both switches; unknown counts as on."""
    if len(data) < ctypes.sizeof(ctypes.c_uint32):
        return True
    whole = data.ljust(ctypes.sizeof(RadioStates), b"\0")
    radios = RadioStates.from_buffer_copy(whole)
    states = list(radios.states)[: min(radios.count, RADIOS)]
    return not states or any(s.software == s.hardware == RADIO_ON for s in states)
