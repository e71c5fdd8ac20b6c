"""From a request to the procedure that removes a device; its board need not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from agent.errors import InputError, NotSignedIn
from agent.jobs.enrol_base import EnrolOrder
from agent.jobs.reach import needs_cable
from agent.jobs.remove import RemoveDevice
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.boards.board import Board, Via
    from agent.clouds.enrolment import EnrolCloud
    from agent.jobs.request import Request

_WHY = "The settings go over the serial port."


class Removal(NamedTuple):
    """The procedure, what of the request may be shown, and the cloud of the device."""

    machine: RemoveDevice
    shown: dict[str, Any]
    cloud: EnrolCloud


async def remove_machine(
    request: Request,
    board: Board,
    clouds: Mapping[str, EnrolCloud] | None,
    via: Via,
    *,
    attended: bool,
) -> Removal:
    """Raises :class:`InputError`, :class:`NotSignedIn`, :class:`NeedsCable`."""
    known = clouds or {}
    cloud = known.get(request.cloud or "")
    if cloud is None:
        problem = "is missing" if not request.cloud else f"is not one of {', '.join(sorted(known))}"
        raise InputError(field="cloud", problem=problem)
    info = await cloud.info()
    if not info.signed_in:
        raise NotSignedIn(cloud=info.title, id=info.id)
    if via == "ble":
        raise needs_cable(board, "be erased", _WHY)
    order = EnrolOrder(
        board=board.name,
        model="",
        cloud=cloud.id,
        cloud_title=info.title,
        check_name=lambda _: None,
        make_name=cloud.make_name,
        name=request.name or "",
        administrator="admin_user" in info.account,
        confirmed=request.confirmed,
    )
    shown: dict[str, Any] = {"cloud": cloud.id}
    if request.name:
        shown["name"] = clean_text(request.name)
    machine = RemoveDevice(order, has_board=bool(board.id), attended=attended)
    return Removal(machine, shown, cloud)
