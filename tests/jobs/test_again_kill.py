"""The agent is killed (``kill -9``) while it restores or removes, and started again: real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.jobs.job import JobState
from tests.jobs.enrol_bench import FACTS, EnrolBench
from tests.jobs.enrol_kills import AT_COMMIT, Agents, many_agents

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from agent.catalog import Catalog
    from agent.jobs.job import Job

NAME = f"esp32-{FACTS['id']}"


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    with many_agents() as made:
        yield made


@pytest.fixture
async def bench(tmp_path: Path, catalog: Catalog) -> AsyncIterator[EnrolBench]:
    """A board that works with the only entry of the vault; no agent runs."""
    made = EnrolBench(tmp_path, catalog)
    await made.start()
    try:
        await made.start_agent(made.account(administrator=True))
        assert (await made.jobs.wait(await made.provision())).state is JobState.DONE
        await made.stop_agent()
        yield made
    finally:
        await made.stop()


async def left_by_kill(bench: EnrolBench) -> Job:
    await bench.start_agent()
    newest, _ = await bench.jobs.list(10)
    return await bench.ended(newest.id)


async def once_more(bench: EnrolBench, **request: object) -> Job:
    return await bench.jobs.wait(await bench.jobs.start(request, attended=False))


@pytest.mark.parametrize("moment", [AT_COMMIT, "before vault.prove"])
async def test_a_restore_that_is_killed_loses_nothing(
    bench: EnrolBench, agents: Agents, moment: str
):
    (entry,) = (await bench.vault.list()).entries
    before = dict(bench.board.values)
    bench.board.values.clear()
    await agents.killed(bench, moment, kind="restore", entry=entry.id, cloud=None)
    left = await left_by_kill(bench)
    # Once the board said that it is connected, all was done.
    done = moment == "before vault.prove"
    assert left.state is (JobState.DONE if done else JobState.INTERRUPTED)
    if not done:
        assert left.error
        assert entry.id in left.error.meaning
    assert [(each.id, each.state) for each in (await bench.vault.list()).entries] == [
        (entry.id, "proven")
    ]
    (board,) = bench.boards.list()
    job = await once_more(bench, kind="restore", board=board.id, entry=entry.id)
    assert job.state is JobState.DONE, job
    assert bench.board.values == before


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (AT_COMMIT, "may have lost its settings"),
        ("after cloud.delete", "is not known"),
        ("before vault.forget", "is deleted"),
    ],
)
async def test_a_removal_that_is_killed_says_what_is_left_and_is_finished(
    bench: EnrolBench, agents: Agents, moment: str, told: str
):
    (entry,) = (await bench.vault.list()).entries
    await agents.killed(bench, moment, kind="remove", confirmed=True)
    left = await left_by_kill(bench)
    assert left.state is JobState.INTERRUPTED
    assert left.error
    assert told in left.error.title
    # What is known of the device goes last.
    assert [each.id for each in (await bench.vault.list()).entries] == [entry.id]
    (board,) = bench.boards.list()
    job = await once_more(bench, kind="remove", board=board.id, cloud="thingsboard", confirmed=True)
    assert job.state is JobState.DONE, job
    assert bench.board.values == {}
    assert bench.server.state.devices == {}
    assert (await bench.vault.list()).entries == []
