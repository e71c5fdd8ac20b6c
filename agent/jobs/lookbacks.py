"""Work that nobody owes and that was on its way when the agent ended: one look, at the next start.

Nothing is pursued for long: what was made stays, the job says so, and who starts it again goes on
from there.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from agent.errors import JournalFailed
from agent.jobs.enrol_facts import open_enrolment
from agent.jobs.enrol_recover import RecoverEnrolment
from agent.jobs.job import JobState
from agent.jobs.kit import RecoveringKit
from agent.jobs.performer import Performer
from agent.jobs.runner import Runner, known_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.jobs.enrol_facts import OpenEnrolment
    from agent.jobs.facts import Fact
    from agent.jobs.job import Job, JobChange
    from agent.jobs.kit import Kit
    from agent.jobs.machine import Machine
    from agent.jobs.surroundings import Surroundings

_Work: TypeAlias = "tuple[Machine, Performer]"

_log = logging.getLogger(__name__)


class Lookbacks:
    """Each in a task of its own; there are as many as jobs ran."""

    def __init__(self, surroundings: Surroundings, publish: Callable[[JobChange], None]) -> None:
        self._surroundings = surroundings
        self._publish = publish
        self._running: dict[str, Runner] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def job(self, job: str) -> Job | None:
        """The job as it is now, if it is being brought to an end."""
        runner = self._running.get(job)
        return runner.job if runner else None

    def begin(self, job: Job, facts: Sequence[Fact]) -> bool:
        """Bring ``job`` to its end in the background; False: its facts say nothing to look after."""
        if enrolment := open_enrolment(facts):
            work = self._look_after(job, self._enrolled(job, enrolment))
        elif found := self._of_kit(job, facts):
            work = self._look_after(job, found)
        else:
            return False
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self) -> None:
        """Stop; the next start begins again."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    async def _enrolled(self, job: Job, enrolment: OpenEnrolment) -> _Work:
        cloud = self._surroundings.enrolments.get(enrolment.cloud)
        title = (await cloud.info()).title if cloud is not None else enrolment.cloud
        performer = Performer(self._surroundings, board=job.board, enrolment=cloud, job=job.id)
        return RecoverEnrolment(enrolment, title), performer

    def _of_kit(self, job: Job, facts: Sequence[Fact]) -> Awaitable[_Work] | None:
        for kit in self._surroundings.kits:
            machine = kit.recovery(facts) if isinstance(kit, RecoveringKit) else None
            if machine is not None:
                return self._kept(job, machine, kit)
        return None

    async def _kept(self, job: Job, machine: Machine, kit: Kit) -> _Work:
        return machine, Performer(self._surroundings, board=job.board, kit=kit, job=job.id)

    async def _look_after(self, job: Job, making: Awaitable[_Work]) -> None:
        try:
            machine, performer = await making
            runner = Runner(
                replace(job, state=JobState.RUNNING, question=None),
                machine,
                performer,
                self._surroundings,
                self._publish,
            )
            self._running[job.id] = runner
            await runner.run()
        except (JournalFailed, OSError) as error:
            _log.warning("Job %s cannot be brought to its end now: %s", job.id, error)
        except Exception as error:  # noqa: BLE001 - its text may carry anything
            known_error(error)
        finally:
            self._running.pop(job.id, None)
