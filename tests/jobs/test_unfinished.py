"""What waits for a board whose sketch was not finished; the whole of it is in test_flash_crash.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.jobs.facts import FLASHING, Fact, open_flash
from agent.jobs.job import Job, JobKind, JobState
from agent.jobs.unfinished import GIVEN_UP, flash_left

if TYPE_CHECKING:
    from agent.jobs.facts import OpenFlash
    from tests.jobs.bench import Bench


async def left(bench: Bench, model: str = "uno_r4_wifi") -> tuple[Job, OpenFlash]:
    """A job that an earlier agent left in the middle, in the journal."""
    now = bench.hurried.wall()
    job = Job(
        id=await bench.journal.reserve(),
        kind=JobKind.FLASH,
        board=bench.board.id,
        title="Writing a sketch",
        created_at=now,
        state=JobState.INTERRUPTED,
    )
    await bench.journal.save(job)
    fact = Fact(kind=FLASHING, data={"sha256": "ab" * 32, "model": model, "place": "9-1"}, at=now)
    await bench.journal.record(job.id, fact)
    found = open_flash([fact])
    assert found
    return job, found


async def test_a_job_that_writes_to_the_board_takes_it_over(bench: Bench):
    await bench.plug()
    await bench.start_agent(clock=bench.hurried)
    job, flash = await left(bench)
    unfinished = bench.jobs._unfinished
    async with bench.boards.lease(bench.board.id, "another job") as lease:
        unfinished.pursue(job, flash)
        unfinished.pursue(job, flash)
        assert unfinished.job(job.id) is None
        await unfinished.take_over(lease.board)
        assert await unfinished.cancel(job.id) is False
    now = await bench.jobs.get(job.id)
    assert now.error
    assert "Another job" in now.error.meaning
    assert open_flash(await bench.journal.facts(job.id)) is None
    assert bench.changes[-1].job == job.id


async def test_a_model_that_is_not_known_is_left_to_an_agent_that_knows_it(bench: Bench):
    await bench.plug()
    await bench.start_agent(clock=bench.hurried)
    job, flash = await left(bench, "a_later_model")
    bench.jobs._unfinished.pursue(job, flash)
    assert await bench.jobs._unfinished.cancel(job.id) is False
    assert open_flash(await bench.journal.facts(job.id)) is not None


def test_a_board_that_was_left_without_a_sketch_is_not_called_untouched():
    def ended(how: str) -> list[Fact]:
        return [
            Fact(kind="flashing", data={}, at=1.0),
            Fact(kind="flashed", data={"how": how}, at=2),
        ]

    assert flash_left(ended("stopped")) == flash_left(ended("given up")) == GIVEN_UP
    assert flash_left(ended("untouched")) is None
    assert flash_left(ended("written")) is None
    assert flash_left([]) is None


async def test_while_the_agent_is_paused_the_board_is_waited_for_all_the_same(bench: Bench):
    await bench.plug()
    await bench.start_agent(clock=bench.hurried)
    job, flash = await left(bench)
    await bench.boards.pause.begin()
    bench.jobs._unfinished.pursue(job, flash)
    for _ in range(5):
        await bench.hurried.sleep(1.0)
    assert bench.boards.pause.state.waiting == 0
    assert open_flash(await bench.journal.facts(job.id)) is not None
    assert await bench.jobs._unfinished.cancel(job.id) is True
