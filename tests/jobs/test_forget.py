"""Erasing what a board has stored where its sketch has no command for it: by overwriting that sketch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import BoardSilent, InternalError, OldFirmware, WrongSketch
from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.forget import Forget, Order
from agent.jobs.guide import Guide
from agent.jobs.job import JobState
from tests.jobs.bench import PASSWORD
from tests.jobs.drive import Drive
from tests.jobs.flash_samples import BROKEN, BUSY, GONE, TARGET, fate, owed, prepared
from tests.jobs.flashing import asks, ended, happens, runs, told
from tests.jobs.samples import UHWID, board_facts
from tests.jobs.test_flash_properties import answer, check_sketch, run_out
from tests.jobs.test_machine_properties import ModelCloud, step

if TYPE_CHECKING:
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.bench import Bench

GUIDE = Guide(pin="7", hold_seconds=3, procedure="Connect pin 7 to GND.", drawing="mkr")
SILENT = BoardSilent(seconds=30)


def forget(
    guide: Guide | None = None,
    *,
    attended: bool = True,
    confirmed: bool = False,
    overwrites: bool = True,
    in_bootloader: bool = False,
) -> Drive:
    order = Order(
        "MKR", guide, "Flash it again.", confirmed, overwrites, in_bootloader=in_bootloader
    )
    return Drive(Forget(order, attended=attended))


def read(drive: Drive, **facts: Any) -> Drive:
    return drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts(**facts))


def application(drive: Drive) -> Drive:
    return read(drive, application_sketch=True, uhwid=None)


def write(drive: Drive) -> Drive:
    drive.done(flash.PrepareFlash, prepared()).done(flash.EnterBootloader, TARGET)
    return drive.done(flash.WriteFlash).done(flash.WaitSketch)


def closed(drive: Drive) -> tuple[JobState, str | None]:
    drive.done(fx.CloseSession)
    return drive.state, drive.error


def test_an_application_sketch_is_overwritten_after_its_fates_were_told():
    drive = application(forget())
    assert drive.question
    assert drive.question.title == "Overwrite the sketch to erase the network settings?"
    assert {fate.what for fate in drive.question.fates if fate.fate == "lost"} >= {
        "the sketch on the board",
        "network settings and cloud identity that the board has stored",
    }
    assert drive.facts == []
    drive.answer("continue")
    assert drive.waits_for(flash.PrepareFlash) == flash.PrepareFlash(
        flash.Source(kind="provisioning-2.0")
    )
    write(drive)
    assert drive.waits_for(fx.OpenSession) == fx.OpenSession(flashed=True)
    # It was agreed to already.
    assert read(drive).waits_for(fx.ResetBoard)
    drive.done(fx.ResetBoard)
    assert closed(drive) == (JobState.DONE, None)
    assert drive.finish
    assert drive.finish.result == {
        "erased": "network and identity",
        "uhwid": UHWID,
        "sketch": "blink.bin",
    }
    assert [step.id for step in drive.job.steps] == [
        "read", "way", "fetch", "enter", "write", "restart", "erase",
    ]  # fmt: skip


def test_where_there_is_a_pin_overwriting_is_the_second_choice():
    drive = application(forget(GUIDE))
    assert drive.question
    assert [a.id for a in drive.question.actions] == ["done", "overwrite", "stop"]
    drive.answer("overwrite")
    asked = drive.job.question
    assert asked
    assert [action.id for action in asked.actions] == ["continue", "stop"]
    assert asked.fates
    assert not drive.waits_for(fx.WaitRestart)
    drive.answer("continue")
    assert drive.waits_for(flash.PrepareFlash)


def test_a_kind_of_board_that_cannot_be_written_has_the_pin_only():
    drive = application(forget(GUIDE, overwrites=False))
    assert drive.question
    assert [a.id for a in drive.question.actions] == ["done", "stop"]


@pytest.mark.parametrize("way", ["stop", "limit", "cancel"])
def test_who_does_not_agree_keeps_the_sketch(way):
    drive = application(forget())
    {"stop": lambda: drive.answer("stop"), "limit": lambda: drive.fire("limit")}.get(
        way, drive.cancel
    )()
    assert closed(drive) == (JobState.CANCELLED, None)
    assert not any(isinstance(r, flash.FlashRequest) for r in drive.asked)


@pytest.mark.parametrize("guide", [None, GUIDE])
def test_with_nobody_there_a_sketch_is_overwritten_only_if_that_was_confirmed(guide):
    drive = application(forget(guide, attended=False))
    assert closed(drive) == (JobState.FAILED, "board-not-supported")
    drive = application(forget(guide, attended=False, confirmed=True))
    read(write(drive)).done(fx.ResetBoard)
    assert closed(drive) == (JobState.DONE, None)


def test_a_sketch_that_does_not_answer_can_be_overwritten():
    drive = forget(GUIDE).fail(fx.OpenSession, SILENT)
    assert drive.question
    assert drive.question.reason == "Its sketch does not answer."
    assert drive.steps()["read"] == "failed"


@pytest.mark.parametrize(
    "error",
    [GONE, BUSY, OldFirmware(part="sketch", found="1", needed="2"), InternalError(kind="X")],
    ids=lambda e: e.code,
)
def test_what_says_nothing_of_the_sketch_is_no_reason_to_overwrite_it(error):
    assert closed(forget().fail(fx.OpenSession, error)) == (JobState.FAILED, error.code)


def test_a_silent_board_that_cannot_be_written_is_told_as_it_is():
    drive = forget(overwrites=False).fail(fx.OpenSession, SILENT)
    assert closed(drive) == (JobState.FAILED, "board-silent")


def test_a_board_in_its_bootloader_is_asked_about_at_once():
    drive = forget(GUIDE, in_bootloader=True)
    assert drive.question
    assert "bootloader" in drive.question.reason
    assert [step.id for step in drive.job.steps] == [
        "way", "fetch", "enter", "write", "restart", "read", "erase",
    ]  # fmt: skip
    read(write(drive.answer("continue"))).done(fx.ResetBoard)
    assert closed(drive) == (JobState.DONE, None)
    drive = forget(attended=False, in_bootloader=True)
    assert closed(drive) == (JobState.FAILED, "input")


@pytest.mark.parametrize("error", [SILENT, GONE], ids=lambda e: e.code)
def test_a_board_that_does_not_come_to_speak_after_writing_ends_it(error):
    drive = write(application(forget()).answer("continue")).fail(fx.OpenSession, error)
    assert closed(drive) == (JobState.FAILED, error.code)
    assert fate(drive) == ["written"]


def test_a_sketch_that_is_still_another_one_after_writing_ends_it():
    drive = application(write(application(forget()).answer("continue")))
    assert closed(drive) == (JobState.FAILED, "board-not-supported")


def test_the_end_of_the_agent_behind_the_writing_says_what_is_left():
    drive = write(application(forget()).answer("continue")).cancel(interrupted=True)
    assert closed(drive) == (JobState.INTERRUPTED, "interrupted")
    assert drive.finish
    assert drive.finish.error
    assert "not erased yet" in drive.finish.error.meaning
    assert not owed(drive)


def test_a_failure_while_writing_is_asked_about_here_too():
    drive = application(forget()).answer("continue").done(flash.PrepareFlash, prepared())
    for _ in range(2):
        drive.done(flash.EnterBootloader, TARGET).fail(flash.WriteFlash, BROKEN)
        drive.fire("again").done(fx.WaitBoardBack)
    drive.done(flash.EnterBootloader, TARGET).fail(flash.WriteFlash, BROKEN)
    assert drive.question
    assert closed(drive.answer("stop")) == (JobState.FAILED, "flash-failed")


@given(
    data=st.data(),
    attended=st.booleans(),
    confirmed=st.booleans(),
    guide=st.sampled_from([None, GUIDE]),
    overwrites=st.booleans(),
)
def test_erasing_always_ends_and_forgets_no_board(data, attended, confirmed, guide, overwrites):
    in_bootloader = overwrites and data.draw(st.booleans())
    drive = forget(
        guide,
        attended=attended,
        confirmed=confirmed,
        overwrites=overwrites,
        in_bootloader=in_bootloader,
    )
    for _ in range(data.draw(st.integers(0, 50))):
        if drive.finish is None:
            step(drive, ModelCloud(), data, answer)
    run_out(drive)
    check_sketch(drive)
    written = any(isinstance(r, flash.EnterBootloader) for r in drive.asked)
    if written:
        assert overwrites
        assert attended or confirmed
    if any(isinstance(r, fx.ResetBoard) for r in drive.asked):
        assert attended or confirmed


# --- with real parts -------------------------------------------------------------------------

MKR = "mkr_wifi_1010"


async def begin(bench: Bench, **config: Any) -> SimulatedDevice:
    device = await bench.plug(model=MKR, **config)
    await bench.publish()
    await bench.start_agent(clock=bench.hurried)
    return device


async def start(bench: Bench, *, attended: bool = True, **request: Any) -> str:
    usual = {"kind": "forget", "board": bench.board.id}
    return await bench.jobs.start(usual | request, attended=attended)


async def online(bench: Bench) -> None:
    job = await bench.jobs.wait(await bench.provision())
    assert job.state is JobState.DONE, job


async def test_the_settings_of_an_application_sketch_are_erased_by_overwriting_it(bench: Bench):
    device = await begin(bench, sketch="application")
    number = await start(bench)
    job = await asks(bench, number)
    assert job.question
    assert [a.id for a in job.question.actions] == ["done", "overwrite", "stop"]
    await bench.jobs.answer(number, {"action": "overwrite"})
    job = await bench.until(number, lambda now: now.question and now.question.id == 2)
    await bench.jobs.answer(number, {"action": "continue"})
    job = await ended(bench, number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["sketch"] == f"{MKR}.bin"
    assert runs(device) == "provisioning-2.0"
    assert "reset" in [event.step for event in bench.events]


async def test_what_was_stored_is_gone_afterwards(bench: Bench):
    device = await begin(bench)
    await online(bench)
    image = bench.cloud  # The cloud keeps its device; only the board forgets.
    assert device.status().device_id
    job = await ended(bench, await start(bench, attended=False, confirmed=True))
    assert job.state is JobState.DONE, job
    assert image.record.count("unclaim") == 0
    assert device.status().device_id == ""
    network = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}
    again = await bench.jobs.wait(await bench.provision(network=network, name="again"))
    assert again.state is JobState.DONE, again


async def test_a_board_in_its_bootloader_is_written_and_erased(bench: Bench):
    device = await begin(bench)
    await online(bench)
    device.press_reset(times=2)
    await happens(bench, lambda: "bootloader" in told(bench))
    job = await ended(bench, await start(bench, attended=False, confirmed=True))
    assert job.state is JobState.DONE, job
    assert device.status().device_id == ""


async def test_a_board_in_a_bootloader_that_takes_no_provisioning_sketch_says_so(bench: Bench):
    device = await bench.plug(model="mkr_wan_1310", sketch="lora-1.0")
    await bench.start_agent(clock=bench.hurried)
    device.press_reset(times=2)
    await happens(bench, lambda: "bootloader" in told(bench))
    with pytest.raises(WrongSketch):
        await start(bench)
