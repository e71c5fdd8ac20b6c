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
from agent.settings import Secret
from tests.jobs.batch_world import make_board, make_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
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
    files: tuple[str, ...] = ()
    file_refusals: list[MooringError] = field(default_factory=list)
    disk_full: bool = False
    runner: BatchRunner = field(init=False)

    async def start(self, row: Row, request: dict[str, Any]) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.started.append(request)
        number = str(len(self.jobs) + 1)
        job = job_of(number, request["board"], time.time())
        result = (job.result or {}) | {"files": list(self.files)}
        job = self.jobs[number] = replace(job, result=result, request={"name": request["name"]})
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

    async def file(self, job: str, name: str) -> Secret:
        if self.file_refusals:
            raise self.file_refusals.pop(0)
        return Secret(f"{job} {name}")

    async def save(self, kept: Kept, files: Mapping[str, Secret]) -> tuple[str, ...]:
        if self.disk_full:
            raise InputError(field="out", problem="cannot be written: No space left on device")
        return tuple(f"{kept.n}-{name}: {text.reveal()}" for name, text in files.items())


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[BatchJournal]:
    made = await open_batch(tmp_path / "journal.sqlite3", "b", "May")
    await made.begin("May", 9, 0.0)
    yield made
    await made.close()


async def run(agent: Agent, journal: BatchJournal, **changes: Any) -> list[Kept]:
    """One command with two rows over three boards that are there from the beginning."""
    told: list[Kept] = []
    rows = [make_row(n, **changes) for n in (1, 2)]
    machine = BatchMachine(rows, await journal.load(), waits=False)
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


async def test_a_job_without_a_board_is_found_by_its_name(journal: BatchJournal):
    agent = Agent()
    await journal.keep(Kept(n=1, since=1000.0), b"")
    await journal.keep(Kept(n=2, since=1000.0), b"")
    agent.jobs = {
        "1": replace(job_of("1", "", 999.0), request={"name": "dev-1"}),
        "2": replace(job_of("2", "", 1001.0), request={"name": "dev-2"}),
        "3": replace(job_of("3", "board-1", 1001.0), request={"name": "dev-1"}),
    }
    told = await run(agent, journal, delivery="header")
    assert [(kept.n, kept.state, kept.job) for kept in told] == [(1, "done", "4"), (2, "done", "2")]
    assert [request["board"] for request in agent.started] == [""]


async def test_a_file_that_the_agent_has_no_more_is_made_again(journal: BatchJournal):
    agent = Agent(files=("s.h",))
    agent.file_refusals = [InputError(field="name", problem="is no longer kept")]
    told = await run(agent, journal, delivery="header")
    assert [kept.files for kept in told] == [["1-s.h: 3 s.h"], ["2-s.h: 2 s.h"]]


async def test_an_agent_that_leaves_before_a_file_is_fetched_fails_no_row(journal: BatchJournal):
    agent = Agent(files=("s.h",), file_refusals=[AgentGone()])
    with pytest.raises(AgentGone):
        await run(agent, journal, delivery="header")
    assert all(kept.state != "failed" for kept in (await journal.load()).values())
    await run(agent, journal, delivery="header")
    assert [kept.state for kept in (await journal.load()).values()] == ["done", "done"]
    assert len(agent.jobs) == 2


async def test_a_file_that_cannot_be_written_is_the_end_of_its_row(journal: BatchJournal):
    agent = Agent(files=("s.h",), disk_full=True)
    told = await run(agent, journal, delivery="header")
    assert [kept.state for kept in told] == ["failed", "failed"]
    assert len(agent.jobs) == 2
