"""Boards whose credentials were on their way when the agent ended: once, at the next start.

Nothing is owed to anybody, so that nothing is pursued for long: the vault has the credentials, the
job says so, and who starts it again goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agent.errors import JournalFailed
from agent.jobs.enrol_recover import RecoverEnrolment
from agent.jobs.job import JobState
from agent.jobs.performer import Performer
from agent.jobs.runner import Runner, known_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.jobs.enrol_facts import OpenEnrolment
    from agent.jobs.job import Job, JobChange
    from agent.jobs.surroundings import Surroundings

_log = logging.getLogger(__name__)


class EnrolLeftovers:
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

    def pursue(self, job: Job, enrolment: OpenEnrolment) -> None:
        """Bring ``job`` to its end in the background."""
        task = asyncio.create_task(self._pursue(job, enrolment))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop; the next start begins again."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    async def _pursue(self, job: Job, enrolment: OpenEnrolment) -> None:
        cloud = self._surroundings.enrolments.get(enrolment.cloud)
        try:
            title = (await cloud.info()).title if cloud is not None else enrolment.cloud
            runner = Runner(
                replace(job, state=JobState.RUNNING, question=None),
                RecoverEnrolment(enrolment, title),
                Performer(self._surroundings, board=job.board, enrolment=cloud, job=job.id),
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
