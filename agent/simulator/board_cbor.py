"""Messages as the board reads and writes them, with its leniency and its limits.

Not for hosts: a host's messages are in ``agent.protocols.v2.messages``. Here is what the
firmware does with any payload, good or bad.
Source: protocol-v2, section 4; Arduino_NetworkConfigurator ec9ff8e, CBOR adapter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

import cbor2

from agent.protocols.v2.messages import Tag
from agent.simulator.cbor_cursor import Cursor, Halted, Kind, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Address",
    "CommandReceived",
    "Halted",
    "NetworkKind",
    "Received",
    "Refused",
    "Settings",
    "TimestampReceived",
    "decode",
    "encode_ble_address",
    "encode_network_list",
    "encode_public_key",
    "encode_status",
    "encode_token",
    "encode_uhwid",
    "encode_version",
]


HEAD_BYTES: Final = 6
"""Tag and array head, as the firmware reckons its buffers."""
TOKEN_BYTES: Final = 269
UHWID_BYTES: Final = 32

# Sizes of the firmware's fields, terminator included. A string may fill all of a field.
_SSID, _WIFI_PASSWORD = 33, 64
_PIN, _APN, _LOGIN, _PASSWORD = 9, 101, 65, 65
_APP_EUI, _APP_KEY, _CHANNEL_MASK, _DEVICE_CLASS = 17, 33, 13, 2
_ADDRESS = 17
_CATM1_BANDS = 4

DEFAULT_CATM1_BANDS: Final = 0xC0004
CATM1_ACCESS_TECHNOLOGY: Final = 7
DEFAULT_LORA_BAND: Final = 5
DEFAULT_LORA_CLASS: Final = ord("A")
DEFAULT_ETHERNET_TIMEOUT_MS: Final = 15_000
DEFAULT_ETHERNET_RESPONSE_MS: Final = 4_000


class NetworkKind(Enum):
    """Kinds of network setting, as the firmware names them."""

    WIFI = "wifi"
    LORA = "lora"
    GSM = "gsm"
    NB = "nb"
    CATM1 = "catm1"
    ETHERNET = "ethernet"
    CELL = "cellular"


_KIND_BY_TAG: Final[dict[int, NetworkKind]] = {
    Tag.WIFI: NetworkKind.WIFI,
    Tag.LORA: NetworkKind.LORA,
    Tag.GSM: NetworkKind.GSM,
    Tag.NB: NetworkKind.NB,
    Tag.CATM1: NetworkKind.CATM1,
    Tag.ETHERNET: NetworkKind.ETHERNET,
    Tag.CELLULAR: NetworkKind.CELL,
}
ALL_KINDS: Final = frozenset(NetworkKind)


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address as stored: always 16 bytes, IPv4 in the first four; all zero: DHCP."""

    version: int
    data: bytes


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A command; ``code`` None: the board uses an undefined value."""

    code: int | None


@dataclass(frozen=True, slots=True)
class TimestampReceived:
    """Unix seconds; None: the board uses an undefined value."""

    seconds: int | None


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """Network settings in the board's memory; texts as bytes, ended by the first zero byte."""

    kind: NetworkKind
    values: dict[str, bytes | int | Address]

    def text(self, name: str) -> bytes:
        """A text field."""
        value = self.values[name]
        assert isinstance(value, bytes)  # noqa: S101  (the decoder below wrote it)
        return value

    def __repr__(self) -> str:
        return f"Settings({self.kind})"


Received: TypeAlias = CommandReceived | TimestampReceived | Settings


def decode(payload: bytes, adapters: Iterable[NetworkKind] = ALL_KINDS) -> Received:
    """What a board built with ``adapters`` makes of a data payload.

    Raises :class:`Refused` where the board answers -5, :class:`Halted` where it stops for good.
    """
    tag, items = _open(payload)
    kind = _KIND_BY_TAG.get(tag)
    if tag not in {Tag.TIMESTAMP, Tag.COMMAND} and (kind is None or kind not in adapters):
        raise Refused
    if tag == Tag.COMMAND:
        return CommandReceived(items.integer() & 0xFF if items.kind is Kind.INTEGER else None)
    if tag == Tag.TIMESTAMP:
        # The sign is not looked at: -1 arrives as 0, because its argument is 0.
        return TimestampReceived(items.argument if items.kind is Kind.INTEGER else None)
    assert kind is not None  # noqa: S101  (refused above)
    return Settings(kind, _READERS[kind](items))


def _open(payload: bytes) -> tuple[int, Cursor]:
    """The tag, and a cursor at the first element of the array behind it."""
    cursor = Cursor(payload)
    if cursor.kind is not Kind.TAG:
        raise Refused
    tag = cursor.argument
    cursor.advance()
    content = cursor.copy()
    if content.kind is not Kind.ARRAY:
        raise Refused
    return tag, content.enter()


def _text(items: Cursor, size: int) -> bytes:
    if items.kind is not Kind.TEXT:
        raise Refused
    return items.string(size).split(b"\0", 1)[0]


def _texts(items: Cursor, fields: dict[str, int]) -> dict[str, bytes | int | Address]:
    """Text fields in order; the cursor stays at the last one."""
    values: dict[str, bytes | int | Address] = {}
    for name, size in fields.items():
        if values:
            items.advance()
        values[name] = _text(items, size)
    return values


def _read_wifi(items: Cursor) -> dict[str, bytes | int | Address]:
    return _texts(items, {"ssid": _SSID, "pwd": _WIFI_PASSWORD})


def _read_modem(items: Cursor) -> dict[str, bytes | int | Address]:
    return _texts(items, {"pin": _PIN, "apn": _APN, "login": _LOGIN, "pass": _PASSWORD})


def _read_lora(items: Cursor) -> dict[str, bytes | int | Address]:
    values = _texts(items, {"appeui": _APP_EUI, "appkey": _APP_KEY})
    items.advance()
    values["band"] = _default_below_zero(items, DEFAULT_LORA_BAND) & 0xFF
    items.advance()
    values["channel_mask"] = _text(items, _CHANNEL_MASK)
    items.advance()
    name = _text(items, _DEVICE_CLASS)
    values["device_class"] = name[0] if name else DEFAULT_LORA_CLASS
    return values


def _read_catm1(items: Cursor) -> dict[str, bytes | int | Address]:
    values = _texts(items, {"pin": _PIN})
    items.advance()
    if items.kind is not Kind.ARRAY:
        raise Refused
    # The length of an indefinite array is taken for 0: its bands are not read, and leaving it
    # before its end halts the board.
    count = items.argument
    if count > _CATM1_BANDS:
        raise Refused
    bands = items.enter()
    mask = 0 if count else DEFAULT_CATM1_BANDS
    for _ in range(count):
        if bands.kind is not Kind.INTEGER or bands.negative:
            raise Refused
        mask |= bands.integer() & 0xFFFFFFFF
        bands.advance()
    items.leave(bands)
    values |= _texts(items, {"apn": _APN, "login": _LOGIN, "pass": _PASSWORD})
    values["band"] = mask
    values["rat"] = CATM1_ACCESS_TECHNOLOGY
    return values


def _read_ethernet(items: Cursor) -> dict[str, bytes | int | Address]:
    values: dict[str, bytes | int | Address] = {}
    for name in ("ip", "dns", "gateway", "netmask"):
        values[name] = _address(items)
        items.advance()
    values["timeout"] = _default_below_zero(items, DEFAULT_ETHERNET_TIMEOUT_MS)
    items.advance()
    values["response_timeout"] = _default_below_zero(items, DEFAULT_ETHERNET_RESPONSE_MS)
    return values


def _address(items: Cursor) -> Address:
    if items.kind is not Kind.BYTES:
        raise Refused
    data = items.string(_ADDRESS)
    if len(data) not in {0, 4, 16}:
        raise Refused
    return Address(6 if len(data) == 16 else 4, data.ljust(16, b"\0"))


def _default_below_zero(items: Cursor, default: int) -> int:
    if items.kind is not Kind.INTEGER:
        return default
    value = items.integer()
    return value if value >= 0 else default


_READERS: Final = {
    NetworkKind.WIFI: _read_wifi,
    NetworkKind.LORA: _read_lora,
    NetworkKind.GSM: _read_modem,
    NetworkKind.NB: _read_modem,
    NetworkKind.CELL: _read_modem,
    NetworkKind.CATM1: _read_catm1,
    NetworkKind.ETHERNET: _read_ethernet,
}


def encode_status(code: int) -> bytes | None:
    """A status; None for 0, which the board never sends. Codes are 16 bits wide."""
    if code == 0:
        return None
    return _encode(Tag.STATUS, [(code + 0x8000 & 0xFFFF) - 0x8000])


def encode_network_list(networks: list[tuple[bytes, int]]) -> bytes | None:
    """Names and strengths in dBm; None where the board's buffer is too small: it stays silent."""
    size = HEAD_BYTES + sum(len(name) + 4 for name, _ in networks)
    items = bytearray()
    for name, rssi in networks:
        items += _head(3, len(name)) + name + cbor2.dumps(rssi)
    payload = _head(6, Tag.NETWORK_LIST) + _head(4, 2 * len(networks)) + bytes(items)
    return payload if len(payload) <= size else None


def encode_uhwid(uhwid: bytes) -> bytes:
    """The unique hardware id, 32 bytes."""
    return _encode(Tag.HARDWARE_ID, [uhwid[:UHWID_BYTES].ljust(UHWID_BYTES, b"\0")])


def encode_token(token: bytes) -> bytes | None:
    """A token; None above the size of the board's field."""
    return _encode(Tag.TOKEN, [token]) if len(token) <= TOKEN_BYTES else None


def encode_ble_address(address: bytes) -> bytes:
    """A Bluetooth address, most significant byte first; all zero is sent as nothing."""
    return _encode(Tag.BLE_ADDRESS, [address if any(address) else b""])


def encode_public_key(pem: str) -> bytes:
    """The public key as PEM text."""
    return _encode(Tag.PUBLIC_KEY, [pem])


def encode_version(tag: Tag, version: str) -> bytes | None:
    """A version text; None where it does not fit: the firmware reckons one byte for its head."""
    payload = _encode(tag, [version])
    return payload if len(payload) <= HEAD_BYTES + 1 + len(version.encode()) else None


def _encode(tag: int, values: list[int | bytes | str]) -> bytes:
    return _head(6, tag) + _head(4, len(values)) + b"".join(cbor2.dumps(v) for v in values)


def _head(major: int, argument: int) -> bytes:
    """A CBOR head of the shortest form."""
    if argument < 24:
        return bytes((major << 5 | argument,))
    width = next(w for w in (1, 2, 4, 8) if argument < 1 << 8 * w)
    return bytes((major << 5 | 23 + width.bit_length(),)) + argument.to_bytes(width, "big")
