"""Putting credentials of the vault on a board again: what is asked, and what is never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.jobs import enrol_effects as ex
from agent.jobs.enrol_facts import enrol_result, open_enrolment
from agent.jobs.enrol_recover import RecoverEnrolment
from agent.jobs.job import JobState
from agent.sessions.delivery import BoardHardware
from tests.jobs.drive import Drive
from tests.jobs.enrol_world import CLOUD, NAME, Killed, answer_of, settings
from tests.jobs.restore_world import (
    BOARD,
    HARDWARE,
    OTHER,
    RestoreWorld,
    entry,
    restorable,
    restore,
)
from tests.jobs.samples import wifi

if TYPE_CHECKING:
    from collections.abc import Callable

OLD, NEW = settings("old-1"), settings("new-1")
MOMENTS = 40


def actions(drive: Drive) -> list[str]:
    assert drive.question, drive.finish
    return [action.id for action in drive.question.actions]


def ended(world: RestoreWorld, drive: Drive) -> Drive:
    """Run to the end with the answers that go on; a board that is away comes back."""
    for _ in range(12):
        world.run(drive)
        if drive.finish is not None:
            return drive
        wanted = answer_of(world, drive)
        if wanted is not None:
            drive.answer(wanted)
        else:
            world.step(drive, drive.waiting[0])
    raise AssertionError(drive.question)


def on_other_board() -> RestoreWorld:
    """Another board of the same kind is at hand, which is the device “garage”."""
    world = restorable()
    world.at_hand, world.board = OTHER, settings("theirs", "garage")
    world.hardware = BoardHardware(hardware_id="ffff", family="esp32", networks=True)
    world.vault["e3"], world.owners["e3"] = ("proven", world.board), OTHER
    return world


def stale() -> RestoreWorld:
    world = restorable()
    world.devices[NAME] = NEW
    return world


def test_the_board_gets_them_and_what_it_had_becomes_earlier():
    world = restorable()
    drive = world.run(restore(world, network=wifi()))
    assert drive.state is JobState.DONE
    assert world.board == OLD
    assert world.vault == {"e1": ("proven", OLD), "e2": ("earlier", NEW)}
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["procedure"] == "restore"
    assert drive.finish.result["connected"] == "board"
    assert drive.finish.result["entry"] == "e1"
    assert set(drive.steps().values()) == {"done"}
    assert open_enrolment(drive.facts) is None
    assert not [each for each in world.sent if isinstance(each, ex.Enrol | ex.MakeOwn)]
    assert "old-1" not in repr(drive.finish) + repr(drive.facts)


@pytest.mark.parametrize("attended", [True, False])
def test_what_the_server_no_longer_takes_is_said_before_the_board_is_changed(attended: bool):
    world = stale()
    drive = world.run(restore(world, attended=attended, confirmed=True))
    if attended:
        assert actions(drive) == ["continue", "stop"]
        world.run(drive.answer("stop"))
        assert drive.state is JobState.CANCELLED
    else:
        assert drive.error == "vault-stale"
    assert world.board == NEW
    assert world.vault == stale().vault
    assert open_enrolment(drive.facts) is None


def test_who_wants_them_all_the_same_gets_them_with_a_note():
    world = stale()
    world.outcome = "refused"
    drive = world.run(restore(world))
    world.run(drive.answer("continue"))
    assert drive.question
    assert world.board == OLD
    world.run(drive.answer("stop"))
    assert drive.error == "enrol-kept"
    assert world.vault == stale().vault


@pytest.mark.parametrize("fault", ["none", "before"])
def test_a_server_that_cannot_be_asked_hinders_nobody(fault: str):
    world = restorable()
    world.faults = {"TryOut": [fault]}
    drive = world.run(restore(world))
    if fault == "before":
        assert drive.finish
        assert drive.finish.result
        assert "is not known" in drive.finish.result["notes"][0]
    assert drive.state is JobState.DONE


@pytest.mark.parametrize("attended", [True, False])
def test_another_board_is_refused_unless_the_person_says_so(attended: bool):
    world = on_other_board()
    drive = world.run(restore(world, attended=attended))
    if attended:
        assert actions(drive) == ["continue", "stop"]
        assert drive.question
        assert HARDWARE in drive.question.meaning
        assert "ffff" in drive.question.meaning
        assert "garage" in drive.question.meaning
        world.run(drive.answer("stop"))
        assert drive.state is JobState.CANCELLED
    else:
        assert drive.error == "vault-other-board"
    assert world.board == settings("theirs", "garage")
    drive = world.run(restore(world, attended=attended, confirmed=True))
    assert drive.state is JobState.DONE
    assert world.board == OLD
    assert world.vault == {
        "e1": ("earlier", OLD),
        "e2": ("proven", NEW),
        "e3": ("earlier", settings("theirs", "garage")),
        "e4": ("proven", OLD),
    }
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["entry"] == "e4"


@pytest.mark.parametrize(
    ("kept", "other"),
    [
        (entry(OTHER, HARDWARE), False),
        (entry(BOARD, "ffff"), True),
        (entry(BOARD, ""), False),
        (entry(OTHER, ""), True),
        (entry("", ""), False),
    ],
    ids=["its id changed", "another one in its socket", "not asked then", "nothing known", "file"],
)
def test_hardware_decides_before_ids_do(kept, other: bool):
    world = restorable()
    drive = world.run(restore(world, kept, attended=False))
    assert (drive.finish is not None and drive.error == "vault-other-board") is other


def test_a_file_needs_no_board_and_leaves_the_vault_as_it_is():
    world = restorable()
    world.ways = ()
    drive = world.run(restore(world, way="header"))
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["files"] == ["mooring_settings.h"]
    assert world.vault == restorable().vault


def test_a_vault_that_cannot_be_written_stops_before_another_board_is_changed():
    world = on_other_board()
    world.faults = {"AddEntry": ["before"]}
    drive = world.run(restore(world, confirmed=True))
    assert drive.error == "vault"
    assert world.board == settings("theirs", "garage")


def test_an_entry_that_cannot_be_marked_is_told():
    world = restorable()
    world.faults = {"ProveEntry": ["before"]}
    drive = world.run(restore(world))
    assert drive.finish
    assert drive.finish.result
    assert "Entry e1 is not marked" in drive.finish.result["notes"][0]


SCENES: dict[str, Callable[[], RestoreWorld]] = {
    "its own board": restorable,
    "another board": on_other_board,
    "stale": stale,
}


def check(world: RestoreWorld, before: RestoreWorld) -> None:
    """Nothing that the vault had is gone, and what the board has is in it."""
    kept = [each for _, each in world.vault.values()]
    assert all(each in kept for _, each in before.vault.values())
    assert world.board in kept
    if world.board != before.board:
        return
    # Not changed: nothing that works is called earlier, and nothing new is left behind.
    assert {
        number: state for number, (state, _) in world.vault.items() if number in before.vault
    } == {number: state for number, (state, _) in before.vault.items()}


@pytest.mark.parametrize("scene", SCENES)
def test_killed_at_each_moment_nothing_is_lost_and_the_next_job_ends_well(scene: str):
    for moment in range(1, MOMENTS):
        world = SCENES[scene]()
        before = SCENES[scene]()
        world.going_on = ("continue",)
        world.kill_at = moment
        drive = restore(world, confirmed=scene == "another board")
        try:
            ended(world, drive)
        except Killed:
            pass
        else:
            assert moment > 10
            break
        world.kill_at = 0
        check(world, before)
        left = open_enrolment(drive.facts)
        if left is not None:
            told = world.run(Drive(RecoverEnrolment(left, CLOUD), now=drive.now))
            assert told.finish
            assert told.state is JobState.INTERRUPTED
            assert NAME in repr(told.finish)
        again = ended(world, restore(world, confirmed=True))
        assert again.state is JobState.DONE
        assert world.board == OLD
    else:
        pytest.fail("it did not end")


@pytest.mark.parametrize("scene", SCENES)
def test_cancelled_at_each_moment_nothing_is_lost(scene: str):
    for moment in range(MOMENTS):
        world, before = SCENES[scene](), SCENES[scene]()
        world.going_on = ("continue",)
        drive = restore(world, confirmed=scene == "another board")
        for _ in range(moment):
            if drive.finish is not None:
                break
            if drive.question is not None:
                drive.answer(answer_of(world, drive) or "")
            elif drive.waiting:
                world.step(drive, drive.waiting[0])
        if drive.finish is not None:
            assert moment > 6
            return
        drive.cancel()
        world.run(drive)
        assert drive.state in {JobState.CANCELLED, JobState.DONE}
        check(world, before)
        left = open_enrolment(drive.facts)
        if world.board == before.board and (left is None or left.stage != "putting"):
            assert set(world.vault) == set(before.vault)
            assert left is None
    pytest.fail("it did not end")


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("fault", ["before", "lost"])
@pytest.mark.parametrize("kind", ["PutSettings", "WaitConnected", "OpenWay"])
def test_unplugged_in_each_request_to_the_board(scene: str, kind: str, fault: str):
    world, before = SCENES[scene](), SCENES[scene]()
    world.going_on = ("continue",)
    world.faults = {kind: [fault] * 2, "PutSettings": [fault]}
    drive = ended(world, restore(world, confirmed=scene == "another board"))
    assert drive.state is JobState.DONE
    assert world.board == OLD
    check(world, before)


@pytest.mark.parametrize("kind", ["PutSettings", "WaitConnected"])
def test_with_nobody_there_a_board_that_stays_away_ends_the_job(kind: str):
    world, before = on_other_board(), on_other_board()
    world.faults = {kind: ["before"], "OpenWay": ["before"] * 9}
    drive = world.run(restore(world, attended=False, confirmed=True))
    assert drive.error == "enrol-kept"
    check(world, before)


def test_a_job_that_was_killed_when_all_was_done_is_done():
    world = restorable()
    drive = world.run(restore(world))
    assert enrol_result(drive.facts)


FAULTS = st.sampled_from(["", "", "before", "lost"])
KINDS = ("AddEntry", "FindWays", "OpenWay", "ProveEntry", "PutSettings", "TryOut", "WaitConnected")


@given(data=st.data(), attended=st.booleans(), scene=st.sampled_from(list(SCENES)))
def test_whatever_fails_it_ends_and_nothing_is_lost(
    data: st.DataObject, attended: bool, scene: str
):
    world, before = SCENES[scene](), SCENES[scene]()
    world.faults = {kind: data.draw(st.lists(FAULTS, max_size=3)) for kind in KINDS}
    drive = restore(world, attended=attended, confirmed=data.draw(st.booleans()))
    for _ in range(40):
        if drive.finish is not None:
            break
        actions = [action.id for action in drive.question.actions] if drive.question else []
        choices = [*actions, *map(str, range(len(drive.waiting))), *drive.timers, "cancel"]
        what = data.draw(st.sampled_from(choices))
        if what in actions:
            drive.answer(what, network=wifi())
        elif what == "cancel":
            drive.cancel()
        elif what in drive.timers:
            drive.fire(what)
        else:
            world.step(drive, drive.waiting[int(what)])
    world.faults.clear()
    for _ in range(10):
        if drive.finish is None:
            world.run(drive)
        if drive.question is not None:
            drive.answer("stop")
    assert drive.finish
    check(world, before)
    if world.board != before.board:
        assert open_enrolment(drive.facts) or drive.state is JobState.DONE
