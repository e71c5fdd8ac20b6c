"""The text of ``arduino_secrets.h``: what the sketch of a 1.0 or secret-key board is built with.

Names are those of the vendor's sketches and of the cloud's own forms (cloud-arduino, section 5;
ArduinoIoTCloud 2ff76b9, examples/ArduinoIoTCloud-Basic).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from agent.errors import InputError
from agent.settings import Secret
from agent.settings.network import GSM, NB, CatM1, Cellular, Ethernet, LoRa, WiFi

if TYPE_CHECKING:
    from agent.settings.network import NetworkSetting

Value: TypeAlias = str | bytes | Secret

_HEAD: Final = """\
// Made by Mooring for one board. It holds secrets: do not publish it.
#pragma once

"""
_PLAIN: Final = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\?')


def c_string(data: bytes) -> str:
    """A C string literal that means exactly these bytes; ValueError for a zero byte.

    Everything but printable ASCII becomes three octal digits, which no following character can
    lengthen; a question mark too, so that no trigraph arises.
    """
    if 0 in data:
        msg = "a C string cannot hold a zero byte"
        raise ValueError(msg)
    return '"' + "".join(chr(b) if b in _PLAIN else f"\\{b:03o}" for b in data) + '"'


def secrets_header(
    settings: NetworkSetting | None = None,
    *,
    device_id: str | None = None,
    secret_key: Secret | None = None,
) -> Secret:
    """The whole file, which holds secrets.

    ``settings``: the network that the sketch joins, the keys of a LoRa device too. ``device_id``
    and ``secret_key``: of a board that signs in without a certificate. Raises
    :class:`InputError` for a value that C cannot hold.
    """
    values: dict[str, Value] = network_values(settings) if settings is not None else {}
    if device_id is not None:
        values["SECRET_DEVICE_ID"] = device_id
    if secret_key is not None:
        values["SECRET_DEVICE_KEY"] = secret_key
    lines = [f"#define {name} {_literal(name, value)}" for name, value in values.items()]
    return Secret(_HEAD + "\n".join(lines) + "\n")


def network_values(settings: NetworkSetting) -> dict[str, Value]:
    """Names and values that sketches read for this kind of network."""
    match settings:
        case WiFi():
            # The cloud's sketches read the first name of the password, examples the second.
            return {
                "SECRET_SSID": settings.ssid_bytes,
                "SECRET_OPTIONAL_PASS": settings.password,
                "SECRET_PASS": settings.password,
            }
        case GSM() | NB() | Cellular() | CatM1():
            return {
                "SECRET_PIN": settings.pin,
                "SECRET_APN": settings.apn,
                "SECRET_LOGIN": settings.login,
                "SECRET_PASS": settings.password,
            }
        case LoRa():
            return {"SECRET_APP_EUI": settings.app_eui, "SECRET_APP_KEY": settings.app_key}
        case Ethernet() if settings.ip:
            return {
                "SECRET_IP": settings.ip,
                "SECRET_DNS": settings.dns,
                "SECRET_GATEWAY": settings.gateway,
                "SECRET_NETMASK": settings.netmask,
            }
    return {}


def _literal(name: str, value: Value) -> str:
    data = value.reveal() if isinstance(value, Secret) else value
    try:
        return c_string(data.encode() if isinstance(data, str) else data)
    except ValueError:  # a zero byte, or half a character
        problem = "has a character that a sketch cannot be built with"
        raise InputError(field=name, problem=problem) from None
