"""A device that exists is set up once more: its old credentials stay until the new ones are proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.jobs.enrol import EnrolBoard
from agent.jobs.enrol_facts import open_enrolment
from agent.jobs.enrol_recover import RecoverEnrolment
from agent.jobs.job import JobState
from tests.jobs.drive import Drive
from tests.jobs.enrol_world import CLOUD, NAME, Killed, answer_of, finish, order, settings
from tests.jobs.restore_world import BOARD, RestoreWorld

if TYPE_CHECKING:
    from collections.abc import Callable

OLD, STORED = settings("old-1"), settings("stored-1")
MOMENTS = 60


def world(**changes: object) -> RestoreWorld:
    """The board lost what it had; what the vault has of it no longer counts."""
    there = RestoreWorld(
        devices={NAME: STORED}, vault={"e1": ("proven", OLD)}, owners={"e1": BOARD}
    )
    for name, value in changes.items():
        setattr(there, name, value)
    return there


SCENES: dict[str, Callable[[], RestoreWorld]] = {
    "read": world,
    "replaced": lambda: world(going_on=("replace",)),
    "replaced, answer lost": lambda: world(going_on=("replace",), faults={"TakeOver": ["lost"]}),
    "read, refused first": lambda: world(faults={"TakeStored": ["before"]}),
    "only to be replaced": lambda: world(faults={"TakeStored": ["unusable"]}),
    "freed": lambda: world(strategy="prepared", used_up={NAME}),
    "freed, answer lost": lambda: world(
        strategy="prepared", used_up={NAME}, faults={"FreeDevice": ["lost"]}
    ),
    "freed, reply lost": lambda: world(
        strategy="prepared", used_up={NAME}, faults={"Enrol": ["", "lost"]}
    ),
    "by hand": lambda: world(strategy="prepared"),
}


def job() -> Drive:
    return Drive(EnrolBoard(order(administrator=True), attended=True))


def check(there: RestoreWorld) -> None:
    """The old ones are in the vault, as proven until others are; so is all that counts now."""
    kept = {number: (state, each) for number, (state, each) in there.vault.items()}
    assert kept["e1"][1] == OLD
    proven = [number for number, (state, _) in kept.items() if state == "proven"]
    assert len(proven) == 1
    assert kept["e1"][0] == ("proven" if proven == ["e1"] else "earlier")
    if proven != ["e1"]:
        assert there.board == kept[proven[0]][1] == there.devices[NAME]
    known = [each for _, each in kept.values()]
    assert there.board is None or there.board in known
    # What the server had before is still there; what it was given by us is kept here.
    assert there.devices[NAME] == STORED or there.devices[NAME] in known


def ends_well(there: RestoreWorld) -> None:
    there.faults.clear()
    again = finish(there, job())
    assert again.state is JobState.DONE, again.finish
    assert there.board == there.devices[NAME]
    check(there)


@pytest.mark.parametrize("scene", SCENES)
def test_killed_at_each_moment(scene: str):
    for moment in range(1, MOMENTS):
        there = SCENES[scene]()
        there.kill_at = moment
        drive = job()
        try:
            finish(there, drive)
        except Killed:
            pass
        else:
            assert moment > 15
            check(there)
            return
        there.kill_at = 0
        check(there)
        left = open_enrolment(drive.facts)
        if left is not None:
            there.run(Drive(RecoverEnrolment(left, CLOUD), now=drive.now))
            check(there)
        ends_well(there)
    pytest.fail("it did not end")


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("interrupted", [False, True])
def test_cancelled_at_each_moment(scene: str, interrupted: bool):
    for moment in range(MOMENTS):
        there = SCENES[scene]()
        drive = job()
        for _ in range(moment):
            if drive.finish is not None:
                break
            if drive.question is not None:
                drive.answer(answer_of(there, drive) or "")
            elif drive.waiting:
                there.step(drive, drive.waiting[0])
            else:
                drive.fire(min(drive.due, key=lambda name: drive.due[name]))
        if drive.finish is not None:
            assert moment > 8
            return
        drive.cancel(interrupted=interrupted)
        there.run(drive)
        assert drive.finish
        check(there)
        ends_well(there)
    pytest.fail("it did not end")


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("fault", ["before", "lost"])
@pytest.mark.parametrize("kind", ["PutSettings", "WaitConnected", "OpenWay"])
def test_unplugged_in_each_request_to_the_board(scene: str, kind: str, fault: str):
    there = SCENES[scene]()
    there.faults |= {"PutSettings": [fault]}
    there.faults[kind] = [fault] * 2
    assert finish(there, job()).state is JobState.DONE
    check(there)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("fault", ["before", "lost"])
@pytest.mark.parametrize(
    "kind", ["LookInVault", "AddEntry", "Enrol", "TakeStored", "TakeOver", "FreeDevice", "TryOut"]
)
def test_refused_or_unheard_in_each_request_to_vault_and_cloud(scene: str, kind: str, fault: str):
    there = SCENES[scene]()
    there.faults[kind] = [fault]
    drive = job()
    try:
        finish(there, drive)
    except AssertionError:
        # A question that only a person can answer: they stop.
        assert drive.question
        drive.answer("stop")
        there.run(drive)
    assert drive.finish
    check(there)
    ends_well(there)
