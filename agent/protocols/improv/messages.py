"""The messages of Improv Wi-Fi, whatever carries them, and what is inside a command and a result.

Strings are bytes here: an SSID is no text. Source: improv-wifi.com (serial and BLE, revision 2.4);
numbers that only the SDKs name say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTE_MAX: Final = 255
"""Lengths are one byte each."""
STRINGS_LIMIT: Final = 253
"""Bytes of all strings of a result, their lengths included: command and length come before them
in a packet, whose length is one byte too."""
INFO_STRINGS: Final = 4


class State(IntEnum):
    """What a device reports of itself; a number that is none of these stays a number."""

    STOPPED = 0
    """Takes no settings now: Wi-Fi is off, or an attempt has just failed (SDKs only)."""
    AUTHORISATION_REQUIRED = 1
    """Somebody must press something on the device first (Bluetooth LE only)."""
    AUTHORISED = 2
    """Takes settings."""
    PROVISIONING = 3
    """Joins."""
    PROVISIONED = 4
    """Joined."""


class Error(IntEnum):
    """How a command failed; a number that is none of these stays a number."""

    NONE = 0
    INVALID_RPC = 1
    """The command arrived damaged; it was not carried out."""
    UNKNOWN_RPC = 2
    """The device does not know this command."""
    UNABLE_TO_CONNECT = 3
    """It tried the settings and did not get into the network."""
    NOT_AUTHORISED = 4
    """See :attr:`State.AUTHORISATION_REQUIRED`."""
    BAD_HOSTNAME = 5
    UNKNOWN = 255


class Command(IntEnum):
    """Commands of a client. 2 means two things: the carriers differ."""

    WIFI_SETTINGS = 1
    CURRENT_STATE = 2
    """Serial."""
    IDENTIFY = 2
    """Bluetooth LE: blink, or make a sound. Has no result."""
    DEVICE_INFO = 3
    WIFI_NETWORKS = 4
    HOSTNAME = 5
    """Without data it reads the hostname, with data it sets it."""
    DEVICE_NAME = 6
    """The same for the name."""


class Capability(IntFlag):
    """What a device can do, as its characteristic and its advertisement say."""

    IDENTIFY = 1
    DEVICE_INFO = 2
    WIFI_NETWORKS = 4
    HOSTNAME = 8


@dataclass(frozen=True, slots=True)
class CurrentState:
    """The device's state; sent when it changes and when asked for."""

    value: int


@dataclass(frozen=True, slots=True)
class ErrorState:
    """The device's last error; 0 when a command arrived, anything else ends the command."""

    value: int


@dataclass(frozen=True, slots=True)
class Rpc:
    """A command of the client. Its data may be a password: never shown."""

    command: int
    data: bytes = b""

    def __repr__(self) -> str:
        return f"Rpc(command={self.command}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class RpcResult:
    """The answer to ``command``; a scan may have several."""

    command: int
    strings: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A whole packet of a kind, or with a content, that this version does not know."""

    kind: int
    data: bytes


Message: TypeAlias = CurrentState | ErrorState | Rpc | RpcResult | Unknown


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says it is; every field may be empty. Not cleaned."""

    firmware: bytes
    version: bytes
    hardware: bytes
    """Chip or variant: ``esp32-s3-devkitc-1/esp32-s3``."""
    name: bytes
    os_name: bytes = b""
    os_version: bytes = b""


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the device's scan."""

    ssid: bytes
    rssi_dbm: int
    secured: bool
    """It wants a password."""


def encode_rpc(rpc: Rpc) -> bytes:
    """Command, length, data: the inside of both carriers. ValueError above 255 bytes of data."""
    if len(rpc.data) > BYTE_MAX:
        msg = f"a command has at most {BYTE_MAX} bytes of data, not {len(rpc.data)}"
        raise ValueError(msg)
    return bytes((rpc.command, len(rpc.data))) + rpc.data


def parse_rpc(data: bytes) -> Rpc | None:
    """The command in the inside of a carrier; None if its length is not what it says."""
    if len(data) < 2 or data[1] != len(data) - 2:
        return None
    return Rpc(data[0], data[2:])


def encode_result(result: RpcResult) -> bytes:
    """Command, length, strings. ValueError if they are too long for a packet."""
    data = encode_strings(result.strings)
    if len(data) > STRINGS_LIMIT:
        msg = f"a result has at most {STRINGS_LIMIT} bytes of strings, not {len(data)}"
        raise ValueError(msg)
    return bytes((result.command, len(data))) + data


def parse_result(data: bytes) -> RpcResult | None:
    """The result in the inside of a carrier; None if a length in it is wrong.

    More bytes than it says are ignored: sdk-cpp 1.2.6 leaves the place of a checksum where there
    is none, one zero byte behind each result over a serial port.
    """
    if len(data) < 2 or data[1] > len(data) - 2:
        return None
    strings = parse_strings(data[2 : data[1] + 2])
    return None if strings is None else RpcResult(data[0], strings)


def encode_strings(strings: Iterable[bytes]) -> bytes:
    """Each string behind its length. ValueError for one above 255 bytes."""
    parts: list[bytes] = []
    for string in strings:
        if len(string) > BYTE_MAX:
            msg = f"a string has at most {BYTE_MAX} bytes, not {len(string)}"
            raise ValueError(msg)
        parts += (bytes((len(string),)), string)
    return b"".join(parts)


def parse_strings(data: bytes) -> tuple[bytes, ...] | None:
    """The strings in ``data``; None if the last is cut off."""
    strings: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            return None
        strings.append(data[at + 1 : end])
        at = end
    return tuple(strings)


def wifi_settings(ssid: bytes, password: bytes) -> Rpc:
    """The command that joins; ValueError if both together are too long for it."""
    data = encode_strings((ssid, password))
    if len(data) > BYTE_MAX:
        msg = "name and password are too long for one command"
        raise ValueError(msg)
    return Rpc(Command.WIFI_SETTINGS, data)


def device_info(strings: tuple[bytes, ...]) -> DeviceInfo:
    """What a device says it is; strings that it left out are empty, more than six are ignored."""
    filled = strings + (b"",) * (INFO_STRINGS - len(strings))
    return DeviceInfo(*filled[: INFO_STRINGS + 2])


def networks(strings: tuple[bytes, ...]) -> list[Network]:
    """The networks in one result of a scan; what is no strength or has no name is left out.

    Over a serial port a result holds one network, and an empty result is the last; over Bluetooth
    LE one result holds all, three strings each.
    """
    found: list[Network] = []
    for at in range(0, len(strings) - 2, 3):
        ssid, rssi, secured = strings[at : at + 3]
        try:
            rssi_dbm = int(rssi)
        except ValueError:
            continue
        if ssid and abs(rssi_dbm) <= BYTE_MAX:
            found.append(Network(ssid, rssi_dbm, secured.upper() != b"NO"))
    return found
