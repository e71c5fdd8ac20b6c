"""The names under which a board keeps its settings, whatever way they came.

One table for the serial console, the file on a MicroPython board, the NVS image and the header
file. A value is bytes without a zero byte, so that a board can keep it as a C string; an empty value
is the same as none. What is left out has a meaning (below), so that a small firmware need not
know what it has not: it refuses keys that are not its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from agent.errors import InputError
from agent.settings import Secret, network
from agent.settings import credentials as cloud

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.settings.credentials import BoardSettings, CloudSettings, Credentials
    from agent.settings.network import NetworkSetting

Group: TypeAlias = Literal["network", "cloud"]
"""The parts of :class:`BoardSettings`; a part is replaced as a whole."""

THINGSBOARD: Final = "thingsboard"
KIND: Final = "net_kind"
KEY_CHARS: Final = 15
"""The longest name that NVS of the ESP32 keeps (ESP-IDF, NVS_KEY_NAME_MAX_SIZE, 16 with its zero)."""
ADDRESS_CHARS: Final = 45
"""IPv6 as text, at most with an IPv4 address at its end."""


@dataclass(frozen=True, slots=True)
class Key:
    """A name, what it holds, and how many bytes that has at most."""

    name: str
    group: Group
    field: str
    """Of the struct in :class:`BoardSettings`; or what takes its place."""
    limit: int
    secret: bool = False


KEYS: Final[tuple[Key, ...]] = (
    Key(KIND, "network", "kind", 8),  # without it: Wi-Fi
    Key("wifi_ssid", "network", "ssid", network.SSID_BYTES),  # bytes, not always text
    Key("wifi_pass", "network", "password", network.WIFI_PASSWORD_BYTES, secret=True),
    Key("eth_ip", "network", "ip", ADDRESS_CHARS),  # without it: DHCP
    Key("eth_dns", "network", "dns", ADDRESS_CHARS),
    Key("eth_gateway", "network", "gateway", ADDRESS_CHARS),
    Key("eth_netmask", "network", "netmask", ADDRESS_CHARS),
    Key("eth_timeout", "network", "timeout_ms", 6),  # ms
    Key("eth_answer", "network", "response_timeout_ms", 6),  # ms
    Key("sim_pin", "network", "pin", network.PIN_BYTES, secret=True),
    Key("sim_apn", "network", "apn", network.APN_BYTES),
    Key("sim_login", "network", "login", network.LOGIN_BYTES),
    Key("sim_pass", "network", "password", network.LOGIN_BYTES, secret=True),
    Key("sim_bands", "network", "bands", 43),  # up to four masks, joined by commas
    Key("lora_eui", "network", "app_eui", network.EUI_DIGITS),
    Key("lora_key", "network", "app_key", network.APP_KEY_DIGITS, secret=True),
    Key("lora_band", "network", "band", 3),
    Key("lora_mask", "network", "channel_mask", network.CHANNEL_MASK_CHARS),
    Key("lora_class", "network", "device_class", 1),
    Key("tb_host", "cloud", "host", cloud.HOST_BYTES),
    Key("tb_port", "cloud", "port", 5),
    Key("tb_proto", "cloud", "scheme", 4),  # http or coap; without it: mqtt
    Key("tb_tls", "cloud", "scheme", 1),  # 1; without it: not encrypted
    Key("tb_ca", "cloud", "ca", cloud.CA_BYTES),
    Key("tb_name", "cloud", "name", cloud.NAME_BYTES),
    Key("tb_token", "cloud", "token", cloud.TOKEN_BYTES, secret=True),
    Key("tb_client", "cloud", "client_id", cloud.LOGIN_BYTES),
    Key("tb_user", "cloud", "username", cloud.LOGIN_BYTES),
    Key("tb_pass", "cloud", "password", cloud.LOGIN_BYTES, secret=True),
    Key("tb_cert", "cloud", "certificate", cloud.CERTIFICATE_BYTES),
    Key("tb_key", "cloud", "key", cloud.KEY_BYTES, secret=True),
)
BY_NAME: Final[dict[str, Key]] = {key.name: key for key in KEYS}

_PREFIXES: Final = {
    "wifi": "wifi_",
    "ethernet": "eth_",
    "gsm": "sim_",
    "nb": "sim_",
    "cellular": "sim_",
    "catm1": "sim_",
    "lora": "lora_",
}
"""Kind of network to the start of its keys."""
_UNSET: Final = -1
"""What a number of a network setting is where the board's own default counts."""


def groups(settings: BoardSettings) -> tuple[Group, ...]:
    """The parts that ``settings`` replaces, in this order: network, cloud."""
    found: list[Group] = []
    if settings.network is not None:
        found.append("network")
    if settings.cloud is not None:
        found.append("cloud")
    return tuple(found)


def flatten(settings: BoardSettings) -> dict[str, bytes]:
    """Keys in ascending order with their values, **secrets in clear**; checks ``settings`` first.

    Of each group that is set, a key that is missing here has no value, and an older one must go.
    Raises :class:`InputError`.
    """
    settings.check()
    values: dict[str, bytes] = {}
    if settings.network is not None:
        values |= _from_network(settings.network)
    if settings.cloud is not None:
        values |= _from_cloud(settings.cloud)
    for name, value in values.items():
        _check_size(BY_NAME[name].field, BY_NAME[name], value)
    return {name: values[name] for name in sorted(values) if values[name]}


def unflatten(values: Mapping[str, bytes]) -> BoardSettings:
    """The settings that these keys hold; raises :class:`InputError` naming the key.

    A part that has no key is None. No value of a secret is in an error.
    """
    for name, value in values.items():
        check_value(name, value)
    kept = {name: value for name, value in values.items() if value}
    parts = {BY_NAME[name].group for name in kept}
    settings = cloud.BoardSettings(
        network=_to_network(kept) if "network" in parts else None,
        cloud=_to_cloud(kept) if "cloud" in parts else None,
    )
    if parts:
        settings.check()
    return settings


def check_value(name: str, value: bytes) -> None:
    """Raise :class:`InputError` for an unknown key, or a value that does not go under it."""
    key = BY_NAME.get(name)
    if key is None:
        raise InputError(field=name, problem="is not a setting that boards keep")
    _check_size(name, key, value)


def _check_size(field: str, key: Key, value: bytes) -> None:
    if len(value) > key.limit:
        problem = f"is {len(value)} bytes long; at most {key.limit} fit"
        raise InputError(field=field, problem=problem)
    if b"\0" in value:
        problem = "contains a zero character, which the board cannot store"
        raise InputError(field=field, problem=problem)


def table(values: Mapping[str, bytes]) -> bytes:
    """What digests are made over: each key and its value, each with a zero byte behind it.

    Ascending by key; keys without a value are not in it.
    """
    return b"".join(
        name.encode() + b"\0" + values[name] + b"\0" for name in sorted(values) if values[name]
    )


# --- networks --------------------------------------------------------------------------------


def _from_network(setting: NetworkSetting) -> dict[str, bytes]:
    kind = str(setting.__struct_config__.tag)
    if isinstance(setting, network.WiFi):
        password = setting.password.reveal().encode()
        return {"wifi_ssid": setting.ssid_bytes, "wifi_pass": password}
    values = {KIND: kind.encode()}
    for key in _keys_of(kind):
        if hasattr(setting, key.field):
            values[key.name] = _plain(getattr(setting, key.field))
    return values


def _plain(value: object) -> bytes:
    if isinstance(value, Secret):
        return value.reveal().encode()
    if isinstance(value, list):
        return ",".join(str(each) for each in value).encode()
    return b"" if value == _UNSET else str(value).encode()


def _to_network(values: Mapping[str, bytes]) -> NetworkSetting:
    kind = _text(values, KIND) or "wifi"
    if kind not in _PREFIXES:
        raise InputError(field=KIND, problem="is not a known kind of network")
    data: dict[str, Any] = {"kind": kind}
    for name in values:
        key = BY_NAME[name]
        if key.group != "network" or name == KIND:
            continue
        if not name.startswith(_PREFIXES[kind]):
            raise InputError(field=name, problem=f"does not belong to a network of kind {kind}")
        if name == "wifi_ssid":
            data |= _ssid(values[name])
        elif name == "sim_bands":
            data["bands"] = [_number(name, part) for part in _text(values, name).split(",")]
        elif name in {"eth_timeout", "eth_answer", "lora_band"}:
            data[key.field] = _number(name, _text(values, name))
        else:
            data[key.field] = _text(values, name)
    return network.parse_network(data)


def _ssid(value: bytes) -> dict[str, str]:
    try:
        return {"ssid": value.decode()}
    except UnicodeDecodeError:
        return {"ssid_hex": value.hex()}


def _keys_of(kind: str) -> list[Key]:
    return [key for key in KEYS if key.name.startswith(_PREFIXES[kind])]


# --- clouds ----------------------------------------------------------------------------------


def _from_cloud(settings: CloudSettings) -> dict[str, bytes]:
    if settings.cloud != THINGSBOARD:
        raise InputError(field="cloud", problem="has no settings that boards keep")
    protocol = settings.scheme.removesuffix("s")
    values = {
        "tb_host": settings.host,
        "tb_port": str(settings.port),
        "tb_proto": "" if protocol == "mqtt" else protocol,
        "tb_tls": "1" if settings.encrypted else "",
        "tb_ca": settings.ca,
        "tb_name": settings.name,
    }
    match settings.credentials:
        case cloud.AccessToken() as token:
            values["tb_token"] = token.token.reveal()
        case cloud.MqttBasic() as basic:
            values["tb_client"] = basic.client_id
            values["tb_user"] = basic.username
            values["tb_pass"] = basic.password.reveal()
        case cloud.Certificate() as certificate:
            values["tb_cert"] = certificate.certificate
            values["tb_key"] = certificate.key.reveal()
    return {name: value.encode() for name, value in values.items()}


def _to_cloud(values: Mapping[str, bytes]) -> CloudSettings:
    secured = {b"1": "s", b"": ""}.get(values.get("tb_tls", b""))
    if secured is None:
        raise InputError(field="tb_tls", problem="is not 1")
    data = {
        "cloud": THINGSBOARD,
        "name": _text(values, "tb_name"),
        "host": _text(values, "tb_host"),
        "port": _number("tb_port", _text(values, "tb_port")),
        "scheme": (_text(values, "tb_proto") or "mqtt") + secured,
        "ca": _text(values, "tb_ca"),
        "credentials": _to_credentials(values),
    }
    return cloud.parse_settings(data, cloud.CloudSettings)


def _to_credentials(values: Mapping[str, bytes]) -> Credentials:
    """The kind that has a value; one alone."""
    found = {
        kind: {BY_NAME[name].field: _text(values, name) for name in names if name in values}
        for kind, names in _CREDENTIALS.items()
    }
    kinds = [kind for kind, fields in found.items() if fields]
    if len(kinds) != 1:
        problem = "are missing" if not kinds else "are of two kinds at once"
        raise InputError(field="credentials", problem=problem)
    parsed: Credentials = cloud.parse_settings(found[kinds[0]], kinds[0])
    return parsed


_CREDENTIALS: Final[dict[type[Any], tuple[str, ...]]] = {
    cloud.AccessToken: ("tb_token",),
    cloud.MqttBasic: ("tb_client", "tb_user", "tb_pass"),
    cloud.Certificate: ("tb_cert", "tb_key"),
}


def _text(values: Mapping[str, bytes], name: str) -> str:
    try:
        return values.get(name, b"").decode()
    except UnicodeDecodeError:
        raise InputError(field=name, problem="is not valid text (UTF-8)") from None


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise InputError(field=name, problem="is not a number")
    return int(text)
