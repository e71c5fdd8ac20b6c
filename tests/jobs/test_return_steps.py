"""A board that is gone and expected back, in a procedure that does nothing else."""

from __future__ import annotations

import pytest

from agent.errors import PortGone
from agent.jobs import effects as fx
from agent.jobs.job import Action, JobState
from agent.jobs.return_steps import RETURNS_MAX, ReturnSteps
from agent.jobs.states import ANSWER_LIMIT_S, RETURN_S, State
from tests.jobs.drive import Drive

GONE = PortGone(port="/dev/ttyACM0")


class Waiting(ReturnSteps):
    """Waits for its board again each time it comes back."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.state = State.RETURNING
        self.trouble = GONE
        self.rules = self.return_rules() | {State.CLOSING: self._closing_rule()}

    def _returned(self) -> None:
        self._go(State.RETURNING)

    def _give_up(self, error: object = None) -> None:
        self._close(error=self.trouble if error else None)

    @property
    def _safe(self) -> str:
        return "Nothing is lost."

    @property
    def _give_up_action(self) -> Action:
        return Action(id="stop", label="Stop")


def waiting(*, attended: bool) -> Drive:
    return Drive(Waiting(attended=attended))


def back(drive: Drive) -> Drive:
    return drive.done(fx.CloseSession).done(fx.WaitBoardBack)


@pytest.mark.parametrize(("attended", "limit_s"), [(True, ANSWER_LIMIT_S), (False, RETURN_S)])
def test_the_port_is_freed_before_the_board_is_waited_for(attended: bool, limit_s: float):
    drive = waiting(attended=attended)
    assert drive.waits_for(fx.WaitBoardBack) is None
    assert drive.done(fx.CloseSession).waits_for(fx.WaitBoardBack) == fx.WaitBoardBack(limit_s)
    assert bool(drive.question) is attended


def test_with_nobody_there_a_board_may_vanish_a_few_times_only():
    drive = waiting(attended=False)
    for _ in range(RETURNS_MAX):
        back(drive)
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "port-gone")


def test_a_person_may_plug_it_in_as_often_as_it_takes():
    drive = waiting(attended=True)
    for _ in range(3 * RETURNS_MAX):
        back(drive)
    assert drive.question
    drive.answer("stop").done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "port-gone")


@pytest.mark.parametrize("attended", [True, False])
def test_a_board_that_stays_away_ends_it(attended: bool):
    drive = waiting(attended=attended).done(fx.CloseSession).fail(fx.WaitBoardBack, GONE)
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "port-gone")


def test_a_session_that_is_lost_meanwhile_changes_nothing():
    drive = waiting(attended=True).lose_session()
    assert back(drive).question
