"""The runner of a batch: a real journal, and an agent that may leave or refuse."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from agent.errors import AgentGone, InputError, MooringError, NotSignedIn, PortBusy, UnknownJob
from agent.jobs.batch_journal import BatchJournal, open_batch
from agent.jobs.batch_machine import BatchMachine
from agent.jobs.batch_records import Kept
from agent.jobs.batch_runner import BatchRunner
from agent.jobs.job import Job, JobKind, JobState
from tests.jobs.batch_world import make_board, make_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.jobs.batch_row import Row


def job_of(number: str, board: str, at: float, state: JobState = JobState.DONE) -> Job:
    return Job(
        id=number,
        kind=JobKind.PROVISION,
        board=board,
        title="t",
        created_at=at,
        state=state,
        ended_at=at + 1 if state.final else None,
        result={"device": f"dev-{number}"} if state is JobState.DONE else None,
    )


@dataclass
class Agent:
    """Jobs that are done at once, unless they are refused."""

    refusals: list[MooringError] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    started: list[dict[str, Any]] = field(default_factory=list)
    runner: BatchRunner = field(init=False)

    async def start(self, row: Row, request: dict[str, Any]) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.started.append(request)
        number = str(len(self.jobs) + 1)
        job = self.jobs[number] = job_of(number, request["board"], time.time())
        # The news may come before the answer.
        self.runner.job_moved(replace(job, state=JobState.RUNNING, result=None))
        self.runner.job_moved(job)
        await asyncio.sleep(0)
        return number

    async def get(self, job: str) -> Job:
        if job not in self.jobs:
            raise UnknownJob(job=job)
        return self.jobs[job]

    async def of_board(self, board: str, limit: int) -> list[Job]:
        found = [job for job in self.jobs.values() if job.board == board]
        return found[::-1][:limit]

    async def save(self, kept: Kept, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{kept.n}-{name}" for name in names)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[BatchJournal]:
    made = await open_batch(tmp_path / "journal.sqlite3", "b", "May")
    await made.begin("May", 9, 0.0)
    yield made
    await made.close()


async def run(agent: Agent, journal: BatchJournal, rows: int = 2) -> list[Kept]:
    """One command over three boards that are there from the beginning."""
    told: list[Kept] = []
    machine = BatchMachine(
        [make_row(n) for n in range(1, rows + 1)], await journal.load(), waits=False
    )
    runner = agent.runner = BatchRunner(
        machine, agent, journal, concluded=lambda _, kept: told.append(kept)
    )
    runner.see(tuple(make_board(n) for n in range(1, 4)))
    await runner.run()
    return sorted(told, key=lambda kept: kept.n)


async def test_what_is_told_is_in_the_journal(journal: BatchJournal):
    agent = Agent()
    told = await run(agent, journal)
    assert [(kept.n, kept.state, kept.job) for kept in told] == [(1, "done", "1"), (2, "done", "2")]
    assert list((await journal.load()).values()) == told
    assert await run(agent, journal) == []
    assert len(agent.started) == 2


@pytest.mark.parametrize("error", [AgentGone(), NotSignedIn(cloud="c", id="c")])
async def test_what_every_row_would_meet_fails_none_of_them(
    journal: BatchJournal, error: MooringError
):
    agent = Agent([error])
    with pytest.raises(type(error)):
        await run(agent, journal)
    assert all(kept.state != "failed" for kept in (await journal.load()).values())
    await run(agent, journal)
    assert [kept.state for kept in (await journal.load()).values()] == ["done", "done"]
    assert len(agent.jobs) == 2


async def test_a_refusal_of_a_row_is_its_end_and_a_busy_board_is_not(journal: BatchJournal):
    agent = Agent([InputError(field="name", problem="is taken"), PortBusy(port="p", holder="h")])
    told = await run(agent, journal)
    assert [(kept.n, kept.state) for kept in told] == [(1, "failed"), (2, "done")]
    assert told[0].error
    assert told[0].error.code == "input"


async def test_the_job_of_an_earlier_run_is_found_by_board_and_time(journal: BatchJournal):
    agent = Agent()
    await journal.keep(Kept(n=1, board="board-1", since=1000.0), b"")
    await journal.keep(Kept(n=2, board="board-2", job="4", since=1000.0), b"")
    agent.jobs = {
        "1": job_of("1", "board-1", 999.0, JobState.FAILED),
        "2": job_of("2", "board-1", 1001.0),
        "3": job_of("3", "board-1", 1002.0, JobState.FAILED),
        "4": job_of("4", "board-2", 1001.0),
    }
    told = await run(agent, journal)
    assert [(kept.n, kept.state, kept.job) for kept in told] == [(1, "done", "2"), (2, "done", "4")]
    assert not agent.started


async def test_a_row_whose_job_was_never_started_is_begun(journal: BatchJournal):
    agent = Agent()
    await journal.keep(Kept(n=1, board="board-9", since=1000.0), b"")
    told = await run(agent, journal)
    assert [kept.state for kept in told] == ["done", "done"]
    assert len(agent.started) == 2
