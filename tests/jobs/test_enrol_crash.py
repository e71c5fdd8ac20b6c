"""Kill, cancel and unplug at each moment of making a device: its credentials are never forgotten.

A moment is before a request is carried out, or after that and before the answer is heard. After each
of them the job is started anew and must come to its end with one device and the right credentials.

All scenes and moments are here, without I/O; with real parts are, step by step:

| step | unplugged | killed | cloud refuses | cancelled |
|---|---|---|---|---|
| reading | end_to_end: get | | | end_to_end: get |
| the person thinks | end_to_end | | end_to_end: name, used up | |
| the cloud is asked | | kill: before, after | end_to_end: busy; test_enrol: all | test_enrol: busy |
| the vault | | kill: add, replace, given | | |
| delivering | end_to_end: begin, set, commit | kill: put, at commit | | end_to_end: set, commit |
| the check | end_to_end: status | kill: cloud_state | test_enrol: refused, unseen | end_to_end: status |
| the end | | kill: prove, save; a file | test_enrol: link | |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import MooringError
from agent.jobs import effects as fx
from agent.jobs import enrol_effects as ex
from agent.jobs.endings import ending
from agent.jobs.enrol import EnrolBoard
from agent.jobs.enrol_facts import open_enrolment
from agent.jobs.enrol_recover import RecoverEnrolment
from agent.jobs.job import JobState
from tests.jobs.drive import Drive
from tests.jobs.enrol_world import (
    CLOUD,
    NAME,
    Killed,
    World,
    answer_of,
    check_end,
    finish,
    order,
    settings,
)
from tests.jobs.samples import wifi

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.jobs.effects import Request

THEIRS = settings("theirs")


def prepared() -> World:
    return World(strategy="prepared", devices={NAME: settings("stored-1")})


def used_up() -> World:
    return World(strategy="prepared", used_up={NAME}, devices={NAME: settings("stored-1")})


SCENES: dict[str, Callable[[], World]] = {
    "create": World,
    "prepared": prepared,
    "used up": used_up,
    "name taken": lambda: World(devices={NAME: THEIRS}),
    "name taken, replaced": lambda: World(devices={NAME: THEIRS}, going_on=("replace",)),
    "replaced, lost answer": lambda: World(
        devices={NAME: THEIRS}, going_on=("replace",), faults={"TakeOver": ["lost"]}
    ),
    "lost answer": lambda: World(faults={"Enrol": ["lost"]}),
    "prepared, lost answer": lambda: World(strategy="prepared", faults={"Enrol": ["lost"]}),
    "lost request": lambda: World(faults={"Enrol": ["before"]}),
    "unplugged": lambda: World(faults={"PutSettings": ["before", "lost"]}),
    "vault full": lambda: World(strategy="prepared", faults={"ReplaceEntry": ["before"]}),
    "not proven": lambda: World(faults={"ProveEntry": ["before"]}),
    "unseen": lambda: World(outcome="unknown"),
    "unsure way": lambda: World(ways=("nvs",)),
}
MOMENTS = 60
"""More than any of these runs has."""


def job(*, attended: bool = True) -> Drive:
    return Drive(EnrolBoard(order(network=wifi(), administrator=True), attended=attended))


def recovered(world: World, facts: list[Any], now: float) -> Drive | None:
    """What the next start of the agent does with what the killed one left."""
    left = open_enrolment(facts)
    if left is None:
        return None
    drive = Drive(RecoverEnrolment(left, CLOUD), now=now)
    return world.run(drive)


def started_anew(world: World) -> None:
    world.faults.clear()
    again = finish(world, job())
    assert again.state is JobState.DONE, again.finish
    assert world.board == world.devices[NAME]
    assert list(world.devices) == [NAME]
    assert any(kept == world.board for _, kept in world.vault.values())


def checked_recovery(world: World, left: Drive) -> None:
    ended = recovered(world, left.facts, left.now)
    if ended is None:
        return
    assert ended.finish
    if ended.finish.state is JobState.DONE:
        assert world.board == world.devices[NAME]
        return
    assert ended.finish.state is JobState.INTERRUPTED
    assert ended.finish.error
    told = ended.finish.error.meaning
    made = world.devices.get(NAME)
    entry = next((entry for entry, (_, kept) in world.vault.items() if kept == made), None)
    if entry is not None:
        assert entry in told
    assert NAME in told
    assert "own-" not in repr(ended.finish)


@pytest.mark.parametrize("scene", SCENES)
def test_killed_at_each_moment_it_is_told_where_things_are_and_the_next_job_ends_well(scene):
    for moment in range(1, MOMENTS):
        world = SCENES[scene]()
        world.kill_at = moment
        drive = job()
        try:
            finish(world, drive)
        except Killed:
            pass
        else:
            assert moment > 10
            break
        world.kill_at = 0
        checked_recovery(world, drive)
        started_anew(world)
    else:
        pytest.fail("it did not end")


@pytest.mark.parametrize("way", ["header", "image"])
def test_a_file_of_a_killed_job_is_told_as_gone_and_the_next_job_makes_the_same(way):
    told: list[str] = []
    for moment in range(1, MOMENTS):
        world = World()
        world.kill_at = moment
        drive = Drive(EnrolBoard(order(name=NAME, way=way), attended=True))
        try:
            finish(world, drive)
        except Killed:
            pass
        else:
            break
        world.kill_at = 0
        ended = recovered(world, drive.facts, drive.now)
        end = ended.finish if ended else ending(drive.job, drive.facts)
        assert end
        assert end.error
        told.append(end.error.meaning)
        again = finish(world, Drive(EnrolBoard(order(name=NAME, way=way), attended=True)))
        assert again.state is JobState.DONE
        (handed,) = [each for each in again.asked if isinstance(each, ex.HandOver)]
        assert handed.settings.cloud == world.devices[NAME]
        assert list(world.devices) == [NAME]
        assert list(world.vault) == ["e1"]
    assert "Nothing was left" in told[0]
    assert "in memory only" in told[-1]
    assert NAME in told[-1]
    assert "e1" in told[-1]


def test_a_job_that_was_killed_when_its_file_was_there_says_that_it_is_gone():
    drive = finish(World(), Drive(EnrolBoard(order(name=NAME, way="header"), attended=True)))
    left = ending(drive.job, drive.facts)
    assert left.state is JobState.INTERRUPTED
    assert left.error
    assert "in memory only" in left.error.meaning


def test_what_was_sent_and_never_answered_is_sent_again_by_the_next_job():
    world = World(faults={"Enrol": ["before"]})
    assert world.run(job(attended=False)).error == "enrol-unsure"
    started_anew(world)
    assert world.vault == {"e1": ("proven", settings("own-1"))}


@pytest.mark.parametrize("connected", [True, False])
def test_a_board_that_was_seen_after_a_kill_makes_the_job_done(connected):
    world = World(connected=connected)
    drive = job()
    while drive.waits_for(ex.WaitConnected) is None:
        world.step(drive, drive.waiting[0])
    ended = recovered(world, drive.facts, drive.now)
    assert ended
    assert ended.state is (JobState.DONE if connected else JobState.INTERRUPTED)
    assert world.vault["e1"][0] == ("proven" if connected else "pending")


def cancelled(scene: str, moment: int, *, interrupted: bool, late: bool) -> bool:
    """Cancel when the job waits for its request number ``moment``; False: it has none."""
    world = SCENES[scene]()
    before = dict(world.devices)
    drive = job()
    for _ in range(moment):
        if drive.finish is not None:
            return False
        if drive.question is not None and not drive.waiting:
            drive.answer(answer_of(world, drive) or "", choice="console")
        elif drive.waiting:
            world.step(drive, drive.waiting[0])
        else:
            drive.fire(min(drive.due, key=lambda name: drive.due[name]))
    if drive.finish is not None:
        return False
    if late and drive.waiting and not isinstance(drive.waiting[0], fx.CloseSession):
        # The request was carried out; its answer is on the way and may no longer be wanted.
        request = drive.waiting[0]
        try:
            value = world.perform(request)
        except MooringError:
            return True  # Refused: as if it had been cancelled before.
        drive.cancel(interrupted=interrupted)
        if request in drive.waiting:
            drive.done(type(request), value)
    else:
        drive.cancel(interrupted=interrupted)
    world.run(drive)
    assert drive.finish, drive.question
    assert drive.state in {JobState.CANCELLED, JobState.INTERRUPTED, JobState.DONE}
    if drive.state is JobState.DONE:
        assert world.board == world.devices[NAME]
    else:
        check_end(world, drive, before)
    started_anew(world)
    return True


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("scene", SCENES)
def test_cancelled_at_each_moment_it_ends_and_forgets_nothing(scene, late, interrupted):
    moments = 0
    while cancelled(scene, moments, interrupted=interrupted, late=late):
        moments += 1
        assert moments < MOMENTS
    assert moments > 8


BOARD = ("FindWays", "PutSettings", "WaitConnected", "OpenWay")


@pytest.mark.parametrize("fault", ["before", "lost"])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("request_kind", BOARD)
def test_unplugged_in_each_request_to_the_board(request_kind, times, fault):
    world = World(faults={request_kind: [fault] * times, "PutSettings": [fault]})
    world.faults[request_kind] = [fault] * times
    drive = finish(world, job())
    if request_kind == "FindWays":
        assert drive.state is JobState.FAILED
        assert world.devices == {}
    else:
        assert drive.state is JobState.DONE
    started_anew(world)


@pytest.mark.parametrize("request_kind", ["PutSettings", "WaitConnected"])
def test_with_nobody_there_a_board_that_stays_away_ends_the_job(request_kind):
    world = World(faults={request_kind: ["before"], "OpenWay": ["before"] * 9})
    drive = world.run(job(attended=False))
    assert drive.error == "enrol-kept"
    started_anew(world)


FAULTS = st.sampled_from(["", "", "", "before", "lost"])
KINDS = (
    "AddEntry",
    "Enrol",
    "FindWays",
    "FreeDevice",
    "LookInVault",
    "OpenWay",
    "ProveEntry",
    "PutSettings",
    "ReplaceEntry",
    "SeenBy",
    "TakeOver",
    "TakeStored",
    "TryOut",
    "WaitConnected",
)


@given(data=st.data(), attended=st.booleans(), scene=st.sampled_from(list(SCENES)))
def test_whatever_fails_it_ends_and_forgets_nothing(data, attended, scene):
    world = SCENES[scene]()
    before = dict(world.devices)
    world.faults = {kind: data.draw(st.lists(FAULTS, max_size=4)) for kind in KINDS}
    drive = job(attended=attended)
    for _ in range(60):
        if drive.finish is not None:
            break
        choices = [*map(str, range(len(drive.waiting))), *drive.timers, "cancel"]
        actions = [action.id for action in drive.question.actions] if drive.question else []
        what = data.draw(st.sampled_from(actions + choices))
        if what in actions:
            drive.answer(what, choice="console", text="other", network=wifi())
        elif what == "cancel":
            drive.cancel()
        elif what in drive.timers:
            drive.fire(what)
        else:
            request: Request = drive.waiting[int(what)]
            world.step(drive, request)
    world.faults.clear()
    for _ in range(10):
        if drive.finish is None:
            world.run(drive)
        if drive.question is not None:
            drive.answer("stop")
    assert drive.finish
    check_end(world, drive, before)
