"""From a request to a procedure: everything that can be checked without the board."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError
from agent.jobs.enrol_plan import enrol_machine
from agent.jobs.improv_plan import chance_of
from agent.jobs.job import TITLES, JobKind
from agent.jobs.opening import air_service
from agent.jobs.planner import Planner, Way
from agent.jobs.preconditions import NAME_CHARS, check_reachable, model_for
from agent.jobs.reach import choose_via, only_blynk
from agent.jobs.remove_plan import remove_machine
from agent.jobs.restore_plan import restore_machine
from agent.jobs.stored_steps import stored_network
from agent.links.access_point_name import access_point_text, read_access_point
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.boards.board import Board, Via
    from agent.catalog import Catalog, Model
    from agent.clouds.cloud import Cloud
    from agent.clouds.enrolment import EnrolCloud
    from agent.clouds.vault import Vault
    from agent.errors import MooringError
    from agent.jobs.journal import Journal
    from agent.jobs.kit import Kit
    from agent.jobs.machine import Machine
    from agent.jobs.request import Request

OWN_NETWORK: Final = "must be one whose boards are set up in a network of their own (blynk)"
_AS_THEY_ARE: Final = {JobKind.IDENTIFY, JobKind.NETWORKS, JobKind.CONFIGURE, JobKind.FORGET}
"""Kinds for which a cloud means something only where it says how a board is talked to."""
_ALONE: Final = "is not used without a cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A request that can be carried out."""

    kind: JobKind
    board: Board
    model: Model | None
    title: str
    via: Via
    """The link to the board, for the whole job."""
    machine: Machine
    cloud: Cloud | None
    shown: dict[str, Any]
    """The request without its secrets."""
    enrolment: EnrolCloud | None = None
    kit: Kit | None = None


async def make_plan(
    request: Request,
    board: Board,
    *,
    attended: bool,
    air_problem: MooringError | None = None,
    catalog: Catalog,
    clouds: Mapping[str, Cloud],
    enrolments: Mapping[str, EnrolCloud] | None = None,
    kits: Sequence[Kit] = (),
    journal: Journal | None = None,
    vault: Vault | None = None,
) -> Plan:
    """Check everything that can be checked without the board, and choose the procedure.

    ``journal`` knows the board's last network; ``air_problem`` is why none in the air is heard.
    Raises :class:`InputError`, :class:`NotSupported`, :class:`NotSignedIn`, :class:`PortGone`,
    :class:`NeedsCable`, :class:`BleNotHeard`, :class:`WrongSketch`, :class:`NoSketch`.
    """
    model = model_for(request, board, catalog)
    via: Via = board.via or "usb"
    if board.id:
        via = choose_via(request, board, model, air_problem)
        check_reachable(board, request.kind, via)
    chance = chance_of(request, board, model, catalog, via)
    stored = await stored_network(journal, board.id) if journal else ""
    planner = Planner(
        request, board, model, catalog, clouds, via, chance, stored, attended=attended
    )
    cloud = (enrolments or {}).get(request.cloud or "")
    kit = next((each for each in kits if each.takes(request, board, model)), None)
    if kit is None:
        _refuse_kit_only(request)
    if kit is not None:
        planned = await kit.plan(request, board, model, via, attended=attended)
        way = replace(planned, kit=kit)
    elif cloud is not None and request.kind is JobKind.PROVISION:
        enrol, known = await enrol_machine(request, board, model, cloud, via, attended=attended)
        way = Way(enrol, shown=known, enrolment=cloud)
    elif request.kind is JobKind.RESTORE:
        restored = await restore_machine(request, board, enrolments, vault, via, attended=attended)
        way = Way(restored.machine, shown=restored.shown, enrolment=restored.cloud)
    elif request.kind is JobKind.REMOVE:
        removal = await remove_machine(request, board, enrolments, via, attended=attended)
        way = Way(removal.machine, shown=removal.shown, enrolment=removal.cloud)
    elif request.access_point is not None:
        raise InputError(field="cloud", problem=OWN_NETWORK)
    elif via == "ble" and air_service(board) == "blynk":
        raise only_blynk(board)
    else:
        way = await planner.choose()
    spoken: Via = "ap" if request.via == "ap" else via
    way.machine.via, way.machine.known_as = spoken, board.uhwid
    shown: dict[str, Any] = {"kind": request.kind.value, "board": board.id, "via": spoken}
    shown |= way.shown or {}
    if request.access_point is not None:
        shown["access_point"] = access_point_text(read_access_point(request.access_point))
    more = {"confirmed": request.confirmed, "group": request.group}
    shown |= {field: value for field, value in more.items() if value}
    return Plan(
        kind=request.kind,
        board=board,
        model=model,
        title=TITLES[request.kind].format(
            board=clean_text(board.name, NAME_CHARS), name=shown.get("name") or board.name
        ),
        via=via,
        machine=way.machine,
        cloud=way.cloud,
        shown=shown,
        enrolment=way.enrolment,
        kit=way.kit,
    )


def _refuse_kit_only(request: Request) -> None:
    """Raise :class:`InputError` for what other boards and clouds have no use for."""
    for field in ("token", "template", "tags", "commands", "address"):
        if getattr(request, field) is not None:
            problem = f"is not used with {clean_text(request.cloud)}" if request.cloud else _ALONE
            raise InputError(field=field, problem=problem)
    if request.cloud is not None and request.kind in _AS_THEY_ARE:
        problem = f"is not used by {request.kind.value} ({clean_text(request.cloud)})"
        raise InputError(field="cloud", problem=problem)
