"""Claims and devices that a job could not bring to an end: finished or undone in the background.

One is left open by a crash, by the end of the agent, or by a cloud that was down. It is pursued
until the cloud has answered, with growing pauses; the agent is usable meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agent.errors import (
    ClaimOpen,
    ClaimUndone,
    DeviceLeft,
    Interrupted,
    JournalFailed,
    MooringError,
)
from agent.jobs.effects import Finish
from agent.jobs.facts import CLOCK_SLACK_S, open_claim
from agent.jobs.job import Job, JobState
from agent.jobs.performer import Performer
from agent.jobs.recover import recovery
from agent.jobs.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from agent.jobs.facts import OpenClaim
    from agent.jobs.job import JobChange
    from agent.jobs.surroundings import Surroundings

FIRST_PAUSE_S = 5.0
"""Before a claim is tried again. Clouds that hiccup are back within seconds."""
LONGEST_PAUSE_S = 300.0
"""Five minutes: a computer that was offline is noticed soon, a cloud that is down is not pressed."""

_log = logging.getLogger(__name__)


class Leftovers:
    """Pursues open claims, each in a task of its own; there are as many as boards were begun."""

    def __init__(self, surroundings: Surroundings, publish: Callable[[JobChange], None]) -> None:
        self._surroundings = surroundings
        self._journal = surroundings.journal
        self._publish = publish
        self._pursuits: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, Runner] = {}
        self._closing = False

    def job(self, job: str) -> Job | None:
        """The job as it is now, if it is being brought to an end."""
        runner = self._running.get(job)
        return runner.job if runner else None

    def pursue(self, job: Job) -> None:
        """Bring the claim of ``job`` to an end in the background."""
        if job.id not in self._pursuits and not self._closing:
            task = asyncio.create_task(self._pursue(job.id))
            self._pursuits[job.id] = task
            task.add_done_callback(lambda _: self._pursuits.pop(job.id, None))

    async def settle(self, uhwid: str, board: str, active: Container[str]) -> list[str]:
        """Settle what is open of this board now; ClaimOpen or DeviceLeft if that fails.

        Returns the claims that the journal knows from the last while, see ``facts.find_ours``.
        ``active`` are the jobs that look after their claims themselves.
        A board that is being set up again does not wait for its old claim: unless the cloud has
        seen it by now, that claim is undone.
        """
        for job in await self._journal.unsettled():
            claim = open_claim(await self._journal.facts(job.id))
            if claim is None or job.id in active or claim.cloud not in self._surroundings.clouds:
                continue
            if job.board != board and (not uhwid or claim.uhwid != uhwid):
                continue
            await self._stop(job.id)
            try:
                await self._recover(job, replace(claim, joined=False))
                settled = open_claim(await self._journal.facts(job.id)) is None
            except BaseException:
                # Cancelled, or the journal failed: the claim must not be forgotten over it.
                self.pursue(job)
                raise
            if not settled:
                self.pursue(job)
                raise _still_open(claim)
        # Twice: our clock and the cloud's may both be off.
        since = self._surroundings.clock.wall() - 2 * CLOCK_SLACK_S
        return await self._journal.claims_since(since)

    async def close(self) -> None:
        """Stop; what is open stays in the journal for the next start."""
        self._closing = True
        for job in list(self._pursuits):
            await self._stop(job)

    async def _stop(self, job: str) -> None:
        task = self._pursuits.get(job)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _pursue(self, job_id: str) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                job = await self._journal.get(job_id)
                claim = open_claim(await self._journal.facts(job_id))
                if job is None or claim is None or claim.cloud not in self._surroundings.clouds:
                    return
                await self._recover(job, claim)
                if open_claim(await self._journal.facts(job_id)) is None:
                    return
            except (JournalFailed, OSError) as error:
                # OSError: the file of accounts, which says how to sign in, cannot be read.
                _log.warning("The claim of job %s cannot be settled now: %s", job_id, error)
            await self._surroundings.clock.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _recover(self, job: Job, claim: OpenClaim) -> None:
        cloud = self._surroundings.clouds[claim.cloud]
        title = (await cloud.info()).title
        runner = Runner(
            job,
            recovery(claim, title),
            Performer(self._surroundings, board=job.board, cloud=cloud),
            self._surroundings,
            self._publish,
            conclude=lambda finish: _conclusion(job, finish, claim, title),
        )
        self._running[job.id] = runner
        try:
            await runner.run()
        finally:
            self._running.pop(job.id, None)


def _still_open(claim: OpenClaim) -> MooringError:
    cause, detail = "An earlier job left it.", "The cloud did not answer."
    if claim.device:
        cause = f"The device {claim.name} of an earlier job could not be deleted."
        name = claim.claim or f"“{claim.name}” (id unknown)"
        return DeviceLeft(cloud=claim.cloud, device=name, cause=cause, detail=detail)
    return ClaimOpen(
        name=claim.name,
        cloud=claim.cloud,
        cause=cause,
        detail=detail,
        claim=claim.claim or "(id unknown)",
        uhwid=claim.uhwid,
    )


def _conclusion(job: Job, finish: Finish, claim: OpenClaim, cloud: str) -> Finish:
    """How a recovered job ends: done if the board is online, else as it had ended before."""
    if finish.state is JobState.DONE:
        return finish
    open_codes = {ClaimOpen.code, DeviceLeft.code}
    still_open = finish.error is not None and finish.error.code in open_codes
    if not job.state.final:
        return Finish(JobState.INTERRUPTED, error=finish.error)
    if still_open or job.error is None:
        return Finish(job.state, error=job.error)
    what = "device" if claim.device else "claim"
    if job.state is JobState.INTERRUPTED:
        gone = Interrupted(what=f"The {what} was {'deleted' if claim.device else 'undone'}.")
        return Finish(job.state, error=gone.report())
    cause = job.error.facts.get("cause", job.error.title)
    return Finish(job.state, error=ClaimUndone(cause=cause, cloud=cloud, what=what).report())
