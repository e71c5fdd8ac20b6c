"""Which boards are spoken to in Improv Wi-Fi, and the procedures for them.

A board that is known for it is spoken to at once. One of a family that has nothing else to take a
network with is asked first whether it speaks it, and one that nothing is known of is asked in
provisioning 2.0 and 1.0 before: no board of these ever hears a word that it does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from agent.boards.board import BoardState, Via
from agent.boards.identity import shown_name
from agent.errors import NotSupported
from agent.jobs.blink import Blink
from agent.jobs.improv import ImprovOrder, JoinImprov
from agent.jobs.job import JobKind
from agent.jobs.look_first import LookFirst
from agent.jobs.opening import air_service
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Board
    from agent.catalog import Catalog, Model
    from agent.jobs.machine import Machine
    from agent.jobs.request import Request
    from agent.settings.network import NetworkSetting

Chance: TypeAlias = Literal["speaks", "may", "unknown", "no"]
"""``may``: nothing else is possible for its family. ``unknown``: so may something better be."""

OTHER_WAY: Final[dict[Via, str]] = {
    "usb": "Unplug it for a moment: the board that leaves the list is this one.",
    "ble": "Go near one of them: the board with the strongest signal is the nearest.",
}


ONLY_IMPROV: Final[frozenset[Chance]] = frozenset({"speaks", "may"})
"""Boards of these chances are asked in nothing else."""


def chance_of(
    request: Request, board: Board, model: Model | None, catalog: Catalog, via: Via
) -> Chance:
    """Whether ``board`` speaks Improv Wi-Fi over ``via``, as far as is known or said."""
    if via == "ble":
        return "speaks" if air_service(board) == "improv" else "no"
    if board.state is BoardState.BOOTLOADER:
        return "no"
    installed = board.provisioning.installed
    if installed == "improv":
        return "speaks"
    if request.procedure == "improv":
        return "may"
    found = [model] if model else [catalog.get(each) for each in board.candidates]
    if found and all(each is not None and each.crypto.kind == "secret_key" for each in found):
        return "may"
    return "unknown" if model is None and installed is None else "no"


def with_improv(chance: Chance, improv: Machine, other: Callable[[], Machine]) -> Machine:
    """The procedure for a board of this chance; ``other`` makes that of boards without Improv."""
    match chance:
        case "speaks":
            return improv
        case "no":
            return other()
        case "may":
            return LookFirst(improv, None, attended=improv.attended)
        case "unknown":
            return LookFirst(improv, other(), attended=improv.attended)


def join_machine(
    request: Request, board: Board, catalog: Catalog, network: NetworkSetting, *, attended: bool
) -> JoinImprov:
    """The procedure that brings ``board`` into ``network``."""
    vid = next((port.vid for port in board.ports if port.vid is not None), None)
    models = list(filter(None, map(catalog.get, [board.model or "", *board.candidates])))
    order = ImprovOrder(
        board=board.name,
        name=request.name or "",
        unnamed=board.name == shown_name(models, vid),
        another=request.kind is JobKind.CONFIGURE,
        confirmed=request.confirmed,
    )
    return JoinImprov(order, network, attended=attended)


def blink_machine(board: Board, via: Via, *, attended: bool) -> Blink:
    """The procedure; :class:`NotSupported` for a board that has no such command."""
    if via == "ble" and air_service(board) == "improv":
        return Blink(attended=attended)
    why = "Only devices of Improv Wi-Fi have a command for it, and only over Bluetooth."
    raise NotSupported(
        model=clean_text(board.name), what="show which one it is", why=why, action=OTHER_WAY[via]
    )


def refuse_cloud(board: Board) -> NotSupported:
    """What to say to somebody who wants a device of Improv Wi-Fi in a cloud."""
    return NotSupported(
        model=clean_text(board.name),
        what="join a cloud",
        why="Its firmware speaks Improv Wi-Fi, which brings it into a network and knows no clouds.",
        action="Only put it on the network, without a cloud; then go on with its own page.",
    )


def refuse_forget(board: Board) -> NotSupported:
    """What to say to somebody who wants one to forget its network."""
    return NotSupported(
        model=clean_text(board.name),
        what="forget its network",
        why="Improv Wi-Fi has no command for it.",
        action="Move it to another network, or erase its settings on its own page.",
    )
