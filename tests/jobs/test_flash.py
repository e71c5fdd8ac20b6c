"""A job that only writes a sketch: what it shows, and what comes of it."""

from __future__ import annotations

import pytest

from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.job import JobState
from tests.jobs.flash_samples import (
    OTHER,
    SHA256,
    START_ERRORS,
    fate,
    flashing,
    prepared,
    to_starting,
)


def test_its_steps_are_told_before_it_begins():
    drive = flashing()
    assert [step.id for step in drive.job.steps] == ["fetch", "enter", "write", "restart"]


def test_the_result_says_what_was_written():
    drive = flashing()
    drive.now += 2.5
    to_starting(drive, version="1.2", notes=("The list is 3 days old.",))
    drive.done(flash.WaitSketch).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result == {
        "sketch": "blink.bin",
        "version": "1.2",
        "sha256": SHA256,
        "bytes": 120_000,
        "seconds": 2.5,
        "notes": ["The list is 3 days old."],
    }
    assert drive.job.steps[0].message == "blink.bin 1.2 · 120 kB · The list is 3 days old."


@pytest.mark.parametrize("error", START_ERRORS, ids=lambda e: e.code)
def test_a_sketch_of_somebodys_own_may_stay_off_the_bus(error):
    drive = to_starting(flashing(), shows=False).fail(flash.WaitSketch, error)
    drive.done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert fate(drive) == ["written"]
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["notes"] == ["The sketch does not show itself on USB."]


def test_the_wrong_board_coming_back_is_told():
    drive = to_starting(flashing()).fail(flash.WaitSketch, OTHER)
    drive.fire("again").fail(fx.WaitBoardBack, OTHER)
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == "board-other"


def test_a_small_sketch_is_not_called_empty():
    drive = flashing().done(flash.PrepareFlash, prepared(size=12))
    assert drive.job.steps[0].message == "blink.bin · 1 kB"


@pytest.mark.parametrize(
    ("kind", "installed"),
    [("provisioning-2.0", "2.0"), ("provisioning-1.0", "1.0"), ("lora-1.0", None), ("local", None)],
)
def test_what_the_board_speaks_from_now_on_is_remembered(kind, installed):
    drive = to_starting(flashing(), kind=kind)
    request = drive.waits_for(flash.WaitSketch)
    assert request
    learned = [
        effect.installed
        for effect in drive.machine.handle(fx.Done(request), drive.now)
        if isinstance(effect, fx.Learn)
    ]
    # What was known of the old sketch goes in any case.
    assert learned == ["", *filter(None, [installed])]
