"""What a person is told without asking."""

from __future__ import annotations

import pytest

from agent.boards.board import Port
from agent.desktop.tray.news import MET_LIMIT, News, Notice, Withdraw
from agent.jobs.job import JobKind, JobState
from tests.desktop.tray.samples import Asks, board, job, question

ASKING, FAILED, DONE = JobState.ASKING, JobState.FAILED, JobState.DONE


def test_a_board_is_announced_the_first_time_only():
    news = News()
    news.appeared([board()])
    (told,) = news.due()
    assert told == Notice(
        key="board:uno_r4_wifi-1",
        title="Arduino UNO R4 WiFi is plugged in",
        body="Open Mooring to set it up.",
        place=("board", "uno_r4_wifi-1"),
        low=True,
    )
    news.appeared([board()])
    assert news.due() == []
    assert news.met == ["uno_r4_wifi-1"]


def test_a_board_of_an_earlier_run_is_not_announced():
    news = News(["uno_r4_wifi-1"])
    news.appeared([board()])
    assert news.due() == []


@pytest.mark.parametrize("facts", [{"via": "ble"}, {"via": None}, {"model": None}])
def test_what_nobody_has_plugged_in_or_nobody_knows_is_not_announced(facts):
    news = News()
    news.appeared([board(**facts)])
    assert news.due() == []


def test_a_board_heard_in_the_air_first_is_announced_when_it_is_plugged_in():
    news = News()
    news.appeared([board(via="ble", ports=[Port(kind="ble", address="ble://A")])])
    news.appeared([board()])
    assert len(news.due()) == 1


def test_a_board_that_may_be_several_models_is_announced():
    news = News()
    news.appeared([board(model=None, candidates=["esp32", "esp8266"])])
    assert len(news.due()) == 1


def test_boards_plugged_in_together_are_announced_together():
    news = News()
    news.appeared([board(1), board(2), board(3, name="Nano")])
    (told,) = news.due()
    assert isinstance(told, Notice)
    assert told.title == "3 boards are plugged in"
    assert told.body == "2 × Arduino UNO R4 WiFi, 1 × Nano"


def test_the_boards_that_were_met_are_bounded():
    news = News()
    for number in range(MET_LIMIT + 5):
        news.appeared([board(number)])
    assert len(news.met) == MET_LIMIT
    assert news.met[-1] == f"uno_r4_wifi-{MET_LIMIT + 4}"


def test_a_question_is_told_once_and_taken_back_when_it_is_answered():
    news = News()
    for _ in range(3):
        news.changed(job(state=ASKING))
    (told,) = news.due()
    assert told == Notice(
        key="job:1",
        title="Setting up sensor-1 needs you",
        body="The password of HomeNet is wrong",
        place=("job", "1"),
    )
    news.changed(job())
    assert news.due() == [Withdraw("job:1")]
    news.changed(job())
    assert news.due() == []


def test_each_further_question_is_told_in_the_place_of_the_one_before():
    news = News()
    news.changed(job(state=ASKING))
    news.changed(job(state=ASKING, question=question(2)))
    assert [told.key for told in news.due()] == ["job:1", "job:1"]


def test_the_end_of_a_job_is_told_after_its_question_is_taken_back():
    news = News()
    news.changed(job(state=ASKING))
    news.due()
    news.changed(job(state=FAILED))
    withdrawn, ended = news.due()
    assert withdrawn == Withdraw("job:1")
    assert isinstance(ended, Notice)
    assert ended.title == "Setting up sensor-1: did not work"
    assert "HomeNet" in ended.body
    assert ended.place == ("job", "1")


def test_jobs_that_end_together_are_told_together():
    news = News()
    for number in range(3):
        news.changed(job(number, DONE))
    news.changed(job(7, FAILED))
    together, alone = news.due()
    assert isinstance(together, Notice)
    assert together.title == "3 jobs: done"
    assert together.body == "Setting up sensor-0, Setting up sensor-1, Setting up sensor-2"
    assert isinstance(alone, Notice)
    assert alone.title == "Setting up sensor-7: did not work"


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.INTERRUPTED])
def test_an_end_that_the_person_wanted_is_not_told(state):
    news = News()
    news.changed(job(state=state))
    assert news.due() == []


@pytest.mark.parametrize("kind", [JobKind.IDENTIFY, JobKind.NETWORKS, JobKind.BLINK])
def test_a_job_that_only_looked_is_not_told(kind):
    news = News()
    news.changed(job(state=DONE, kind=kind))
    assert news.due() == []


def test_a_page_that_asks_is_told_of_once_and_taken_back_when_it_is_answered():
    news = News()
    news.asked([Asks()])
    news.asked([Asks()])
    (told,) = news.due()
    assert told == Notice(
        key="ask:q1",
        title="https://app.example.com asks to use your boards",
        body="https://app.example.com wants to see your boards and use their serial ports. "
        "Open Mooring to answer.",
    )
    news.asked([Asks("q2", "https://b.example")])
    news.asked([])
    asked, *withdrawn = news.due()
    assert isinstance(asked, Notice)
    assert withdrawn == [Withdraw("ask:q1"), Withdraw("ask:q2")]


def test_a_page_that_asks_again_after_nobody_answered_makes_no_noise():
    news = News()
    news.asked([Asks(quiet=True)])
    assert news.due() == []
    news.asked([])
    assert news.due() == [Withdraw("ask:q1")]
