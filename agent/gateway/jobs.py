"""Jobs as values on a dashboard: kind, state, step, duration, result.

What a person wrote or a network is called is in none of it: a step is told by its id, an error by
its code, and of a result only what is one of a few known words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from agent.jobs.job import JobState, StepState
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.jobs.job import Job, JobChange
    from agent.protocols.thingsboard.gateway_pack import Sample

WORD_CHARS: Final = 40
"""Ids of clouds, procedures and ways of delivery are shorter."""
SEEN_MAX: Final = 256
"""Jobs that run at once, of which the last thing told is remembered."""
_RESULT: Final = "job_result"
_RESULTS: Final = ("cloud", "procedure", "delivery", "connected")
_ENDED: Final = {StepState.DONE, StepState.SKIPPED, StepState.FAILED}


class Jobs(Protocol):
    """What a gateway does with jobs (:class:`agent.jobs.service.JobService`)."""

    @property
    def active(self) -> int:
        """How many run or ask now."""

    async def start(self, request: dict[str, Any], *, attended: bool, owner: object = None) -> str:
        """Check the request and start; returns the job's id."""

    async def list(self, limit: int) -> list[Job]:
        """Newest first."""

    def owner_of(self, job: str) -> object:
        """The ``owner`` of a job that runs; None for any other."""

    def subscribe(self, callback: Callable[[JobChange], None]) -> Callable[[], None]:
        """Call ``callback`` at each change; returns what ends it."""


class JobValues:
    """What is new in a change of a job; most changes are progress inside a step, which is not told."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[Any, ...]] = {}

    def of(self, change: JobChange) -> tuple[dict[str, Any], str]:
        """The values for the board's device; empty: there is nothing new.

        With them what they replace while they wait: each step of a job takes the place of the one
        before; beginning and end take nobody's.
        """
        job = change.snapshot
        step = next(
            (s.id for s in job.steps if s.state in {StepState.RUNNING, StepState.ASKING}), ""
        )
        now = (job.state, step)
        if self._told.get(job.id) == now:
            return {}, ""
        begins = job.id not in self._told
        if job.state.final:
            self._told.pop(job.id, None)
        else:
            self._told[job.id] = now
            while len(self._told) > SEEN_MAX:
                del self._told[next(iter(self._told))]
        values = self._always(job)
        if job.state.final:
            return values | _end(job), ""
        if step:
            values["job_step"] = clean_text(step, WORD_CHARS)
        return values, "" if begins else f"job {job.id}"

    @staticmethod
    def _always(job: Job) -> dict[str, Any]:
        ended = sum(step.state in _ENDED for step in job.steps)
        return {
            "job": job.id,
            "job_kind": job.kind.value,
            "job_state": job.state.value,
            "job_progress": round(ended / len(job.steps), 2) if job.steps else 0.0,
        }


def is_end(sample: Sample) -> bool:
    """Whether these are the values of a job's end."""
    return _RESULT in sample.values


def _end(job: Job) -> dict[str, Any]:
    ended_at = job.ended_at if job.ended_at is not None else job.created_at
    values: dict[str, Any] = {"job_seconds": round(max(0.0, ended_at - job.created_at), 1)}
    if job.error is not None:
        values[_RESULT] = clean_text(job.error.code, WORD_CHARS)
    else:
        values[_RESULT] = "ok" if job.state is JobState.DONE else job.state.value
    for field in _RESULTS:
        said = (job.result or {}).get(field)
        if isinstance(said, str) and said:
            values[f"job_{field}"] = clean_text(said, WORD_CHARS)
    return values
