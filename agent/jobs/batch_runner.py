"""Carries out what the machine of a batch wants: jobs, the journal, the list of results.

It knows the agent through :class:`Jobs` only, so that it works through a running one over the
bridge as well as with the jobs of its own process.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.errors import (
    AgentGone,
    DiskFull,
    JournalFailed,
    MooringError,
    NotSignedIn,
    UnknownJob,
)
from agent.jobs.batch_records import (
    Begin,
    BoardsSeen,
    Conclude,
    FilesSaved,
    Forget,
    JobMoved,
    Keep,
    Looked,
    LookFor,
    Over,
    Refused,
    SaveFiles,
    Started,
    Stopped,
    Wake,
    Woken,
)
from agent.jobs.batch_row import name_without_board, row_content
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from agent.boards.board import Board
    from agent.jobs.batch_journal import BatchJournal
    from agent.jobs.batch_machine import BatchMachine
    from agent.jobs.batch_records import Doing, Happening, Kept
    from agent.jobs.batch_row import Row
    from agent.jobs.job import Job
    from agent.settings import Secret

UNKNOWN_MAX: Final = 256
"""Jobs that moved before it is known whose they are; no more run at once."""
EARLIER_MAX: Final = 50
"""Jobs of a board among which one of an earlier run is looked for."""
ABSENT_MAX: Final = 200
"""The same for jobs without a board: those of other rows are among them, and of other batches."""
_FATAL: Final = frozenset(each.code for each in (AgentGone, JournalFailed, DiskFull, NotSignedIn))
"""Refusals that every row would meet: the batch ends, and none of them is failed for it."""


class Jobs(Protocol):
    """What the batch needs of the agent. Errors are :class:`MooringError`."""

    async def start(self, row: Row, request: dict[str, Any]) -> str:
        """Start a job with nobody there to answer; its id. Adds what the row only names."""

    async def get(self, job: str) -> Job:
        """A job; raises :class:`UnknownJob`."""

    async def of_board(self, board: str, limit: int) -> list[Job]:
        """Jobs of a board, newest first; an empty id: those without one."""

    async def file(self, job: str, name: str) -> Secret:
        """A file that a job made; it is kept by the agent for some time only."""

    async def save(self, kept: Kept, files: Mapping[str, Secret]) -> tuple[str, ...]:
        """Put the files of a row where they belong; their paths."""


class BatchRunner:
    """To be used in one event loop: feed boards and jobs, and await :meth:`run`."""

    def __init__(
        self,
        machine: BatchMachine,
        jobs: Jobs,
        journal: BatchJournal,
        *,
        concluded: Callable[[Row, Kept], None],
        moved: Callable[[], None] = lambda: None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """``concluded``: a row has ended, and the journal knows it. ``moved``: anything changed."""
        self.machine = machine
        self._jobs = jobs
        self._journal = journal
        self._concluded = concluded
        self._moved = moved
        self._wall = wall
        self._rows_of: dict[str, int] = {}
        self._latest: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._started = False
        self._early: BoardsSeen | None = None

    async def run(self) -> None:
        """Until the machine is through; raises what keeps it from going on."""
        self._started = True
        self._do(self.machine.start(self._wall()))
        if self._early is not None:
            self._feed(self._early)
        try:
            await asyncio.shield(self._ended)
        finally:
            for task in list(self._tasks):
                task.cancel()
            if self._tasks:
                await asyncio.wait(list(self._tasks))

    def see(self, boards: tuple[Board, ...]) -> None:
        """All boards that are there."""
        if self._started:
            self._feed(BoardsSeen(boards))
        else:
            self._early = BoardsSeen(boards)

    def job_moved(self, job: Job) -> None:
        """A job of anybody, as it is now."""
        n = self._rows_of.get(job.id)
        if n is not None:
            self._feed(JobMoved(n, job))
            return
        self._latest.pop(job.id, None)
        self._latest[job.id] = job
        while len(self._latest) > UNKNOWN_MAX:
            del self._latest[next(iter(self._latest))]

    def stop(self) -> None:
        """Begin no further board; those that were begun come to their end."""
        self._feed(Stopped())

    # Inside --------------------------------------------------------------------------------------

    def _feed(self, happening: Happening) -> None:
        if self._started and not self._ended.done():
            self._do(self.machine.handle(happening, self._wall()))

    def _do(self, doings: list[Doing]) -> None:
        for doing in doings:
            match doing:
                case Begin():
                    self._spawn(self._begin(doing))
                case Keep(kept):
                    self._spawn(self._keep(kept))
                case LookFor(row, kept):
                    self._spawn(self._look(row, kept))
                case SaveFiles(kept, names):
                    self._spawn(self._save(kept, names))
                case Conclude(row, kept):
                    self._spawn(self._conclude(row, kept))
                case Forget(n):
                    self._spawn(self._journal.forget(n))
                case Wake(seconds):
                    asyncio.get_running_loop().call_later(seconds, self._feed, Woken())
                case Over():
                    self._spawn(self._end())
        self._moved()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Writes reach the journal in the order in which they were begun: it is one queue."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._ended.done():
            self._ended.set_exception(error)

    async def _end(self) -> None:
        """After everything that was to be written."""
        others = self._tasks - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)
        if not self._ended.done():
            self._ended.set_result(None)

    async def _keep(self, kept: Kept) -> None:
        await self._journal.keep(kept, row_content(self.machine.rows[kept.n]))

    async def _begin(self, begin: Begin) -> None:
        await self._keep(begin.kept)
        try:
            job = await self._jobs.start(begin.row, begin.request)
        except MooringError as error:
            if error.report().code in _FATAL:
                raise
            self._feed(Refused(begin.row.n, error.report()))
            return
        self._feed(Started(begin.row.n, job))
        self._follow(begin.row.n, job)

    def _follow(self, n: int, job: str) -> None:
        self._rows_of[job] = n
        if job in self._latest:
            self._feed(JobMoved(n, self._latest.pop(job)))

    async def _look(self, row: Row, kept: Kept) -> None:
        job = await self._find(row, kept)
        self._feed(Looked(row.n, job))
        if job is not None and not job.state.final:
            self._follow(row.n, job.id)

    async def _find(self, row: Row, kept: Kept) -> Job | None:
        if kept.job:
            try:
                return await self._jobs.get(kept.job)
            except MooringError as error:
                if error.report().code == UnknownJob.code:
                    return None
                raise
        listed = await self._jobs.of_board(kept.board, EARLIER_MAX if kept.board else ABSENT_MAX)
        name = "" if kept.board else clean_text(name_without_board(row))
        others = self.machine.jobs
        own = [
            job
            for job in listed
            if job.kind.value == row.kind and job.created_at >= kept.since and job.id not in others
            if not name or job.request.get("name") == name
        ]
        # The first one since then: others were started by hand, later.
        return min(own, key=lambda job: job.created_at, default=None)

    async def _save(self, kept: Kept, names: tuple[str, ...]) -> None:
        try:
            made = {name: await self._jobs.file(kept.job, name) for name in names}
        except MooringError as error:
            if error.report().code in _FATAL:
                raise
            self._feed(FilesSaved(kept.n, error=error.report(), gone=True))
            return
        try:
            files = await self._jobs.save(kept, made)
        except MooringError as error:
            self._feed(FilesSaved(kept.n, error=error.report()))
        else:
            self._feed(FilesSaved(kept.n, files))

    async def _conclude(self, row: Row, kept: Kept) -> None:
        await self._keep(kept)
        self._concluded(row, kept)
