"""The seven kinds of network settings, and the check that runs before anything is sent.

A setting is what the person chose. Limits are bytes of UTF-8 and come from the firmware's
buffers: it accepts one byte more than it can hold and then misbehaves, so the host refuses.
Source: board configuration protocol 2.0, network settings; Arduino_ConnectionHandler 782dd72.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec
from msgspec import Meta

from agent.errors import InputError
from agent.settings.secret import Secret

SSID_BYTES = 32
WIFI_PASSWORD_BYTES = 63
PIN_BYTES = 8
APN_BYTES = 100
LOGIN_BYTES = 64
EUI_DIGITS = 16
APP_KEY_DIGITS = 32
CHANNEL_MASK_CHARS = 12
CATM1_BANDS = 4
TIMEOUT_MS_MAX = 600_000
"""Ten minutes: far above the 15 s default; a larger value is a slip of the unit."""

_HEX = re.compile(r"[0-9A-Fa-f]*")


class _Setting(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True
):
    """Base of the seven kinds."""

    connection_type: ClassVar[str]
    """What Arduino Cloud calls this kind."""

    def check(self) -> None:
        """Raise :class:`InputError` that names the first field the board could not take."""

    @property
    def label(self) -> str:
        """What a person calls this network; never a secret."""
        return self.connection_type


class WiFi(_Setting, frozen=True, kw_only=True, tag="wifi"):
    """A Wi-Fi network; an empty password means an open one."""

    connection_type = "wifi"

    ssid: Annotated[
        str,
        Meta(
            title="Network name",
            description="SSID, at most 32 bytes",
            extra_json_schema={"x-max-bytes": SSID_BYTES},
        ),
    ] = ""
    password: Annotated[
        Secret,
        Meta(
            title="Password",
            description="At most 63 bytes; empty for an open network",
            extra_json_schema={"x-max-bytes": WIFI_PASSWORD_BYTES},
        ),
    ] = msgspec.field(default_factory=Secret)
    ssid_hex: Annotated[
        str,
        Meta(
            title="Network name as bytes",
            description="Hex digits of a scanned name that is not valid text; takes the place of ssid",
        ),
    ] = ""

    def check(self) -> None:
        """See the base class."""
        if self.ssid_hex and not (_HEX.fullmatch(self.ssid_hex) and len(self.ssid_hex) % 2 == 0):
            raise InputError(field="ssid_hex", problem="must be pairs of hex digits")
        if not self.ssid_bytes:
            raise InputError(field="ssid", problem="the network name is empty")
        _limit("ssid", self.ssid_bytes, SSID_BYTES)
        _limit("password", _utf8("password", self.password.reveal()), WIFI_PASSWORD_BYTES)
        if 0 < len(self.password.reveal()) < 5:
            # Shortest key in use: WEP with 5 characters; WPA needs 8.
            raise InputError(
                field="password",
                problem="is shorter than any Wi-Fi password (8 characters, 5 for WEP)",
            )

    @property
    def ssid_bytes(self) -> bytes:
        """The name as it goes on the wire."""
        return bytes.fromhex(self.ssid_hex) if self.ssid_hex else _utf8("ssid", self.ssid)

    @property
    def label(self) -> str:
        """The network's name."""
        return self.ssid or self.ssid_bytes.decode("utf-8", errors="replace")


class Ethernet(_Setting, frozen=True, kw_only=True, tag="ethernet"):
    """A cable. Without an address the board asks DHCP."""

    connection_type = "eth"

    ip: Annotated[str, Meta(title="Address", description="IPv4 or IPv6; empty for DHCP")] = ""
    dns: Annotated[str, Meta(title="DNS server")] = ""
    gateway: Annotated[str, Meta(title="Gateway")] = ""
    netmask: Annotated[str, Meta(title="Netmask")] = ""
    timeout_ms: Annotated[
        int,
        Meta(
            title="Timeout (ms)",
            description="-1: the board's default of 15000",
            ge=-1,
            le=TIMEOUT_MS_MAX,
        ),
    ] = -1
    response_timeout_ms: Annotated[
        int,
        Meta(
            title="Response timeout (ms)",
            description="-1: the board's default of 4000",
            ge=-1,
            le=TIMEOUT_MS_MAX,
        ),
    ] = -1

    def check(self) -> None:
        """See the base class."""
        for name in ("ip", "dns", "gateway", "netmask"):
            address_bytes(name, getattr(self, name))
        if self.ip and not (self.gateway and self.netmask):
            missing = "gateway" if not self.gateway else "netmask"
            raise InputError(field=missing, problem="is needed with a fixed address")
        if not self.ip and (self.dns or self.gateway or self.netmask):
            raise InputError(
                field="ip", problem="is empty (DHCP), so the other addresses would be ignored"
            )

    @property
    def label(self) -> str:
        """The way the address is found."""
        return f"Ethernet ({self.ip})" if self.ip else "Ethernet (DHCP)"


class _Cellular(_Setting, frozen=True, kw_only=True):
    pin: Annotated[
        Secret,
        Meta(
            title="SIM PIN",
            description="Digits, at most 8; empty if the SIM has none",
            extra_json_schema={"x-max-bytes": PIN_BYTES},
        ),
    ] = msgspec.field(default_factory=Secret)
    apn: Annotated[
        str, Meta(title="Access point name", extra_json_schema={"x-max-bytes": APN_BYTES})
    ] = ""
    login: Annotated[str, Meta(title="Login", extra_json_schema={"x-max-bytes": LOGIN_BYTES})] = ""
    password: Annotated[
        Secret, Meta(title="Password", extra_json_schema={"x-max-bytes": LOGIN_BYTES})
    ] = msgspec.field(default_factory=Secret)

    def check(self) -> None:
        """See the base class."""
        pin = self.pin.reveal()
        if pin and not (pin.isascii() and pin.isdigit()):
            raise InputError(field="pin", problem="has digits only")
        _limit("pin", pin.encode(), PIN_BYTES)
        _limit("apn", _utf8("apn", self.apn), APN_BYTES)
        _limit("login", _utf8("login", self.login), LOGIN_BYTES)
        _limit("password", _utf8("password", self.password.reveal()), LOGIN_BYTES)

    @property
    def label(self) -> str:
        """Kind and access point."""
        return f"{type(self).__name__} ({self.apn})" if self.apn else type(self).__name__


class GSM(_Cellular, frozen=True, kw_only=True, tag="gsm"):
    """A 2G/3G modem."""

    connection_type = "gsm"


class NB(_Cellular, frozen=True, kw_only=True, tag="nb"):
    """An NB-IoT modem."""

    connection_type = "nb"


class Cellular(_Cellular, frozen=True, kw_only=True, tag="cellular"):
    """A modem that chooses its technology itself."""

    connection_type = "cellular"


class CatM1(_Cellular, frozen=True, kw_only=True, tag="catm1"):
    """A CAT-M1 modem; bands are bit masks that the board joins."""

    connection_type = "catm1"

    bands: Annotated[
        list[Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]],
        Meta(
            title="Bands",
            description="Up to four band masks; none: 0xC0004",
            max_length=CATM1_BANDS,
        ),
    ] = msgspec.field(default_factory=list)


class LoRa(_Setting, frozen=True, kw_only=True, tag="lora"):
    """A LoRaWAN network, joined over the air."""

    connection_type = "lora"

    app_eui: Annotated[str, Meta(title="Application EUI", description="16 hex digits")] = ""
    app_key: Annotated[Secret, Meta(title="Application key", description="32 hex digits")] = (
        msgspec.field(default_factory=Secret)
    )
    band: Annotated[int, Meta(title="Band", description="-1: EU868", ge=-1, le=255)] = -1
    channel_mask: Annotated[
        str, Meta(title="Channel mask", description="Empty for all channels")
    ] = ""
    device_class: Annotated[str, Meta(title="Device class", description="A, B or C")] = "A"

    def check(self) -> None:
        """See the base class."""
        _hex_digits("app_eui", self.app_eui, EUI_DIGITS)
        _hex_digits("app_key", self.app_key.reveal(), APP_KEY_DIGITS)
        if len(self.channel_mask) > CHANNEL_MASK_CHARS or not self.channel_mask.isascii():
            raise InputError(
                field="channel_mask", problem=f"has at most {CHANNEL_MASK_CHARS} characters"
            )
        if self.device_class not in {"", "A", "B", "C"}:
            raise InputError(field="device_class", problem="is A, B or C")

    @property
    def label(self) -> str:
        """The application joined."""
        return f"LoRa ({self.app_eui})"


NetworkSetting: TypeAlias = WiFi | Ethernet | GSM | NB | CatM1 | Cellular | LoRa
KINDS: tuple[type[NetworkSetting], ...] = (WiFi, Ethernet, GSM, NB, CatM1, Cellular, LoRa)


def parse_network(data: object) -> NetworkSetting:
    """A checked setting from decoded JSON or TOML; raises :class:`InputError` naming the field."""
    try:
        setting: NetworkSetting = msgspec.convert(data, NetworkSetting, dec_hook=secret_from)
    except msgspec.ValidationError as error:
        field, problem = _explain(str(error))
        raise InputError(field=field, problem=problem) from None
    setting.check()
    return setting


def network_schema() -> dict[str, Any]:
    """JSON Schema of all seven kinds; secrets carry ``format: password``."""
    return msgspec.json.schema(NetworkSetting, schema_hook=_secret_schema)


def secret_from(kind: type, value: object) -> object:
    """Msgspec ``dec_hook``: a text becomes a :class:`Secret`; one that is so already stays."""
    if kind is Secret and isinstance(value, Secret):
        return value
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    # The value is not named: it may be a password of the wrong type.
    # A TypeError, because msgspec adds the path of the field to it.
    msg = f"Expected `str` for a field of type `{kind.__name__}`"
    raise TypeError(msg)


def address_bytes(field: str, text: str) -> bytes:
    """0 bytes for an empty text, 4 for IPv4, 16 for IPv6; :class:`InputError` otherwise."""
    if not text:
        return b""
    try:
        return ipaddress.ip_address(text).packed
    except ValueError:
        raise InputError(field=field, problem="is not an IP address") from None


def _secret_schema(kind: type) -> dict[str, str]:
    if kind is Secret:
        return {"type": "string", "format": "password"}
    raise NotImplementedError(kind)


_TYPE_WORDS = {
    # A PIN or a password of digits is a number to TOML and JSON, and its leading zeros are lost.
    "str": "must be text: put it in quotes",
    "int": "must be a whole number, without quotes",
}


def _explain(message: str) -> tuple[str, str]:
    """Field and problem out of a msgspec message, which ends in `` - at `$.path` ``."""
    problem, _, path = message.partition(" - at `$")
    field = path.rstrip("`").lstrip(".") or "network"
    unknown = re.search(r"unknown field `(.*?)`", problem)
    if unknown:
        return unknown.group(1), "is not a field of this kind of network"
    if "Invalid value" in problem and field == "kind":
        return "kind", "is not one of " + ", ".join(str(k.__struct_config__.tag) for k in KINDS)
    missing = re.search(r"missing required field `(.*?)`", problem)
    if missing:
        return missing.group(1), "is missing"
    other_type = re.match(r"Expected `(\w+)`", problem)
    if other_type and other_type[1] in _TYPE_WORDS:
        return field, _TYPE_WORDS[other_type[1]]
    return field, problem[:1].lower() + problem[1:]


def _utf8(field: str, text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InputError(field=field, problem="is not valid text (UTF-8)") from None
    if b"\0" in data:
        raise InputError(
            field=field, problem="contains a zero character, which the board cannot store"
        )
    return data


def _limit(field: str, data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise InputError(field=field, problem=f"is {len(data)} bytes long; at most {limit} fit")


def _hex_digits(field: str, text: str, digits: int) -> None:
    if len(text) != digits or not _HEX.fullmatch(text):
        raise InputError(field=field, problem=f"must be {digits} hex digits")
