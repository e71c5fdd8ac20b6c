"""Boards with a cable and in the air; and many boards in the air at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.errors import BleNotHeard, BluetoothOff, NeedsCable, OtherLinkBusy, PortBusy
from agent.jobs.facts import open_flash
from agent.jobs.job import JobState
from tests.air import ON_LINUX, ble_board
from tests.jobs.test_unfinished import left

if TYPE_CHECKING:
    from agent.boards.board import Board
    from tests.jobs.air_bench import AirBench

pytestmark = ON_LINUX

OFFICE = {"kind": "wifi", "ssid": "Office", "password": "s3cret"}


async def both(in_air: AirBench) -> Board:
    """One board that is on a cable and in the air, known to be one."""
    await in_air.start_air([ble_board("AIR-0", usb=True)])
    await in_air.start_agent()
    wired = await in_air.board_that(lambda board: board.via == "usb")
    await in_air.heard()
    assert len(in_air.boards.list()) == 2
    await in_air.jobs.wait(
        await in_air.jobs.start({"kind": "identify", "board": wired.id}, attended=True)
    )
    found = await in_air.board_that(lambda board: len(board.ports) == 2)
    assert found.id == wired.id
    assert len(in_air.boards.list()) == 1
    return found


async def test_one_board_over_two_links_is_used_over_its_cable_unless_the_air_is_chosen(
    in_air: AirBench,
):
    board = await both(in_air)
    identify = {"kind": "identify", "board": board.id}
    usual = await in_air.jobs.wait(await in_air.jobs.start(identify, attended=True))
    assert usual.request["via"] == "usb"
    number = await in_air.jobs.start(identify | {"via": "ble"}, attended=True)
    chosen = await in_air.jobs.wait(number)
    assert chosen.state is JobState.DONE, chosen
    assert chosen.request["via"] == "ble"
    assert chosen.result == usual.result


async def test_while_a_board_is_used_over_its_cable_the_air_is_refused_with_the_reason(
    in_air: AirBench,
):
    board = await both(in_air)
    identify = {"kind": "identify", "board": board.id}
    async with in_air.boards.lease(board.id, "the serial monitor", via="usb"):
        with pytest.raises(OtherLinkBusy) as caught:
            await in_air.jobs.start(identify | {"via": "ble"}, attended=True)
        with pytest.raises(PortBusy) as same:
            await in_air.jobs.start(identify, attended=True)
    report = caught.value.report()
    assert "the serial monitor" in report.title
    assert "over USB, its firmware does not answer over Bluetooth" in report.meaning
    assert same.value.code == "port-busy"


async def test_while_a_job_has_a_board_in_the_air_its_cable_is_refused_with_the_reason(
    in_air: AirBench,
):
    board = await both(in_air)
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await in_air.provision(board.id, via="ble", network=wrong)
    await in_air.asks(number)
    with pytest.raises(OtherLinkBusy) as caught:
        await in_air.jobs.start({"kind": "identify", "board": board.id}, attended=True)
    with pytest.raises(OtherLinkBusy):
        async with in_air.boards.lease(board.id, "the serial monitor", via="usb"):
            pass
    report = caught.value.report()
    assert f"(job {number})" in report.title
    assert "over Bluetooth, its firmware does not answer over USB" in report.meaning
    await in_air.jobs.cancel(number)
    await in_air.jobs.wait(number)


async def test_a_board_that_is_provisioned_over_its_cable_may_stay_in_the_list(in_air: AirBench):
    board = await both(in_air)
    job = await in_air.jobs.wait(await in_air.provision(board.id))
    assert job.state is JobState.DONE, job
    assert job.result
    assert "notes" not in job.result
    left = await in_air.board_that(lambda each: len(each.ports) == 1)
    assert (left.id, left.via) == (board.id, "usb")


@pytest.mark.parametrize("kind", ["flash", "migrate", "start"])
async def test_what_needs_a_cable_is_refused_at_once_for_a_board_in_the_air(
    in_air: AirBench, kind: str
):
    await in_air.start_air()
    await in_air.start_agent()
    await in_air.arduino.logout()
    with pytest.raises(NeedsCable) as caught:
        await in_air.jobs.start({"kind": kind, "board": (await in_air.heard()).id}, attended=True)
    assert "cable" in caught.value.report().remedy


async def test_a_board_on_a_cable_that_is_not_heard_says_how_to_wake_its_bluetooth(
    in_air: AirBench,
):
    board = await both(in_air)
    in_air.air.switch_ble(on=False)
    await in_air.board_that(lambda each: len(each.ports) == 1)
    with pytest.raises(BleNotHeard) as caught:
        await in_air.jobs.start(
            {"kind": "identify", "board": board.id, "via": "ble"}, attended=True
        )
    assert "connect pin 2 to GND for 3 seconds" in caught.value.report().remedy


async def test_while_bluetooth_is_off_nobody_is_told_to_reset_the_board(in_air: AirBench):
    board = await both(in_air)
    await in_air.air.radio("off")
    await in_air.board_that(lambda each: len(each.ports) == 1)
    with pytest.raises(BluetoothOff) as caught:
        await in_air.jobs.start(
            {"kind": "identify", "board": board.id, "via": "ble"}, attended=True
        )
    assert "pin" not in caught.value.report().remedy


async def test_a_cable_that_is_pulled_out_does_not_turn_a_job_to_the_air(in_air: AirBench):
    board = await both(in_air)
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await in_air.provision(board.id, network=wrong)
    await in_air.asks(number)
    in_air.devices[0]._close_port()
    asking = await in_air.until(
        number, lambda now: now.question and now.question.title.startswith("The board is gone")
    )
    assert asking.question
    await in_air.jobs.cancel(number)
    job = await in_air.jobs.wait(number)
    assert job.state is JobState.CANCELLED
    assert in_air.open_claims() == []


async def test_a_sketch_that_was_not_finished_waits_for_the_cable(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent(clock=in_air.hurried)
    board = await in_air.heard()
    job, flash = await left(in_air)
    in_air.jobs._unfinished.pursue(job, flash)
    read = await in_air.jobs.wait(await in_air.job("identify"))
    assert (read.state, read.board) == (JobState.DONE, board.id)
    assert open_flash(await in_air.journal.facts(job.id)) is not None
    assert await in_air.jobs._unfinished.cancel(job.id)


async def test_ten_boards_in_the_air_are_set_up_at_once(in_air: AirBench):
    devices = await in_air.start_air(10)
    await in_air.start_agent()
    boards = [await in_air.heard(n) for n in range(10)]
    numbers = [
        await in_air.provision(board.id, name=f"sensor-{n}", via="ble")
        for n, board in enumerate(boards)
    ]
    jobs = await asyncio.gather(*(in_air.jobs.wait(number) for number in numbers))
    for device, job in zip(devices, jobs, strict=True):
        assert job.state is JobState.DONE, job
        assert job.result
        assert job.result["device_id"] == device.status().device_id
    assert sum(in_air.cloud.record.claims.values()) == 10
    assert not in_air.radio.connected
