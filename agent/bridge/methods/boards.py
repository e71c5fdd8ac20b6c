"""``boards.*``, ``board.*`` and ``models.list``: what is connected and what it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from agent.boards.board import Board, BoardChanges
from agent.bridge.outbox import Notification
from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.errors import Interrupted, ReportedError
from agent.jobs.advice import Advice
from agent.jobs.job import JobKind, JobState
from agent.jobs.which import Procedure
from agent.sessions.session import BoardFacts, NetworkOption

if TYPE_CHECKING:
    from agent.bridge.methods.visible import JobOwners
    from agent.bridge.peer import Peer
    from agent.bridge.services import Services

SUBSCRIPTION = "boards"


class OneBoard(Params, frozen=True, kw_only=True):
    """A board."""

    board: str
    """Its id, or an unambiguous part: a port, a serial number, a name."""


class Wanted(Params, frozen=True, kw_only=True):
    """A board that is to be set up."""

    board: str
    cloud: str | None = None
    """Asked what it takes and which devices it has of this board; without it, the catalogue
    decides."""
    procedure: Procedure | None = None
    """What it would mean to choose this one."""
    model: str | None = None
    """Which of the board's ``candidates`` it is."""


class BoardList(msgspec.Struct, frozen=True, kw_only=True):
    """All boards."""

    boards: list[Board]


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """How a person erases the network on the board itself."""

    available: bool
    pin: str | None
    hold_seconds: int | None
    led: str | None
    """Which LED tells that the hold was long enough."""
    procedure: str
    """In words; where there is no such input: what to do instead."""


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a page needs to know of a model."""

    id: str
    name: str
    fqbn: str | None
    connectivity: tuple[str, ...]
    """``wifi``, ``ethernet``, ``gsm``, ``nb``, ``catm1``, ``cellular``, ``lora``, ``ble``."""
    provisioning: tuple[str, ...]
    """Versions of provisioning that exist for it."""
    networks: tuple[str, ...]
    """Kinds of network setting that it accepts."""
    reconfiguration: Reset
    min_wifi_firmware: str | None
    drawing: str
    """Family of its drawing: ``uno``, ``mkr``, ``nano`` …"""


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """All models of the catalogue."""

    models: list[ModelInfo]


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """Networks that a board sees."""

    networks: list[NetworkOption]
    """Strongest first."""
    scanned_at: float
    """Unix seconds."""


def methods(services: Services, owners: JobOwners) -> list[Method[Any, Any]]:
    """The list of boards, one board, and the catalogue."""

    async def list_boards(_call: Call, _params: Nothing) -> BoardList:
        return BoardList(boards=services.boards.list())

    async def subscribe(call: Call, _params: Nothing) -> BoardList:
        peer = call.peer
        if not peer.holds(SUBSCRIPTION):
            peer.hold(
                SUBSCRIPTION, services.boards.subscribe(lambda changes: _publish(peer, changes))
            )
        return BoardList(boards=services.boards.list())

    async def list_models(_call: Call, _params: Nothing) -> ModelList:
        models = [
            msgspec.convert(m, ModelInfo, from_attributes=True) for m in services.catalog.models
        ]
        return ModelList(models=models)

    async def identify(call: Call, params: OneBoard) -> BoardFacts:
        result = await _run(call, JobKind.IDENTIFY, params.board)
        return msgspec.convert(result, BoardFacts)

    async def networks(call: Call, params: OneBoard) -> Scanned:
        result = await _run(call, JobKind.NETWORKS, params.board)
        return msgspec.convert(result, Scanned)

    async def procedure(_call: Call, params: Wanted) -> Advice:
        board = services.boards.find(params.board).id
        return await services.jobs.decide(board, params.cloud, params.procedure, params.model)

    async def _run(call: Call, kind: JobKind, board: str) -> dict[str, Any]:
        """Do a short job on behalf of the caller, who takes it along when it leaves."""
        request = {"kind": kind.value, "board": services.boards.find(board).id}
        starting = asyncio.ensure_future(
            services.jobs.start(request, attended=False, owner=call.peer.party)
        )
        try:
            job = await asyncio.shield(starting)
            owners.add(job, call.peer)
            ended = await services.jobs.wait(job)
        except asyncio.CancelledError:
            await services.jobs.cancel(await starting)
            raise
        if ended.error is not None:
            raise ReportedError(ended.error)
        if ended.state is not JobState.DONE or ended.result is None:
            raise Interrupted(what="Somebody cancelled it.")
        return ended.result

    return [
        Method("boards.list", "The boards that are connected.", Nothing, BoardList, list_boards),
        Method(
            "boards.subscribe",
            "The boards, and from now on boards.changed.",
            Nothing,
            BoardList,
            subscribe,
        ),
        Method("models.list", "The models that Mooring knows.", Nothing, ModelList, list_models),
        Method(
            "board.identify",
            "Read what a board is, without changing it.",
            OneBoard,
            BoardFacts,
            identify,
        ),
        Method(
            "board.networks", "The Wi-Fi networks that a board sees.", OneBoard, Scanned, networks
        ),
        Method(
            "board.procedure",
            "How a board is set up, why, and what becomes of what it holds.",
            Wanted,
            Advice,
            procedure,
        ),
    ]


def _publish(peer: Peer, changes: BoardChanges) -> None:
    peer.outbox.notify(
        Notification("boards.changed", changes), key="boards.changed", merge=merge_changes
    )


def merge_changes(older: BoardChanges, newer: BoardChanges) -> BoardChanges:
    """Two changes as one, for a peer that is behind: the last state of each board counts."""
    latest = {
        board.id: board
        for board in [*older.appeared, *older.changed, *newer.appeared, *newer.changed]
        if board.id not in newer.vanished
    }
    known = {board.id for board in older.changed} | set(older.vanished)
    known |= {board.id for board in newer.changed} - {board.id for board in older.appeared}
    return BoardChanges(
        appeared=[board for board in latest.values() if board.id not in known],
        changed=[board for board in latest.values() if board.id in known],
        # A board that came and went is named too: the peer may know it from a snapshot.
        vanished=[
            name for name in dict.fromkeys([*older.vanished, *newer.vanished]) if name not in latest
        ],
    )
