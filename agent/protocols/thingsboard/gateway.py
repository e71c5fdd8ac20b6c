"""What a gateway and its server say to each other, in a session that stands.

Sub-devices have no credentials: they exist by the gateway's word, and are matched by name.
Source: cloud-thingsboard, section 10.4; DefaultGatewayNotificationsService of the server for the
two calls that tell of a sub-device's new name and of its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from agent.protocols.thingsboard.names import NAME_CHARS
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

ME: Final = "v1/devices/me/"
OWN_TELEMETRY: Final = f"{ME}telemetry"
OWN_ATTRIBUTES: Final = f"{ME}attributes"
OWN_CALL: Final = f"{ME}rpc/request/"
OWN_ANSWER: Final = f"{ME}rpc/response/"
GATEWAY: Final = "v1/gateway/"
CONNECT: Final = f"{GATEWAY}connect"
DISCONNECT: Final = f"{GATEWAY}disconnect"
TELEMETRY: Final = f"{GATEWAY}telemetry"
ATTRIBUTES: Final = f"{GATEWAY}attributes"
RPC: Final = f"{GATEWAY}rpc"

RENAMED: Final = "gateway_device_renamed"
"""Call of the server itself: ``{"old name": "new name"}``."""
DELETED: Final = "gateway_device_deleted"
"""Call of the server itself: the name."""

MESSAGE_LIMIT: Final = 65_536
"""Bytes of a message from the server; its own limit of what it takes."""
METHOD_CHARS: Final = 100
"""Ours are at most 11 long, and those of the server 31."""
ID_MAX: Final = 2**31 - 1
"""The server counts calls in 32 bits."""

Json: TypeAlias = Any
"""Whatever JSON can hold."""


@dataclass(frozen=True, slots=True)
class Call:
    """The server asks for something and waits for an answer."""

    device: str
    """Which sub-device is asked; empty: the gateway itself."""
    id: int
    method: str
    params: Json


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that cannot be understood; ``call`` has the number to answer it under, if any."""

    detail: str
    """Fit to be shown; nothing of the message is in it."""
    call: Call | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """The server has ended its session of a sub-device."""

    device: str


Heard: TypeAlias = Call | Left | Unreadable | None


def parse_message(topic: str, payload: bytes) -> Heard:
    """What a message of the server says; None for topics that a gateway of ours has no use for."""
    if topic.startswith(OWN_CALL):
        return _own_call(topic.removeprefix(OWN_CALL), payload)
    if topic == RPC:
        return _device_call(payload)
    if topic == DISCONNECT:
        said = _object(payload)
        name = _device(said)
        return Left(name) if name else Unreadable("it ends the session of nobody")
    return None


def connect(name: str, kind: str) -> bytes:
    """A sub-device is there; ``kind`` is the profile of one that the server has to make."""
    return msgspec.json.encode({"device": name, "type": kind})


def disconnect(name: str) -> bytes:
    """A sub-device has left."""
    return msgspec.json.encode({"device": name})


def answer(call: Call, data: Mapping[str, Json]) -> tuple[str, bytes]:
    """Topic and payload with which a call is answered."""
    if not call.device:
        return f"{OWN_ANSWER}{call.id}", msgspec.json.encode(data)
    return RPC, msgspec.json.encode({"device": call.device, "id": call.id, "data": data})


def refusal(code: int, error: str, **more: Json) -> dict[str, Json]:
    """An answer that says no, in the form of the vendor's gateway; ``code`` is as in HTTP."""
    return {"error": error, "code": code, **more}


def _own_call(number: str, payload: bytes) -> Heard:
    if not (number.isascii() and number.isdigit()) or len(number) > len(str(ID_MAX)):
        return Unreadable("a call has no number")
    return _call("", int(number), _object(payload))


def _device_call(payload: bytes) -> Heard:
    said = _object(payload)
    name = _device(said)
    data = said.get("data") if said is not None else None
    if not name or not isinstance(data, dict):
        return Unreadable("a call is for no device, or has no content")
    number = data.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        return Unreadable("a call has no number")
    return _call(name, number, data)


def _call(device: str, number: int, said: dict[str, Json] | None) -> Heard:
    if not 0 <= number <= ID_MAX:
        return Unreadable("a call has no number")
    method = said.get("method") if said is not None else None
    if said is None or not isinstance(method, str) or not 0 < len(method) <= METHOD_CHARS:
        return Unreadable("a call has no method", Call(device, number, "", None))
    return Call(device, number, clean_text(method, METHOD_CHARS), said.get("params"))


def _device(said: dict[str, Json] | None) -> str:
    """The name in a message; it must be one of ours, so it need not be clean."""
    name = said.get("device") if said is not None else None
    return name if isinstance(name, str) and len(name) <= NAME_CHARS else ""


def _object(payload: bytes) -> dict[str, Json] | None:
    if len(payload) > MESSAGE_LIMIT:
        return None
    try:
        # A structure a thousand levels deep is a RecursionError.
        return msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
