"""The other form of provision requests and replies: protobuf, which MQTT and CoAP take too.

Written by hand for two small messages. Source: cloud-thingsboard, section 2; queue.proto and
transport.proto of the server (ProvisionDeviceRequestMsg, ProvisionDeviceResponseMsg).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agent.simulator.thingsboard_credentials import BasicLogin, CredentialsType
from agent.simulator.thingsboard_requests import (
    NotJsonError,
    NotObjectError,
    ProvisionRequest,
    UnreadableError,
    read_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Write: TypeAlias = "Callable[[Mapping[str, Any]], bytes]"
Fields: TypeAlias = "dict[int, int | bytes]"

TYPES: Final = (
    CredentialsType.ACCESS_TOKEN,
    CredentialsType.X509_CERTIFICATE,
    CredentialsType.MQTT_BASIC,
    CredentialsType.LWM2M_CREDENTIALS,
)
STATUSES: Final = {"SUCCESS": 1, "NOT_FOUND": 2, "FAILURE": 3}
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED: Final = {FIXED64: 8, FIXED32: 4}
_VARINT_BYTES: Final = 10


def read_either(data: bytes) -> tuple[ProvisionRequest, Write]:
    """A request in the one form or the other, and what writes the reply to it.

    :class:`NotJsonError` if it is neither, :class:`UnreadableError`.
    """
    try:
        return read_request(data), write_json
    except NotObjectError:
        raise
    except NotJsonError:
        if not data:
            raise
        return read_protobuf(data), write_protobuf


def write_json(reply: Mapping[str, Any]) -> bytes:
    """A reply as JSON."""
    return json.dumps(reply, separators=(",", ":"), ensure_ascii=False).encode()


def read_protobuf(data: bytes) -> ProvisionRequest:
    """A request; what is absent is empty. :class:`NotJsonError` for bytes that are no message."""
    fields = _read(data)
    pair, brought = _inner(fields, 3), _inner(fields, 4)
    basic = _inner(brought, 3)
    kind = _number(fields, 2)
    if kind >= len(TYPES):
        raise UnreadableError("No enum constant CredentialsType.UNRECOGNIZED")
    return ProvisionRequest(
        key=_text(pair, 1),
        secret=_text(pair, 2),
        name=_text(fields, 1),
        kind=TYPES[kind],
        token=_text(_inner(brought, 1), 1),
        certificate=_text(_inner(brought, 2), 1),
        basic=BasicLogin(_text(basic, 1), _text(basic, 2), _text(basic, 3)),
        gateway=bool(_number(fields, 5)),
    )


def write_protobuf(reply: Mapping[str, Any]) -> bytes:
    """A reply as bytes; numbers that are 0 and texts that are empty are left out."""
    out = bytes([1 << 3 | VARINT, STATUSES[reply["status"]]])
    if "credentialsType" in reply:
        kind = TYPES.index(CredentialsType(reply["credentialsType"]))
        out += bytes([2 << 3 | VARINT, kind]) if kind else b""
    value = reply.get("credentialsValue")
    if value:
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        data = text.encode()
        out += bytes([3 << 3 | BYTES]) + _varint(len(data)) + data
    return out


def _read(data: bytes) -> Fields:
    """The fields of a message by number, the last of each; unknown kinds end it."""
    fields: Fields = {}
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise NotJsonError("Protocol message contained an invalid tag (zero).")
        if wire == VARINT:
            fields[number], at = _read_varint(data, at)
            continue
        if wire == BYTES:
            size, at = _read_varint(data, at)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise NotJsonError("Protocol message tag had invalid wire type.")
        if at + size > len(data):
            raise NotJsonError("Protocol message ended in the middle of a field.")
        if wire == BYTES:
            fields[number] = data[at : at + size]
        at += size
    return fields


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return value, at + place + 1
    raise NotJsonError("Protocol message contained a malformed varint.")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _inner(fields: Fields, number: int) -> Fields:
    value = fields.get(number, b"")
    return _read(value) if isinstance(value, bytes) else {}


def _text(fields: Fields, number: int) -> str:
    value = fields.get(number, b"")
    if not isinstance(value, bytes):
        return ""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NotJsonError("Protocol message had invalid UTF-8.") from None


def _number(fields: Fields, number: int) -> int:
    value = fields.get(number, 0)
    return value if isinstance(value, int) else 0
