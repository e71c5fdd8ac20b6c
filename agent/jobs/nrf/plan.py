"""From a request to the procedure for a board of nRF Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError, NotSignedIn, NrfTokenInput
from agent.jobs.job import JobKind
from agent.jobs.nrf.identify import NrfIdentify
from agent.jobs.nrf.provision import NrfProvision
from agent.jobs.nrf.reading import NrfOrder
from agent.jobs.nrf.remove import NrfRemove
from agent.jobs.nrf.renew import NrfRenew
from agent.jobs.nrf.wanted import command_names, parse_wanted
from agent.jobs.planner import Way
from agent.jobs.reach import needs_cable
from agent.protocols.nrf.bodies import ONBOARDING_TAG, UUID, check_name, check_tags
from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.token import AttestationToken, parse_token
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from agent.boards.board import Board, Via
    from agent.clouds.nrf.cloud import NrfCloud
    from agent.jobs.request import Request

_WHY: Final = "Its modem is asked over a serial port."
_UNUSED: Final = ("network", "procedure", "frequency_plan", "credentials", "delivery", "address")


async def nrf_way(
    request: Request, board: Board, cloud: NrfCloud, via: Via, *, attended: bool
) -> Way:
    """The procedure, and what of the request may be shown.

    Raises :class:`InputError`, :class:`NotSignedIn`, :class:`NeedsCable`, and
    :class:`NrfTokenInput` for a token that was pasted.
    """
    if via != "usb":
        raise needs_cable(board, "be asked for its modem", _WHY)
    if request.kind is JobKind.IDENTIFY:
        info = await cloud.info()
        order = NrfOrder(board=board.name, cloud=cloud.id, title=info.title, portal=cloud.portal)
        signed_in = info.signed_in and not request.foreign
        machine = NrfIdentify(
            order, signed_in=signed_in, foreign=request.foreign, attended=attended
        )
        return Way(machine, shown={})
    for field in _UNUSED:
        if getattr(request, field) is not None:
            raise InputError(field=field, problem=f"is not used with {cloud.id}")
    info = await cloud.info()
    if not info.signed_in:
        raise NotSignedIn(cloud=info.title, id=info.id)
    shown: dict[str, Any] = {"cloud": cloud.id}
    if request.name:
        shown["name"] = clean_text(request.name)
    if request.kind is JobKind.PROVISION:
        order = _provision_order(request, board, cloud, info.title)
        return Way(NrfProvision(order, attended=attended), shown=shown | {"tags": list(order.tags)})
    order = _device_order(request, board, cloud, info.title)
    if request.kind is JobKind.REMOVE:
        return Way(NrfRemove(order, attended=attended), shown=shown)
    commands = parse_wanted(request.commands)
    shown["commands"] = command_names(commands)
    return Way(NrfRenew(order, commands, attended=attended), shown=shown)


def _provision_order(request: Request, board: Board, cloud: NrfCloud, title: str) -> NrfOrder:
    tags = (ONBOARDING_TAG,) if request.tags is None else request.tags
    check_tags(tags)
    if request.name:
        check_name(request.name)
    return NrfOrder(
        board=board.name,
        cloud=cloud.id,
        title=title,
        portal=cloud.portal,
        name=request.name or "",
        tags=tags,
        token=_token(request.token) if request.token is not None else None,
        confirmed=request.confirmed,
        has_board=bool(board.id),
    )


def _device_order(request: Request, board: Board, cloud: NrfCloud, title: str) -> NrfOrder:
    """Of a device that is known by its board, or by its id, its name or its IMEI."""
    device_id = wanted = ""
    if not board.id:
        wanted = (request.name or "").strip()
        check_name(wanted)
        device_id = wanted.lower() if UUID.fullmatch(wanted.lower()) else ""
    elif request.name:
        raise InputError(field="name", problem="is that of the board; leave one of them out")
    return NrfOrder(
        board=board.name,
        cloud=cloud.id,
        title=title,
        portal=cloud.portal,
        device_id=device_id,
        wanted=wanted,
        confirmed=request.confirmed,
        has_board=bool(board.id),
    )


def _token(text: Secret) -> AttestationToken:
    try:
        return parse_token(text.reveal())
    except Damaged as error:
        raise NrfTokenInput(problem=error.problem.value) from None
