"""A device is removed from a board, a simulated ThingsBoard and the vault, over real parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import InputError, NotSignedIn
from agent.jobs.job import JobState
from agent.simulator.thingsboard_faults import Fault
from tests.jobs.enrol_bench import FACTS, EnrolBench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.catalog import Catalog

NAME = f"esp32-{FACTS['id']}"


@pytest.fixture
async def bench(tmp_path: Path, catalog: Catalog) -> AsyncIterator[EnrolBench]:
    """A board that works with the only entry of the vault."""
    made = EnrolBench(tmp_path, catalog)
    await made.start()
    try:
        await made.start_agent(made.account(administrator=True))
        assert (await made.jobs.wait(await made.provision())).state is JobState.DONE
        yield made
    finally:
        await made.stop()


async def remove(bench: EnrolBench, **changes: Any) -> str:
    board = "" if "name" in changes else bench.boards.list()[0].id
    request = {"kind": "remove", "board": board, "cloud": "thingsboard", **changes}
    return await bench.jobs.start(request, attended=not changes.get("confirmed"))


async def test_the_board_has_nothing_the_name_is_free_and_the_vault_is_empty(bench: EnrolBench):
    number = await remove(bench)
    asked = await bench.asks(number)
    assert asked.question
    assert [fate.fate for fate in asked.question.fates] == ["lost", "lost", "kept", "lost"]
    assert bench.board.values
    await bench.jobs.answer(number, {"action": "continue"})
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["erased"]
    assert bench.board.values == {}
    assert bench.server.state.devices == {}
    assert (await bench.vault.list()).entries == []
    # The name is free: the same board can be set up again.
    assert (await bench.jobs.wait(await bench.provision())).state is JobState.DONE


async def test_a_device_without_its_board_is_removed_by_name(bench: EnrolBench):
    bench.board.unplug()
    job = await bench.jobs.wait(await remove(bench, name=NAME, confirmed=True))
    assert job.state is JobState.DONE, job
    assert (job.board, job.board_name) == ("", NAME)
    assert bench.server.state.devices == {}
    assert (await bench.vault.list()).entries == []


async def test_what_the_end_of_the_agent_left_is_told_and_the_next_job_finishes(bench: EnrolBench):
    number = await remove(bench)
    await bench.asks(number)
    bench.server.faults.add(Fault("status", operation="admin", times=None, status=403))
    await bench.jobs.answer(number, {"action": "continue"})
    asked = await bench.asks(number, after=1)
    assert asked.question
    assert "no settings any more" in asked.question.safe
    await bench.stop_agent()
    left = await bench.start_agent()
    ended = await left.get(number)
    assert ended.state is JobState.INTERRUPTED
    assert ended.error
    assert "no settings any more" in ended.error.meaning
    assert bench.board.values == {}
    assert len((await bench.vault.list()).entries) == 1
    bench.server.faults.clear()
    job = await bench.jobs.wait(await remove(bench, confirmed=True))
    assert job.state is JobState.DONE, job
    assert bench.server.state.devices == {}
    assert (await bench.vault.list()).entries == []


async def test_requests_that_mean_nothing_are_refused(bench: EnrolBench):
    for wrong in ({"cloud": "none"}, {"cloud": None}, {"name": ""}):
        with pytest.raises(InputError):
            await remove(bench, **wrong)
    await bench.stop_agent()
    (bench.folder / "accounts.json").unlink()
    await bench.start_agent()
    with pytest.raises(NotSignedIn):
        await remove(bench, name=NAME, confirmed=True)
