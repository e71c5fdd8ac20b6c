"""The agent is killed at each moment of writing a sketch, or ends in the middle, and starts again.

A board that waits in its bootloader is recognised and finished; nothing is written to one that needs
nothing, and no job is left that waits for ever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.boards.board import BoardState
from agent.jobs.facts import FLASHING, Fact, open_flash
from agent.jobs.job import JobState
from agent.jobs.unfinished import HIDDEN_S, SOCKET_S
from agent.simulator.config import BootloaderConfig
from tests.jobs.bench import Hurried
from tests.jobs.crashes import killed
from tests.jobs.flashing import LIMIT_S, ended, flash, happens, in_step, running, runs, sketch, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.jobs.job import Job
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.bench import Bench

MKR, UNO = "mkr_wifi_1010", "uno_r4_wifi"
FLASH: dict[str, Any] = {
    "kind": "flash",
    "sketch": "provisioning",
    "cloud": None,
    "name": None,
    "network": None,
}
MIGRATE: dict[str, Any] = {"kind": "migrate", "confirmed": True}


async def plug(bench: Bench, model: str = MKR, **config: Any) -> SimulatedDevice:
    """A board with a sketch of somebody's own, and what there is to write."""
    device = await bench.plug(model=model, **({"sketch": "other"} | config))
    await bench.publish()
    return device


async def cut_off(bench: Bench, model: str = MKR) -> None:
    """An agent that ends in order in the middle of writing; quicker than one that is killed."""
    await bench.start_agent(clock=bench.hurried)
    file = sketch(bench, model, "provisioning-2.0", size=120_000)
    number = await flash(bench, image=file)
    await in_step(bench, number, "write")
    await bench.stop_agent()


async def left_job(bench: Bench, holds: Callable[[Job], bool]) -> Job:
    """The job that the killed agent left, once that holds."""
    (left,) = await bench.jobs.list(10)
    async with asyncio.timeout(LIMIT_S):
        return await bench.until(left.id, holds, ended=True)


def is_done(job: Job) -> bool:
    return job.state is JobState.DONE


def says(text: str) -> Callable[[Job], bool]:
    return lambda job: (
        job.state is JobState.INTERRUPTED and job.error is not None and text in job.error.meaning
    )


async def settled(bench: Bench) -> bool:
    return await bench.journal.unsettled() == []


async def works(bench: Bench, device: SimulatedDevice, model: str = MKR) -> None:
    """Nothing holds the board, and it takes the next sketch."""
    job = await ended(bench, await flash(bench, image=sketch(bench, model)))
    assert job.state is JobState.DONE, job
    await running(device, "application")


# --- killed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "model"), [("after touch", MKR), ("during write", MKR), ("during write", UNO)]
)
async def test_a_board_in_its_bootloader_is_finished_and_the_job_is_done(bench, moment, model):
    device = await plug(bench, model)
    await killed(bench, moment, **FLASH)
    await bench.start_agent(clock=bench.hurried)
    job = await left_job(bench, is_done)
    await running(device, "provisioning-2.0")
    assert job.result
    assert job.result["sketch"] == f"{model}.bin"
    assert bench.board.provisioning.installed == "2.0"
    assert await settled(bench)
    await works(bench, device, model)


@pytest.mark.parametrize("moment", ["before record flashing", "after record flashing"])
async def test_a_board_that_was_not_touched_yet_keeps_its_sketch(bench: Bench, moment: str):
    device = await plug(bench)
    await killed(bench, moment, **FLASH)
    await bench.start_agent(clock=bench.hurried)
    text = "A sketch runs on the board" if moment.startswith("after") else "Nothing was left"
    await left_job(bench, says(text))
    assert "touch" not in told(bench)
    await running(device, "other")
    assert await settled(bench)
    await works(bench, device)


@pytest.mark.parametrize("moment", ["after record flashed", "after save done"])
async def test_a_sketch_that_is_known_to_be_written_is_done(bench: Bench, moment: str):
    device = await plug(bench)
    await killed(bench, moment, **FLASH)
    await bench.start_agent(clock=bench.hurried)
    job = await left_job(bench, is_done)
    assert job.result
    assert job.result["sketch"] == "mkr_wifi_1010.bin"
    assert job.result["bytes"] == 16_384
    await running(device, "provisioning-2.0")
    assert told(bench).count("flashed") == 1
    assert await settled(bench)


async def test_a_sketch_that_runs_is_not_written_twice(bench: Bench):
    device = await plug(bench)
    await killed(bench, "before record flashed", **FLASH)
    await bench.start_agent(clock=bench.hurried)
    await left_job(bench, says("A sketch runs on the board"))
    assert told(bench).count("flashed") == 1
    await running(device, "provisioning-2.0")
    assert await settled(bench)


@pytest.mark.parametrize("moment", ["during write", "after record flashed"])
async def test_a_migration_says_that_the_new_sketch_is_there_and_can_be_started_again(
    bench, moment
):
    device = await plug(bench, sketch="provisioning-1.0")
    await killed(bench, moment, **MIGRATE)
    await bench.start_agent(clock=bench.hurried)
    job = await left_job(bench, says("The new sketch was written"))
    assert job.error
    assert job.error.remedy == "Start the job again."
    await running(device, "provisioning-2.0")
    assert bench.open_claims() == []
    assert await settled(bench)
    request = {"kind": "migrate", "board": bench.board.id, "prepare_only": True}
    again = await bench.jobs.start(request, attended=False)
    assert (await ended(bench, again)).state is JobState.DONE


async def test_a_board_that_is_absent_at_the_start_is_finished_when_it_appears(bench: Bench):
    device = await plug(bench)
    await cut_off(bench)
    device.unplug()
    await bench.start_agent(clock=bench.hurried)
    job = await left_job(bench, says("was not written to its end"))
    assert bench.boards.list() == []
    await device.plug()
    await left_job(bench, is_done)
    await running(device, "provisioning-2.0")
    assert job.id == "1"


async def test_a_bootloader_without_a_number_is_known_by_its_socket(bench: Bench):
    device = await plug(bench, bootloader=BootloaderConfig(serial_number="none"))
    await cut_off(bench)
    await bench.start_agent(clock=bench.hurried)
    await left_job(bench, is_done)
    await running(device, "provisioning-2.0")
    assert await settled(bench)
    await works(bench, device)


async def test_a_board_that_goes_away_while_it_is_finished_is_waited_for_again(bench: Bench):
    device = await plug(bench)
    await cut_off(bench)
    await bench.start_agent(clock=Hurried())
    await left_job(bench, lambda job: job.state is JobState.RUNNING)
    device.unplug()
    await left_job(bench, says("was not written to its end"))
    await device.plug()
    await left_job(bench, is_done)
    await running(device, "provisioning-2.0")


async def test_a_person_gives_up_what_waits_for_a_board(bench: Bench):
    device = await plug(bench)
    await cut_off(bench)
    device.unplug()
    await bench.start_agent(clock=bench.hurried)
    await left_job(bench, says("was not written to its end"))
    left = (await bench.jobs.list(1))[0].id
    await bench.jobs.cancel(left)
    job = await left_job(bench, says("given up"))
    assert await settled(bench)
    await device.plug()
    await happens(bench, lambda: len(bench.boards.list()) == 1)
    assert bench.board.state is BoardState.BOOTLOADER
    await works(bench, device)
    assert (await bench.jobs.get(job.id)).state is JobState.INTERRUPTED


async def test_a_sketch_that_is_gone_from_the_store_is_told_once(bench: Bench):
    await plug(bench)
    await cut_off(bench)
    for path in (bench.folder / "sketches").glob("*/blink.bin"):
        path.unlink()
    await bench.start_agent(clock=bench.hurried)
    job = await left_job(bench, lambda now: now.state is JobState.FAILED)
    assert job.error
    assert job.error.code == "sketch-damaged"
    await happens_async(bench)


async def happens_async(bench: Bench) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await settled(bench):
            await asyncio.sleep(0.01)


# --- old debts -------------------------------------------------------------------------------


class Later(Hurried):
    """The same, so many seconds later."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def wall(self) -> float:
        return super().wall() + self._seconds


async def test_a_board_whose_bootloader_hides_is_left_alone_after_an_hour(bench: Bench):
    device = await plug(bench, UNO)
    await killed(bench, "after record flashing", **FLASH)
    await bench.start_agent(clock=Later(HIDDEN_S + 60))
    await left_job(bench, says("cannot be seen from outside"))
    assert "touch" not in told(bench)
    await running(device, "other")
    assert await settled(bench)


async def test_another_board_in_that_socket_is_not_written_to_days_later(bench: Bench):
    device = await plug(bench, bootloader=BootloaderConfig(serial_number="none"))
    await cut_off(bench)
    await bench.start_agent(clock=Later(SOCKET_S + 60))
    await left_job(bench, says("was not written to its end"))
    assert device.status().in_bootloader
    assert not await settled(bench)


# --- the agent ends --------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fetch", "enter", "write"])
async def test_the_end_of_the_agent_loses_nothing(bench: Bench, step: str):
    device = await plug(bench)
    await bench.start_agent(clock=bench.hurried)
    if step == "fetch":
        bench.cloud.faults.slow("binary", 1.0)
        number = await flash(bench, sketch="provisioning")
    else:
        number = await flash(bench, image=sketch(bench, MKR, "provisioning-2.0", size=120_000))
    await in_step(bench, number, step)
    await bench.stop_agent()
    await bench.start_agent(clock=bench.hurried)
    if step == "fetch":
        await left_job(bench, says("Nothing was left"))
        await running(device, "other")
    else:
        await left_job(bench, lambda job: is_done(job) or says("A sketch runs")(job))
        assert runs(device) in {"provisioning-2.0", "other"}
        assert not device.status().in_bootloader
    assert await settled(bench)
    await works(bench, device)


async def test_the_end_of_the_agent_while_it_finishes_is_finished_by_the_next_one(bench: Bench):
    device = await plug(bench)
    await cut_off(bench)
    await bench.start_agent(clock=bench.hurried)
    await left_job(bench, lambda job: job.state is JobState.RUNNING)
    await bench.stop_agent()
    await bench.start_agent(clock=bench.hurried)
    await left_job(bench, is_done)
    await running(device, "provisioning-2.0")
    assert await settled(bench)


async def test_what_another_process_writes_is_not_taken_over(bench: Bench):
    device = await plug(bench)
    await bench.start_agent(clock=bench.hurried)
    number = await flash(bench, image=sketch(bench, MKR, size=120_000))
    await in_step(bench, number, "write")
    other = await bench.second_journal()
    assert await other.unsettled(adopt=True) == []
    await other.close()
    assert (await ended(bench, number)).state is JobState.DONE
    await running(device, "application")


def test_the_facts_of_an_earlier_version_are_understood():
    fact = Fact(kind=FLASHING, data={"sha256": "a", "model": MKR, "place": None}, at=5.0)
    found = open_flash([fact])
    assert found
    assert msgspec.to_builtins(found)["since"] == 5.0
