"""Starts a job and stays with it to its end: steps, questions, and cancelling with Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from agent.cli.ask import ask_question
from agent.cli.client import exit_status_of
from agent.cli.keyboard import InputEnded
from agent.cli.progress import StepReporter, end_document
from agent.errors import (
    ExitStatus,
    Interrupted,
    MooringError,
    OtherLinkBusy,
    PortBusy,
    ReportedError,
)
from agent.jobs.job import Job, JobState
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.cli.client import Client
    from agent.cli.shell import Shell
    from agent.jobs.job import Question

HELD = frozenset({PortBusy.code, OtherLinkBusy.code})
EARLIER_MAX = 50
"""Jobs among which the one that holds a board is looked for."""
STATUS_S = 0.2
"""How often the line that tells what is under way is renewed: its times move in tenths."""


class _Held(Exception):
    """An earlier job has the board."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.id)
        self.job = job


class Follower:
    """One job, from its start to its end."""

    def __init__(
        self, shell: Shell, client: Client, *, quiet: bool = False, aside: bool = False
    ) -> None:
        self._shell = shell
        self._client = client
        self._quiet = quiet
        self._reporter = StepReporter(shell.output, aside=aside)
        self._latest: dict[str, Job] = {}
        self._changed = asyncio.Event()
        self._job: str | None = None
        self.interrupted = False
        """Whether the person at this command stopped the job."""

    async def run(self, **request: object) -> Job:
        """Start the job and return it when it has ended.

        Cancelling the calling task once asks the job to stop, and returns it when it has undone
        what it began.
        """
        self._client.on("job.changed", self._note)
        await self._client.call("jobs.subscribe")
        while True:
            try:
                return await self._run(request)
            except _Held as held:
                await self._wait_for(held.job)

    async def _run(self, request: dict[str, object]) -> Job:
        starting = asyncio.ensure_future(self._start(request))
        try:
            self._begun(await asyncio.shield(starting))
            return await self._until_end(asking=self._shell.attended)
        except (asyncio.CancelledError, InputEnded):
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            self.interrupted = True
            # Whether it was started must be known before it can be stopped.
            try:
                self._begun(await starting)
            except _Held:
                raise asyncio.CancelledError from None
            await self._cancel()
            return await self._until_end(asking=False)

    async def _start(self, request: dict[str, object]) -> dict[str, str]:
        try:
            started: dict[str, str] = await self._client.call(
                "jobs.start", attended=self._shell.attended, **request
            )
        except ReportedError as error:
            if not self._client.alone or error.report().code not in HELD:
                raise
            # Nothing else runs in this process but what earlier commands left.
            listed = await self._client.call("jobs.list", limit=EARLIER_MAX)
            for job in msgspec.convert(listed["jobs"], list[Job]):
                if f"{job.title} (job {job.id})" == error.facts.get("holder"):
                    raise _Held(job) from error
            raise
        return started

    async def _wait_for(self, job: Job) -> None:
        """Let the agent finish what a command that was cut off left on the board."""
        note = f"First this is finished, which was cut off: {clean_text(job.title)} (job {job.id})."
        self._shell.output.note(note)
        self._latest.setdefault(job.id, job)
        gone = asyncio.ensure_future(self._client.wait_gone())
        try:
            while not self._latest[job.id].state.final:
                self._changed.clear()
                self._reporter.status(self._latest[job.id])
                await self._wait_for_news(gone, None)
        except asyncio.CancelledError:
            self._shell.output.note("It is not finished; the next command goes on with it.")
            raise
        finally:
            gone.cancel()

    def _begun(self, started: dict[str, str]) -> None:
        self._job = started["job"]
        if self._job in self._latest:
            self._show(self._latest[self._job])

    async def _cancel(self) -> None:
        self._shell.output.note(
            "Stopping; what can be undone is undone. Ctrl-C again leaves at once."
        )
        with contextlib.suppress(ReportedError):
            # It may have ended by itself meanwhile.
            await self._client.call("jobs.cancel", job=self._job)

    async def _until_end(self, *, asking: bool) -> Job:
        gone = asyncio.ensure_future(self._client.wait_gone())
        asker: asyncio.Future[None] | None = None
        asked: int | None = None
        try:
            while True:
                self._changed.clear()
                job = self._latest.get(self._job or "")
                if job is not None and job.state.final:
                    return job
                question = job.question if job is not None and asking else None
                if question is None or question.id != asked:
                    # Answered elsewhere, or no longer needed.
                    withdrawn = asker is not None and not asker.done()
                    await _abandon(asker)
                    asker = None
                    if withdrawn and question is None:
                        self._shell.output.note("It goes on.")
                if question is not None and question.id != asked:
                    asked = question.id
                    asker = asyncio.ensure_future(self._answer(question))
                if asker is None and job is not None:
                    self._reporter.status(job)
                await self._wait_for_news(gone, asker)
        finally:
            gone.cancel()
            await _abandon(asker)

    async def _wait_for_news(
        self, gone: asyncio.Future[None], asker: asyncio.Future[None] | None
    ) -> None:
        changed = asyncio.ensure_future(self._changed.wait())
        waiting: set[asyncio.Future[Any]] = {changed, gone}
        if asker is not None and not asker.done():
            waiting.add(asker)
        # While a person types, nothing is written over it.
        timeout = STATUS_S if asker is None else None
        try:
            await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        for ended in (gone, asker):
            if ended is not None and ended.done():
                ended.result()

    async def _answer(self, question: Question) -> None:
        while True:
            answer = await ask_question(self._shell, question)
            try:
                await self._client.call(
                    "jobs.answer", job=self._job, answer=answer, question=question.id
                )
            except ReportedError as error:
                # Wrong input: the question is still open, or the job went on without it.
                self._shell.output.error(error.report())
                continue
            return

    def _note(self, params: Any) -> None:  # noqa: ANN401 - JSON data
        job = msgspec.convert(params["snapshot"], Job)
        if self._job in {None, job.id}:
            # Before its id is known, the change of any job may be the one.
            self._latest[job.id] = job
            self._changed.set()
        if job.id == self._job:
            self._show(job)

    def _show(self, job: Job) -> None:
        if not self._quiet:
            self._reporter.show(job)


async def _abandon(asker: asyncio.Future[None] | None) -> None:
    if asker is not None:
        asker.cancel()
        await asyncio.gather(asker, return_exceptions=True)


class Delivered(msgspec.Struct, frozen=True):
    """What a job left for the person beside its result."""

    document: dict[str, Any] = {}
    """Joins the last JSON object."""
    text: str = ""
    """A line for people."""


async def run_job(
    shell: Shell,
    client: Client,
    told: Callable[[Job], str],
    *,
    deliver: Callable[[Job], Awaitable[Delivered]] | None = None,
    aside: bool = False,
    **request: object,
) -> ExitStatus:
    """Run a job in full view: its steps, then ``told(job)`` or its error.

    ``deliver`` is called for a job that is done. ``aside``: what people read does not go to
    standard output, which is for something else.
    """
    follower = Follower(shell, client, aside=aside)
    job = await follower.run(**request)
    done = job.state is JobState.DONE
    try:
        delivered = await deliver(job) if done and deliver is not None else Delivered()
    except MooringError as error:
        # What was done stays done and is told all the same.
        _tell(shell, job, told, Delivered(), aside=aside)
        shell.output.explain(error.report())
        return ExitStatus.FAILED
    _tell(shell, job, told, delivered, aside=aside)
    if done:
        return ExitStatus.DONE
    report = _reason(job)
    if report is not None:
        shell.output.explain(report.report())
    if follower.interrupted:
        return ExitStatus.INTERRUPTED
    return ExitStatus.FAILED if report is None else exit_status_of(report.report().code)


def _tell(
    shell: Shell, job: Job, told: Callable[[Job], str], delivered: Delivered, *, aside: bool
) -> None:
    if shell.output.as_json:
        shell.output.document(end_document(job) | delivered.document)
    elif job.state is JobState.DONE:
        write = shell.output.note if aside else shell.output.line
        write(told(job), "bold")
        if delivered.text:
            write(delivered.text)


async def read_with_job(shell: Shell, client: Client, **request: object) -> Job:
    """A job that only reads, once it is done; raises its error."""
    follower = Follower(shell, client, quiet=True)
    job = await follower.run(**request)
    if job.state is JobState.DONE:
        return job
    if follower.interrupted:
        raise asyncio.CancelledError
    raise _reason(job) or Interrupted(what="Somebody cancelled it.")


def _reason(job: Job) -> MooringError | None:
    """Why a job did not succeed; None: somebody cancelled it."""
    if job.error is not None:
        return ReportedError(job.error, exit_status_of(job.error.code))
    if job.state is JobState.CANCELLED:
        return None
    return Interrupted(what="It is not known how far it got.")
