"""The commands that a renewal is asked for, as data: ``{"clientCertificate": {"content": …}}``.

Names and fields are those of the service (cloud-nrf, section 5); ``secTag`` may be left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError
from agent.protocols.nrf import commands as make
from agent.protocols.nrf.commands import SEC_TAG, Command, Credential, check_order
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIELD: Final = "commands"


def parse_wanted(data: object) -> tuple[Command, ...]:
    """The commands; by default a new key for the cloud alone. :class:`InputError` names the field."""
    if data is None:
        return (make.cloud_access_key(),)
    if not isinstance(data, list | tuple):
        raise InputError(field=FIELD, problem="must be a list")
    commands = tuple(_parse_one(each) for each in data)
    check_order(commands)
    return commands


def command_names(commands: Sequence[Command]) -> list[str]:
    """What may be shown of them."""
    return [command.name for command in commands]


def _parse_one(data: object) -> Command:
    if isinstance(data, str):
        data = {data: {}}
    if not isinstance(data, dict) or len(data) != 1:
        raise InputError(field=FIELD, problem="must name one command each")
    ((name, fields),) = data.items()
    known = _MAKERS.get(name)
    if known is None:
        shown = clean_text(str(name), 40)
        problem = f"“{shown}” is not one of {', '.join(_MAKERS)}"
        raise InputError(field=FIELD, problem=problem)
    return known(_Fields(name, fields))


class _Fields:
    """The fields of one command, each to be taken once."""

    def __init__(self, name: str, fields: object) -> None:
        if not isinstance(fields, dict):
            raise InputError(field=FIELD, problem=f"the fields of {name} must be an object")
        self.name = name
        self.data: dict[str, Any] = dict(fields)

    def tag(self) -> int:
        value = self.data.pop("secTag", SEC_TAG)
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError(field=FIELD, problem=f"secTag of {self.name} must be a number")
        return value

    def text(self, field: str, default: str | None = None) -> str:
        value = self.data.pop(field, default)
        if isinstance(value, Secret):
            value = value.reveal()
        if not isinstance(value, str):
            raise InputError(field=FIELD, problem=f"{field} of {self.name} must be text")
        return value

    def number(self, field: str) -> int:
        value = self.data.pop(field, None)
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError(field=FIELD, problem=f"{field} of {self.name} must be a number")
        return value

    def texts(self) -> dict[str, str]:
        pairs, self.data = self.data, {}
        if not all(isinstance(value, str) for value in pairs.values()):
            raise InputError(field=FIELD, problem=f"the fields of {self.name} must be text")
        return {str(name): value for name, value in pairs.items()}

    def end(self, command: Command) -> Command:
        for left in self.data:
            shown = clean_text(str(left), 40)
            raise InputError(field=FIELD, problem=f"“{shown}” is not a field of {self.name}")
        return command


def _request(given: _Fields) -> Command:
    attributes, usage = given.text("attributes"), given.text("keyUsage", make.KEY_USAGE)
    return given.end(make.signing_request(attributes, given.tag(), usage))


def _key(given: _Fields) -> Command:
    content, password = Secret(given.text("content")), Secret(given.text("password", ""))
    return given.end(make.client_key(content, given.tag(), password or None))


def _shared(given: _Fields) -> Command:
    identity, secret = given.text("identity"), Secret(given.text("secret"))
    return given.end(make.pre_shared_key(identity, secret, given.tag()))


def _deletion(given: _Fields) -> Command:
    number = given.number("type")
    try:
        credential = Credential(number)
    except ValueError:
        raise InputError(field=FIELD, problem="type of a deletion must be from 0 to 4") from None
    return given.end(make.deletion(credential, given.tag()))


_MAKERS: Final[dict[str, Callable[[_Fields], Command]]] = {
    "cloudAccessKeyGeneration": lambda given: given.end(make.cloud_access_key(given.tag())),
    "clientPrivateKeyGeneration": lambda given: given.end(make.client_private_key(given.tag())),
    "certificateSigningRequest": _request,
    "clientCertificate": lambda given: given.end(
        make.client_certificate(given.text("content"), given.tag())
    ),
    "serverCertificate": lambda given: given.end(
        make.server_certificate(given.text("content"), given.tag())
    ),
    "clientPrivateKey": _key,
    make.PSK: _shared,
    "config": lambda given: make.configuration(given.texts()),
    make.DELETION: _deletion,
    "finished": lambda given: given.end(make.finished()),
}
