"""How a job ends that an earlier process left with nothing open: pure, from its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import Interrupted
from agent.jobs.effects import Finish
from agent.jobs.enrol_facts import enrol_result, file_left
from agent.jobs.facts import device_result, flash_result, handed_over, left_behind, online_result
from agent.jobs.job import JobKind, JobState
from agent.jobs.remove_facts import removal_left, removal_result
from agent.jobs.unfinished import WRITTEN, flash_left

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.facts import Fact
    from agent.jobs.job import Job


def ending(job: Job, facts: Sequence[Fact]) -> Finish:
    """Done where all was done that was asked for; else interrupted, with what was left."""
    written = flash_result(facts)
    result = online_result(facts) or device_result(facts) or enrol_result(facts)
    result = result or removal_result(facts)
    if job.kind is JobKind.FLASH:
        result = written
    if result:
        return Finish(JobState.DONE, result=result)
    device = handed_over(facts)
    removal = removal_left(facts)
    if removal is not None:
        return Finish(JobState.INTERRUPTED, error=removal.report())
    left = flash_left(facts) or file_left(facts) or left_behind(facts)
    if written:
        left = WRITTEN
    if device:
        left = f"Its device {device} is in the cloud, but its key was lost: delete the device."
    return Finish(JobState.INTERRUPTED, error=Interrupted(what=left).report())
