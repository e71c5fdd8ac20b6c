"""Properties of MQTT 5 (2.2.2): numbered fields that most packets can carry."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.protocols.mqtt.wire import Reader, Wrong, binary, text, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = "int | str | bytes | tuple[tuple[str, str], ...] | tuple[int, ...]"

PAIRS_MAX: Final = 64
"""User properties kept of one packet; no server here sends more than a few."""


class Property(IntEnum):
    """Identifiers of the table 2-4."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY_S = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY_S = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    SERVER_KEEP_ALIVE_S = 0x13
    AUTH_METHOD = 0x15
    AUTH_DATA = 0x16
    REQUEST_PROBLEM = 0x17
    WILL_DELAY_S = 0x18
    REQUEST_RESPONSE = 0x19
    RESPONSE_INFO = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER = 0x26
    MAXIMUM_PACKET = 0x27
    WILDCARD_AVAILABLE = 0x28
    SUBSCRIPTION_ID_AVAILABLE = 0x29
    SHARED_AVAILABLE = 0x2A


_P = Property
_TEXTS: Final = {
    _P.CONTENT_TYPE,
    _P.RESPONSE_TOPIC,
    _P.ASSIGNED_CLIENT_ID,
    _P.AUTH_METHOD,
    _P.RESPONSE_INFO,
    _P.SERVER_REFERENCE,
    _P.REASON,
}
_BINARIES: Final = {_P.CORRELATION, _P.AUTH_DATA}
_SIZES: Final = {
    **dict.fromkeys((_P.MESSAGE_EXPIRY_S, _P.SESSION_EXPIRY_S, _P.WILL_DELAY_S), 4),
    _P.MAXIMUM_PACKET: 4,
    **dict.fromkeys((_P.SERVER_KEEP_ALIVE_S, _P.RECEIVE_MAXIMUM, _P.TOPIC_ALIAS), 2),
    _P.TOPIC_ALIAS_MAXIMUM: 2,
    **dict.fromkeys((_P.PAYLOAD_FORMAT, _P.REQUEST_PROBLEM, _P.REQUEST_RESPONSE), 1),
    **dict.fromkeys((_P.MAXIMUM_QOS, _P.RETAIN_AVAILABLE, _P.WILDCARD_AVAILABLE), 1),
    **dict.fromkeys((_P.SUBSCRIPTION_ID_AVAILABLE, _P.SHARED_AVAILABLE), 1),
}
"""Bytes of the numbers."""


def encode_properties(properties: Mapping[int, Value]) -> bytes:
    """With their length; :attr:`Property.USER` is a tuple of pairs, SUBSCRIPTION_ID one of numbers."""
    out = bytearray()
    for key, value in properties.items():
        for each in value if isinstance(value, tuple) else (value,):
            out += variable(key)
            if isinstance(each, tuple):
                out += text(each[0]) + text(each[1])
            elif isinstance(each, str):
                out += text(each)
            elif isinstance(each, bytes):
                out += binary(each)
            elif key == _P.SUBSCRIPTION_ID:
                out += variable(each)
            else:
                out += each.to_bytes(_SIZES[Property(key)], "big")
    return variable(len(out)) + bytes(out)


def read_properties(packet: Reader) -> dict[int, Value]:
    """The properties at the front of what is left of ``packet``; raises :class:`Wrong`."""
    reader = Reader(packet.take(packet.variable()))
    found: dict[int, Value] = {}
    pairs: list[tuple[str, str]] = []
    numbers: list[int] = []
    while reader.left:
        key = reader.variable()
        if key == _P.USER:
            pairs.append((reader.text(), reader.text()))
        elif key == _P.SUBSCRIPTION_ID:
            numbers.append(reader.variable())
        elif key in found:
            raise Wrong("a property is there twice")
        else:
            found[key] = _read(key, reader)
    if pairs:
        found[_P.USER] = tuple(pairs[:PAIRS_MAX])
    if numbers:
        found[_P.SUBSCRIPTION_ID] = tuple(numbers[:PAIRS_MAX])
    return found


def _read(key: int, reader: Reader) -> Value:
    if key in _TEXTS:
        return reader.text()
    if key in _BINARIES:
        return reader.binary()
    try:
        return reader.number(_SIZES[Property(key)])
    except (KeyError, ValueError):
        raise Wrong(f"property {key} does not exist") from None
