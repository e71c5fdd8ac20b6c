"""Jobs that need no board: what stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.boards.board import Board
from agent.errors import InputError
from agent.jobs.enrol_base import HARDWARE_ID
from agent.jobs.enrol_effects import FILES
from agent.jobs.job import JobKind
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.jobs.request import Request

_NO_NAME: Final = "is missing, and there is no board to name the device by"


def absent_board(request: Request) -> Board | None:
    """What stands for the board of a job that has none; None: it has one, or should have.

    A device is removed without its board; settings that become a file need none either. Both are
    known by the name of the device: raises :class:`InputError` where that is missing.
    """
    if request.board:
        return None
    if request.kind is JobKind.REMOVE:
        if not request.name:
            raise InputError(field="board", problem="is missing, and so is the name of a device")
    elif request.kind is JobKind.PROVISION and request.delivery in FILES:
        if not request.name:
            raise InputError(field="name", problem=_NO_NAME)
        if HARDWARE_ID in request.name:
            raise InputError(
                field="name", problem=f"has {HARDWARE_ID} in it, and there is no board"
            )
    else:
        raise InputError(field="board", problem="is missing")
    return Board(
        id="", name=clean_text(request.name), model=None, fqbn=None, ports=[], first_seen=0.0
    )
