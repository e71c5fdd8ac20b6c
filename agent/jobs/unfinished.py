"""Sketches that were being written when the agent ended: finished as soon as their board is there.

Such a board waits in its bootloader and can do nothing else, so this is done without asking; the
person agreed when the job began. Somebody who starts another job on the board takes it over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.boards.board import BoardState
from agent.errors import Interrupted, JournalFailed, PortBusy, UnknownBoard
from agent.flash.touch import Entry, entry_of
from agent.jobs import facts
from agent.jobs.effects import Finish
from agent.jobs.flash import Flash
from agent.jobs.flash_effects import Source
from agent.jobs.job import Job, JobKind, JobState
from agent.jobs.performer import Performer
from agent.jobs.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Board, BoardChanges
    from agent.catalog import Catalog, Model
    from agent.jobs.facts import OpenFlash
    from agent.jobs.job import JobChange
    from agent.jobs.surroundings import Surroundings

WAITING = "The sketch was not written to its end. That goes on as soon as the board is there."
WRITTEN = "The new sketch has been written since, and runs. Start the job again to go on."

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pursuit:
    job: Job
    flash: OpenFlash
    model: Model
    task: asyncio.Task[None] | None = None
    runner: Runner | None = None


class Unfinished:
    """Waits for the boards of unfinished sketches, each in a task of its own."""

    def __init__(
        self, surroundings: Surroundings, catalog: Catalog, publish: Callable[[JobChange], None]
    ) -> None:
        self._surroundings = surroundings
        self._boards = surroundings.boards
        self._journal = surroundings.journal
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

    async def take_over(self, board: str) -> None:
        """Another job begins on the board: what waits for it is given up."""
        for pursuit in list(self._pursuits.values()):
            if pursuit.runner is None and self._is_its(pursuit, self._boards.find(board)):
                await self._stop(pursuit)
                await self._settle(pursuit)

    async def close(self) -> None:
        """Stop; what is unfinished stays in the journal for the next start."""
        for pursuit in list(self._pursuits.values()):
            await self._stop(pursuit)

    async def _stop(self, pursuit: _Pursuit) -> None:
        self._pursuits.pop(pursuit.job.id, None)
        if pursuit.task is not None:
            pursuit.task.cancel()
            await asyncio.wait({pursuit.task})

    async def _pursue(self, pursuit: _Pursuit) -> None:
        try:
            while True:
                board = await self._appearance(pursuit)
                if not self._needs_it(pursuit, board):
                    # Its sketch runs: the touch came to nothing, or somebody else has written one.
                    await self._settle(pursuit)
                    return
                with contextlib.suppress(PortBusy, UnknownBoard):
                    await self._finish(pursuit, board)
                    return
        except JournalFailed as error:
            _log.warning("The sketch of job %s cannot be finished now: %s", pursuit.job.id, error)
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
                    free = board.state in {BoardState.READY, BoardState.BOOTLOADER}
                    if free and self._is_its(pursuit, board):
                        return board
                await changed.wait()
                changed.clear()
        finally:
            unsubscribe()

    def _is_its(self, pursuit: _Pursuit, board: Board) -> bool:
        """The board of the job, or one in its bootloader at the same place: ids may differ there."""
        if board.id == pursuit.job.board:
            return True
        model, place = pursuit.model, pursuit.flash.place
        may_be = model.id == board.model or model.id in board.candidates
        sockets = {(port.location or "").partition(":")[0] for port in board.ports}
        return board.state is BoardState.BOOTLOADER and may_be and place in sockets

    def _needs_it(self, pursuit: _Pursuit, board: Board) -> bool:
        """Whether no sketch runs; where a port shows the same either way it is written again."""
        in_loader = board.state is BoardState.BOOTLOADER
        return in_loader or entry_of(pursuit.model) is not Entry.RESTARTS

    async def _finish(self, pursuit: _Pursuit, board: Board) -> None:
        job = pursuit.job
        holder = f"{job.title} (job {job.id})"
        async with self._boards.lease(board.id, holder) as lease:
            runner = Runner(
                job,
                Flash(Source(stored=pursuit.flash.sha256, override=True), attended=False),
                Performer(self._surroundings, board=board.id, lease=lease, model=pursuit.model),
                self._surroundings,
                self._publish,
                conclude=lambda finish: _conclusion(job, finish),
            )
            pursuit.runner = runner
            await runner.run()

    async def _settle(self, pursuit: _Pursuit) -> None:
        fact = facts.Fact(
            kind=facts.FLASHED, data={"how": "other"}, at=self._surroundings.clock.wall()
        )
        await self._journal.record(pursuit.job.id, fact)


def _conclusion(job: Job, finish: Finish) -> Finish:
    """A job that only wrote a sketch is done; another one was interrupted behind that."""
    if finish.state is not JobState.DONE:
        return finish
    if job.kind is JobKind.FLASH:
        return finish
    return Finish(JobState.INTERRUPTED, error=Interrupted(what=WRITTEN).report())
