"""Which board a person means: an id or any unambiguous part of one, a port, a number, a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import AmbiguousBoard, UnknownBoard
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent.boards.board import Board

SHOWN_MATCHES = 8
"""Ids that an error lists; more do not help to choose."""


def find_board(boards: Sequence[Board], query: str) -> Board:
    """The one board that ``query`` fits best.

    First a whole id; then a whole port path (also without ``/dev/`` or ``ble://``), serial number,
    name (also the advertised one) or hardware id in any case; then a part of an id, serial number
    or name. A better fit is never ambiguous because of worse ones. Raises :class:`UnknownBoard` or
    :class:`AmbiguousBoard`.
    """
    wanted = query.strip()
    folded = wanted.casefold()
    fits: tuple[Callable[[Board], bool], ...] = (
        lambda board: board.id == wanted,
        lambda board: any(text.casefold() == folded for text in _names(board)),
        lambda board: any(folded in text.casefold() for text in _parts(board)),
    )
    for fit in fits if wanted else ():
        matches = [board for board in boards if fit(board)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(board.id for board in matches[:SHOWN_MATCHES])
            more = ", …" if len(matches) > SHOWN_MATCHES else ""
            raise AmbiguousBoard(wanted=clean_text(query), count=len(matches), matches=ids + more)
    raise UnknownBoard(wanted=clean_text(query))


def is_whole(board: Board, query: str) -> bool:
    """Whether ``query`` is all of an id, a port, a number or a name of the board, and no part of one."""
    folded = query.strip().casefold()
    return any(text.casefold() == folded for text in _names(board))


def _names(board: Board) -> Iterable[str]:
    yield board.id
    yield board.name
    if board.uhwid:
        yield board.uhwid
    for port in board.ports:
        yield port.address
        yield port.address.removeprefix("/dev/").removeprefix("ble://")
        if port.kind == "ble" and port.product:
            yield port.product  # the name that it advertises
        if port.serial_number:
            yield port.serial_number


def _parts(board: Board) -> Iterable[str]:
    yield board.id
    yield board.name
    yield from (port.serial_number for port in board.ports if port.serial_number)
