"""Rows whose settings become a file: they need no board, and are made once wherever it is killed."""

from __future__ import annotations

from typing import Any

import pytest

from agent.jobs.batch_records import Begin, Stopped
from agent.jobs.batch_room import PARALLEL
from agent.jobs.batch_row import Row, name_without_board
from agent.jobs.job import JobState
from tests.jobs.batch_world import FAILED, World, make_board, make_row

HEADER = ("mooring_settings.h",)


def header(n: int, **changes: Any) -> Row:
    return make_row(n, **({"delivery": "header", "model": ""} | changes))


def states(world: World) -> dict[int, str]:
    return {kept.n: kept.state for kept in world.machine.ended.values()}


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (header(7), "dev-7"),
        (header(7, delivery="image", model="any"), "dev-7"),
        (header(7, name="a-{model}", model="esp32"), "a-esp32"),
        (header(7, name="a-{serial_number}", by="serial_number", value="3C:C6"), "a-3CC6"),
        (header(7, name="a-{hardware_id}", by="hardware_id", value="3C:C6"), "a-3cc6"),
        (header(7, by="port", value="1-2"), "dev-7"),
    ],
)
def test_a_name_that_the_manifest_knows_needs_no_board(row: Row, name: str):
    assert not row.needs_board
    assert name_without_board(row) == name


@pytest.mark.parametrize(
    "row",
    [
        header(7, delivery="console"),
        header(7, delivery=""),
        header(7, name=""),
        header(7, name="a-{model}"),
        header(7, name="a-{model}", model="any"),
        header(7, name="a-{model}", model="303a:1001"),
        header(7, name="a-{serial_number}"),
        header(7, name="a-{serial_number}", by="hardware_id", value="3CC6"),
    ],
)
def test_what_only_a_board_can_tell_waits_for_it(row: Row):
    assert row.needs_board


def test_no_board_has_to_be_there_nor_looked_for():
    world = World([header(n) for n in range(1, 31)], files=HEADER)
    world.news.clear()
    world.settle()
    assert len(world.running) == PARALLEL["thingsboard"]
    assert world.finish().over
    assert states(world) == dict.fromkeys(range(1, 31), "done")
    assert {job.board for job in world.jobs.values()} == {""}
    assert len(world.saved) == len(world.jobs) == 30


def test_boards_go_on_beside_them_and_are_taken_first():
    world = World([*(header(n) for n in range(1, 20)), make_row(20)])
    world.plug(make_board(1))
    world.settle()
    world.end(world.running[0].id)
    world.settle()
    assert [job.board for job in world.running].count("board-1") == 1
    assert world.machine.waits_for_turn == 19 - PARALLEL["thingsboard"]
    assert world.finish().over


def test_a_board_that_such_a_row_names_is_free_for_others():
    world = World([header(1, by="serial_number", value="3CC661000001"), make_row(2)])
    world.plug(make_board(1))
    world.finish()
    assert states(world) == {1: "done", 2: "done"}
    assert world.machine.ended[2].board == "board-1"


def test_what_the_agent_cannot_take_now_is_begun_later():
    world = World([header(1), header(2)], {"parallel": 1})
    world.refusals = 3
    assert world.finish().over
    assert states(world) == {1: "done", 2: "done"}


def test_they_are_not_begun_when_it_is_stopped_and_nothing_more_is_waited_for():
    world = World([header(n) for n in range(1, 30)])
    world.settle()
    world.news.append(Stopped())
    world.finish()
    assert world.over
    assert len(world.told) == PARALLEL["thingsboard"]
    assert world.begin(waits=False).finish().over
    assert len(world.told) == 29


@pytest.mark.parametrize("again", ["same", "any"])
def test_a_row_that_failed_is_tried_again_and_a_refusal_leaves_what_is_known(again: str):
    world = World([header(1)])
    world.finish(JobState.FAILED)
    job = world.journal[1].job
    assert world.begin().finish().over
    assert states(world) == {1: "failed"}
    world.begin(again=again)
    assert any(isinstance(each, Begin) for each in world.doings)
    world.refusals = 1
    while world.refusals:
        world.turn()
    assert world.journal[1].job == ""
    while world.running == [] and world.journal[1].job != job:
        assert world.turn()
    assert not world.running
    assert world.finish().over
    assert states(world) == {1: "done"}


def test_a_file_that_went_with_the_agent_is_made_again_once():
    world = World([header(1)], files=HEADER)
    world.settle()
    world.lost = {"1"}
    world.finish()
    assert states(world) == {1: "done"}
    assert world.saved == {1: "2"}
    unlucky = World([header(1)], files=HEADER)
    unlucky.lost = {"1", "2"}
    unlucky.finish()
    assert unlucky.machine.ended[1].error == FAILED
    assert len(unlucky.jobs) == 2


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("half", [True, False])
def test_it_may_be_killed_before_and_inside_each_thing_that_it_does(alone: bool, half: bool):
    for moment in range(70):
        world = World([header(n) for n in range(1, 5)], {"parallel": 2}, files=HEADER)
        for count in range(moment):
            if not world.turn() and world.running:
                world.end(world.running[count % len(world.running)].id)
        world.kill(alone=alone, half=half)
        world.finish()
        assert world.over
        assert states(world) == dict.fromkeys(range(1, 5), "done")
        assert sorted(world.saved) == [1, 2, 3, 4], "a file is missing"
        assert {job.request["name"] for job in world.jobs.values()} == {
            f"dev-{n}" for n in range(1, 5)
        }
        if not alone:
            assert len(world.jobs) == 4
