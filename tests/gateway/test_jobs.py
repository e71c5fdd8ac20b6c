"""Jobs as values: what they are, how far, how long, and nothing personal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.errors import ErrorReport, NetworkNotFound
from agent.gateway.jobs import SEEN_MAX, JobValues
from agent.jobs.job import Job, JobChange, JobKind, JobState, Step, StepState

MARK = "Anna's Wi-Fi"


def job(state: JobState = JobState.RUNNING, step: str = "", **more: Any) -> Job:
    done = [Step(id="read", name="Read the board", state=StepState.DONE)]
    steps = [*done, Step(id=step, name=f"Join {MARK}", state=StepState.RUNNING, message=MARK)]
    fields: dict[str, Any] = {
        "id": "7",
        "kind": JobKind.PROVISION,
        "board": "uno",
        "board_name": MARK,
        "title": f"Setting up {MARK}",
        "created_at": 100.0,
        "steps": steps if step else done,
        "request": {"network": {"ssid": MARK}, "name": MARK},
    }
    return Job(state=state, **fields | more)


def of(values: JobValues, now: Job) -> tuple[dict[str, Any], str]:
    return values.of(JobChange(job=now.id, state=now.state, snapshot=now))


def test_a_job_begins_goes_on_and_ends():
    values = JobValues()
    assert of(values, job(step="join")) == (
        {
            "job": "7",
            "job_kind": "provision",
            "job_state": "running",
            "job_progress": 0.5,
            "job_step": "join",
        },
        "",
    )
    assert of(values, job(step="join")) == ({}, "")
    told, key = of(values, job(JobState.ASKING, step="join"))
    assert (told["job_state"], key) == ("asking", "job 7")
    result = {
        "cloud": "arduino",
        "network": MARK,
        "device": MARK,
        "connected": "board",
        "notes": [],
    }
    told, key = of(values, job(JobState.DONE, ended_at=103.25, result=result))
    assert key == ""
    assert told == {
        "job": "7",
        "job_kind": "provision",
        "job_state": "done",
        "job_progress": 1.0,
        "job_seconds": 3.2,
        "job_result": "ok",
        "job_cloud": "arduino",
        "job_connected": "board",
    }


@pytest.mark.parametrize(
    ("state", "error", "result"),
    [
        (JobState.FAILED, NetworkNotFound(network=MARK).report(), NetworkNotFound.code),
        (JobState.CANCELLED, None, "cancelled"),
        (JobState.INTERRUPTED, None, "interrupted"),
    ],
)
def test_an_end_without_success_is_told_by_its_code(
    state: JobState, error: ErrorReport | None, result: str
):
    told, _ = of(JobValues(), job(state, ended_at=101.0, error=error))
    assert told["job_result"] == result


def test_nothing_that_a_person_wrote_is_told():
    values = JobValues()
    error = NetworkNotFound(network=MARK).report()
    result = {"network": MARK, "device": MARK, "old_devices": [MARK], "cloud": ["x"]}
    for now in (
        job(step="join"),
        job(JobState.ASKING, step="join"),
        job(JobState.FAILED, error=error, result=result, ended_at=101.0),
    ):
        told, key = of(values, now)
        assert told
        assert MARK not in json.dumps([told, key], ensure_ascii=False)


def test_jobs_without_steps_and_without_an_end_are_told_too():
    told, _ = of(JobValues(), job(JobState.DONE, steps=[]))
    assert (told["job_progress"], told["job_seconds"]) == (0.0, 0.0)


def test_only_so_many_jobs_are_remembered():
    values = JobValues()
    for number in range(SEEN_MAX + 1):
        of(values, job(id=str(number), step="join"))
    assert of(values, job(id="0", step="join"))[0]
    assert of(values, job(id=str(SEEN_MAX), step="join")) == ({}, "")
