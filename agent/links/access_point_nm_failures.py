"""What NetworkManager's errors and reasons mean.

Source: NetworkManager 1.42, ``nm-errors.h``, ``NMDeviceStateReason`` and
``NMActiveConnectionStateReason`` of its D-Bus reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import (
    ApNotHeard,
    ApUnjoined,
    WifiAbsent,
    WifiFailed,
    WifiForbidden,
    WifiOff,
    WifiStopped,
)
from agent.links.access_point_wifi import NO_ADAPTER
from agent.settings import clean_text, decode_text

if TYPE_CHECKING:
    from agent.errors import MooringError, WifiError
    from agent.links.access_point_nm_objects import Device, Radio

_BUS_ERROR: Final = "org.freedesktop.DBus.Error."
_OURS: Final = "org.freedesktop.NetworkManager."

_STOPPED: Final = frozenset(
    f"{_BUS_ERROR}{name}"
    for name in (
        "ServiceUnknown",
        "NameHasNoOwner",
        "NoReply",
        "Disconnected",
        "NoServer",
        "FileNotFound",
        "Spawn.ServiceNotFound",
        "Spawn.ChildExited",
        "Spawn.Failed",
        "TimedOut",
        "Timeout",
    )
)
_FORBIDDEN: Final = frozenset(
    {
        f"{_BUS_ERROR}AccessDenied",
        f"{_BUS_ERROR}InteractiveAuthorizationRequired",
        f"{_OURS}PermissionDenied",
        f"{_OURS}Settings.PermissionDenied",
        f"{_OURS}Settings.NotPrivileged",
        f"{_OURS}AgentManager.PermissionDenied",
        f"{_OURS}Device.NotAllowed",
    }
)
_GONE: Final = frozenset({f"{_OURS}UnknownDevice", f"{_OURS}UnmanagedDevice"})

START: Final = (
    "Start it: sudo systemctl enable --now NetworkManager (systems that use another service, such "
    "as iwd or systemd-networkd alone, are not changed by Mooring)."
)
ALLOW: Final = (
    "Start Mooring in the session at this computer's screen, not over SSH, or let the administrator "
    "allow org.freedesktop.NetworkManager.network-control to your account."
)
_SWITCH_ON: Final = "Switch Wi-Fi on in the desktop's menu, or run: nmcli radio wifi on."
_SWITCH_HARD: Final = (
    "Use the computer's switch or key for flight mode; rfkill list says which radio is blocked."
)

_REASONS: Final = {
    4: "the settings were refused",
    5: "the board gave this computer no address",
    6: "the board's address service gave none that can be used",
    7: "the network wants a password",
    8: "the connection to the access point ended at once",
    9: "the access point refused the connection",
    10: "the Wi-Fi service of this computer failed",
    11: "the access point did not answer in time",
    15: "the board gave this computer no address",
    16: "the board gave this computer no address",
    17: "the board gave this computer no address",
    35: "the firmware of the Wi-Fi adapter is missing",
    36: "the Wi-Fi adapter was taken away",
    37: "the computer went to sleep",
    38: "the network's settings were removed meanwhile",
    39: "somebody disconnected it on this computer",
    42: "the Wi-Fi service of this computer is missing",
    53: "the access point was not found",
    60: "another connection took the adapter meanwhile",
}
"""``NMDeviceStateReason``, of those that a board's network can meet."""
_NOT_FOUND: Final = 53


def bus_error(name: str, text: str) -> WifiError:
    """What an error of D-Bus or NetworkManager means."""
    detail = clean_text(text.strip().rstrip(".")) or "no reason was given"
    if name in _STOPPED:
        return WifiStopped(detail=f"{detail}.", action=START)
    if name in _FORBIDDEN:
        return WifiForbidden(detail=f"{detail}.", action=ALLOW)
    if name in _GONE:
        return WifiAbsent(detail=f"{detail}.")
    return WifiFailed(detail=detail)


def no_device(devices: list[Device], radio: Radio) -> WifiError | None:
    """Why no device can be used; None: one can."""
    if any(device.usable for device in devices):
        return None
    if devices and not radio.on:
        return WifiOff(action=_SWITCH_ON if radio.hardware else _SWITCH_HARD)
    if any(device.off for device in devices):
        return WifiFailed(detail="the adapter is not ready, or its firmware is missing")
    detail = "NetworkManager is told to leave its Wi-Fi adapter alone." if devices else NO_ADAPTER
    return WifiAbsent(detail=detail)


def not_joined(ssid: bytes, reason: int) -> MooringError:
    """Why an activation ended; ``reason``: the device's."""
    name = decode_text(ssid)
    if reason == _NOT_FOUND:
        return ApNotHeard(ssid=name)
    words = _REASONS.get(reason, f"NetworkManager ended the attempt (reason {reason})")
    return ApUnjoined(ssid=name, detail=f"{words[0].upper()}{words[1:]}.")
