"""Sketches that were being written when the agent ended: finished as soon as their board is there.

A board that waits in its bootloader can do nothing else, so this is done without asking; the person
agreed when the job began. Somebody who starts another job that writes to the board takes it over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from agent.boards.board import BoardState
from agent.errors import Interrupted, JournalFailed, Paused, PortBusy, PortGone, UnknownBoard
from agent.flash.touch import Entry, entry_of
from agent.jobs import facts
from agent.jobs.effects import Cancelled, Finish
from agent.jobs.flash import Flash
from agent.jobs.flash_effects import Source
from agent.jobs.flash_steps import WAITING
from agent.jobs.job import Job, JobChange, JobKind, JobState
from agent.jobs.performer import Performer
from agent.jobs.runner import Runner, known_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.boards.board import Board, BoardChanges
    from agent.catalog import Catalog, Model
    from agent.errors import MooringError
    from agent.jobs.facts import OpenFlash
    from agent.jobs.surroundings import Surroundings

WRITTEN: Final = "The new sketch was written to the board; the rest of the job was not done."
RUNS: Final = "A sketch runs on the board: it was not erased yet, or another one was written since."
UNKNOWN: Final = "Whether the sketch was written to its end cannot be seen from outside."
TAKEN: Final = "Another job has been started on the board since."
GIVEN_UP: Final = "The rest was given up; the board may have no sketch that can start."

SOCKET_S: Final = 24 * 3600.0
"""How long a bootloader without a number is believed to be the board that was in its socket."""
HIDDEN_S: Final = 3600.0
"""How long a board is written again although nobody sees from outside whether it needs that;
after an hour somebody may well have helped himself with another program."""
LEAVES_S: Final = 2.0
"""How long a board that was touched just before the agent ended may still show its sketch."""
AGAIN_S: Final = 1.0
"""Between two attempts: a port that is listed although it is gone must not be pressed."""
STOP_LIMIT_S: Final = 2.0
"""As for jobs at the end of the agent; the next start goes on."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pursuit:
    job: Job
    flash: OpenFlash
    model: Model
    task: asyncio.Task[None] | None = None
    runner: Runner | None = None


class Resumed(Flash):
    """Writes the sketch without asking; a board that goes away again is waited for again."""

    def _settle_flash(self, how: str) -> None:
        # Untouched by this run: the earlier one still owes the sketch.
        if how != "untouched":
            super()._settle_flash(how)

    def _ask_flash(self, gone: MooringError | None = None) -> None:
        if gone is None:
            super()._ask_flash()
        else:
            self._close(error=gone)


class Unfinished:
    """Waits for the boards of unfinished sketches, each in a task of its own."""

    def __init__(
        self, surroundings: Surroundings, catalog: Catalog, publish: Callable[[JobChange], None]
    ) -> None:
        self._surroundings = surroundings
        self._boards = surroundings.boards
        self._journal = surroundings.journal
        self._clock = surroundings.clock
        self._catalog = catalog
        self._publish = publish
        self._pursuits: dict[str, _Pursuit] = {}

    def job(self, job: str) -> Job | None:
        """The job as it is now, if its sketch is being written."""
        pursuit = self._pursuits.get(job)
        return pursuit.runner.job if pursuit and pursuit.runner else None

    def pursue(self, job: Job, flash: OpenFlash) -> None:
        """Finish the sketch of ``job`` when its board is there."""
        model = self._catalog.get(flash.model)
        if model is not None and job.id not in self._pursuits:
            pursuit = self._pursuits[job.id] = _Pursuit(job, flash, model)
            pursuit.task = asyncio.create_task(self._pursue(pursuit))

    async def cancel(self, job: str) -> bool:
        """Give the sketch of ``job`` up; False if it is not waited for."""
        pursuit = self._pursuits.get(job)
        if pursuit is None:
            return False
        if pursuit.runner is not None:
            pursuit.runner.offer(Cancelled())
        else:
            await self._stop(pursuit)
            await self._settle(pursuit, GIVEN_UP)
        return True

    async def take_over(self, board: Board) -> None:
        """Another job has the board and will write to it: what waits for it is given up."""
        for pursuit in list(self._pursuits.values()):
            if pursuit.runner is None and self._is_its(pursuit, board, waiting=False):
                await self._stop(pursuit)
                await self._settle(pursuit, TAKEN)

    async def close(self) -> None:
        """Stop; what is unfinished stays in the journal for the next start."""
        running = [pursuit for pursuit in self._pursuits.values() if pursuit.runner]
        for pursuit in running:
            if pursuit.runner is not None:
                pursuit.runner.post(Cancelled(interrupted=True))
        tasks = {pursuit.task for pursuit in running if pursuit.task}
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_LIMIT_S)
        for pursuit in list(self._pursuits.values()):
            await self._stop(pursuit)

    async def _stop(self, pursuit: _Pursuit) -> None:
        self._pursuits.pop(pursuit.job.id, None)
        if pursuit.task is not None:
            pursuit.task.cancel()
            await asyncio.wait({pursuit.task})

    # One of them -----------------------------------------------------------------------------

    async def _pursue(self, pursuit: _Pursuit) -> None:
        try:
            while True:
                board = await self._appearance(pursuit)
                why = self._why_not(pursuit, board)
                if why == RUNS and self._age_s(pursuit) < LEAVES_S:
                    await self._clock.sleep(AGAIN_S)
                    continue
                if why is not None:
                    await self._settle(pursuit, why)
                    return
                with contextlib.suppress(Paused, PortBusy, UnknownBoard):
                    await self._finish(pursuit, board)
                    if not await self._is_owed(pursuit):
                        return
                await self._clock.sleep(AGAIN_S)
        except JournalFailed as error:
            _log.warning("The sketch of job %s cannot be finished now: %s", pursuit.job.id, error)
        except Exception as error:  # noqa: BLE001 - its text may carry anything
            known_error(error)
        finally:
            self._pursuits.pop(pursuit.job.id, None)

    async def _appearance(self, pursuit: _Pursuit) -> Board:
        """The board, once it is there and nobody holds it."""
        changed = asyncio.Event()

        def note(_: BoardChanges) -> None:
            changed.set()

        unsubscribe = self._boards.subscribe(note)
        try:
            while True:
                for board in self._boards.list():
                    if self._is_its(pursuit, board):
                        return board
                await changed.wait()
                changed.clear()
        finally:
            unsubscribe()

    def _is_its(self, pursuit: _Pursuit, board: Board, *, waiting: bool = True) -> bool:
        """The board of the job, or one in its bootloader at the same place: ids may differ there.

        ``waiting``: and it is free.
        """
        wired = any(port.via == "usb" for port in board.ports)
        free = board.state in {BoardState.READY, BoardState.BOOTLOADER}
        if waiting and not (wired and free):
            return False
        if board.id == pursuit.job.board:
            return True
        model, place = pursuit.model, pursuit.flash.place
        may_be = model.id == board.model or model.id in board.candidates
        sockets = {(port.location or "").partition(":")[0] for port in board.ports}
        there = may_be and place in sockets and self._age_s(pursuit) <= SOCKET_S
        return there and (board.state is BoardState.BOOTLOADER or not waiting)

    def _why_not(self, pursuit: _Pursuit, board: Board) -> str | None:
        """Why the sketch is not written to the board; None if it is."""
        if board.state is BoardState.BOOTLOADER:
            return None
        if entry_of(pursuit.model) in {Entry.RESTARTS, Entry.DETACHES}:
            return RUNS
        # Its bootloader shows itself as its sketch does.
        return None if self._age_s(pursuit) <= HIDDEN_S else UNKNOWN

    def _age_s(self, pursuit: _Pursuit) -> float:
        return self._clock.wall() - pursuit.flash.since

    async def _finish(self, pursuit: _Pursuit, board: Board) -> None:
        job = pursuit.job
        holder = f"{job.title} (job {job.id})"
        async with AsyncExitStack() as held:
            lease = await held.enter_async_context(self._boards.lease(board.id, holder, via="usb"))
            source = Source(stored=pursuit.flash.sha256, override=True)
            pursuit.runner = Runner(
                replace(job, state=JobState.RUNNING, ended_at=None, error=None),
                Resumed(source, attended=False),
                Performer(self._surroundings, board=board.id, lease=lease, model=pursuit.model),
                self._surroundings,
                self._publish,
                board=board.id,
                conclude=lambda finish: _conclusion(job, finish),
                release=held.aclose,
            )
            try:
                pursuit.job = await pursuit.runner.run()
            finally:
                pursuit.runner = None

    async def _is_owed(self, pursuit: _Pursuit) -> bool:
        """Whether the board went away again; what cannot be done at all is not tried for ever."""
        if facts.open_flash(await self._journal.facts(pursuit.job.id)) is None:
            return False
        if pursuit.job.state is JobState.INTERRUPTED:
            return True
        await self._record(pursuit, "given up")
        return False

    async def _settle(self, pursuit: _Pursuit, what: str) -> None:
        """Nothing more is done; the job says why."""
        await self._record(pursuit, "other")
        if pursuit.job.state is not JobState.INTERRUPTED:
            return
        job = pursuit.job = replace(pursuit.job, error=Interrupted(what=what).report())
        await self._journal.save(job)
        self._publish(JobChange(job=job.id, state=job.state, error=job.error, snapshot=job))

    async def _record(self, pursuit: _Pursuit, how: str) -> None:
        fact = facts.Fact(kind=facts.FLASHED, data={"how": how}, at=self._clock.wall())
        await self._journal.record(pursuit.job.id, fact)


def flash_left(known: Sequence[facts.Fact]) -> str | None:
    """What to say of a board whose sketch was given up; None if none was."""
    ways = [fact.data.get("how") for fact in known if fact.kind == facts.FLASHED]
    return GIVEN_UP if ways and ways[-1] in {"stopped", "given up"} else None


def _conclusion(job: Job, finish: Finish) -> Finish:
    """A job that only wrote a sketch is done; another one was interrupted behind that.

    One whose board is gone again goes on waiting.
    """
    if finish.state is JobState.DONE and job.kind is not JobKind.FLASH:
        return Finish(JobState.INTERRUPTED, error=Interrupted(what=WRITTEN).report())
    if finish.error is not None and finish.error.code == PortGone.code:
        return Finish(JobState.INTERRUPTED, error=Interrupted(what=WAITING).report())
    return finish
