"""What a person asks for, checked before anything is sent: requests and answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from agent.boards.board import Via
from agent.clouds.enrolment import CredentialsKind
from agent.errors import InputError
from agent.jobs.check import check_kind
from agent.jobs.effects import Answered
from agent.jobs.enrol_effects import WayKind
from agent.jobs.flash_effects import Upload
from agent.jobs.job import JobKind, Question
from agent.jobs.which import Procedure
from agent.settings import Secret, clean_text
from agent.settings.network import WiFi, parse_network, secret_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.catalog import Model
    from agent.settings.network import NetworkSetting

FIELD_CHARS: Final = 64
"""Of a name in an error; nothing that was meant is longer."""

ANSWER_CHARS: Final = 255
"""Of a device name; no cloud keeps a longer one."""

TOKEN_CHARS: Final = 4000
"""Of a token as it is pasted, with the lines around it; each cloud has limits of its own."""

Group: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}(?!\n)$")]
"""What jobs that a person began together have in common; made by whoever begins them."""

_SETUP: Final = {"model", "network", "cloud", "name", "confirmed"}
_READ: Final = {"cloud", "access_point"}
"""What an access point is asked for that may be a board's of more than one kind."""
_USES: Final[dict[JobKind, set[str]]] = {
    JobKind.IDENTIFY: _READ,
    JobKind.NETWORKS: _READ,
    JobKind.PROVISION: _SETUP
    | {"procedure", "frequency_plan", "credentials", "delivery", "access_point"}
    | {"token", "template", "tags", "address"},
    JobKind.CONFIGURE: _READ | {"network", "address", "confirmed"},
    JobKind.FORGET: _READ | {"confirmed"},
    JobKind.MIGRATE: _SETUP | {"prepare_only", "delete_old"},
    JobKind.FLASH: {"model", "sketch", "image", "url", "override", "confirmed"},
    JobKind.START: {"model"},
    JobKind.BLINK: set(),
    JobKind.RESTORE: {"entry", "network", "delivery", "confirmed"},
    JobKind.REMOVE: {"cloud", "name", "confirmed"},
    JobKind.RENEW: {"cloud", "name", "commands", "confirmed", "network", "address", "access_point"},
}


class FixedAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a board is to use in its network in place of DHCP: IPv4, dotted."""

    ip: str
    netmask: str
    gateway: str
    dns: str = ""
    dns2: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of a job."""

    kind: JobKind
    board: str
    """Id, or any unambiguous part of one; empty: there is none (:mod:`agent.jobs.absent`)."""
    via: Via | None = None
    """Over which link; None: the cable if there is one."""
    access_point: str | None = None
    """The board's own network (:mod:`agent.links.access_point_name`), where ``board`` is empty or the
    board is not to be used over its link."""
    group: Group | None = None
    """Of the jobs that were begun with this one; nothing but a mark by which they are found again."""
    foreign: bool = False
    """A page of somebody else asks, which is told nothing of what an account has; set by the bridge."""
    network: Any = None
    """A network setting as data (``agent.settings.network``)."""
    cloud: str | None = None
    name: str | None = None
    """What the device is called in the cloud, and the board here."""
    confirmed: bool = False
    """The person knows the warnings: about the network, or what erasing or writing wipes."""
    model: str | None = None
    """Which of its candidates the board is; id in the catalogue."""
    procedure: Procedure | None = None
    """The way to provision it, against what would be chosen."""
    frequency_plan: str | None = None
    """Id of a LoRa frequency plan."""
    credentials: CredentialsKind | None = None
    """What is made for the board, with a cloud that gives credentials; None: an access token."""
    delivery: WayKind | None = None
    """How the board gets them; None: as it answers."""
    entry: str | None = None
    """Of the vault: its id, or a beginning that no other has."""
    token: Secret | None = None
    """Of the device or the board, with a cloud that knows such a thing, as the person pasted it."""
    address: FixedAddress | None = None
    """Of a board with Blynk's firmware in its network; None: it asks DHCP."""
    template: str | None = None
    """Id of the Blynk template that the board is to belong to."""
    prepare_only: bool = False
    """Migrate up to the new sketch only: nothing in the cloud, no network."""
    delete_old: bool = False
    """Delete the devices that the cloud keeps of this board from earlier, once it is online."""
    sketch: str | None = None
    """``provisioning``, ``provisioning-1.0``, or id or name of one in the store."""
    image: Any = None
    """A file that was handed over (:class:`agent.jobs.flash_effects.Upload`)."""
    url: str | None = None
    """A file to be fetched; whether this address may be is for the bridge to say."""
    override: str | None = None
    """Id of the board's model: write a file that was built for another kind of board to it."""
    tags: tuple[str, ...] | None = None
    """Of the claim, with nRF Cloud; the rules of these tags apply to the board."""
    commands: Any = None
    """For a renewal in nRF Cloud (:mod:`agent.jobs.nrf.wanted`)."""


def parse_request(data: Mapping[str, Any]) -> Request:
    """The parameters as types; :class:`InputError` names the field."""
    try:
        request = msgspec.convert(dict(data), Request, dec_hook=secret_from)
    except msgspec.ValidationError as error:
        field, problem = _explain(str(error))
        raise InputError(field=field, problem=problem) from None
    for field, value in data.items():
        if field in {"kind", "board", "via", "group", "foreign"} or value is None or value is False:
            continue
        if field not in _USES[request.kind]:
            raise InputError(field=field, problem=f"is not used by {request.kind.value}")
    if request.token is not None:
        read_token(request.token)
    if request.image is not None and not isinstance(request.image, Upload):
        raise InputError(field="image", problem="is not a file that was handed over")
    return request


def read_network(data: object, model: Model | None) -> NetworkSetting:
    """A checked network setting that the model's firmware takes."""
    if data is None:
        raise InputError(field="network", problem="is missing")
    network = parse_network(data)
    if model:
        check_kind(network, model.name, model.networks)
    return network


def read_answer(answer: Mapping[str, Any], question: Question, model: Model | None) -> Answered:
    """The answer to ``question``, its values checked; :class:`InputError` names the field."""
    for field in answer:
        if field not in {"action", "password", "network", "choice", "name", "token"}:
            raise InputError(field=str(field), problem="is not part of an answer")
    chosen = next((a for a in question.actions if a.id == answer.get("action")), None)
    if chosen is None:
        known = ", ".join(action.id for action in question.actions)
        raise InputError(field="action", problem=f"must be one of: {known}")
    if chosen.needs == "network":
        return Answered(chosen.id, network=read_network(answer.get("network"), model))
    if chosen.needs == "password":
        return Answered(chosen.id, password=_password(answer.get("password")))
    if chosen.needs == "token":
        return Answered(chosen.id, token=read_token(answer.get("token")))
    if chosen.needs == "choice":
        return Answered(chosen.id, choice=_choice(answer.get("choice"), question))
    if chosen.needs == "name":
        return Answered(chosen.id, text=_name(answer.get("name")))
    return Answered(chosen.id)


def _choice(value: object, question: Question) -> str:
    known = [choice.id for choice in question.choices]
    if value not in known:
        problem = "is missing" if value is None else f"is not one of {', '.join(known)}"
        raise InputError(field="choice", problem=problem)
    return str(value)


def _name(value: object) -> str:
    """A device name as typed; what the cloud says to it comes with the next question."""
    if not isinstance(value, str) or not value.strip():
        problem = "is missing" if not value else "is not text"
        raise InputError(field="name", problem=problem)
    if len(value) > ANSWER_CHARS:
        raise InputError(field="name", problem=f"is longer than {ANSWER_CHARS} characters")
    return value.strip()


def _password(value: object) -> Secret:
    password = (
        value if isinstance(value, Secret) else Secret(value) if isinstance(value, str) else None
    )
    if password is None:
        raise InputError(field="password", problem="is missing" if value is None else "is not text")
    WiFi(ssid="-", password=password).check()
    return password


def read_token(value: object) -> Secret:
    """What was pasted, not looked into: what a token is, its cloud knows."""
    token = Secret(value) if isinstance(value, str) else value
    if not isinstance(token, Secret) or not token.reveal().strip():
        problem = "is missing" if not value else "is not text"
        raise InputError(field="token", problem=problem)
    if len(token.reveal()) > TOKEN_CHARS:
        raise InputError(field="token", problem=f"is longer than {TOKEN_CHARS} characters")
    return token


def _explain(message: str) -> tuple[str, str]:
    """Field and problem out of a msgspec message, which ends in `` - at `$.path` ``."""
    problem, _, path = message.partition(" - at `$")
    unknown = re.search(r"unknown field `(.*?)`", problem)
    if unknown:
        return clean_text(unknown.group(1), FIELD_CHARS), "is not a parameter of a job"
    missing = re.search(r"missing required field `(.*?)`", problem)
    if missing:
        return missing.group(1), "is missing"
    field = path.rstrip("`").lstrip(".") or "request"
    if field == "kind":
        return field, "is not one of " + ", ".join(kind.value for kind in JobKind)
    return field, problem[:1].lower() + problem[1:]
