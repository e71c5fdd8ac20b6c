"""Messages of provisioning 2.0 as values, both ways.

Every message is one tagged CBOR array. What a board sent never raises here: a tag that is not
known becomes :class:`Unknown`, content that does not fit its tag :class:`Malformed`.
Structs rather than dataclasses, because making one takes a fifth of the time.
Source: protocol-v2, sections 4 and 5; Arduino_NetworkConfigurator ec9ff8e, cbor/.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from agent.protocols.v2 import cbor
from agent.settings import Secret, decode_text
from agent.settings.network import (
    GSM,
    NB,
    CatM1,
    Cellular,
    Ethernet,
    LoRa,
    NetworkSetting,
    WiFi,
    address_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TAG_BYTES: Final = 5
HARDWARE_ID_BYTES: Final = 32
BLE_ADDRESS_BYTES: Final = 6
RSSI_LIMIT_DBM: Final = 1000
"""Beyond this it is no signal strength, whatever the unit."""


class Tag(IntEnum):
    """CBOR tags (protocol-v2, 4.1)."""

    STATUS = 0x012000
    NETWORK_LIST = 0x012001
    TIMESTAMP = 0x012002
    COMMAND = 0x012003
    WIFI = 0x012004
    LORA = 0x012005
    GSM = 0x012006
    NB = 0x012007
    CATM1 = 0x012008
    ETHERNET = 0x012009
    HARDWARE_ID = 0x012010
    TOKEN = 0x012011
    CELLULAR = 0x012012
    BLE_ADDRESS = 0x012013
    WIFI_FIRMWARE = 0x012014
    SKETCH_VERSION = 0x012015
    LIBRARY_VERSION = 0x012016
    PUBLIC_KEY = 0x012017


class CommandCode(IntEnum):
    """What a board can be asked (protocol-v2, 5)."""

    CONNECT = 1
    GET_ID = 2
    GET_BLE_ADDRESS = 3
    RESET = 4
    SCAN = 100
    GET_WIFI_FIRMWARE = 101
    GET_SKETCH_VERSION = 200
    GET_LIBRARY_VERSION = 201


# --- board to host -----------------------------------------------------------------------------


class Status(msgspec.Struct, frozen=True):
    """A status code, see ``status``."""

    code: int


class Network(msgspec.Struct, frozen=True, gc=False):
    """One entry of a scan."""

    ssid: bytes
    """As on the air; may be empty (hidden) and need not be UTF-8."""
    rssi_dbm: int


class NetworkList(msgspec.Struct, frozen=True):
    """What the latest scan found; empty on a board without Wi-Fi."""

    networks: tuple[Network, ...]


class HardwareId(msgspec.Struct, frozen=True):
    """Unique hardware id, 32 bytes."""

    value: bytes


class Token(msgspec.Struct, frozen=True):
    """The JWT that a board signed."""

    jwt: Secret


class PublicKey(msgspec.Struct, frozen=True):
    """PEM of the key that signs the tokens."""

    pem: str


class BleAddress(msgspec.Struct, frozen=True):
    """Six bytes, most significant first; empty if all zero, ``ff`` x 6 without BLE."""

    value: bytes


class WifiFirmware(msgspec.Struct, frozen=True):
    """Version of the radio's firmware; empty on boards without Wi-Fi."""

    version: str


class SketchVersion(msgspec.Struct, frozen=True):
    """Version of the provisioning sketch."""

    version: str


class LibraryVersion(msgspec.Struct, frozen=True):
    """Version of the network configurator library."""

    version: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A tag that this agent does not know: newer firmware."""

    tag: int
    raw: bytes = field(repr=False)
    """The whole payload."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A payload that is no message, or does not fit its tag."""

    problem: str
    raw: bytes = field(repr=False)
    """The whole payload."""


FromBoard: TypeAlias = (
    Status
    | NetworkList
    | HardwareId
    | Token
    | PublicKey
    | BleAddress
    | WifiFirmware
    | SketchVersion
    | LibraryVersion
    | Unknown
    | Malformed
)


# --- host to board -----------------------------------------------------------------------------


class Timestamp(msgspec.Struct, frozen=True):
    """Unix seconds, UTC. The board answers nothing."""

    unix_s: int


class Command(msgspec.Struct, frozen=True):
    """A request; a board keeps the code modulo 256, so send only those of CommandCode."""

    code: int


ToBoard: TypeAlias = Timestamp | Command | NetworkSetting


def decode_from_board(payload: bytes) -> FromBoard:
    """The message in a data frame of a board; never raises."""
    read = _READERS.get(payload[:TAG_BYTES])
    try:
        if read is None:
            major, tag = cbor.Reader(payload).head()
            if major != cbor.TAG:
                return Malformed("a tag was expected", payload)
            return Unknown(tag, payload)
        reader = cbor.Reader(payload, TAG_BYTES)
        return read(reader, reader.array())
    except ValueError as error:
        return Malformed(str(error), payload)


def encode_from_board(message: FromBoard) -> bytes:
    """What a board sends; for simulated boards. It knows no limits of a board's buffers."""
    match message:
        case Status(code):
            return cbor.tagged(Tag.STATUS, cbor.integer(code))
        case NetworkList(networks):
            items: list[bytes] = []
            for network in networks:
                items += (cbor.text(network.ssid), cbor.integer(network.rssi_dbm))
            return cbor.tagged(Tag.NETWORK_LIST, *items)
        case HardwareId(value):
            return cbor.tagged(Tag.HARDWARE_ID, cbor.byte_string(value))
        case Token(jwt):
            return cbor.tagged(Tag.TOKEN, cbor.byte_string(jwt.reveal().encode()))
        case PublicKey(pem):
            return cbor.tagged(Tag.PUBLIC_KEY, cbor.text(pem.encode()))
        case BleAddress(value):
            return cbor.tagged(Tag.BLE_ADDRESS, cbor.byte_string(value))
        case WifiFirmware(version):
            return cbor.tagged(Tag.WIFI_FIRMWARE, cbor.text(version.encode()))
        case SketchVersion(version):
            return cbor.tagged(Tag.SKETCH_VERSION, cbor.text(version.encode()))
        case LibraryVersion(version):
            return cbor.tagged(Tag.LIBRARY_VERSION, cbor.text(version.encode()))
        case Unknown(_, raw) | Malformed(_, raw):
            return raw


def encode_to_board(message: ToBoard) -> bytes:
    """What the host sends. Settings are expected to have passed their ``check``."""
    match message:
        case Timestamp(unix_s):
            return cbor.tagged(Tag.TIMESTAMP, cbor.head(cbor.UINT, unix_s))
        case Command(code):
            return cbor.tagged(Tag.COMMAND, cbor.head(cbor.UINT, code))
        case WiFi():
            return cbor.tagged(Tag.WIFI, cbor.text(message.ssid_bytes), _secret(message.password))
        case GSM():
            return cbor.tagged(Tag.GSM, *_modem(message))
        case NB():
            return cbor.tagged(Tag.NB, *_modem(message))
        case Cellular():
            return cbor.tagged(Tag.CELLULAR, *_modem(message))
        case CatM1():
            pin, *rest = _modem(message)
            masks = [cbor.integer(mask) for mask in message.bands]
            # Always an array, also without bands: null is refused (protocol-v2, 4.4).
            bands = cbor.head(cbor.ARRAY, len(masks)) + b"".join(masks)
            return cbor.tagged(Tag.CATM1, pin, bands, *rest)
        case Ethernet():
            return cbor.tagged(
                Tag.ETHERNET,
                *(cbor.byte_string(_address(message, name)) for name in _ADDRESSES),
                cbor.integer(message.timeout_ms),
                cbor.integer(message.response_timeout_ms),
            )
        case LoRa():
            return cbor.tagged(
                Tag.LORA,
                cbor.text(message.app_eui.encode()),
                _secret(message.app_key),
                cbor.integer(message.band),
                cbor.text(message.channel_mask.encode()),
                cbor.text(message.device_class.encode()),
            )


_ADDRESSES: Final = ("ip", "dns", "gateway", "netmask")


def _address(setting: Ethernet, name: str) -> bytes:
    """0, 4 or 16 bytes.

    The address that means "none" (``0.0.0.0``, ``::``) is sent as empty, because a board takes
    sixteen zero bytes for a fixed IPv6 address; an IPv4 address in IPv6 clothes is sent as IPv4.
    """
    packed = address_bytes(name, getattr(setting, name))
    if not any(packed):
        return b""
    if len(packed) == 16:
        mapped = ipaddress.IPv6Address(packed).ipv4_mapped
        return mapped.packed if mapped else packed
    return packed


def _secret(secret: Secret) -> bytes:
    return cbor.text(secret.reveal().encode())


def _modem(setting: GSM | NB | Cellular | CatM1) -> tuple[bytes, bytes, bytes, bytes]:
    return (
        _secret(setting.pin),
        cbor.text(setting.apn.encode()),
        cbor.text(setting.login.encode()),
        _secret(setting.password),
    )


# --- reading what a board sent -------------------------------------------------------------------


def _read_status(reader: cbor.Reader, _count: int) -> Status:
    code = reader.integer()
    if not -0x8000 <= code <= 0x7FFF:
        raise cbor.CborError("a status has 16 bits")
    return Status(code)


def _read_network_list(reader: cbor.Reader, count: int) -> NetworkList:
    if count % 2:
        raise cbor.CborError("a network has no signal strength")
    networks = []
    for _ in range(count // 2):  # ends at the end of the payload, whatever the count says
        network = Network(reader.text(), reader.integer())
        if abs(network.rssi_dbm) > RSSI_LIMIT_DBM:
            raise cbor.CborError("this is no signal strength")
        networks.append(network)
    return NetworkList(tuple(networks))


def _read_hardware_id(reader: cbor.Reader, _count: int) -> HardwareId:
    value = reader.byte_string()
    if len(value) != HARDWARE_ID_BYTES:
        raise cbor.CborError(f"a hardware id has {HARDWARE_ID_BYTES} bytes")
    return HardwareId(value)


def _read_token(reader: cbor.Reader, _count: int) -> Token:
    value = reader.byte_string()
    if not value.isascii():
        raise cbor.CborError("a token is ASCII")
    return Token(Secret(value.decode("ascii")))


def _read_public_key(reader: cbor.Reader, _count: int) -> PublicKey:
    value = reader.text()
    if not value.isascii():
        raise cbor.CborError("a key in PEM is ASCII")
    return PublicKey(value.decode("ascii"))


def _read_ble_address(reader: cbor.Reader, _count: int) -> BleAddress:
    value = reader.byte_string()
    if len(value) not in {0, BLE_ADDRESS_BYTES}:
        raise cbor.CborError(f"a BLE address has {BLE_ADDRESS_BYTES} bytes")
    return BleAddress(value)


def _read_version(
    kind: Callable[[str], WifiFirmware | SketchVersion | LibraryVersion],
) -> Callable[[cbor.Reader, int], FromBoard]:
    return lambda reader, _count: kind(decode_text(reader.text()))


_READERS: Final[dict[bytes, Callable[[cbor.Reader, int], FromBoard]]] = {
    cbor.head(cbor.TAG, tag): read
    for tag, read in (
        (Tag.STATUS, _read_status),
        (Tag.NETWORK_LIST, _read_network_list),
        (Tag.HARDWARE_ID, _read_hardware_id),
        (Tag.TOKEN, _read_token),
        (Tag.PUBLIC_KEY, _read_public_key),
        (Tag.BLE_ADDRESS, _read_ble_address),
        (Tag.WIFI_FIRMWARE, _read_version(WifiFirmware)),
        (Tag.SKETCH_VERSION, _read_version(SketchVersion)),
        (Tag.LIBRARY_VERSION, _read_version(LibraryVersion)),
    )
}
"""By the five bytes of the tag, which the firmware writes in no other way."""
