"""``boards.*``, ``board.*`` and ``models.list``: what is connected and what it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from agent.boards.board import Board, Via
from agent.bridge.board_feed import BluetoothState, BoardFeed, follow_state, state_of
from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.bridge.scopes import Scope
from agent.errors import Interrupted, ReportedError
from agent.jobs.advice import Advice
from agent.jobs.job import JobKind, JobState
from agent.jobs.which import Procedure
from agent.sessions.session import BoardFacts, NetworkOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bridge.methods.visible import JobOwners
    from agent.bridge.peer import Peer
    from agent.bridge.services import Services
    from agent.catalog import Model

SUBSCRIPTION = "boards"
BLUETOOTH = "bluetooth"
AIR = "air"
SEEN = "seen"
"""Names of what ends with a connection: news of boards, news of the radio, looking into the air, a
page that is visible."""


class OneBoard(Params, frozen=True, kw_only=True):
    """A board."""

    board: str
    """Its id, or an unambiguous part: a port, a serial number, a name."""
    via: Via | None = None
    """Over which of its ports; without it over the one that the board says."""


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


class Look(Params, frozen=True, kw_only=True):
    """Where to look."""

    ble: bool = False
    """Also look into the air, until the connection ends or this is called without it."""


class BoardList(msgspec.Struct, frozen=True, kw_only=True):
    """All boards."""

    boards: list[Board]


class BoardsAndAir(msgspec.Struct, frozen=True, kw_only=True):
    """All boards, and whether others could be seen in the air."""

    boards: list[Board]
    bluetooth: BluetoothState | None
    """None: this agent never uses Bluetooth."""


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
    ble: bool
    """It can be provisioned over Bluetooth LE."""
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
    scans: bool = True
    """False: the board cannot look for networks, so an empty list says nothing."""


def methods(services: Services, owners: JobOwners) -> list[Method[Any, Any]]:
    """The list of boards, one board, and the catalogue."""

    async def list_boards(_call: Call, _params: Nothing) -> BoardList:
        return BoardList(boards=services.boards.list())

    async def subscribe(call: Call, params: Look) -> BoardsAndAir:
        peer, radio, pause = call.peer, services.bluetooth, services.boards.pause
        if not peer.holds(SUBSCRIPTION):
            follow(peer)
        if not params.ble:
            peer.end(SEEN)
        elif peer.own and peer.origin is not None and not peer.holds(SEEN):
            # Only a page looks for a person, and it does so while its tab is visible.
            peer.hold(SEEN, see())
        if radio is None:
            return BoardsAndAir(boards=services.boards.list(), bluetooth=None)
        if not peer.holds(BLUETOOTH):
            peer.hold(BLUETOOTH, follow_state(peer, radio, pause))
        if not params.ble:
            peer.end(AIR)
        elif not peer.holds(AIR):
            peer.hold(AIR, services.boards.attend())
        return BoardsAndAir(boards=services.boards.list(), bluetooth=state_of(radio, pause))

    def see() -> Callable[[], None]:
        services.seen.set(services.seen.value + 1)
        return lambda: services.seen.set(services.seen.value - 1)

    def follow(peer: Peer) -> None:
        feed = BoardFeed(peer, services.boards.list())
        unsubscribe = services.boards.subscribe(feed.take)

        def leave() -> None:
            unsubscribe()
            feed.close()

        peer.hold(SUBSCRIPTION, leave)

    async def list_models(_call: Call, _params: Nothing) -> ModelList:
        return ModelList(models=[model_info(model) for model in services.catalog.models])

    async def identify(call: Call, params: OneBoard) -> BoardFacts:
        result = await _run(call, JobKind.IDENTIFY, params)
        return msgspec.convert(result, BoardFacts)

    async def networks(call: Call, params: OneBoard) -> Scanned:
        result = await _run(call, JobKind.NETWORKS, params)
        return msgspec.convert(result, Scanned)

    async def blink(call: Call, params: OneBoard) -> Nothing:
        await _run(call, JobKind.BLINK, params)
        return Nothing()

    async def procedure(_call: Call, params: Wanted) -> Advice:
        board = services.boards.find(params.board).id
        return await services.jobs.decide(board, params.cloud, params.procedure, params.model)

    async def _run(call: Call, kind: JobKind, params: OneBoard) -> dict[str, Any]:
        """Do a short job on behalf of the caller, who takes it along when it leaves."""
        request = {"kind": kind.value, "board": services.boards.find(params.board).id}
        if params.via is not None:
            request["via"] = params.via
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
        if ended.state is not JobState.DONE:
            raise Interrupted(what="Somebody cancelled it.")
        return ended.result or {}

    return [
        Method(
            "boards.list",
            "The boards that are connected.",
            Nothing,
            BoardList,
            list_boards,
            scope=Scope.BOARDS,
        ),
        Method(
            "boards.subscribe",
            "The boards, and from now on boards.changed and bluetooth.changed.",
            Look,
            BoardsAndAir,
            subscribe,
            scope=Scope.BOARDS,
        ),
        Method("models.list", "The models that Mooring knows.", Nothing, ModelList, list_models),
        Method(
            "board.identify",
            "Read what a board is, without changing it.",
            OneBoard,
            BoardFacts,
            identify,
            scope=Scope.BOARDS,
        ),
        Method(
            "board.networks",
            "The Wi-Fi networks that a board sees.",
            OneBoard,
            Scanned,
            networks,
            scope=Scope.BOARDS,
        ),
        Method(
            "board.blink",
            "Have a device show which one it is, where it can.",
            OneBoard,
            Nothing,
            blink,
            scope=Scope.BOARDS,
        ),
        Method(
            "board.procedure",
            "How a board is set up, why, and what becomes of what it holds.",
            Wanted,
            Advice,
            procedure,
            scope=Scope.PROVISION,
        ),
    ]


def model_info(model: Model) -> ModelInfo:
    """What a page is told of a model."""
    fields = {
        name: getattr(model, name) for name in ModelInfo.__struct_fields__ if hasattr(model, name)
    }
    fields |= {"ble": model.ble_provisioning.capable}
    return msgspec.convert(fields, ModelInfo, from_attributes=True)
