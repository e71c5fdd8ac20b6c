"""How a job changes with what its machine reports: pure, from one snapshot to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from agent.jobs.effects import Ask, Effect, Finish, StepEnd, StepProgress, StepStart, Withdraw
from agent.jobs.job import Job, JobState, Step, StepState

if TYPE_CHECKING:
    from collections.abc import Sequence


def planned(plan: Sequence[tuple[str, str]]) -> list[Step]:
    """The steps that are expected, all pending."""
    return [Step(id=step, name=name) for step, name in plan]


def apply(job: Job, effect: Effect, now: float) -> Job:
    """``job`` after ``effect``; the same object if the effect does not show. ``now``: Unix s."""
    match effect:
        case StepStart():
            return _start(job, effect, now)
        case StepProgress():
            return _step(job, effect.id, progress=effect.progress, message=effect.message)
        case StepEnd():
            return _end(job, effect, now)
        case Ask(question=question):
            asking = _step(job, question.step, state=StepState.ASKING)
            return replace(asking, state=JobState.ASKING, question=question)
        case Withdraw():
            step = job.question.step if job.question else ""
            running = _step(job, step, state=StepState.RUNNING)
            return replace(running, state=JobState.RUNNING, question=None)
        case Finish():
            return _finish(job, effect, now)
    return job


def _start(job: Job, effect: StepStart, now: float) -> Job:
    known = next((step for step in job.steps if step.id == effect.id), None)
    fresh = Step(
        id=effect.id,
        name=effect.name,
        state=StepState.RUNNING,
        # A step that begins again, with another password, counts from its first begin.
        started_at=known.started_at if known and known.started_at else now,
        message=effect.message,
    )
    if known is None:
        # Behind what has begun; what is still expected comes after it.
        begun = [at for at, step in enumerate(job.steps) if step.state is not StepState.PENDING]
        place = begun[-1] + 1 if begun else 0
        return replace(job, steps=[*job.steps[:place], fresh, *job.steps[place:]])
    return replace(job, steps=[fresh if step is known else step for step in job.steps])


def _end(job: Job, effect: StepEnd, now: float) -> Job:
    for step in job.steps:
        if step.id == effect.id:
            seconds = round(max(0.0, now - (step.started_at or now)), 3)
            done = effect.state is StepState.DONE
            return _step(
                job,
                step.id,
                state=effect.state,
                seconds=seconds,
                progress=1.0 if done else step.progress,
                message=effect.message or ("" if done else step.message),
            )
    return job


def _finish(job: Job, effect: Finish, now: float) -> Job:
    left = {StepState.PENDING, StepState.RUNNING, StepState.ASKING}
    return replace(
        job,
        state=effect.state,
        ended_at=now,
        question=None,
        result=effect.result,
        error=effect.error,
        steps=[
            replace(step, state=StepState.SKIPPED) if step.state in left else step
            for step in job.steps
        ],
    )


def _step(job: Job, step_id: str, **changes: object) -> Job:
    return replace(
        job,
        steps=[replace(step, **changes) if step.id == step_id else step for step in job.steps],
    )
