"""The service of jobs: start, answer, cancel, look, follow; and recovery at the start."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.errors import (
    AgentGone,
    InputError,
    Interrupted,
    JobNotAsking,
    JournalFailed,
    PortBusy,
    RateExceeded,
    UnknownJob,
)
from agent.jobs.absent import absent_board
from agent.jobs.advice import advise
from agent.jobs.effects import Cancelled, Finish
from agent.jobs.endings import ending
from agent.jobs.facts import open_claim, open_flash
from agent.jobs.files import Files
from agent.jobs.flash_steps import WAITING
from agent.jobs.job import Job, JobChange, JobKind, JobState
from agent.jobs.leftovers import Leftovers
from agent.jobs.lookbacks import Lookbacks
from agent.jobs.performer import Performer
from agent.jobs.plan import Plan, make_plan
from agent.jobs.preconditions import model_for
from agent.jobs.progress import apply, planned
from agent.jobs.reach import busy
from agent.jobs.request import Request, parse_request, read_answer
from agent.jobs.runner import Runner, known_error
from agent.jobs.unfinished import Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.jobs.advice import Advice
    from agent.jobs.surroundings import Lease, Surroundings
    from agent.jobs.which import Procedure
    from agent.settings import Secret

ACTIVE_MAX = 256
"""Jobs that run at once; more boards than that do not hang on one computer."""

CLOSE_LIMIT_S = 2.0
"""How long the end of the agent waits for jobs to undo what they began. The rest is done by the
next start; a person who quits the agent should not wait for a cloud."""

_WRITING = frozenset({JobKind.PROVISION, JobKind.MIGRATE, JobKind.FLASH, JobKind.FORGET})
"""Kinds of job that may write to a board, and so take over a sketch that was not finished."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Active:
    plan: Plan
    runner: Runner
    task: asyncio.Task[None]
    owner: object


class JobService:
    """All jobs of the agent. To be used in one event loop."""

    def __init__(self, surroundings: Surroundings, catalog: Catalog) -> None:
        self._surroundings = surroundings
        self._journal = surroundings.journal
        self._clock = surroundings.clock
        self._catalog = catalog
        self._active: dict[str, _Active] = {}
        self._starting: set[str] = set()
        self._leftovers = Leftovers(surroundings, self._publish)
        self._lookbacks = Lookbacks(surroundings, self._publish)
        self._unfinished = Unfinished(surroundings, catalog, self._publish)
        self._files = Files()
        self._subscribers: dict[int, Callable[[JobChange], None]] = {}
        self._subscriptions = 0
        self._closing = False

    async def start_up(self) -> None:
        """Bring to an end what an earlier process left; open claims go on in the background."""
        try:
            for job in await self._journal.unsettled(adopt=True):
                await self._take_over(job)
        except JournalFailed as error:
            # The agent is of use all the same; the next start tries again.
            _log.error("What an earlier run left cannot be brought to an end: %s", error)

    async def close(self) -> None:
        """Stop all jobs. What cannot be undone within CLOSE_LIMIT_S is left to the next start.

        The journal stays open; its owner closes it afterwards.
        """
        self._closing = True
        tasks = {active.task for active in self._active.values()}
        for active in self._active.values():
            active.runner.post(Cancelled(interrupted=True))
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_LIMIT_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        await self._leftovers.close()
        await self._lookbacks.close()
        await self._unfinished.close()
        self._files.forget()

    # What others call ------------------------------------------------------------------------

    async def start(
        self, request: Mapping[str, Any], *, attended: bool, owner: object = None
    ) -> str:
        """Check the request and start; returns the job's id.

        Nothing was sent if this raises: :class:`InputError` names the field, :class:`PortBusy` who
        holds the board; Paused, UnknownBoard, AmbiguousBoard, NotSignedIn, NotSupported, WrongSketch.
        ``attended`` false: questions get their safest answers. ``owner`` is for :meth:`owner_of`.
        """
        if self._closing:
            raise AgentGone
        if len(self._active) >= ACTIVE_MAX:
            raise RateExceeded(what="jobs at once", limit=ACTIVE_MAX)
        parsed = parse_request(request)
        board = absent_board(parsed) or self._surroundings.boards.find(parsed.board)
        self._require_free(board, parsed)
        self._starting.add(board.id)
        try:
            plan = await make_plan(
                parsed,
                board,
                attended=attended,
                air_problem=self._surroundings.boards.air_problem,
                catalog=self._catalog,
                clouds=self._surroundings.clouds,
                enrolments=self._surroundings.enrolments,
                kits=self._surroundings.kits,
                journal=self._journal,
                vault=self._surroundings.vault,
            )
            return await self._begin(plan, owner)
        finally:
            self._starting.discard(board.id)

    async def decide(
        self,
        board: str,
        cloud: str | None = None,
        procedure: Procedure | None = None,
        model: str | None = None,
    ) -> Advice:
        """Which procedure a board needs and why, without asking the board.

        ``model`` says which of its candidates it is. Raises UnknownBoard, AmbiguousBoard and
        :class:`InputError`.
        """
        found = self._surroundings.boards.find(board)
        asked = Request(kind=JobKind.PROVISION, board=found.id, model=model)
        kind = model_for(asked, found, self._catalog)
        clouds = self._surroundings.clouds
        if cloud is not None and cloud not in clouds:
            raise InputError(field="cloud", problem="is not one of " + ", ".join(sorted(clouds)))
        return await advise(found, kind, clouds[cloud] if cloud else None, procedure)

    async def answer(
        self, job: str, answer: Mapping[str, Any], question: int | None = None
    ) -> None:
        """Answer the open question; ``question`` refuses an answer that comes too late.

        Raises :class:`UnknownJob`, :class:`JobNotAsking`, and :class:`InputError` for the values.
        """
        active = self._active.get(job)
        if active is None:
            await self.get(job)
            raise JobNotAsking(job=job)
        asked = active.runner.job.question
        if asked is None or question not in (None, asked.id):
            raise JobNotAsking(job=job)
        answered = read_answer(answer, asked, active.plan.model)
        active.runner.offer(answered, lambda: active.runner.job.question is asked)

    async def cancel(self, job: str) -> None:
        """Ask the job to stop; it undoes what it must and ends by itself.

        A job that has ended already is left as it is. Raises :class:`UnknownJob`, and
        :class:`RateExceeded` for a flood.
        """
        active = self._active.get(job)
        if active is not None:
            active.runner.offer(Cancelled())
        elif not await self._unfinished.cancel(job):
            await self.get(job)

    async def get(self, job: str) -> Job:
        """The job as it is now; raises :class:`UnknownJob`."""
        found = self._now(job) or await self._journal.get(job)
        if found is None:
            raise UnknownJob(job=job)
        return found

    async def list(self, limit: int, board: str | None = None) -> list[Job]:
        """Jobs, newest first; ``board`` is an id."""
        if limit < 1:
            raise InputError(field="limit", problem="must be at least 1")
        jobs = await self._journal.list(limit, board)
        return [self._now(job.id) or job for job in jobs]

    async def file(self, job: str, name: str) -> Secret:
        """A file that a job made, which holds secrets; kept in memory for an hour.

        Raises :class:`UnknownJob`, and :class:`InputError` if there is none or it is gone.
        """
        ended = await self.get(job)
        content = self._files.get(job, name) if ended.state is JobState.DONE else None
        if content is None:
            told = (ended.result or {}).get("files", [])
            problem = (
                "is no longer kept, since an hour is over or the agent was started anew"
                if name in told
                else "is not a file of this job"
            )
            if name in told and (ended.result or {}).get("entry"):
                problem += "; a job with the same device name makes it again out of the vault"
            raise InputError(field="name", problem=problem)
        return content

    async def wait(self, job: str) -> Job:
        """The job once it has ended; raises :class:`UnknownJob`."""
        active = self._active.get(job)
        if active is not None:
            await asyncio.wait({active.task})
            return active.runner.job
        return await self.get(job)

    @property
    def active(self) -> int:
        """How many jobs run or ask now."""
        return len(self._active)

    def owner_of(self, job: str) -> object:
        """Who started a job that runs; None for any other."""
        active = self._active.get(job)
        return active.owner if active else None

    def subscribe(self, callback: Callable[[JobChange], None]) -> Callable[[], None]:
        """Call ``callback`` in the event loop at each change; the result ends that.

        A callback that raises is logged; the others are called all the same.
        """
        self._subscriptions += 1
        key = self._subscriptions
        self._subscribers[key] = callback

        def unsubscribe() -> None:
            self._subscribers.pop(key, None)

        return unsubscribe

    # Inside ----------------------------------------------------------------------------------

    async def _take_over(self, job: Job) -> None:
        """End a job that an earlier process left, or pursue its claim."""
        facts = await self._journal.facts(job.id)
        if open_claim(facts):
            self._leftovers.pursue(job)
            return
        if self._lookbacks.begin(job, facts):
            return
        if flash := open_flash(facts):
            if not job.state.final:
                waiting = Interrupted(what=WAITING).report()
                job = apply(job, Finish(JobState.INTERRUPTED, error=waiting), self._clock.wall())
                await self._journal.save(job)
            self._unfinished.pursue(job, flash)
            return
        await self._journal.save(apply(job, ending(job, facts), self._clock.wall()))

    def _require_free(self, board: Board, request: Request) -> None:
        self._surroundings.boards.pause.require_off()
        if board.id and board.id in self._starting:
            raise PortBusy(port=board.id, holder="another job")
        if board.holder is not None:
            raise busy(board, request)

    async def _begin(self, plan: Plan, owner: object) -> str:
        number = await self._journal.reserve()
        job = Job(
            id=number,
            kind=plan.kind,
            board=plan.board.id,
            title=plan.title,
            created_at=self._clock.wall(),
            steps=planned(plan.machine.plan),
            request=plan.shown,
            board_name=plan.board.name,
        )
        async with AsyncExitStack() as stack:
            lease = None
            if plan.board.id:
                boards, holder = self._surroundings.boards, _holder(plan, number)
                lease = await stack.enter_async_context(
                    boards.lease(plan.board.id, holder, via=plan.via)
                )
                if plan.kind in _WRITING and plan.via == "usb":
                    await self._unfinished.take_over(lease.board)
            await self._journal.save(job)
            if self._closing:
                # Nobody would wait for this job any more; the next start ends it.
                raise AgentGone
            held = stack.pop_all()
        runner = self._runner(job, plan, lease, held)
        task = asyncio.create_task(self._run(runner, held))
        self._active[number] = _Active(plan, runner, task, owner)
        self._publish(JobChange(job=number, state=job.state, snapshot=job))
        return number

    def _runner(self, job: Job, plan: Plan, lease: Lease | None, held: AsyncExitStack) -> Runner:
        async def release() -> None:
            # Before the end is announced: who hears of it may use the board at once.
            await held.aclose()
            self._active.pop(job.id, None)

        async def settle(uhwid: str) -> list[str]:
            return await self._leftovers.settle(uhwid, job.board, self._active.keys())

        performer = Performer(
            self._surroundings,
            board=job.board,
            lease=lease,
            cloud=plan.cloud,
            settle=settle,
            model=plan.model,
            deliver=lambda name, content: self._files.put(job.id, name, content),
            enrolment=plan.enrolment,
            kit=plan.kit,
            job=job.id,
        )
        return Runner(
            job, plan.machine, performer, self._surroundings, self._publish, release=release
        )

    async def _run(self, runner: Runner, held: AsyncExitStack) -> None:
        job_id = runner.job.id
        try:
            async with held:
                await runner.run()
        except Exception as error:  # noqa: BLE001 - a defect must not leave a job without an end
            ended = Finish(JobState.FAILED, error=known_error(error).report())
            runner.job = apply(runner.job, ended, self._clock.wall())
            with contextlib.suppress(JournalFailed):
                await self._journal.save(runner.job)
            self._publish(
                JobChange(
                    job=job_id,
                    state=runner.job.state,
                    error=runner.job.error,
                    snapshot=runner.job,
                )
            )
        finally:
            self._active.pop(job_id, None)
        if not self._closing:
            await self._pursue_open(runner.job)

    async def _pursue_open(self, job: Job) -> None:
        try:
            if open_claim(await self._journal.facts(job.id)):
                self._leftovers.pursue(job)
        except JournalFailed as error:
            _log.warning("Job %s: %s", job.id, error)

    def _now(self, job: str) -> Job | None:
        active = self._active.get(job)
        if active is not None:
            return active.runner.job
        left = self._leftovers.job(job) or self._lookbacks.job(job)
        return left or self._unfinished.job(job)

    def _publish(self, change: JobChange) -> None:
        for callback in list(self._subscribers.values()):
            try:
                callback(change)
            except Exception as error:  # noqa: BLE001 - one subscriber is not another's problem
                known_error(error)


def _holder(plan: Plan, job: str) -> str:
    return f"{plan.title} (job {job})"
