"""The computer is back, whatever ends the work in a board's access point."""

from __future__ import annotations

import asyncio

import pytest

from agent.errors import (
    ApLimit,
    ApNotHeard,
    WifiFailed,
    WifiJoining,
    WifiNotBack,
    WifiStopped,
    WifiUnremembered,
)
from agent.links.access_point import AccessPoints
from agent.links.access_point_note import WayNote
from tests.links.access_point_world import BOARD, BROKEN, HOME, SSID, WAY, TestWifi


@pytest.fixture
def system():
    return TestWifi()


@pytest.fixture
def told() -> list[WifiNotBack]:
    return []


@pytest.fixture
def way_file(tmp_path):
    return tmp_path / "state" / "way.json"


@pytest.fixture
def points(system, told, way_file):
    return AccessPoints(system, way_file, told.append, return_tries=2, return_pause_s=0.0)


async def test_inside_the_way_back_is_on_the_disk_and_afterwards_it_is_not(
    points, system, way_file
):
    async with points.join(SSID) as inside:
        assert system.current == BOARD
        assert WayNote(way_file).read() == WAY
        assert inside.ssid == SSID
    assert system.current == HOME
    assert not way_file.exists()


async def test_an_error_of_the_work_passes_with_the_computer_back(points, system):
    with pytest.raises(KeyError):
        async with points.join(SSID):
            raise KeyError
    assert system.current == HOME


async def test_a_limit_of_the_work_itself_is_not_taken_for_ours(points, system):
    with pytest.raises(TimeoutError):
        async with points.join(SSID):
            raise TimeoutError
    assert system.current == HOME


async def test_the_time_limit_ends_the_work_and_leads_back(points, system):
    with pytest.raises(ApLimit) as caught:
        async with points.join(SSID, limit_s=0.0):
            await asyncio.Event().wait()
    assert caught.value.facts["ssid"] == "Blynk Thermo-4Y1H"
    assert system.current == HOME


async def test_cancelled_work_is_cancelled_after_the_computer_is_back(points, system, way_file):
    inside = asyncio.Event()

    async def work() -> None:
        async with points.join(SSID):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    system.may_return.clear()
    task.cancel()
    await system.returning.wait()
    task.cancel()  # impatient: it is not cut off on the way back
    system.may_return.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert system.current == HOME
    assert not way_file.exists()


async def test_work_that_is_cancelled_on_the_way_back_is_cancelled_after_it(points, system):
    system.may_return.clear()

    async def work() -> None:
        async with points.join(SSID):
            pass

    task = asyncio.create_task(work())
    await system.returning.wait()
    task.cancel()
    system.may_return.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert system.current == HOME


async def test_cancelled_while_joining_the_computer_is_back_too(points, system, way_file):
    system.may_join.clear()

    async def work() -> None:
        async with points.join(SSID):
            raise AssertionError

    task = asyncio.create_task(work())
    await system.joining.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert system.current == HOME
    assert not way_file.exists()


async def test_a_computer_that_stays_away_is_told_and_tried_again_at_the_next_start(
    points, system, told, way_file
):
    with pytest.raises(WifiNotBack) as caught:
        async with points.join(SSID):
            system.running = False
    assert told == [caught.value]
    assert way_file.exists()
    system.running = True
    assert await points.restore() == HOME
    assert system.current == HOME
    assert not way_file.exists()


async def test_cancelled_work_stays_cancelled_where_the_computer_is_not_back(points, system, told):
    inside = asyncio.Event()

    async def work() -> None:
        async with points.join(SSID):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    system.running = False
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(told) == 1


async def test_a_failed_attempt_to_join_leads_back(points, system):
    system.fails = BROKEN
    with pytest.raises(WifiFailed) as caught:
        async with points.join(SSID):
            raise AssertionError
    assert caught.value is BROKEN
    assert system.current == HOME


async def test_what_an_earlier_crash_left_is_mended_before_another_board_is_joined(
    points, system, way_file
):
    WayNote(way_file).write(WAY)
    system.current = None
    async with points.join(SSID):
        assert WayNote(way_file).read() == WAY
    assert system.current == HOME


async def test_what_cannot_be_mended_keeps_its_note_and_no_board_is_joined(
    points, system, way_file
):
    WayNote(way_file).write(WAY)
    system.running = False
    with pytest.raises(WifiNotBack):
        async with points.join(SSID):
            raise AssertionError
    assert WayNote(way_file).read() == WAY


async def test_a_second_board_waits_for_the_first(points, system, told, way_file):
    other = AccessPoints(TestWifi(), way_file, told.append)
    async with points.join(SSID):
        with pytest.raises(WifiJoining):
            async with other.join(SSID):
                raise AssertionError
        with pytest.raises(WifiJoining):
            await other.restore()
    assert system.current == HOME


async def test_without_a_note_nothing_is_asked_of_the_system_at_the_start(points, system):
    system.running = False
    assert await points.restore() is None


async def test_a_note_of_another_system_is_forgotten(points, system, way_file):
    system.name = "another"
    WayNote(way_file).write(WAY)
    assert await points.restore() is None
    assert (system.returns, way_file.exists()) == (0, False)


async def test_where_nothing_can_be_written_nothing_is_changed(system, told, tmp_path):
    (tmp_path / "file").write_text("in the way")
    points = AccessPoints(system, tmp_path / "file" / "way.json", told.append)
    with pytest.raises(WifiUnremembered):
        async with points.join(SSID):
            raise AssertionError
    assert system.current == HOME


async def test_a_board_that_is_not_heard_is_named(points, system):
    system.points = []
    with pytest.raises(ApNotHeard):
        async with points.join(SSID):
            raise AssertionError
    assert system.returns == 0


async def test_a_plan_changes_nothing(points, system):
    computer, choice = await points.plan(SSID)
    assert choice.adapter in computer.adapters
    assert system.current == HOME


async def test_a_system_without_an_answer_is_not_waited_for(system, told, way_file):
    system.may_join.clear()
    points = AccessPoints(system, way_file, told.append, join_limit_s=0.01)
    with pytest.raises(WifiFailed, match="no answer within"):
        async with points.join(SSID):
            raise AssertionError
    assert system.current == HOME


async def test_the_loss_of_the_access_point_is_told_inside(points, system):
    async with points.join(SSID) as inside:
        system.gone.set()
        async with asyncio.timeout(30):
            await inside.lost.wait()
    assert system.current == HOME


async def test_closing_lets_go_of_the_system(points, system):
    await points.close()
    assert system.closed


async def test_a_service_that_is_stopped_changes_nothing(points, system):
    system.running = False
    with pytest.raises(WifiStopped):
        async with points.join(SSID):
            raise AssertionError
    assert (system.current, system.returns) == (HOME, 0)
