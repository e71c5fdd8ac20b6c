"""Reading a board and its networks, without I/O."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import NotSupported, SketchHalted
from agent.jobs import effects as fx
from agent.jobs.blynk import effects as bx
from agent.jobs.blynk.look import IdentifyBlynk, NetworksBlynk
from agent.jobs.job import JobState
from agent.links.access_point_question import Leaving
from tests.jobs.blynk.samples import BOARD, FOUND, POINT, SCAN, TEMPLATE, order
from tests.jobs.drive import Drive

SILENT = SketchHalted(seconds=12, why="x")


def test_a_board_says_what_it_is_and_why_it_failed_last() -> None:
    board = replace(BOARD, last_error=722)
    drive = Drive(IdentifyBlynk(order(), attended=True))
    drive.done(bx.Reach, FOUND._replace(board=board)).done(fx.CloseSession)
    assert drive.finish is not None
    result = drive.finish.result or {}
    assert result["protocol"] == "blynk"
    assert result["blynk"]["template"] == TEMPLATE
    assert result["blynk"]["last_error_means"] == "The network refused the board."


def test_it_lists_its_networks_and_how_many_hide() -> None:
    drive = Drive(NetworksBlynk(order(), attended=True)).done(bx.Reach, FOUND)
    drive.done(bx.LookAround, SCAN).done(fx.CloseSession)
    assert drive.finish is not None
    result = drive.finish.result or {}
    assert [each["ssid_hex"] for each in result["networks"]] == [b"HomeNet".hex(), b"Guests".hex()]
    assert (result["scans"], result["hidden"], result["damaged"]) == (True, 1, False)


@pytest.mark.parametrize("machine", [IdentifyBlynk, NetworksBlynk])
def test_one_that_does_not_answer_ends_the_job(machine: type[IdentifyBlynk]) -> None:
    drive = Drive(machine(order(), attended=True)).fail(bx.Reach, SILENT).done(fx.CloseSession)
    assert drive.error == SILENT.code
    late = Drive(machine(order(), attended=True)).fire("limit").done(fx.CloseSession)
    assert late.state is JobState.FAILED
    cancelled = Drive(machine(order(), attended=True)).cancel().done(fx.CloseSession)
    assert cancelled.state is JobState.CANCELLED


def test_a_board_that_cannot_look_says_so() -> None:
    drive = Drive(NetworksBlynk(order(), attended=True)).done(bx.Reach, FOUND)
    drive.fail(bx.LookAround, NotSupported(model="x")).done(fx.CloseSession)
    assert drive.error == "board-not-supported"


def test_the_computer_is_back_before_the_end() -> None:
    point = order(access_point=b"Blynk Thermo-FK8D", confirmed=True)
    leaving = Leaving("Blynk Thermo-FK8D", "wlan0", "", internet_goes=False, limit_s=180)
    drive = Drive(IdentifyBlynk(point, attended=True)).done(bx.PlanLeaving, leaving)
    assert drive.done(bx.Reach, POINT).waits_for(bx.GoBack)
    drive.done(bx.GoBack).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    failed = Drive(IdentifyBlynk(point, attended=True)).done(bx.PlanLeaving, leaving)
    failed.fail(bx.Reach, SILENT).done(bx.GoBack).done(fx.CloseSession)
    assert failed.error == SILENT.code
