"""The machine of a batch: no row is done twice, none is lost, wherever it is killed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from agent.boards.board import BoardState
from agent.jobs.batch_machine import FAILURES_MAX
from agent.jobs.batch_records import Begin, Refused, Stopped
from agent.jobs.batch_room import PARALLEL
from agent.jobs.job import JobState
from tests.jobs.batch_world import FAILED, World, make_board, make_row


def states(world: World) -> dict[int, str]:
    return {kept.n: kept.state for kept in world.machine.ended.values()}


def test_each_row_gets_the_next_board_that_is_plugged_in():
    world = World([make_row(1), make_row(2)])
    world.settle()
    assert not world.over
    world.plug(make_board(1))
    world.finish()
    world.plug(make_board(2))
    world.finish()
    assert [(kept.n, kept.board) for kept in world.told] == [(1, "board-1"), (2, "board-2")]
    assert world.over


def test_boards_that_are_there_at_once_get_their_rows_in_the_order_of_their_sockets():
    world = World([make_row(n) for n in (1, 2, 3)])
    world.plug(make_board(10), make_board(9), make_board(1))
    world.finish()
    assert [world.machine.ended[n].socket for n in (1, 2, 3)] == ["1-1", "1-9", "1-10"]


def test_a_board_that_was_done_is_not_taken_for_another_row():
    world = World([make_row(1), make_row(2)])
    world.plug(make_board(1))
    world.finish()
    world.unplug("board-1")
    world.plug(make_board(1))
    world.finish()
    assert states(world) == {1: "done"}


def test_a_socket_with_boards_without_a_number_takes_the_next_one_when_the_first_was_pulled():
    world = World([make_row(1), make_row(2)])
    world.plug(make_board(1, serial=False, place="1-1"))
    world.finish()
    assert states(world) == {1: "done"}
    world.unplug("place-1-1")
    world.plug(make_board(2, serial=False, place="1-1"))
    world.finish()
    assert states(world) == {1: "done", 2: "done"}


@pytest.mark.parametrize("name", ["line-{hardware_id}", ""])
def test_a_board_without_a_number_that_comes_again_is_not_counted_twice(name: str):
    world = World([make_row(1, name=name), make_row(2, name=name)])
    first, second = (make_board(n, serial=False) for n in (1, 2))
    world.digits = {first.id: "24a1", second.id: "24a1"}
    world.plug(first)
    world.finish()
    world.unplug(first.id)
    world.plug(second)
    world.finish()
    assert states(world) == {1: "done"}
    assert len(world.jobs) == 2
    world.unplug(second.id)
    world.digits[second.id] = "24b2"
    world.plug(second)
    world.finish()
    assert states(world) == {1: "done", 2: "done"}
    assert world.begin().finish().over


def test_a_board_that_became_another_device_is_told():
    world = World([make_row(n, confirmed=True) for n in (1, 2)])
    first, second = (make_board(n, serial=False) for n in (1, 2))
    world.digits = {first.id: "24a1", second.id: "24a1"}
    world.plug(first)
    world.finish()
    world.plug(second)
    world.finish()
    assert world.machine.ended[2].error
    assert world.machine.ended[2].error.code == "batch-twice"


@pytest.mark.parametrize(
    ("by", "value"),
    [
        ("serial_number", "3c:c6:61:00:00:02"),
        ("hardware_id", "3cc661000002"),
        ("port", "1-2"),
        ("port", "/dev/ttyACM2"),
        ("board", "board-2"),
    ],
)
def test_a_board_that_a_row_names_is_for_no_other_row(by: str, value: str):
    world = World([make_row(1), make_row(2, by=by, value=value, model="")])
    world.plug(make_board(2))
    world.finish()
    assert states(world) == {2: "done"}
    world.plug(make_board(1))
    world.finish()
    assert world.machine.ended[1].board == "board-1"


def test_rows_of_other_models_wait():
    world = World([make_row(1, model="uno_r4_wifi"), make_row(2, model="303a:1001")])
    world.plug(make_board(1))
    world.finish()
    assert states(world) == {2: "done"}
    assert [row.n for row in world.machine.waits_for()] == [1]


def test_no_more_boards_are_begun_at_a_time_than_their_cloud_bears():
    world = World([make_row(n) for n in range(1, 31)])
    world.plug(*(make_board(n) for n in range(30)))
    world.settle()
    assert len(world.running) == PARALLEL["thingsboard"]
    world.finish()
    assert len(world.told) == 30
    few = World([make_row(n) for n in range(1, 31)], {"parallel": 3})
    few.plug(*(make_board(n) for n in range(30)))
    few.settle()
    assert len(few.running) == 3


def test_a_board_that_somebody_holds_is_begun_later():
    world = World([make_row(1)])
    world.plug(make_board(1, state=BoardState.BUSY, holder="a monitor"))
    world.settle()
    assert not world.jobs
    world.plug(make_board(1))
    world.refusals = 2
    world.settle()
    assert len(world.jobs) == 1
    assert world.finish().over


def test_only_boards_that_are_there_are_done_if_nobody_waits():
    world = World([make_row(1), make_row(2)], {"waits": False})
    world.plug(make_board(1))
    assert world.finish().over
    assert states(world) == {1: "done"}


def test_when_it_is_stopped_what_was_begun_comes_to_its_end():
    world = World([make_row(n) for n in range(1, 5)], {"parallel": 2})
    world.plug(*(make_board(n) for n in range(4)))
    world.settle()
    world.news.append(Stopped())
    world.finish()
    assert world.over
    assert len(world.told) == 2


def test_a_row_that_failed_is_left_until_it_is_asked_for_and_then_on_its_board():
    world = World([make_row(1), make_row(2)])
    world.plug(make_board(1))
    world.finish(JobState.FAILED)
    assert states(world) == {1: "failed"}
    world.begin().finish()
    assert states(world) == {1: "failed"}
    world.unplug("board-1")
    world.plug(make_board(2))
    world.finish()
    world.begin(again="same")
    world.plug(make_board(3))
    world.finish()
    assert states(world) == {2: "done"}
    world.plug(make_board(1))
    world.finish()
    assert states(world) == {1: "done", 2: "done"}
    assert world.machine.ended[1].board == "board-1"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_board_that_is_held_meanwhile_keeps_the_row_that_failed_on_it(restarted: bool):
    world = World([make_row(1), make_row(2)])
    world.plug(make_board(1))
    world.finish(JobState.FAILED)
    world.begin(again="same")
    world.refusals = 1
    while world.refusals:
        world.turn()
    world.unplug("board-1")
    world.settle()
    if restarted:
        world.begin(again="same")
    world.plug(make_board(2))
    world.finish()
    assert states(world) == {2: "done"}
    world.plug(make_board(1))
    world.finish()
    assert states(world) == {1: "done", 2: "done"}
    assert world.machine.ended[1].board == "board-1"


def test_a_row_that_is_refused_is_still_that_of_its_board():
    world = World([make_row(1)])
    world.plug(make_board(1))
    world.finish(JobState.FAILED)
    job = world.journal[1].job
    world.begin(again="same")
    while not any(isinstance(each, Begin) for each in world.doings):
        world.turn()
    world.doings.clear()
    world.news.append(Refused(1, FAILED))
    world.settle()
    assert (world.journal[1].state, world.journal[1].job) == ("failed", job)


def test_a_row_that_failed_may_be_given_to_another_board():
    world = World([make_row(1)])
    world.plug(make_board(1))
    world.finish(JobState.FAILED)
    world.begin(again="any")
    world.finish()
    assert not world.machine.ended, "the board that failed is not taken again"
    world.plug(make_board(2))
    world.finish()
    assert world.machine.ended[1].board == "board-2"


def test_after_many_failures_one_after_the_other_the_rest_is_left_alone():
    world = World([make_row(n) for n in range(1, 21)], {"parallel": 1})
    world.plug(*(make_board(n) for n in range(20)))
    world.finish(JobState.FAILED)
    assert world.over
    assert world.machine.gave_up
    assert world.machine.counts.failed == FAILURES_MAX


def test_a_name_is_made_from_the_board():
    world = World([make_row(1, name="line3-{serial_number}")])
    world.plug(make_board(7))
    world.finish()
    assert world.machine.ended[1].device == "line3-3CC661000007"
    without = World([make_row(1, name="line3-{serial_number}")])
    without.plug(make_board(7, serial=False))
    without.finish()
    assert without.machine.ended[1].error
    assert without.machine.ended[1].error.code == "input"
    assert not without.jobs


def test_files_are_saved_before_a_row_is_done():
    world = World([make_row(1, delivery="header")], files=("mooring_settings.h",))
    world.plug(make_board(1))
    world.finish()
    assert world.journal[1].files == ["/out/mooring_settings.h"]


@pytest.mark.parametrize("name", ["dev-1", "line-{hardware_id}"])
def test_what_was_cut_off_in_a_socket_is_not_given_to_whatever_is_there_now(name: str):
    world = World([make_row(1, name=name)])
    world.plug(make_board(1, serial=False, place="1-1"))
    world.settle()
    world.kill(alone=True)
    world.finish()
    if name == "dev-1":
        assert world.machine.ended[1].error
        assert world.machine.ended[1].error.code == "batch-unsure"
    else:
        # The board tells its id, and so it is its own row whatever board it is.
        assert states(world) == {1: "done"}


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("half", [True, False])
def test_it_may_be_killed_before_and_inside_each_thing_that_it_does(alone: bool, half: bool):
    for moment in range(60):
        world = World([make_row(n) for n in range(1, 5)], {"parallel": 2})
        world.plug(*(make_board(n) for n in range(4)))
        for count in range(moment):
            if not world.turn() and world.running:
                world.end(world.running[count % len(world.running)].id)
        world.kill(alone=alone, half=half)
        world.finish()
        assert states(world) == dict.fromkeys(range(1, 5), "done")
        done = [job.board for job in world.jobs.values() if job.state is JobState.DONE]
        assert max(Counter(done).values()) == 1


class BatchStates(RuleBasedStateMachine):
    """Boards come and go, jobs end in every way, commands are killed and started again."""

    def __init__(self) -> None:
        super().__init__()
        named: dict[str, Any] = {"by": "serial_number", "model": ""}
        rows = [
            make_row(1),
            make_row(2, value="3CC661000003", **named),
            make_row(3, name="line-{hardware_id}"),
            make_row(4, model="303a:1001"),
            make_row(5, by="port", value="1-9", model=""),
        ]
        self.world = World(rows, {"parallel": 3})
        self.pool = {n: make_board(n) for n in range(6)} | {
            9: make_board(9, serial=False, place="1-9"),
            10: make_board(10, serial=False, place="1-8"),
        }

    @rule(number=st.sampled_from([0, 1, 2, 3, 4, 5, 9, 10]))
    def plug(self, number: int) -> None:
        board = self.pool[number]
        held = any(job.board == board.id for job in self.world.running)
        self.world.plug(replace(board, state=BoardState.BUSY) if held else board)

    @rule(number=st.sampled_from([0, 1, 2, 3, 4, 5, 9, 10]))
    def unplug(self, number: int) -> None:
        self.world.unplug(self.pool[number].id)

    @rule(count=st.integers(1, 5))
    def turn(self, count: int) -> None:
        for _ in range(count):
            self.world.turn()

    @precondition(lambda self: self.world.running)
    @rule(
        which=st.integers(0, 9),
        state=st.sampled_from(
            [JobState.DONE, JobState.DONE, JobState.FAILED, JobState.INTERRUPTED]
        ),
    )
    def end(self, which: int, state: JobState) -> None:
        running = self.world.running
        self.world.end(running[which % len(running)].id, state)

    @rule(alone=st.booleans(), half=st.booleans())
    def kill(self, alone: bool, half: bool) -> None:
        self.world.kill(alone=alone, half=half)

    @rule(again=st.sampled_from(["no", "same", "any"]))
    def start_again(self, again: str) -> None:
        self.world.begin(again=again)

    @rule()
    def refuse(self) -> None:
        self.world.refusals += 1

    @invariant()
    def every_row_is_in_one_place(self) -> None:
        machine = self.world.machine
        waiting = [row.n for row in machine.waits_for()]
        assert sorted([*waiting, *machine.live, *machine.ended]) == [1, 2, 3, 4, 5]

    @invariant()
    def no_board_is_two_devices(self) -> None:
        done = Counter(job.board for job in self.world.jobs.values() if job.state is JobState.DONE)
        assert all(count == 1 for board, count in done.items() if not board.startswith("place")), (
            done
        )

    @invariant()
    def a_row_that_is_done_has_been_done_on_that_board(self) -> None:
        for kept in self.world.machine.ended.values():
            if kept.state == "done":
                job = self.world.jobs[kept.job]
                assert job.state is JobState.DONE
                assert (job.board, self.world.row_of[job.id]) == (kept.board, kept.n)
        wrong = [job for job, n in self.world.row_of.items() if n == 2]
        assert all(self.world.jobs[job].board == "board-3" for job in wrong)

    def teardown(self) -> None:
        """In the end everything is plugged in, and nothing goes wrong any more."""
        world = self.world
        world.refusals = 0
        world.begin().finish()
        world.begin(again="same")
        for number, board in self.pool.items():
            self.unplug(number)
            world.settle()
            held = any(job.board == board.id for job in world.running)
            if held:
                world.finish()
            world.plug(board)
            world.finish()
        ended = states(world)
        assert ended.get(2) == "done", ended
        assert set(ended.values()) <= {"done", "failed"}
        for n, state in ended.items():
            if state == "failed":
                assert world.machine.ended[n].by_place


TestBatchStates = BatchStates.TestCase
TestBatchStates.settings = settings(max_examples=60, stateful_step_count=30)
