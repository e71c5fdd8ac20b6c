"""What the icon shows."""

from __future__ import annotations

import pytest

from agent.boards.pause import PauseState
from agent.desktop.tray.menu import View
from agent.desktop.tray.state import IconState, describe, icon_of
from agent.jobs.job import JobState
from tests.desktop.tray.samples import Asks, board, job

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
            View(asking=(Asks(),)),
            IconState.ASKING,
            "https://app.example.com asks to use your boards",
        ),
        (View(pause=PauseState(on=False)), IconState.IDLE, "No boards"),
        (View(boards=(board(),), pause=PauseState(on=True)), IconState.PAUSED, "Paused"),
        (
            View(jobs=(job(),), pause=PauseState(on=True, waiting=1)),
            IconState.WORKING,
            "Pausing after 1 job",
        ),
        (
            View(failed=(job(state=FAILED),), pause=PauseState(on=True)),
            IconState.PROBLEM,
            "Setting up sensor-1 did not work · Paused",
        ),
        (
            View(jobs=(job(1, ASKING),), asking=(Asks(),)),
            IconState.ASKING,
            "Setting up sensor-1 needs you",
        ),
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
