"""From a request to the procedure for a cloud that gives credentials to boards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.errors import InputError, NotSignedIn
from agent.jobs.enrol import EnrolBoard
from agent.jobs.enrol_base import EnrolOrder
from agent.jobs.job import without_secrets
from agent.jobs.preconditions import serial_of
from agent.jobs.reach import needs_cable
from agent.jobs.request import read_network
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.boards.board import Board, Via
    from agent.catalog import Model
    from agent.clouds.enrolment import EnrolCloud
    from agent.jobs.request import Request

ENROL_ONLY = ("credentials", "delivery")
"""Fields of a request that mean nothing for other clouds."""
_UNUSED = ("procedure", "frequency_plan")
_WHY = "The settings go over the serial port."


async def enrol_machine(
    request: Request,
    board: Board,
    model: Model | None,
    cloud: EnrolCloud,
    via: Via,
    *,
    attended: bool,
) -> tuple[EnrolBoard, dict[str, Any]]:
    """The procedure, and what of the request may be shown.

    Raises :class:`InputError`, :class:`NotSignedIn`, :class:`NeedsCable`.
    """
    for field in _UNUSED:
        if getattr(request, field) is not None:
            raise InputError(field=field, problem=f"is not used with {cloud.id}")
    info = await cloud.info()
    if not info.signed_in:
        raise NotSignedIn(cloud=info.title, id=info.id)
    if via == "ble":
        raise needs_cable(board, "be given credentials", _WHY)
    kind = request.credentials or "access_token"
    if request.name:
        cloud.check_name(request.name, kind)
    network = read_network(request.network, None) if request.network is not None else None
    order = EnrolOrder(
        board=board.name,
        model=model.id if model is not None else "",
        cloud=cloud.id,
        cloud_title=info.title,
        check_name=lambda name: cloud.check_name(name, kind),
        make_name=cloud.make_name,
        name=request.name or "",
        serial_number=serial_of(board) or "",
        kind=kind,
        network=network,
        way=request.delivery,
        administrator="admin_user" in info.account,
        confirmed=request.confirmed,
    )
    shown: dict[str, Any] = {"cloud": cloud.id}
    if request.name:
        shown["name"] = clean_text(request.name)
    if network is not None:
        shown["network"] = without_secrets(network)
    shown |= {
        field: value for field in ENROL_ONLY if (value := getattr(request, field)) is not None
    }
    return EnrolBoard(order, attended=attended), shown


def refuse_enrol_only(request: Request) -> None:
    """Raise :class:`InputError` for a field that another cloud has no use for."""
    for field in ENROL_ONLY:
        if getattr(request, field) is not None:
            raise InputError(field=field, problem=f"is not used with {request.cloud}")
