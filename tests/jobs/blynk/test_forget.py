"""Letting a board forget, without I/O."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import PortGone, StatusReported
from agent.jobs import effects as fx
from agent.jobs.blynk import effects as bx
from agent.jobs.blynk.forget import ForgetBlynk
from agent.jobs.job import JobState
from tests.jobs.blynk.samples import BOARD, FOUND, LEAVING, POINT, order
from tests.jobs.drive import Drive


def machine(*, attended: bool = True, confirmed: bool = False) -> Drive:
    return Drive(ForgetBlynk(order(confirmed=confirmed), attended=attended))


@pytest.mark.parametrize(
    ("way", "generation", "erased"),
    [
        ("console", 2, "network and identity"),
        ("http", 1, "network and identity"),
        ("http", 2, "network"),
    ],
)
def test_it_is_asked_before_and_told_what_is_gone(way: str, generation: int, erased: str) -> None:
    found = (FOUND if way == "console" else POINT)._replace(
        board=replace(BOARD, generation=generation)  # type: ignore[arg-type]  # out of a table
    )
    drive = machine().done(bx.Reach, found)
    assert drive.question is not None
    assert ("token" in drive.question.title) == (erased != "network")
    drive.answer("continue").done(bx.Erase).done(fx.CloseSession)
    assert drive.finish is not None
    assert (drive.finish.result or {})["erased"] == erased


def test_with_nobody_there_it_has_to_be_confirmed() -> None:
    drive = machine(attended=False).done(bx.Reach, FOUND).done(fx.CloseSession)
    assert drive.finish is not None
    assert drive.finish.error is not None
    assert drive.finish.error.facts["field"] == "confirmed"
    sure = machine(attended=False, confirmed=True).done(bx.Reach, FOUND).done(bx.Erase)
    assert sure.done(fx.CloseSession).state is JobState.DONE


def test_nothing_is_erased_by_who_stops() -> None:
    for drive in (
        machine().done(bx.Reach, FOUND).answer("stop"),
        machine().done(bx.Reach, FOUND).cancel(),
    ):
        assert drive.done(fx.CloseSession).state is JobState.CANCELLED
        assert not any(isinstance(each, bx.Erase) for each in drive.asked)


@pytest.mark.parametrize("error", [PortGone(port="x"), StatusReported(name="x")])
def test_what_a_board_says_against_it_is_told(error: PortGone | StatusReported) -> None:
    drive = machine(confirmed=True).done(bx.Reach, FOUND).fail(bx.Erase, error)
    assert drive.done(fx.CloseSession).error == error.code
    late = machine(confirmed=True).done(bx.Reach, FOUND).fire("limit")
    assert late.done(fx.CloseSession).state is JobState.FAILED


def test_in_its_own_network_the_computer_is_at_home_while_a_person_is_asked() -> None:
    point = order(access_point=b"Blynk Thermo-FK8D", listed=False)
    drive = Drive(ForgetBlynk(point, attended=True)).done(bx.PlanLeaving, LEAVING)
    drive.answer("continue").done(bx.Reach, POINT)
    assert drive.question is None
    drive.done(bx.GoBack).answer("continue").done(bx.Erase).done(bx.GoBack)
    assert drive.done(fx.CloseSession).state is JobState.DONE


def test_a_person_who_joins_by_hand_is_asked_to_be_there_again() -> None:
    point = order(access_point=b"Blynk Thermo-FK8D", listed=False)
    drive = Drive(ForgetBlynk(point, attended=True)).done(bx.PlanLeaving, LEAVING)
    drive.answer("by-hand").done(bx.Reach, POINT).answer("continue")
    assert drive.question is not None
    assert drive.question.access_point is not None
    assert drive.waits_for(bx.Erase)
    drive.answer("stop")
    assert drive.done(fx.CloseSession).state is JobState.CANCELLED
