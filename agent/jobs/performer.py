"""Performs the requests of one machine: holds its session, calls its board and its cloud."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agent.errors import InternalError, PortGone
from agent.jobs import effects
from agent.jobs.device_effects import DeviceRequest, OpenV1, ReadEui
from agent.jobs.device_performer import DevicePerformer
from agent.jobs.enrol_effects import EnrolEffect
from agent.jobs.enrol_performer import EnrolPerformer
from agent.jobs.flash_effects import FlashRequest
from agent.jobs.flash_performer import FlashPerformer
from agent.jobs.improv_effects import ImprovRequest
from agent.jobs.improv_performer import perform_improv
from agent.jobs.kit import Hold, KitEffect
from agent.jobs.reach import WRITES, addresses, is_away, moved, needs_cable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.boards.board import Board, BoardChanges
    from agent.catalog import Model
    from agent.clouds.cloud import Cloud
    from agent.clouds.enrolment import EnrolCloud
    from agent.flash.method import FlashProgress
    from agent.jobs.kit import Hands, Kit
    from agent.jobs.surroundings import Lease, Surroundings
    from agent.sessions.session import Session
    from agent.settings import Secret


class Performer:
    """One board under one lease, and one cloud; either may be missing."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        board: str,
        lease: Lease | None = None,
        cloud: Cloud | None = None,
        settle: Callable[[str], Awaitable[list[str]]] | None = None,
        model: Model | None = None,
        deliver: Callable[[str, Secret], None] | None = None,
        enrolment: EnrolCloud | None = None,
        kit: Kit | None = None,
        job: str = "",
    ) -> None:
        """``settle`` undoes what earlier jobs left of a board with that hardware id.

        ``deliver`` keeps a file with secrets by its name. ``enrolment`` is the cloud that gives
        credentials, and ``job`` the id that the vault notes with them. ``kit`` performs its own.
        """
        self._surroundings = surroundings
        self._board = board
        self._lease = lease
        self._cloud = cloud
        self._settle = settle
        self._flash = FlashPerformer(surroundings, lease, model, self._advanced) if lease else None
        self._devices = DevicePerformer(board, lease, cloud, deliver)
        self._enrol = EnrolPerformer(
            surroundings, board, lease, enrolment, job=job, deliver=deliver, advanced=self._moved
        )
        hold = Hold(
            surroundings=surroundings,
            board=board,
            lease=lease,
            job=job,
            deliver=deliver,
            advanced=self._moved,
        )
        self._hands = kit.hands(hold) if kit is not None else None
        self.session: Session | None = None
        """The session that is open now."""
        self.on_advance: Callable[[effects.Advanced], None] = lambda _: None
        """Called when a request that takes long tells how far it is."""

    async def perform(self, request: effects.Request) -> Any:  # noqa: ANN401 - see effects.py
        """The value of ``request``; raises what the board, the port or the cloud raises."""
        match request:
            case effects.OpenSession(known=known, flashed=flashed):
                await self._open(known=known, flashed=flashed)
            case FlashRequest() | OpenV1() | ReadEui() if self._in_the_air is not None:
                raise needs_cable(self._in_the_air, "be written or asked in 1.0", WRITES)
            case FlashRequest():
                await self.close()
                return await self._its_flash().perform(request)
            case OpenV1() | ReadEui():
                await self.close()
                return await self._devices.perform(request)
            case KitEffect():
                return await self._its_hands().perform(request)
            case EnrolEffect():
                return await self._enrol.perform(request)
            case DeviceRequest():
                return await self._devices.perform(request)
            case effects.CloseSession():
                await self.close()
            case effects.ReadBoard():
                return await self._open_one().read()
            case effects.Scan():
                return await self._open_one().scan()
            case effects.ReadIdentity(now=now):
                return await self._open_one().read_identity(now)
            case effects.ResetBoard():
                await self._open_one().reset()
            case effects.Configure(settings=settings):
                return await self._open_one().configure(settings)
            case ImprovRequest():
                await perform_improv(request, self._open_one())
            case effects.WaitEnded():
                await self._open_one().wait_ended()
            case effects.WaitBoardBack(seconds=seconds):
                await self._surroundings.boards.wait_back(self._board, seconds)
            case effects.WaitRestart(seconds=seconds):
                await self._restart(seconds)
            case effects.CloudRequirements(fqbn=fqbn):
                return await self._its_cloud().requirements(fqbn)
            case effects.ClaimBoard(claim=claim):
                return await self._its_cloud().claim(claim)
            case effects.FindClaims(uhwid=uhwid):
                return await self._its_cloud().find(uhwid)
            case effects.Unclaim(claim=claim_id):
                await self._its_cloud().unclaim(claim_id)
            case effects.SettleLeftovers(uhwid=uhwid):
                return await self._settle(uhwid) if self._settle else []
        return None

    async def close(self) -> None:
        """Close the session if there is one."""
        await self._devices.close()
        await self._enrol.close()
        if self._hands is not None:
            await self._hands.close()
        session, self.session = self.session, None
        if session is not None:
            await session.close()

    async def _open(self, *, known: bool, flashed: bool) -> None:
        await self.close()
        if self._lease is None:
            raise PortGone(port=self._board)
        opener = self._surroundings.open_board
        self.session = await opener(self._lease, known=known, flashed=flashed)

    @property
    def _in_the_air(self) -> Board | None:
        """The board, if it is talked to over Bluetooth LE."""
        lease = self._lease
        return lease.board if lease is not None and lease.via == "ble" else None

    def _open_one(self) -> Session:
        if self.session is None:
            raise PortGone(port=self._board)
        return self.session

    def _advanced(self, request: effects.Request, step: FlashProgress) -> None:
        self.on_advance(effects.Advanced(request, step.stage, step.done, step.total))

    def _moved(self, request: effects.Request, done: int, total: int, message: str = "") -> None:
        self.on_advance(effects.Advanced(request, "write", done, total, message))

    def _its_flash(self) -> FlashPerformer:
        if self._flash is None:
            raise InternalError(kind="no board to flash")
        return self._flash

    def _its_hands(self) -> Hands:
        if self._hands is None:
            raise InternalError(kind="no kit")
        return self._hands

    def _its_cloud(self) -> Cloud:
        if self._cloud is None:
            raise InternalError(kind="no cloud")
        return self._cloud

    async def _restart(self, seconds: float) -> None:
        """Return when the board vanished and is there again."""
        gone = asyncio.Event()
        boards = self._surroundings.boards
        before = addresses(boards.find(self._board))

        def changed(changes: BoardChanges) -> None:
            if is_away(self._board, changes) or moved(self._board, before, changes):
                gone.set()

        unsubscribe = boards.subscribe(changed)
        try:
            await gone.wait()
        finally:
            unsubscribe()
        await boards.wait_back(self._board, seconds)
