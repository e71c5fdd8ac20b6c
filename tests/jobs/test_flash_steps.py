"""Writing a sketch, state by state: every failure, limit, cancel and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from agent.errors import JournalFailed, LoaderRefused, OtherChip, PortGone
from agent.flash.method import Stage
from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.flash_steps import SELF_TRIES
from agent.jobs.job import JobState
from agent.jobs.states import State
from tests.jobs.flash_samples import (
    BROKEN,
    BUSY,
    ENTER_ERRORS,
    FETCH_ERRORS,
    FORBIDDEN,
    GONE,
    NOT_THERE,
    SHA256,
    START_ERRORS,
    TARGET,
    UNLIKE,
    WRITE_ERRORS,
    fate,
    flashing,
    owed,
    to_entering,
    to_starting,
    to_writing,
)

if TYPE_CHECKING:
    from agent.errors import MooringError
    from tests.jobs.drive import Drive

ATTENDED = pytest.mark.parametrize("attended", [True, False])


def closed(drive: Drive) -> tuple[JobState, str | None]:
    """How the job ended, once its session is closed."""
    drive.done(fx.CloseSession)
    return drive.state, drive.error


def again(drive: Drive) -> Drive:
    """One further attempt of STRANDED: the board is there."""
    return drive.fire("again").done(fx.WaitBoardBack)


# --- nothing was touched ---------------------------------------------------------------------


@ATTENDED
@pytest.mark.parametrize("error", FETCH_ERRORS, ids=lambda e: e.code)
def test_a_sketch_that_cannot_be_had_leaves_the_board_as_it_is(error, attended):
    drive = flashing(attended=attended).fail(flash.PrepareFlash, error)
    assert closed(drive) == (JobState.FAILED, error.code)
    assert drive.facts == []
    assert drive.steps()["fetch"] == "failed"
    assert drive.steps()["enter"] == "skipped"


def test_a_source_that_says_nothing_is_named():
    drive = flashing().fire("limit")
    assert closed(drive) == (JobState.FAILED, "cloud-unreachable")
    assert drive.facts == []


def test_a_cancel_while_the_sketch_is_fetched_leaves_nothing():
    drive = flashing().cancel()
    assert closed(drive) == (JobState.CANCELLED, None)
    assert drive.facts == []


@ATTENDED
@pytest.mark.parametrize("error", [BUSY, FORBIDDEN, GONE], ids=lambda e: e.code)
def test_a_port_that_cannot_be_touched_ends_it_with_the_board_as_it_was(error, attended):
    drive = to_entering(flashing(attended=attended)).fail(flash.EnterBootloader, error)
    assert closed(drive) == (JobState.FAILED, error.code)
    assert fate(drive) == ["untouched"]
    assert not owed(drive)


@ATTENDED
def test_a_bootloader_that_the_system_keeps_from_us_is_no_reason_to_try_again(attended):
    error = LoaderRefused(detail="LIBUSB_ERROR_ACCESS", action="Install the rules.")
    drive = to_entering(flashing(attended=attended)).fail(flash.EnterBootloader, error)
    assert closed(drive) == (JobState.FAILED, "flash-access")
    assert fate(drive) == ["untouched"]


@ATTENDED
def test_another_chip_than_the_model_has_ends_it_with_the_board_as_it_was(attended):
    error = OtherChip(detail="it is ESP32, not ESP32-C3")
    drive = to_writing(flashing(attended=attended)).fail(flash.WriteFlash, error)
    assert closed(drive) == (JobState.FAILED, "flash-chip")
    assert fate(drive) == ["untouched"]


@ATTENDED
def test_without_its_intent_on_the_disk_no_board_is_touched(attended):
    lost = JournalFailed(path="j", detail="full")
    drive = to_entering(flashing(attended=attended)).fail(flash.EnterBootloader, lost)
    assert closed(drive) == (JobState.FAILED, lost.code)
    assert sum(isinstance(r, flash.EnterBootloader) for r in drive.asked) == 1


# --- the way through -------------------------------------------------------------------------


def test_the_intent_is_on_the_disk_before_the_board_is_told_to_restart():
    drive = flashing()
    assert drive.facts == []
    to_entering(drive)
    (intent,) = drive.facts
    assert intent.data == {
        "sha256": SHA256,
        "model": "mkr_wifi_1010",
        "place": "9-1",
        "sketch": "blink.bin",
        "version": None,
        "bytes": 120_000,
    }
    assert drive.waits_for(flash.EnterBootloader)
    assert drive.job.steps[1].message == "From here the old sketch is gone."


def test_the_bar_goes_from_nothing_to_the_whole_over_all_stages():
    drive = to_writing(flashing())
    request = drive.waits_for(flash.WriteFlash)
    assert request
    shown: list[float] = []
    for stage in get_args(Stage):
        for done in (0, 60_000, 120_000, 130_000):
            drive.give(fx.Advanced(request, stage, done, 120_000))
            shown.append(drive.job.steps[2].progress or 0.0)
        drive.give(fx.Advanced(request, stage, 0, 0))
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (0.0, 1.0)
    assert drive.job.steps[2].message == "Starting the sketch"


def test_progress_of_a_run_that_was_given_up_is_not_shown():
    drive = to_writing(flashing())
    request = drive.waits_for(flash.WriteFlash)
    assert request
    drive.fail(flash.WriteFlash, BROKEN)
    before = drive.job
    drive.give(fx.Advanced(request, "write", 10, 20))
    assert drive.job == before


def test_it_is_written_once_its_sketch_runs():
    drive = to_starting(flashing())
    assert owed(drive)
    drive.done(flash.WaitSketch)
    assert closed(drive) == (JobState.DONE, None)
    assert fate(drive) == ["written"]
    assert set(drive.steps().values()) == {"done"}


# --- behind the point of no return -----------------------------------------------------------


@pytest.mark.parametrize("error", ENTER_ERRORS, ids=lambda e: e.code)
def test_a_failure_on_the_way_in_is_tried_again_or_asked_about(error):
    drive = to_entering(flashing()).fail(flash.EnterBootloader, error)
    if error in {GONE, BUSY, FORBIDDEN}:
        assert fate(drive) == ["untouched"]
    elif error is NOT_THERE:
        # Two touches came to nothing: the person presses reset.
        assert drive.question
        assert "Press reset twice." in drive.question.meaning
        assert owed(drive)
    else:
        assert again(drive).waits_for(flash.EnterBootloader)
        assert owed(drive)


@pytest.mark.parametrize("error", WRITE_ERRORS, ids=lambda e: e.code)
def test_writing_is_tried_three_times_and_then_the_person_is_asked(error):
    drive = to_writing(flashing())
    for _ in range(SELF_TRIES):
        drive.fail(flash.WriteFlash, error)
        if error is NOT_THERE:
            break
        assert drive.question is None
        again(drive).done(flash.EnterBootloader, TARGET)
    if error is not NOT_THERE:
        drive.fail(flash.WriteFlash, error)
    assert drive.question
    assert [a.id for a in drive.question.actions] == ["retry", "stop"]
    assert drive.question.error
    assert drive.question.error.code == error.code
    assert "can be written again at any time" in drive.question.safe
    assert owed(drive)


def asked(error: MooringError = UNLIKE) -> Drive:
    """A person is asked after all attempts."""
    drive = to_writing(flashing())
    for _ in range(SELF_TRIES):
        again(drive.fail(flash.WriteFlash, error)).done(flash.EnterBootloader, TARGET)
    return drive.fail(flash.WriteFlash, error)


def test_the_person_tries_again_and_it_works():
    drive = asked().answer("retry").done(flash.EnterBootloader, TARGET)
    drive.done(flash.WriteFlash).done(flash.WaitSketch)
    assert closed(drive) == (JobState.DONE, None)
    assert fate(drive) == ["written"]
    assert [f.kind for f in drive.facts] == ["flashing", "flashed"]


def test_a_board_that_is_plugged_in_again_answers_the_question_itself():
    drive = asked().done(fx.WaitRestart)
    assert drive.question is None
    assert drive.waits_for(flash.EnterBootloader)


def test_each_further_failure_is_asked_about_again():
    drive = asked()
    for _ in range(4):
        drive.answer("retry").done(flash.EnterBootloader, TARGET)
        drive.fail(flash.WriteFlash, BROKEN)
        assert drive.timers.keys() == {"limit"}
        assert owed(drive)


def test_a_port_that_is_busy_later_on_is_no_reason_to_call_the_board_untouched():
    drive = asked().answer("retry").fail(flash.EnterBootloader, BUSY)
    assert drive.question
    assert owed(drive)


def test_the_person_stops_and_is_told_what_failed():
    drive = asked().answer("stop")
    assert closed(drive) == (JobState.FAILED, "flash-verify")
    assert fate(drive) == ["given up"]


def test_a_question_that_nobody_answers_gives_up():
    drive = asked().fire("limit")
    assert closed(drive) == (JobState.FAILED, "flash-verify")
    assert not owed(drive)


def test_a_wait_that_fails_while_the_person_thinks_changes_nothing():
    drive = asked()
    question = drive.question
    drive.fail(fx.WaitRestart, GONE).lose_session()
    assert drive.question is question


def test_a_board_that_is_gone_is_asked_for_and_goes_on_when_it_is_back():
    drive = to_writing(flashing()).fail(flash.WriteFlash, GONE)
    drive.fire("again").fail(fx.WaitBoardBack, GONE)
    assert drive.question
    assert drive.question.title == "The board is gone. Plug it in again."
    drive.done(fx.WaitBoardBack)
    assert drive.question is None
    assert drive.waits_for(flash.EnterBootloader)


def test_with_nobody_there_it_gives_up_after_its_attempts():
    drive = to_writing(flashing(attended=False))
    for _ in range(SELF_TRIES):
        again(drive.fail(flash.WriteFlash, BROKEN)).done(flash.EnterBootloader, TARGET)
    drive.fail(flash.WriteFlash, BROKEN)
    assert closed(drive) == (JobState.FAILED, "flash-failed")
    assert fate(drive) == ["given up"]


def test_with_nobody_there_a_bootloader_that_does_not_come_gets_further_touches():
    drive = to_entering(flashing(attended=False))
    for _ in range(SELF_TRIES):
        again(drive.fail(flash.EnterBootloader, NOT_THERE))
    drive.fail(flash.EnterBootloader, NOT_THERE)
    assert closed(drive) == (JobState.FAILED, "flash-no-bootloader")


def test_with_nobody_there_a_board_that_stays_away_ends_it():
    drive = to_writing(flashing(attended=False)).fail(flash.WriteFlash, UNLIKE)
    drive.fire("again").fail(fx.WaitBoardBack, PortGone(port="x"))
    assert closed(drive) == (JobState.FAILED, "flash-verify")
    assert fate(drive) == ["given up"]


@pytest.mark.parametrize("error", START_ERRORS, ids=lambda e: e.code)
def test_a_provisioning_sketch_that_does_not_show_itself_is_written_again(error):
    drive = to_starting(flashing()).fail(flash.WaitSketch, error)
    assert again(drive).waits_for(flash.EnterBootloader)


@pytest.mark.parametrize("state", [State.ENTERING, State.WRITING, State.STARTING])
def test_a_state_that_lasts_too_long_strands_and_goes_on(state):
    ways = {State.ENTERING: to_entering, State.WRITING: to_writing, State.STARTING: to_starting}
    drive = ways[state](flashing()).fire("limit")
    assert drive.machine.state is State.STRANDED
    assert not [r for r in drive.waiting if isinstance(r, flash.FlashRequest)]
    assert again(drive).waits_for(flash.EnterBootloader)


# --- cancelled, and the end of the agent -----------------------------------------------------


def waiting_again() -> Drive:
    return to_writing(flashing()).fail(flash.WriteFlash, BROKEN)


BEHIND = {
    "entering": lambda: to_entering(flashing()),
    "writing": lambda: to_writing(flashing()),
    "stranded": waiting_again,
    "asked": asked,
}


@pytest.mark.parametrize("where", BEHIND)
def test_a_cancel_behind_the_point_of_no_return_says_where_the_board_is_left(where):
    drive = BEHIND[where]().cancel()
    assert closed(drive) == (JobState.CANCELLED, "flash-stopped")
    assert drive.finish
    assert drive.finish.error
    assert "bootloader" in drive.finish.error.meaning
    assert fate(drive) == ["stopped"]
    assert not owed(drive)


@pytest.mark.parametrize("where", BEHIND)
def test_the_end_of_the_agent_leaves_the_rest_to_the_next_start(where):
    drive = BEHIND[where]().cancel(interrupted=True)
    state, error = closed(drive)
    assert (state, error) == (JobState.INTERRUPTED, "interrupted")
    assert owed(drive)
    assert drive.finish
    assert drive.finish.error
    assert "was not written to its end" in drive.finish.error.meaning


@pytest.mark.parametrize("interrupted", [True, False])
def test_a_cancel_while_the_new_sketch_starts_finds_it_written(interrupted):
    drive = to_starting(flashing()).cancel(interrupted=interrupted)
    state, _ = closed(drive)
    assert state is (JobState.INTERRUPTED if interrupted else JobState.CANCELLED)
    assert fate(drive) == ["written"]
    assert not owed(drive)


def test_a_second_cancel_and_late_answers_change_nothing():
    drive = to_writing(flashing())
    request = drive.waits_for(flash.WriteFlash)
    assert request
    drive.cancel().cancel()
    drive.give(fx.Done(request))
    assert closed(drive) == (JobState.CANCELLED, "flash-stopped")
