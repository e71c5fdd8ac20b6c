"""What the errors of bleak mean: whether Bluetooth can be used at all, and why a link failed.

bleak is imported at the first call only.
Sources: bleak 3.1, ``exc.py``; BlueZ, ``doc/org.bluez.Adapter.rst`` and ``src/error.c``; Microsoft
Learn, “COM error codes”; bench-desktop, 1.3 and 1.5.
"""

from __future__ import annotations

import re
import sys
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import (
    BluetoothAbsent,
    BluetoothFailed,
    BluetoothForbidden,
    BluetoothOff,
    BluetoothStopped,
)
from agent.links.ble_library import CancelledBySystemError, load
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.errors import BluetoothError

RADIOS: Final = Path("/sys/class/bluetooth")
"""Linux shows each radio here; BlueZ' service does not start while the folder is missing.
Source: BlueZ, src/bluetooth.service.in, ConditionPathIsDirectory."""

DETAIL_CHARS: Final = 160
_WORDS: Final = {
    "TimeoutError": "no answer came in time",
    "EOFError": "the connection to the Bluetooth service ended",
    "KeyError": "the system lost what it knew of the device",
    "AssertionError": "the system gave an answer that is none",
}
"""For errors that say nothing themselves, or only the name of something inside (``KeyError``)."""
_NO_WORDS: Final = "no reason was given"
_VALUE: Final = re.compile(
    r"""(?:bytearray\()?\bb(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\)?""", re.DOTALL
)
"""Bytes as Python shows them. On Windows the text of a failed write holds what was to be written,
which may be a password (bleak, ``winrt/client.py``, ``write_gatt_char``)."""

_STOPPED: Final = frozenset(
    {
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.NoReply",
        "org.freedesktop.DBus.Error.Disconnected",
        "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
        "org.freedesktop.systemd1.NoSuchUnit",
    }
)
"""What the bus says about a service that does not run, cannot be started or died meanwhile."""
_FORBIDDEN: Final = frozenset(
    {"org.freedesktop.DBus.Error.AccessDenied", "org.bluez.Error.NotAuthorized"}
)
_NOT_READY: Final = "org.bluez.Error.NotReady"
"""BlueZ for a radio without power."""

_WINERRORS: Final[dict[int, type[BluetoothError]]] = {
    -2147020577: BluetoothOff,  # 0x800710DF, ERROR_DEVICE_NOT_AVAILABLE: “not ready for use”
    -2147024891: BluetoothForbidden,  # 0x80070005, E_ACCESSDENIED
    -2147023838: BluetoothStopped,  # 0x80070422, ERROR_SERVICE_DISABLED
    -2147023834: BluetoothStopped,  # 0x80070426, ERROR_SERVICE_NOT_ACTIVE
}

_TURN_ON: Final = {
    "linux": "Switch Bluetooth on in the settings of the desktop, or run: rfkill unblock bluetooth "
    "and bluetoothctl power on. In flight mode, or with a key or switch for radios, use that.",
    "win32": "Switch Bluetooth on under Settings, Bluetooth and devices; end flight mode.",
    "darwin": "Switch Bluetooth on in the Control Centre.",
}
_START: Final = {
    "linux": "Run: sudo systemctl enable --now bluetooth (the package is called bluez).",
    "win32": "Open “Services” and start the “Bluetooth Support Service”.",
    "darwin": "Restart the computer.",
}
_ALLOW: Final = {
    "linux": "Ask the administrator to allow this account in the D-Bus policy of org.bluez; "
    "on some systems the group “bluetooth” is enough. Log in again afterwards.",
    "win32": "Allow it under Settings, Privacy and security, Radios.",
    "darwin": "Allow it under System Settings, Privacy and Security, Bluetooth. If it is not listed "
    "there, start it from a terminal: macOS asks only for programs that a person has opened.",
}


class Trouble(Enum):
    """Why an attempt to connect failed, by what helps against it."""

    PASSING = auto()
    """Interference, a board that is busy, a link that broke: the same again."""
    STALE = auto()
    """The system keeps a state of this board that is wrong: make it forget the board."""
    UNKNOWN_DEVICE = auto()
    """The system does not know the board (any more): look for it again."""
    SLOW = auto()
    """Nothing came within the limit: the same with fresh services and without a scan beside it."""
    FINAL = auto()
    """Trying again would change nothing."""


def library_errors() -> tuple[type[Exception], ...]:
    """All that bleak is known to raise, besides cancellation.

    Its own, those of the bus (``OSError``, ``EOFError``), and what it meets unprepared: a device or
    a property that vanished (``KeyError``), a reply that is none (``AssertionError``).
    """
    load()
    from bleak.exc import BleakError

    return (BleakError, OSError, EOFError, KeyError, ValueError, AssertionError)


def radio_error(error: BaseException, radios: Path = RADIOS) -> BluetoothError | None:
    """What ``error`` says about this computer's Bluetooth; None: nothing, so it is the board.

    To be raised ``from`` it.
    """
    reason = _reason(error)
    detail = _detail(error)
    if reason in {"NO_BLUETOOTH", "NO_BLE_CENTRAL_ROLE"}:
        return BluetoothAbsent(detail=detail)
    if reason == "POWERED_OFF" or _dbus_name(error) == _NOT_READY:
        return _with_action(BluetoothOff, _TURN_ON, detail)
    refused = _dbus_name(error) in _FORBIDDEN or type(error).__name__ == "AuthError"
    if reason.startswith("DENIED") or refused:
        return _with_action(BluetoothForbidden, _ALLOW, detail)
    if _dbus_name(error) in _STOPPED or _no_bus(error):
        if sys.platform == "linux" and not _has_radio(radios):
            return BluetoothAbsent(detail="The system lists no Bluetooth radio.")
        return _with_action(BluetoothStopped, _START, detail)
    if isinstance(error, OSError) and (kind := _WINERRORS.get(_winerror(error))):
        actions = {BluetoothOff: _TURN_ON, BluetoothStopped: _START}.get(kind, _ALLOW)
        return _with_action(kind, actions, detail)
    return BluetoothFailed(detail=detail) if reason else None


def trouble(error: BaseException) -> Trouble:
    """What helps against a failed attempt to connect; each with its source.

    Numbers are issues or pull requests of the project that is named (retry: bleak-retry-connector).

    =====================================================  ===========================  ==========
    what is seen                                           where it is reported         helps
    =====================================================  ===========================  ==========
    ``InProgress`` at Connect: the call of a program that  retry 226, 217; bleak 490    forget
    died still stands; ``AlreadyConnected``: its link      BlueZ 89                     forget
    ``InProgress`` at StartNotify                          bleak 442                    forget
    characteristics of an earlier sketch, or none: BlueZ   bleak 882, 359; aiohomekit   forget,
    keeps them, paired or not; Windows does as well        240; bleak 1079              uncached
    ``KeyError``: services are told to be known before     BlueZ 1489; bleak 1435       forget
    they are there
    ``UnknownObject``: BlueZ dropped the device when       bleak, ``bluezdbus/client``  look again
    the scan stopped, or was started anew
    ``le-connection-abort-by-local``: interference         bleak 993, 1220, 1255        again
    “Software caused connection abort”                     bleak 666, 802               again
    “disconnected” in discovery                            bleak 1489                   again
    the same failure again and again: a link that BlueZ    retry 230, 235               forget
    believes in and that is none
    “Unreachable”, services that never come (Windows)      bleak 60, 740, 1900          uncached
    “Access Denied” for services that changed meanwhile,   bleak 1061, 1062; 1968       again
    and error 0x80070016 while they are read (Windows)
    cancelled, though nobody did (Windows)                 bleak 1137                   again
    an address that only this computer knows (macOS)       bleak, ``BleakClient``       scan first
    =====================================================  ===========================  ==========
    """
    name = _dbus_name(error)
    kind = type(error).__name__
    text = str(error)
    if radio_error(error) is not None or isinstance(error, NotImplementedError):
        return Trouble.FINAL
    if name in {"org.bluez.Error.InProgress", "org.bluez.Error.AlreadyConnected"}:
        return Trouble.STALE
    if kind in {"KeyError", "BleakCharacteristicNotFoundError", "BleServiceMissing"}:
        return Trouble.STALE
    if kind == "BleakDeviceNotFoundError" or name.endswith((".UnknownObject", ".DoesNotExist")):
        return Trouble.UNKNOWN_DEVICE
    if "not found" in text:
        return Trouble.UNKNOWN_DEVICE
    if isinstance(error, TimeoutError) or "nreachable" in text:
        return Trouble.SLOW
    return Trouble.PASSING


def link_is_gone(error: BaseException) -> bool:
    """Whether a failed operation says that there is no link any more, which bleak may not know."""
    if isinstance(error, CancelledBySystemError) or _dbus_name(error).endswith(".UnknownObject"):
        return True
    text = str(error).lower()
    return "not connected" in text or "disconnected" in text or "unreachable" in text


def att_code(error: BaseException) -> int | None:
    """The ATT error code with which the board refused a request."""
    if type(error).__name__ != "BleakGATTProtocolError":
        return None
    return int(error.args[0])


def shown(error: BaseException) -> str:
    """The library's own words, fit for people: one line without a full stop."""
    return _detail(error).rstrip(".")


def _reason(error: BaseException) -> str:
    """Name of bleak's reason for Bluetooth being unavailable; empty if it is not about that."""
    if type(error).__name__ != "BleakBluetoothNotAvailableError":
        return ""
    return str(getattr(getattr(error, "reason", None), "name", "UNKNOWN"))


def _dbus_name(error: BaseException) -> str:
    name = getattr(error, "dbus_error", "")
    return name if isinstance(name, str) else ""


def _no_bus(error: BaseException) -> bool:
    """The system bus itself is not there (a container, or a system without D-Bus)."""
    if sys.platform != "linux":
        return False
    unreachable = isinstance(error, FileNotFoundError | ConnectionError | EOFError)
    return unreachable or type(error).__name__ == "InvalidAddressError"


def _winerror(error: OSError) -> int:
    code = getattr(error, "winerror", None)
    return code if isinstance(code, int) else 0


def _has_radio(radios: Path) -> bool:
    try:
        return any(radios.iterdir())
    except OSError:
        return False


def _detail(error: BaseException) -> str:
    # The text of that one ends in the name of its reason.
    said = str(error.args[0]) if _reason(error) and error.args else str(error)
    kind = type(error).__name__
    if not said or kind == "KeyError":
        said = _WORDS.get(kind, _NO_WORDS)
    text = _VALUE.sub("…", said)
    return clean_text(" ".join(text.split()), DETAIL_CHARS)


def _with_action(
    kind: type[BluetoothError], actions: dict[str, str], detail: str
) -> BluetoothError:
    return kind(detail=detail, action=actions.get(sys.platform, actions["linux"]))
