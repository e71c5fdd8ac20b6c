"""Jobs whose board is in no list: what stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.boards.board import Board, Port
from agent.errors import InputError
from agent.jobs.enrol_base import HARDWARE_ID
from agent.jobs.enrol_effects import FILES
from agent.jobs.job import JobKind
from agent.links.access_point_name import access_point_text, read_access_point
from agent.settings import clean_text, decode_text

if TYPE_CHECKING:
    from agent.jobs.request import Request

NRF: Final = "nrf"
"""The cloud whose boards are known by their tokens."""
ELSEWHERE: Final = "a board that is elsewhere"
"""What one is called that is known by a token alone."""
_NO_NAME: Final = "is missing, and there is no board to name the device by"


def absent_board(request: Request) -> Board | None:
    """What stands for the board of a job that has none; None: it has one, or should have.

    A device is removed, and one of nRF Cloud renewed, without its board; settings that become a
    file need none either. All are known by the name of the device: raises :class:`InputError` where
    that is missing. A board of nRF Cloud that is elsewhere is claimed by its token. A board that is
    reached in its own network is nothing but that network as long as nobody has joined it.
    """
    ssid = None if request.access_point is None else read_access_point(request.access_point)
    if request.board:
        return None
    if ssid is not None:
        return access_point_board(ssid, request)
    if request.kind in {JobKind.REMOVE, JobKind.RENEW}:
        if not request.name:
            raise InputError(field="board", problem="is missing, and so is the name of a device")
    elif request.kind is JobKind.PROVISION and request.cloud == NRF and request.token is not None:
        return _absent(request.name or ELSEWHERE)
    elif request.kind is JobKind.PROVISION and request.delivery in FILES:
        if not request.name:
            raise InputError(field="name", problem=_NO_NAME)
        if HARDWARE_ID in request.name:
            raise InputError(
                field="name", problem=f"has {HARDWARE_ID} in it, and there is no board"
            )
    else:
        raise InputError(field="board", problem="is missing")
    return _absent(request.name)


def _absent(name: str) -> Board:
    return Board(id="", name=clean_text(name), model=None, fqbn=None, ports=[], first_seen=0.0)


def access_point_board(ssid: bytes, request: Request) -> Board:
    """What stands for the board that has opened the network ``ssid``."""
    if request.via not in {None, "ap"}:
        raise InputError(field="via", problem="must be ap: there is nothing but an access point")
    port = Port(kind="ap", address=access_point_text(ssid))
    return Board(
        id="",
        name=decode_text(ssid),
        model=None,
        fqbn=None,
        ports=[port],
        via=port.via,
        first_seen=0.0,
    )
