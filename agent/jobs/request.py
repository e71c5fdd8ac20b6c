"""What a person asks for, checked before anything is sent: requests and answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from agent.boards.board import BoardState
from agent.errors import InputError, NotSignedIn, NotSupported, PortGone, WrongSketch
from agent.jobs import configure, forget, provision
from agent.jobs.check import check_kind, check_text
from agent.jobs.effects import Answered
from agent.jobs.identify import Identify
from agent.jobs.job import JobKind, Question, without_secrets
from agent.jobs.networks import Networks
from agent.settings import Secret, clean_text
from agent.settings.network import WiFi, parse_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.boards.board import Board
    from agent.catalog import Catalog, Model
    from agent.clouds.cloud import Cloud
    from agent.jobs.machine import Machine
    from agent.settings.network import NetworkSetting

NAME_CHARS = 64
"""Longest name of a board; clouds have limits of their own (Arduino Cloud: 64)."""

VERSION = "2.0"
"""The version of provisioning that these procedures speak."""

_USES = {
    JobKind.IDENTIFY: set[str](),
    JobKind.NETWORKS: set[str](),
    JobKind.PROVISION: {"network", "cloud", "name", "confirmed"},
    JobKind.CONFIGURE: {"network", "confirmed"},
    JobKind.FORGET: {"confirmed"},
}
_TITLES = {
    JobKind.IDENTIFY: "Reading {board}",
    JobKind.NETWORKS: "Looking for networks with {board}",
    JobKind.PROVISION: "Setting up {name}",
    JobKind.CONFIGURE: "Changing the network of {board}",
    JobKind.FORGET: "Erasing the network of {board}",
}


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of a job."""

    kind: JobKind
    board: str
    """Id, or any unambiguous part of one."""
    network: Any = None
    """A network setting as data (``agent.settings.network``)."""
    cloud: str | None = None
    name: str | None = None
    """What the device is called in the cloud, and the board here."""
    confirmed: bool = False
    """The person knows the warnings: about the network, or about what erasing wipes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A request that can be carried out."""

    kind: JobKind
    board: Board
    title: str
    machine: Machine
    cloud: Cloud | None
    shown: dict[str, Any]
    """The request without its secrets."""


def parse_request(data: Mapping[str, Any]) -> Request:
    """The parameters as types; :class:`InputError` names the field."""
    try:
        request = msgspec.convert(dict(data), Request)
    except msgspec.ValidationError as error:
        field, problem = _explain(str(error))
        raise InputError(field=field, problem=problem) from None
    for field in ("network", "cloud", "name", "confirmed"):
        if field in data and field not in _USES[request.kind] and data[field] not in (None, False):
            raise InputError(field=field, problem=f"is not used by {request.kind.value}")
    return request


async def make_plan(
    request: Request,
    board: Board,
    *,
    attended: bool,
    catalog: Catalog,
    clouds: Mapping[str, Cloud],
) -> Plan:
    """Check everything that can be checked without the board, and choose the procedure.

    Raises :class:`InputError`, :class:`NotSupported`, :class:`NotSignedIn`, :class:`PortGone`,
    :class:`WrongSketch`.
    """
    model = catalog.get(board.model) if board.model else None
    _check_reachable(board)
    shown: dict[str, Any] = {"kind": request.kind.value, "board": board.id}
    network = None
    if request.kind in {JobKind.PROVISION, JobKind.CONFIGURE}:
        _check_model(model)
        network = read_network(request.network, model)
        shown["network"] = without_secrets(network)
    cloud: Cloud | None = None
    machine: Machine
    if request.kind is JobKind.IDENTIFY:
        machine = Identify(attended=attended)
    elif request.kind is JobKind.NETWORKS:
        machine = Networks(attended=attended)
    elif request.kind is JobKind.FORGET:
        order = forget_order(board, model, confirmed=request.confirmed)
        machine = forget.Forget(order, attended=attended)
    elif network is not None and request.kind is JobKind.CONFIGURE:
        machine = configure.Configure(
            network, in_run=_in_run(model), confirmed=request.confirmed, attended=attended
        )
    else:
        cloud = _cloud(request.cloud, clouds)
        title = await _check_account(cloud)
        name = _name(request.name, cloud)
        shown |= {"cloud": cloud.id, "name": name}
        machine = provision.Provision(
            provision.Order(
                cloud=cloud.id,
                cloud_title=title,
                name=name,
                network=read_network(request.network, model),
                fqbn=_fqbn(board, model, cloud),
                serial_number=next((p.serial_number for p in board.ports if p.serial_number), None),
                confirmed=request.confirmed,
            ),
            attended=attended,
        )
    if request.confirmed:
        shown["confirmed"] = True
    return Plan(
        kind=request.kind,
        board=board,
        title=_TITLES[request.kind].format(
            board=clean_text(board.name, NAME_CHARS), name=shown.get("name") or board.name
        ),
        machine=machine,
        cloud=cloud,
        shown=shown,
    )


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
        if field not in {"action", "password", "network"}:
            raise InputError(field=str(field), problem="is not part of an answer")
    chosen = next((a for a in question.actions if a.id == answer.get("action")), None)
    if chosen is None:
        known = ", ".join(action.id for action in question.actions)
        raise InputError(field="action", problem=f"must be one of: {known}")
    if chosen.needs == "network":
        return Answered(chosen.id, network=read_network(answer.get("network"), model))
    if chosen.needs == "password":
        return Answered(chosen.id, password=_password(answer.get("password")))
    return Answered(chosen.id)


def forget_order(board: Board, model: Model | None, *, confirmed: bool) -> forget.Order:
    """What erasing needs from the catalogue."""
    if model is None:
        without = "Upload its sketch again with other settings, or flash the provisioning sketch."
        return forget.Order(board.name, None, without, confirmed)
    found = model.reconfiguration
    guide = None
    if found.available and found.pin is not None and found.hold_seconds is not None:
        guide = forget.Guide(
            pin=found.pin,
            hold_seconds=found.hold_seconds,
            procedure=found.procedure,
            drawing=model.drawing,
        )
    return forget.Order(model.name, guide, found.procedure, confirmed)


def _check_reachable(board: Board) -> None:
    if not board.ports:
        raise PortGone(port=board.name)
    if board.state is BoardState.BOOTLOADER:
        raise WrongSketch(
            what="talk about networks",
            why="Its boot loader runs, not a sketch. Pressing reset once usually ends that.",
        )


def _check_model(model: Model | None) -> None:
    if model and VERSION not in model.provisioning:
        raise NotSupported(
            model=model.name,
            what="take network settings over provisioning 2.0",
            why="There is no provisioning firmware of this version for it.",
            action=model.reconfiguration.procedure,
        )


def _cloud(cloud: str | None, clouds: Mapping[str, Cloud]) -> Cloud:
    if cloud is None:
        raise InputError(field="cloud", problem="is missing")
    if cloud not in clouds:
        raise InputError(field="cloud", problem="is not one of " + ", ".join(sorted(clouds)))
    return clouds[cloud]


async def _check_account(cloud: Cloud) -> str:
    info = await cloud.info()
    if info.needs_account and not info.signed_in:
        raise NotSignedIn(cloud=info.title, id=info.id)
    return info.title


def _name(name: str | None, cloud: Cloud) -> str:
    text = name or ""
    if not text and cloud.id != provision.NO_CLOUD:
        raise InputError(field="name", problem="is missing")
    check_text("name", text)
    if len(text) > NAME_CHARS:
        raise InputError(field="name", problem=f"is longer than {NAME_CHARS} characters")
    if clean_text(text) != text:
        raise InputError(field="name", problem="contains characters that cannot be shown")
    cloud.check_name(text)
    return text


def _fqbn(board: Board, model: Model | None, cloud: Cloud) -> str:
    fqbn = board.fqbn or (model.fqbn if model else None) or ""
    if not fqbn and cloud.id != provision.NO_CLOUD:
        raise NotSupported(
            model=clean_text(board.name),
            what="join a cloud",
            why="It is not in the catalogue, so its kind is not known.",
            action="Only put the board on the network, without a cloud.",
        )
    return fqbn


def _in_run(model: Model | None) -> str:
    again = "Set the board up again"
    if model and model.reconfiguration.available:
        return f"{again}, or erase its network settings by hand: {model.reconfiguration.procedure}"
    return f"{again}; that gives it the new network."


def _password(value: object) -> Secret:
    password = (
        value if isinstance(value, Secret) else Secret(value) if isinstance(value, str) else None
    )
    if password is None:
        raise InputError(field="password", problem="is missing" if value is None else "is not text")
    WiFi(ssid="-", password=password).check()
    return password


def _explain(message: str) -> tuple[str, str]:
    """Field and problem out of a msgspec message, which ends in `` - at `$.path` ``."""
    problem, _, path = message.partition(" - at `$")
    unknown = re.search(r"unknown field `(.*?)`", problem)
    if unknown:
        return clean_text(unknown.group(1), NAME_CHARS), "is not a parameter of a job"
    missing = re.search(r"missing required field `(.*?)`", problem)
    if missing:
        return missing.group(1), "is missing"
    field = path.rstrip("`").lstrip(".") or "request"
    if field == "kind":
        return field, "is not one of " + ", ".join(kind.value for kind in JobKind)
    return field, problem[:1].lower() + problem[1:]
