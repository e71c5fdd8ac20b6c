"""A board that is in its bootloader is told to start its sketch, from end to end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import Board, BoardState
from agent.errors import InputError
from agent.jobs.flash_effects import Upload
from agent.jobs.job import Job, JobState
from agent.simulator.images import ImageIdentity, build_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs.bench import Bench

LIMIT_S = 30.0


async def board_that(bench: Bench, holds: Callable[[Board], bool]) -> Board:
    """The only board, once that holds for it."""
    changed = asyncio.Event()
    unsubscribe = bench.boards.subscribe(lambda _: changed.set())
    try:
        async with asyncio.timeout(LIMIT_S):
            while True:
                boards = bench.boards.list()
                if len(boards) == 1 and holds(boards[0]):
                    return boards[0]
                await changed.wait()
                changed.clear()
    finally:
        unsubscribe()


def in_loader(board: Board) -> bool:
    return board.state is BoardState.BOOTLOADER


async def run(bench: Bench, **request: Any) -> Job:
    job = await bench.jobs.start(request, attended=False)
    async with asyncio.timeout(LIMIT_S):
        return await bench.jobs.wait(job)


async def start(bench: Bench, board: Board) -> Job:
    return await run(bench, kind="start", board=board.id)


async def test_a_board_in_its_loader_starts_its_sketch_and_stays_the_same_board(bench):
    device = await bench.plug(model="mkr_wifi_1010")
    await bench.start_agent()
    before = bench.board
    device.press_reset(2)
    await board_that(bench, in_loader)
    job = await start(bench, before)
    assert (job.state, job.title) == (JobState.DONE, "Starting the sketch of Arduino MKR WiFi 1010")
    assert job.result is not None
    assert job.result["started"] is True
    assert [(step.name, step.message) for step in job.steps] == [
        ("Start the sketch", "its sketch runs")
    ]
    assert (bench.board.id, bench.board.state) == (before.id, BoardState.READY)
    assert device.status().runs == "provisioning-2.0"


async def test_a_board_whose_sketch_is_gone_is_back_in_its_loader_and_that_is_said(bench):
    device = await bench.plug(model="mkr_wifi_1010")
    await bench.start_agent()
    device.touched()  # a touch erases the beginning of the sketch
    board = await board_that(bench, in_loader)
    job = await start(bench, board)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == "flash-sketch-gone"
    assert in_loader(await board_that(bench, in_loader))


async def test_behind_a_bridge_the_loader_itself_is_asked(bench):
    device = await bench.plug(model="uno_r4_wifi")
    await bench.start_agent()
    ran = await start(bench, bench.board)
    device.press_reset(2)
    started = await start(bench, bench.board)
    assert [job.result["started"] for job in (ran, started) if job.result] == [False, True]
    assert device.status().runs == "provisioning-2.0"


async def test_behind_a_bridge_a_sketch_that_was_not_written_to_its_end_does_not_start(bench):
    device = await bench.plug(model="uno_r4_wifi")
    await bench.start_agent()
    model = bench.catalog.get("uno_r4_wifi")
    data = build_image(ImageIdentity(runs="application", fqbn=model.fqbn), model, 100_000)
    request = {
        "kind": "flash",
        "board": bench.board.id,
        "image": Upload(name="sketch.bin", data=data),
    }
    job = await bench.jobs.start(request, attended=False)
    await bench.until(
        job, lambda now: any(s.id == "write" and (s.progress or 0) > 0.2 for s in now.steps)
    )
    await bench.jobs.cancel(job)
    assert (await bench.jobs.wait(job)).error.code == "flash-stopped"
    failed = await start(bench, bench.board)
    assert failed.error is not None
    assert failed.error.code == "flash-sketch-gone"
    assert device.status().in_bootloader


async def test_a_sketch_that_runs_is_left_alone(bench):
    device = await bench.plug(model="mkr_wifi_1010")
    await bench.start_agent()
    job = await start(bench, bench.board)
    assert job.result is not None
    assert job.result["started"] is False
    assert (device.status().resets, job.steps[0].message) == (0, "its sketch ran already")


@pytest.mark.system("linux", "darwin")
async def test_an_espressif_board_is_reset_by_its_tool(bench):
    device = await bench.plug(model="esp32", sketch="other")
    await bench.start_agent()
    job = await run(bench, kind="start", board=bench.board.id, model="esp32")
    assert job.result is not None
    assert job.result["started"] is True
    assert not device.status().in_bootloader


async def test_a_board_that_only_a_person_can_start_says_what_to_do(bench):
    device = await bench.plug(model="nano_rp2040_connect")
    await bench.start_agent()
    device.press_reset(2)
    job = await start(bench, await board_that(bench, in_loader))
    assert job.error is not None
    assert job.error.code == "board-not-supported"
    assert "Press RESET" in job.error.remedy


async def test_a_request_says_no_more_than_the_board(bench):
    await bench.plug(model="mkr_wifi_1010")
    await bench.start_agent()
    with pytest.raises(InputError, match="is not used by start"):
        await run(bench, kind="start", board=bench.board.id, sketch="provisioning")
