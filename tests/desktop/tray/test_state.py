"""What the icon shows, and what a person is told without asking."""

from __future__ import annotations

import pytest

from agent.boards.board import Port
from agent.desktop.tray.menu import View
from agent.desktop.tray.state import (
    MET_LIMIT,
    IconState,
    Notice,
    Notices,
    Withdraw,
    describe,
    icon_of,
)
from agent.jobs.job import JobKind, JobState
from tests.desktop.tray.samples import board, job, question

ASKING, FAILED, DONE = JobState.ASKING, JobState.FAILED, JobState.DONE


@pytest.mark.parametrize(
    ("view", "icon", "line"),
    [
        (View(), IconState.IDLE, "No boards"),
        (View(boards=(board(),)), IconState.IDLE, "1 board plugged in"),
        (View(boards=(board(1), board(2))), IconState.IDLE, "2 boards plugged in"),
        (View(jobs=(job(),)), IconState.WORKING, "1 job running"),
        (View(jobs=(job(1), job(2))), IconState.WORKING, "2 jobs running"),
        (View(problems=("No journal.",)), IconState.PROBLEM, "No journal."),
        (
            View(jobs=(job(2),), failed=(job(state=FAILED),)),
            IconState.PROBLEM,
            "Setting up sensor-1 did not work · 1 job running",
        ),
        (
            View(jobs=(job(1, ASKING), job(2)), failed=(job(3, FAILED),)),
            IconState.ASKING,
            "Setting up sensor-1 needs you",
        ),
        (
            View(jobs=(job(1, ASKING), job(2, ASKING))),
            IconState.ASKING,
            "Setting up sensor-1 needs you, and 1 more",
        ),
    ],
)
def test_the_icon_shows_what_matters_most_and_says_it_in_words(view, icon, line):
    assert icon_of(view) is icon
    assert describe(view) == line


def test_a_board_is_announced_the_first_time_only():
    notices = Notices()
    notices.appeared([board()])
    (told,) = notices.due()
    assert told == Notice(
        key="board:uno_r4_wifi-1",
        title="Arduino UNO R4 WiFi is plugged in",
        body="Open Mooring to set it up.",
        place=("board", "uno_r4_wifi-1"),
        low=True,
    )
    notices.appeared([board()])
    assert notices.due() == []
    assert notices.met == ["uno_r4_wifi-1"]


def test_a_board_of_an_earlier_run_is_not_announced():
    notices = Notices(["uno_r4_wifi-1"])
    notices.appeared([board()])
    assert notices.due() == []


@pytest.mark.parametrize("facts", [{"via": "ble"}, {"via": None}, {"model": None}])
def test_what_nobody_has_plugged_in_or_nobody_knows_is_not_announced(facts):
    notices = Notices()
    notices.appeared([board(**facts)])
    assert notices.due() == []


def test_a_board_heard_in_the_air_first_is_announced_when_it_is_plugged_in():
    notices = Notices()
    notices.appeared([board(via="ble", ports=[Port(kind="ble", address="ble://A")])])
    notices.appeared([board()])
    assert len(notices.due()) == 1


def test_a_board_that_may_be_several_models_is_announced():
    notices = Notices()
    notices.appeared([board(model=None, candidates=["esp32", "esp8266"])])
    assert len(notices.due()) == 1


def test_boards_plugged_in_together_are_announced_together():
    notices = Notices()
    notices.appeared([board(1), board(2), board(3, name="Nano")])
    (told,) = notices.due()
    assert isinstance(told, Notice)
    assert told.title == "3 boards are plugged in"
    assert told.body == "2 × Arduino UNO R4 WiFi, 1 × Nano"


def test_the_boards_that_were_met_are_bounded():
    notices = Notices()
    for number in range(MET_LIMIT + 5):
        notices.appeared([board(number)])
    assert len(notices.met) == MET_LIMIT
    assert notices.met[-1] == f"uno_r4_wifi-{MET_LIMIT + 4}"


def test_a_question_is_told_once_and_taken_back_when_it_is_answered():
    notices = Notices()
    for _ in range(3):
        notices.changed(job(state=ASKING))
    (told,) = notices.due()
    assert told == Notice(
        key="job:1",
        title="Setting up sensor-1 needs you",
        body="The password of HomeNet is wrong",
        place=("job", "1"),
    )
    notices.changed(job())
    assert notices.due() == [Withdraw("job:1")]
    notices.changed(job())
    assert notices.due() == []


def test_each_further_question_is_told_in_the_place_of_the_one_before():
    notices = Notices()
    notices.changed(job(state=ASKING))
    notices.changed(job(state=ASKING, question=question(2)))
    assert [told.key for told in notices.due()] == ["job:1", "job:1"]


def test_the_end_of_a_job_is_told_after_its_question_is_taken_back():
    notices = Notices()
    notices.changed(job(state=ASKING))
    notices.due()
    notices.changed(job(state=FAILED))
    withdrawn, ended = notices.due()
    assert withdrawn == Withdraw("job:1")
    assert isinstance(ended, Notice)
    assert ended.title == "Setting up sensor-1: did not work"
    assert "HomeNet" in ended.body
    assert ended.place == ("job", "1")


def test_jobs_that_end_together_are_told_together():
    notices = Notices()
    for number in range(3):
        notices.changed(job(number, DONE))
    notices.changed(job(7, FAILED))
    together, alone = notices.due()
    assert isinstance(together, Notice)
    assert together.title == "3 jobs: done"
    assert together.body == "Setting up sensor-0, Setting up sensor-1, Setting up sensor-2"
    assert isinstance(alone, Notice)
    assert alone.title == "Setting up sensor-7: did not work"


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.INTERRUPTED])
def test_an_end_that_the_person_wanted_is_not_told(state):
    notices = Notices()
    notices.changed(job(state=state))
    assert notices.due() == []


@pytest.mark.parametrize("kind", [JobKind.IDENTIFY, JobKind.NETWORKS, JobKind.BLINK])
def test_a_job_that_only_looked_is_not_told(kind):
    notices = Notices()
    notices.changed(job(state=DONE, kind=kind))
    assert notices.due() == []
