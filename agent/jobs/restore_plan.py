"""From a request to the procedure that puts credentials of the vault on a board again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from agent.errors import InputError, InternalError
from agent.jobs.enrol_base import EnrolOrder
from agent.jobs.job import without_secrets
from agent.jobs.preconditions import serial_of
from agent.jobs.reach import needs_cable
from agent.jobs.request import read_network
from agent.jobs.restore import RestoreBoard
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.boards.board import Board, Via
    from agent.clouds.enrolment import EnrolCloud
    from agent.clouds.vault import Vault
    from agent.jobs.request import Request

_WHY = "The settings go over the serial port."


class Restored(NamedTuple):
    """The procedure, what of the request may be shown, and the cloud that gave the credentials."""

    machine: RestoreBoard
    shown: dict[str, Any]
    cloud: EnrolCloud


async def restore_machine(
    request: Request,
    board: Board,
    clouds: Mapping[str, EnrolCloud] | None,
    vault: Vault | None,
    via: Via,
    *,
    attended: bool,
) -> Restored:
    """The procedure for one entry and one board; no account of the cloud is needed.

    Raises :class:`InputError`, :class:`VaultUnknown`, :class:`VaultUnreadable`, :class:`NeedsCable`.
    """
    if vault is None:
        raise InternalError(kind="no vault")
    if not request.entry:
        raise InputError(field="entry", problem="is missing")
    kept = await vault.find(request.entry)
    # One that cannot be read is said before the board is opened.
    settings = await vault.entry(kept.id)
    cloud = (clouds or {}).get(kept.cloud)
    if cloud is None:
        problem = f"is of the cloud {clean_text(kept.cloud)}, which is not known here"
        raise InputError(field="entry", problem=problem)
    if via == "ble":
        raise needs_cable(board, "be given credentials", _WHY)
    info = await cloud.info()
    network = read_network(request.network, None) if request.network is not None else None
    order = EnrolOrder(
        board=board.name,
        model="",
        cloud=cloud.id,
        cloud_title=info.title,
        check_name=lambda _: None,
        make_name=cloud.make_name,
        name=settings.name,
        serial_number=serial_of(board) or "",
        network=network,
        way=request.delivery,
        administrator="admin_user" in info.account,
        confirmed=request.confirmed,
    )
    shown: dict[str, Any] = {"entry": kept.id, "cloud": cloud.id, "name": clean_text(settings.name)}
    if network is not None:
        shown["network"] = without_secrets(network)
    if request.delivery is not None:
        shown["delivery"] = request.delivery
    machine = RestoreBoard(order, kept, board_id=board.id, attended=attended)
    return Restored(machine, shown, cloud)
