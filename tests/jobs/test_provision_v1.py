"""Provisioning 1.0 and LoRa, step by step: the board, the cloud, the person, the agent fails."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from agent.jobs import device_effects as dx
from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.facts import CLAIMED, FLASHED, FLASHING, INTENT, SETTLED, device_result
from agent.jobs.job import JobState
from tests.jobs.device_samples import (
    APP_EUI,
    APP_KEY,
    BOARD_ERRORS,
    BUSY,
    CERTIFICATE,
    CLOUD_ERRORS,
    CSR,
    DEVICE_ID,
    DOWN,
    EUI,
    FAILED_PORT,
    GONE,
    HALTED,
    LOST,
    NOT_DONE,
    PASSWORD,
    PLANS,
    SILENT,
    certified,
    delivered,
    device,
    lora,
    lora_device,
    provision_v1,
    to_certifying,
    to_end,
    to_listening,
    to_making,
    to_preparing,
    to_writing,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import MooringError
    from tests.jobs.drive import Drive


def kinds(drive: Drive) -> list[str]:
    return [fact.kind for fact in drive.facts]


def ended(drive: Drive) -> tuple[JobState, str | None, bool]:
    """State, error, and whether something is still owed."""
    return drive.state, drive.error, drive.open_claim is not None


# --- the way it should go --------------------------------------------------------------------


def test_a_board_is_flashed_heard_certified_and_gets_its_header():
    drive = to_end(certified(to_certifying(provision_v1())))
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result == {
        "device": "kitchen-sensor",
        "device_id": DEVICE_ID,
        "cloud": "arduino",
        "procedure": "provision-1.0",
        "files": ["arduino_secrets.h"],
        "seconds": 0.0,
    }
    assert kinds(drive) == [FLASHING, FLASHED, INTENT, CLAIMED, SETTLED]
    steps = "look fetch enter write restart listen device certificate secrets"
    assert drive.steps() == dict.fromkeys(steps.split(), "done")
    assert "SECRET_DEVICE_KEY" not in delivered(drive)
    assert PASSWORD in delivered(drive)
    found = device_result(drive.facts)
    assert found
    assert found.items() <= (drive.finish.result | {"files": []}).items()


def test_nothing_is_made_in_the_cloud_before_the_board_has_answered():
    drive = to_listening(provision_v1())
    assert not any(isinstance(r, fx.Make | dx.FindDevices) for r in drive.asked)
    drive.done(dx.OpenV1)
    assert drive.waits_for(fx.SettleLeftovers)


def test_the_request_and_the_certificate_are_those_of_the_device():
    drive = to_certifying(provision_v1())
    assert drive.waits_for(dx.MakeCsr) == dx.MakeCsr(DEVICE_ID)
    drive.done(dx.MakeCsr, CSR)
    assert drive.waits_for(dx.Certify) == dx.Certify(DEVICE_ID, CSR)
    drive.done(dx.Certify, CERTIFICATE)
    assert drive.waits_for(dx.StoreCertificate) == dx.StoreCertificate(CERTIFICATE)


def test_the_person_is_told_what_is_lost_before_the_sketch_is_overwritten():
    drive = provision_v1(confirmed=False)
    assert drive.question
    assert drive.question.fates
    assert {action.id for action in drive.question.actions} == {"continue", "stop"}
    assert not drive.asked
    drive.answer("continue")
    assert drive.waits_for(flash.PrepareFlash) == flash.PrepareFlash(
        flash.Source(kind="provisioning-1.0")
    )


def test_with_nobody_there_a_sketch_is_overwritten_only_on_demand():
    drive = provision_v1(attended=False, confirmed=False).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "flash-confirm", False)


# --- the board says nothing ------------------------------------------------------------------


def test_a_halted_sketch_is_reset_once_by_the_person_and_then_it_is_final():
    drive = to_listening(provision_v1()).fail(dx.OpenV1, HALTED)
    assert drive.question
    assert "Press the reset button" in drive.question.meaning
    drive.answer("retry").fail(dx.OpenV1, HALTED).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "board-sketch-halted", False)


def test_a_halted_sketch_is_opened_once_more_with_nobody_there():
    drive = to_listening(provision_v1(attended=False)).fail(dx.OpenV1, HALTED)
    drive.fire("again").fail(dx.OpenV1, HALTED).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "board-sketch-halted", False)
    assert sum(isinstance(r, dx.OpenV1) for r in drive.asked) == 2


def test_a_reset_that_the_computer_sees_is_answer_enough():
    drive = to_listening(provision_v1()).fail(dx.OpenV1, HALTED)
    drive.done(fx.CloseSession).done(fx.WaitRestart)
    assert drive.question is None
    assert drive.waits_for(dx.OpenV1)


def test_a_board_whose_port_is_not_back_yet_is_waited_for():
    drive = to_listening(provision_v1(attended=False)).fail(dx.OpenV1, GONE)
    drive.done(fx.CloseSession).done(fx.WaitBoardBack)
    assert drive.waits_for(dx.OpenV1)


def test_a_port_that_another_program_holds_is_asked_about_and_not_waited_for():
    drive = to_listening(provision_v1()).fail(dx.OpenV1, BUSY)
    assert drive.waits_for(fx.WaitBoardBack) is None
    assert drive.question
    assert "ModemManager" in drive.question.title
    drive.answer("retry")
    assert drive.waits_for(dx.OpenV1)


def test_a_port_that_another_program_holds_is_tried_again_with_nobody_there():
    drive = to_listening(provision_v1(attended=False))
    for _ in range(3):
        drive.fail(dx.OpenV1, BUSY).done(fx.CloseSession).fire("again")
    drive.fail(dx.OpenV1, BUSY).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "port-busy", False)


def test_a_port_that_fails_in_the_middle_of_a_command_is_not_opened_again_with_nobody_there():
    drive = to_certifying(provision_v1(attended=False)).fail(dx.MakeCsr, FAILED_PORT)
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "port-failed", False)


# --- the board falls silent or refuses in the middle -----------------------------------------


def test_after_silence_nothing_is_sent_until_the_board_was_restarted():
    drive = to_certifying(provision_v1()).done(dx.MakeCsr, CSR).done(dx.Certify, CERTIFICATE)
    drive.fail(dx.StoreCertificate, SILENT)
    assert not any(isinstance(r, dx.DeviceRequest) for r in drive.waiting)
    assert drive.question
    assert "stays while you decide" in drive.question.safe
    drive.answer("retry").done(dx.OpenV1)
    assert drive.waits_for(dx.MakeCsr) == dx.MakeCsr(DEVICE_ID), "the same device, from the start"
    to_end(certified(drive))
    assert drive.state is JobState.DONE
    assert sum(isinstance(r, dx.CreateDevice) for r in drive.asked) == 1
    assert sum(isinstance(r, dx.Certify) for r in drive.asked) == 2


def test_silence_with_nobody_there_deletes_the_device():
    drive = to_certifying(provision_v1(attended=False)).fail(dx.MakeCsr, SILENT)
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "board-answer-missing", False)


def test_a_command_that_is_refused_deletes_the_device_and_is_named():
    drive = to_certifying(provision_v1()).done(dx.MakeCsr, CSR).done(dx.Certify, CERTIFICATE)
    drive.fail(dx.StoreCertificate, NOT_DONE).done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "board-command-refused", False)
    assert drive.finish
    assert drive.finish.error
    assert "end storage" in drive.finish.error.title


def test_an_unplugged_board_goes_on_with_its_device_when_it_is_back():
    drive = to_certifying(provision_v1()).fail(dx.MakeCsr, GONE)
    assert drive.question
    assert drive.question.title.startswith("The board is gone")
    drive.done(fx.CloseSession).done(fx.WaitBoardBack).done(dx.OpenV1)
    assert to_end(certified(drive)).state is JobState.DONE


def test_an_unplugged_board_that_stays_away_loses_its_device():
    drive = to_certifying(provision_v1(attended=False)).fail(dx.MakeCsr, GONE)
    drive.done(fx.CloseSession).fail(fx.WaitBoardBack, GONE)
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "port-gone", False)


def test_a_board_that_vanishes_again_and_again_with_nobody_there_is_given_up():
    drive = to_certifying(provision_v1(attended=False))
    for _ in range(3):
        drive.fail(dx.MakeCsr, GONE).done(fx.CloseSession).done(fx.WaitBoardBack).done(dx.OpenV1)
    drive.fail(dx.MakeCsr, GONE).done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "port-gone", False)


def test_a_person_may_give_the_device_up():
    drive = to_certifying(provision_v1()).fail(dx.MakeCsr, SILENT).answer("undo")
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "board-answer-missing", False)


def test_a_board_that_hangs_is_treated_as_silent():
    drive = to_certifying(provision_v1()).fire("limit")
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == "board-answer-missing"


# --- the cloud -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", CLOUD_ERRORS, ids=lambda error: error.code)
def test_without_a_certificate_the_device_is_deleted(error: MooringError):
    drive = to_certifying(provision_v1()).done(dx.MakeCsr, CSR)
    drive.fail(dx.Certify, error)
    while drive.timers.get("again"):
        drive.fire("again").fail(dx.Certify, error)
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, error.code, False)


def test_a_certificate_that_comes_at_the_second_try_is_used():
    drive = to_certifying(provision_v1()).done(dx.MakeCsr, CSR)
    drive.fail(dx.Certify, DOWN).fire("again").done(dx.Certify, CERTIFICATE)
    assert drive.waits_for(dx.StoreCertificate)


def test_a_cloud_that_never_answers_for_a_certificate_loses_the_device():
    drive = to_certifying(provision_v1()).done(dx.MakeCsr, CSR).fire("limit")
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "cloud-unreachable", False)


def test_a_device_that_cannot_be_deleted_is_left_open_with_both_errors():
    drive = to_certifying(provision_v1()).fail(dx.MakeCsr, NOT_DONE)
    drive.fail(dx.DeleteDevice, DOWN).fire("again").fail(dx.DeleteDevice, DOWN)
    drive.fire("again").fail(dx.DeleteDevice, DOWN).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "cloud-device-left", True)
    assert drive.finish
    assert drive.finish.error
    assert "refused the command" in drive.finish.error.title
    assert "cannot be reached" in drive.finish.error.meaning


# --- LoRa ------------------------------------------------------------------------------------


def test_a_lora_board_tells_its_number_and_the_person_gets_the_keys():
    drive = to_preparing(to_listening(lora(frequency_plan="EU_863_870_TTN")))
    to_making(drive)
    made = drive.waits_for(dx.CreateLoRa)
    assert made
    assert (made.eui, made.frequency_plan) == (EUI, "EU_863_870_TTN")
    drive.done(dx.CreateLoRa, lora_device()).done(dx.ShowDevice, device())
    to_end(drive)
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["eui"] == EUI
    assert drive.finish.result["app_eui"] == APP_EUI
    assert f'#define SECRET_APP_KEY "{APP_KEY}"' in delivered(drive)
    said = repr(drive.facts) + repr(drive.job) + repr(drive.finish) + repr(drive.asked)
    assert APP_KEY not in said


def test_the_frequency_plan_is_asked_before_anything_is_written():
    drive = lora().done(dx.FrequencyPlans, PLANS)
    assert drive.question
    assert [choice.id for choice in drive.question.choices] == ["EU_863_870_TTN", "AS_920_923"]
    assert [action.needs for action in drive.question.actions] == ["choice", None]
    assert not drive.waits_for(flash.PrepareFlash)
    drive.answer("choice", choice="AS_920_923")
    assert drive.waits_for(flash.PrepareFlash)


@pytest.mark.parametrize(
    ("plan", "attended"), [("EU", False), ("EU", True), ("", False), (None, False)]
)
def test_a_wrong_or_missing_frequency_plan_fails_before_anything_is_written(
    plan: str | None, attended: bool
):
    drive = lora(attended=attended, frequency_plan=plan).done(dx.FrequencyPlans, PLANS)
    drive.done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "input", False)
    assert drive.finish
    assert drive.finish.error
    assert "EU_863_870_TTN" in drive.finish.error.title
    assert not any(isinstance(r, flash.FlashRequest) for r in drive.asked)


def test_a_lora_device_that_cannot_be_shown_is_deleted():
    drive = to_making(to_preparing(to_listening(lora(frequency_plan="AS_920_923"))))
    drive.done(dx.CreateLoRa, lora_device()).fail(dx.ShowDevice, DOWN)
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "cloud-unreachable", False)


@pytest.mark.parametrize("error", LOST, ids=lambda error: error.code)
def test_a_lora_device_whose_key_was_lost_with_the_answer_is_deleted(error: MooringError):
    drive = to_making(to_preparing(to_listening(lora(frequency_plan="AS_920_923"))))
    drive.fail(dx.CreateLoRa, error).done(dx.FindDevices, [device("new")])
    assert drive.waits_for(dx.DeleteDevice) == dx.DeleteDevice("new")
    drive.done(dx.DeleteDevice).done(fx.CloseSession)
    assert ended(drive) == (JobState.FAILED, "cloud-unreachable", False)


# --- every step: unplugged, killed, refused, cancelled ---------------------------------------

BOARD_WAYS: dict[str, Callable[[bool], Drive]] = {
    "listen": lambda attended: to_listening(provision_v1(attended=attended)),
    "request": lambda attended: to_certifying(provision_v1(attended=attended)),
    "store": lambda attended: (
        to_certifying(provision_v1(attended=attended))
        .done(dx.MakeCsr, CSR)
        .done(dx.Certify, CERTIFICATE)
    ),
    "eui": lambda attended: to_listening(lora(attended=attended, frequency_plan="AS_920_923")),
}
CLOUD_WAYS: dict[str, Callable[[], Drive]] = {
    "prepare": lambda: to_preparing(to_listening(provision_v1())),
    "known": lambda: to_preparing(to_listening(provision_v1())).done(fx.SettleLeftovers, []),
    "certify": lambda: to_certifying(provision_v1()).done(dx.MakeCsr, CSR),
    "plans": lora,
    "show": lambda: to_making(to_preparing(to_listening(lora(frequency_plan="AS_920_923")))).done(
        dx.CreateLoRa, lora_device()
    ),
}
WAYS: dict[str, Callable[[], Drive]] = CLOUD_WAYS | {
    "look": lambda: provision_v1(confirmed=False),
    "write": lambda: to_writing(provision_v1()),
    "device": lambda: to_making(to_preparing(to_listening(provision_v1()))),
    "lora device": lambda: to_making(to_preparing(to_listening(lora(frequency_plan="AS_920_923")))),
    "deliver": lambda: certified(to_certifying(provision_v1())),
    **{name: partial(way, True) for name, way in BOARD_WAYS.items()},
}


def finish(drive: Drive) -> Drive:
    """Let what undoes and closes succeed, and the cloud answer."""
    while drive.finish is None:
        if drive.waits_for(fx.Make):
            made = lora_device() if drive.waits_for(dx.CreateLoRa) else device()
            drive.done(fx.Make, made)
        elif drive.waits_for(fx.TakeBack):
            drive.done(fx.TakeBack)
        elif drive.question:
            drive.answer(drive.question.actions[-1].id)
        elif drive.waits_for(fx.CloseSession):
            drive.done(fx.CloseSession)
        elif drive.waits_for(fx.WaitBoardBack):
            drive.fail(fx.WaitBoardBack, GONE)
        elif drive.waits_for(dx.DeviceRequest):
            drive.fail(dx.DeviceRequest, HALTED)
        else:
            drive.fire(min(drive.due, key=lambda name: drive.due[name]))
    return drive


@pytest.mark.parametrize("attended", [True, False])
@pytest.mark.parametrize("error", BOARD_ERRORS, ids=lambda error: error.code)
@pytest.mark.parametrize("way", BOARD_WAYS)
def test_a_board_that_fails_at_a_step_leaves_no_device(
    way: str, error: MooringError, attended: bool
):
    drive = BOARD_WAYS[way](attended)
    finish(drive.fail(dx.DeviceRequest, error))
    assert drive.state is JobState.FAILED
    assert drive.open_claim is None


@pytest.mark.parametrize("error", CLOUD_ERRORS, ids=lambda error: error.code)
@pytest.mark.parametrize("way", CLOUD_WAYS)
def test_a_cloud_that_fails_at_a_step_leaves_no_device(way: str, error: MooringError):
    drive = CLOUD_WAYS[way]()
    request = drive.waiting[0]
    drive.fail(type(request), error)
    while drive.timers.get("again") and drive.waits_for(fx.TakeBack) is None:
        drive.fire("again").fail(type(request), error)
    finish(drive)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)
    assert drive.open_claim is None


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_cancel_at_a_step_leaves_no_device(way: str, interrupted: bool):
    drive = WAYS[way]().cancel(interrupted=interrupted)
    finish(drive)
    assert drive.state is (JobState.INTERRUPTED if interrupted else JobState.CANCELLED)
    assert drive.open_claim is None
    made = {request for request in drive.asked if isinstance(request, fx.Make)}
    assert len(made) == len({r for r in drive.asked if isinstance(r, dx.DeleteDevice)})
