"""A provision request as ThingsBoard reads it, with all that makes it fail while reading.

Written against the server's source, not against our client: both meet in tests only.
Source: cloud-thingsboard, sections 3 and 6; JsonConverter of the server.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agent.simulator.thingsboard_credentials import BasicLogin, CredentialsType

if TYPE_CHECKING:
    from agent.simulator.thingsboard_devices import Json

_KEY: Final = "provisionDeviceKey"
_SECRET: Final = "provisionDeviceSecret"  # noqa: S105 - the name of a field


class NotJsonError(ValueError):
    """What came is no JSON object."""


class NotObjectError(NotJsonError):
    """It is JSON, but no object: nothing else is tried."""


class UnreadableError(ValueError):
    """A JSON object that the server fails on while it reads."""


@dataclass(frozen=True, slots=True)
class ProvisionRequest:
    """What a device asks for; empty text: not said."""

    key: str
    secret: str = field(repr=False)
    name: str = ""
    kind: CredentialsType = CredentialsType.ACCESS_TOKEN
    token: str = field(default="", repr=False)
    basic: BasicLogin = field(default_factory=BasicLogin)
    certificate: str = ""
    gateway: bool = False

    @property
    def brings_credentials(self) -> bool:
        """Whether the server looks at what the device brings at all."""
        said = (self.basic.client_id, self.basic.username, self.basic.password)
        return any((self.token, self.certificate, *said))


def read_json(data: bytes) -> Json:
    """JSON as the server reads it; :class:`NotJsonError` otherwise."""
    try:
        text = data.decode()
        value = json.loads(text)
        if "\\ud" in text.lower():
            # Half a character is kept in Java, and written as a question mark.
            value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        raise NotJsonError("Can't parse value") from None
    return value


def read_request(data: bytes) -> ProvisionRequest:
    """The request; raises :class:`NotJsonError` or :class:`UnreadableError`."""
    body = read_json(data)
    if not isinstance(body, dict):
        raise NotObjectError("Can't parse value: not an object")
    kind = CredentialsType.ACCESS_TOKEN
    if "credentialsType" in body:
        name = _text(body, "credentialsType")
        try:
            kind = CredentialsType(name)
        except ValueError:
            raise UnreadableError(f"No enum constant CredentialsType.{name}") from None
    return ProvisionRequest(
        key=_required(body, _KEY),
        secret=_required(body, _SECRET),
        name=_text(body, "deviceName"),
        kind=kind,
        token=_text(body, "token"),
        basic=BasicLogin(_text(body, "clientId"), _text(body, "username"), _text(body, "password")),
        certificate=_text(body, "hash"),
        gateway=_truth(body["gateway"]) if "gateway" in body else False,
    )


def _required(body: dict[str, Any], name: str) -> str:
    if name not in body:
        raise UnreadableError(f"Failed to find the field {name} in JSON body!")
    return _text(body, name)


def _text(body: dict[str, Any], name: str) -> str:
    return as_text(body[name]) if name in body else ""


def as_text(value: Json) -> str:
    """A value as text; numbers and truth values have one, so has a list of one of these."""
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case _:
            raise UnreadableError(f"a field holds {type(value).__name__}")


def _truth(value: Json) -> bool:
    return value if isinstance(value, bool) else as_text(value).lower() == "true"
