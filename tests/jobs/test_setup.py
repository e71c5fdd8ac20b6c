"""Setting a board up whatever runs on it: look, agree, write, and provision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.cloud import Requirements
from agent.clouds.devices import Device
from agent.errors import BoardBusy, BoardSilent, InternalError, NotSupported, StatusReported
from agent.jobs import device_effects as dx
from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.job import JobState, StepState
from agent.jobs.setup import MIGRATE_PATIENCE_S
from agent.jobs.states import State
from agent.jobs.which import BoardSays
from tests.jobs.flash_samples import (
    BROKEN,
    BUSY,
    FORBIDDEN,
    GONE,
    TARGET,
    fate,
    owed,
    prepared,
    setup,
)
from tests.jobs.samples import DOWN, REFUSALS, board_facts, claim, identity, wifi

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs.drive import Drive

NEEDS = Requirements(min_sketch="0.6.0")
FIRMWARE = Requirements(min_sketch="0.6.0", min_wifi_firmware="0.6.0")
OLD = Device(id="d-old", name="old kitchen", serial="8A0C")
RUNS_1 = BoardSays(answer="1.0")
NO_2_0 = NotSupported(model="MKR", what="take 2.0", why="No.", action="Take 1.0.")


def look(
    drive: Drive, says: BoardSays = RUNS_1, *old: Device, needs: Requirements = NEEDS
) -> Drive:
    """Through LOOKING."""
    drive.done(flash.AskBoard, says)
    if drive.waits_for(dx.FindDevices):
        drive.done(dx.FindDevices, list(old))
    return drive.done(fx.CloudRequirements, needs)


def write(drive: Drive) -> Drive:
    """From FETCHING to READING."""
    drive.done(flash.PrepareFlash, prepared()).done(flash.EnterBootloader, TARGET)
    return drive.done(flash.WriteFlash).done(flash.WaitSketch)


def read(drive: Drive, **facts: Any) -> Drive:
    return drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts(**facts))


def online(drive: Drive, device: str = "d-new") -> Drive:
    """From IDENTIFYING on, until the cloud has seen the board."""
    drive.done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())
    drive.done(fx.ClaimBoard, "c-1").done(fx.ResetBoard).done(fx.Configure)
    drive.done(fx.WaitEnded)
    return drive.done(fx.FindClaims, [claim(device)])


def kinds(drive: Drive) -> list[type]:
    return [type(request) for request in drive.asked]


def closed(drive: Drive) -> tuple[JobState, str | None]:
    while drive.waits_for(fx.CloseSession):
        drive.done(fx.CloseSession)
    return drive.state, drive.error


# --- looking ---------------------------------------------------------------------------------


def test_a_migration_looks_first_and_asks_board_cloud_and_older_devices():
    drive = setup()
    assert drive.waits_for(flash.AskBoard) == flash.AskBoard(MIGRATE_PATIENCE_S)
    assert drive.waits_for(dx.FindDevices) == dx.FindDevices("8A0C")
    assert [step.id for step in drive.job.steps][:6] == [
        "look", "fetch", "enter", "write", "restart", "read",
    ]  # fmt: skip


def test_a_person_is_told_what_is_kept_and_lost_before_anything_is_fetched():
    drive = look(setup(), RUNS_1, OLD)
    assert drive.question
    assert drive.question.title == "Update this board to provisioning 2.0?"
    assert (
        drive.question.reason == "It runs the sketch of provisioning 1.0, and 2.0 is there for it."
    )
    assert {fate.fate for fate in drive.question.fates} == {"kept", "lost", "new"}
    assert drive.question.old_devices == [{"id": "d-old", "name": "old kitchen"}]
    assert flash.PrepareFlash not in kinds(drive)


@pytest.mark.parametrize("way", ["stop", "limit", "cancel", "interrupt"])
def test_whoever_does_not_agree_keeps_the_board_as_it_is(way):
    drive = look(setup())
    match way:
        case "stop":
            drive.answer("stop")
        case "limit":
            drive.fire("limit")
        case _:
            drive.cancel(interrupted=way == "interrupt")
    state, _ = closed(drive)
    assert state is (JobState.INTERRUPTED if way == "interrupt" else JobState.CANCELLED)
    assert drive.facts == []
    assert flash.PrepareFlash not in kinds(drive)


def test_unattended_it_writes_nothing_unless_confirmed():
    drive = look(setup(attended=False))
    assert closed(drive) == (JobState.FAILED, "flash-confirm")
    drive = look(setup(attended=False, confirmed=True))
    assert drive.waits_for(flash.PrepareFlash) == flash.PrepareFlash(
        flash.Source(kind="provisioning-2.0")
    )


@pytest.mark.parametrize("attended", [True, False])
@pytest.mark.parametrize("error", [GONE, BUSY, FORBIDDEN, InternalError(kind="X")])
def test_a_board_that_cannot_be_asked_ends_it(error, attended):
    drive = setup(attended=attended).fail(flash.AskBoard, error)
    assert closed(drive) == (JobState.FAILED, error.code)


@pytest.mark.parametrize("error", [DOWN, *REFUSALS], ids=lambda e: e.code)
def test_a_cloud_that_cannot_be_asked_ends_it_before_anything_is_written(error):
    drive = setup(confirmed=True).done(flash.AskBoard, RUNS_1)
    drive.fail(fx.CloudRequirements, error)
    assert closed(drive) == (JobState.FAILED, error.code)
    assert flash.PrepareFlash not in kinds(drive)


def test_older_devices_that_cannot_be_listed_are_no_reason_to_stop():
    drive = setup().fail(dx.FindDevices, DOWN).done(flash.AskBoard, RUNS_1)
    assert drive.done(fx.CloudRequirements, NEEDS).question


def test_a_board_that_a_cloud_does_not_take_is_not_written_to():
    drive = setup(confirmed=True).done(flash.AskBoard, RUNS_1).done(dx.FindDevices, [])
    drive.fail(fx.CloudRequirements, NO_2_0)
    assert closed(drive) == (JobState.FAILED, "board-not-supported")
    assert drive.finish
    assert drive.finish.error
    assert "provision-1.0" in drive.finish.error.remedy


def test_looking_has_a_limit():
    assert closed(setup().fire("limit"))[0] is JobState.FAILED


def test_a_board_that_speaks_2_0_well_enough_is_not_written_to():
    drive = look(setup(), BoardSays(answer="2.0", sketch_version="0.6.2"))
    assert drive.machine.state is State.READING
    read(drive.done(fx.CloudRequirements, NEEDS))
    assert drive.waits_for(fx.ReadIdentity)
    assert flash.PrepareFlash not in kinds(drive)


@pytest.mark.parametrize(
    "says",
    [
        BoardSays(answer="2.0", sketch_version="0.5.0"),
        BoardSays(answer="2.0", status=-7),
        BoardSays(answer="2.0", status=-6),
        BoardSays(answer="2.0", status=-160),
        BoardSays(answer="application", sketch_version="0.6.2"),
        BoardSays(answer="console"),
        BoardSays(answer="text"),
        BoardSays(answer="silence"),
        BoardSays(answer="bootloader"),
    ],
    ids=lambda says: f"{says.answer} {says.status or ''}",
)
def test_any_other_board_is_asked_about_and_written(says):
    drive = look(setup(), says)
    assert drive.question
    assert drive.question.reason in drive.question.meaning
    write(drive.answer("continue"))
    assert drive.waits_for(fx.OpenSession) == fx.OpenSession(flashed=True)


# --- provisioning first speaks 2.0 -----------------------------------------------------------


def test_provisioning_does_not_look_unless_it_must():
    drive = setup(migrate=False)
    assert drive.machine.state is State.READING
    assert flash.AskBoard not in kinds(drive)
    assert "look" not in drive.steps()


def test_an_old_sketch_of_2_0_is_asked_about_without_asking_the_board_again():
    drive = setup(migrate=False).done(fx.CloudRequirements, NEEDS)
    read(drive, sketch_version="0.5.0")
    assert drive.question
    assert "needs 0.6.0" in drive.question.reason
    assert flash.AskBoard not in kinds(drive)


@pytest.mark.parametrize("procedure", ["provision-2.0"])
def test_who_wants_no_sketch_written_gets_the_reason_and_no_loop(procedure):
    drive = setup(migrate=False, procedure=procedure).done(fx.CloudRequirements, NEEDS)
    read(drive, sketch_version="0.5.0")
    assert closed(drive) == (JobState.FAILED, "board-old-firmware")
    assert kinds(drive).count(fx.OpenSession) == 1


@pytest.mark.parametrize("procedure", ["migrate", "flash-then-2.0"])
def test_who_wants_the_sketch_written_gets_that(procedure):
    drive = setup(migrate=False, procedure=procedure)
    look(drive, BoardSays(answer="2.0", sketch_version="0.6.2"))
    assert drive.question
    assert drive.question.reason.startswith("You chose it")


@pytest.mark.parametrize("error", [BoardSilent(seconds=30), BoardBusy()], ids=lambda e: e.code)
def test_a_board_that_does_not_speak_2_0_is_looked_at_once(error):
    drive = setup(migrate=False).done(fx.CloudRequirements, NEEDS).fail(fx.OpenSession, error)
    assert drive.waits_for(flash.AskBoard) == flash.AskBoard(0.0)
    look(drive, RUNS_1)
    assert drive.question


def test_what_a_sketch_says_of_itself_needs_no_second_look():
    failed = StatusReported(name="SE_INIT", status=-150, text="t", action="a")
    drive = setup(migrate=False).done(fx.CloudRequirements, NEEDS).fail(fx.OpenSession, failed)
    assert not drive.waits_for(flash.AskBoard)
    drive.done(dx.FindDevices, []).done(fx.CloudRequirements, NEEDS)
    assert drive.question
    assert "status -150" in drive.question.reason


@pytest.mark.parametrize("error", [GONE, BUSY, FORBIDDEN, InternalError(kind="X"), DOWN])
def test_what_says_nothing_of_the_sketch_is_no_reason_to_replace_it(error):
    drive = setup(migrate=False)
    drive.fail(fx.CloudRequirements if error is DOWN else fx.OpenSession, error)
    assert closed(drive) == (JobState.FAILED, error.code)


def test_a_board_that_is_not_in_the_catalogue_is_never_written_to():
    drive = setup(migrate=False, model=None, fqbn="x:y:z").done(fx.CloudRequirements, NEEDS)
    drive.fail(fx.OpenSession, BoardSilent(seconds=30))
    assert closed(drive) == (JobState.FAILED, "board-silent")


def test_a_board_that_still_does_not_speak_after_writing_ends_it_without_a_loop():
    drive = write(look(setup(confirmed=True)))
    drive.fail(fx.OpenSession, BoardSilent(seconds=30))
    assert closed(drive) == (JobState.FAILED, "board-silent")
    assert kinds(drive).count(flash.PrepareFlash) == 1
    assert fate(drive) == ["written"]


def test_a_2_0_board_that_falls_silent_after_the_look_is_not_looked_at_again():
    drive = look(setup(), BoardSays(answer="2.0", sketch_version="0.6.2"))
    drive.done(fx.CloudRequirements, NEEDS).fail(fx.OpenSession, BoardSilent(seconds=30))
    assert closed(drive) == (JobState.FAILED, "board-silent")


# --- Wi-Fi firmware --------------------------------------------------------------------------


def test_old_wifi_firmware_that_is_known_stops_it_before_anything_is_written():
    says = BoardSays(answer="2.0", sketch_version="0.5.0", wifi_firmware="0.4.1")
    drive = look(setup(confirmed=True), says, needs=FIRMWARE)
    assert closed(drive) == (JobState.FAILED, "board-old-firmware")
    assert flash.PrepareFlash not in kinds(drive)


@pytest.mark.parametrize("found", ["0.4.1", None])
def test_old_wifi_firmware_ends_it_behind_the_writing_with_nothing_claimed(found):
    drive = write(look(setup(confirmed=True), needs=FIRMWARE))
    read(drive, wifi_firmware=found)
    assert closed(drive) == (JobState.FAILED, "board-old-firmware")
    assert fx.ClaimBoard not in kinds(drive)
    assert kinds(drive).count(flash.PrepareFlash) == 1


# --- networks --------------------------------------------------------------------------------


def without_network(*, attended: bool = True) -> Drive:
    drive = setup(attended=attended, confirmed=True)
    machine: Any = drive.machine
    machine.chosen = None
    return read(write(look(drive)))


def test_a_network_that_was_not_given_is_asked_for_with_what_the_board_sees():
    drive = without_network()
    assert drive.question
    assert drive.question.step == "check"
    assert [network["ssid"] for network in drive.question.networks] == ["HomeNet", "Office"]
    drive.answer("network", network=wifi())
    assert drive.waits_for(fx.ReadIdentity)
    assert kinds(drive).count(fx.ReadBoard) == 1


def test_with_nobody_to_choose_a_network_the_job_says_which_field_is_missing():
    drive = without_network(attended=False)
    assert closed(drive) == (JobState.FAILED, "input")


@pytest.mark.parametrize("way", ["stop", "limit", "cancel"])
def test_who_chooses_no_network_keeps_the_new_sketch(way):
    drive = without_network()
    {"stop": lambda: drive.answer("stop"), "limit": lambda: drive.fire("limit")}.get(
        way, drive.cancel
    )()
    assert closed(drive)[0] is JobState.CANCELLED
    assert fate(drive) == ["written"]


def test_a_board_that_is_pulled_out_while_the_person_chooses_ends_it():
    drive = without_network().lose_session()
    assert closed(drive) == (JobState.FAILED, "port-gone")


# --- the end ---------------------------------------------------------------------------------


def test_a_reset_stands_between_claim_and_settings():
    drive = online(read(write(look(setup(confirmed=True)))))
    order = [k for k in kinds(drive) if k in {fx.ClaimBoard, fx.ResetBoard, fx.Configure}]
    assert order == [fx.ClaimBoard, fx.ResetBoard, fx.Configure]
    assert closed(drive) == (JobState.DONE, None)
    assert drive.finish
    result = drive.finish.result or {}
    assert (result["procedure"], result["sketch"]) == ("migrate", "blink.bin")
    assert "old_devices" not in result


def at_the_end(*old: Device, attended: bool = True, device: str = "d-new", **given: Any) -> Drive:
    drive = setup(attended=attended, confirmed=True, **given)
    return online(read(write(look(drive, RUNS_1, *old))), device)


def test_an_older_device_is_named_and_kept_unless_the_person_says_so():
    drive = at_the_end(OLD)
    assert drive.question
    assert "“old kitchen”" in drive.question.title
    drive.answer("keep")
    assert closed(drive) == (JobState.DONE, None)
    assert drive.finish
    result = drive.finish.result or {}
    assert result["old_devices"] == [{"id": "d-old", "name": "old kitchen"}]
    assert result["deleted"] == []
    assert dx.DeleteDevice not in kinds(drive)


@pytest.mark.parametrize("way", ["limit", "cancel", "interrupt"])
def test_the_board_is_set_up_whatever_becomes_of_that_question(way):
    drive = at_the_end(OLD)
    if way == "limit":
        drive.fire("limit")
    else:
        drive.cancel(interrupted=way == "interrupt")
    assert closed(drive) == (JobState.DONE, None)
    assert dx.DeleteDevice not in kinds(drive)


def test_the_question_stays_when_the_board_goes():
    drive = at_the_end(OLD).lose_session()
    assert drive.question
    drive.answer("delete").done(dx.DeleteDevice)
    assert closed(drive) == (JobState.DONE, None)
    assert drive.finish
    assert (drive.finish.result or {})["deleted"] == ["d-old"]


def test_with_nobody_there_older_devices_are_kept():
    drive = at_the_end(OLD, attended=False)
    assert closed(drive) == (JobState.DONE, None)
    assert dx.DeleteDevice not in kinds(drive)


@pytest.mark.parametrize("attended", [True, False])
def test_older_devices_are_deleted_without_a_question_where_that_was_said(attended):
    other = Device(id="d-2", name="", serial="8A0C")
    drive = at_the_end(OLD, other, attended=attended, delete_old=True)
    drive.fail(dx.DeleteDevice, DOWN).done(dx.DeleteDevice)
    assert closed(drive) == (JobState.DONE, None)
    assert drive.finish
    assert (drive.finish.result or {})["deleted"] == ["d-2"]
    (step,) = [step for step in drive.job.steps if step.id == "retire"]
    assert (step.state, step.message) == (StepState.FAILED, "1 could not be deleted")


def test_the_device_that_the_board_has_now_is_never_called_an_older_one():
    drive = at_the_end(OLD, device="d-old", delete_old=True)
    assert closed(drive) == (JobState.DONE, None)
    assert dx.DeleteDevice not in kinds(drive)


def test_a_claim_that_fails_after_writing_is_undone_and_the_old_device_stays():
    drive = read(write(look(setup(confirmed=True), RUNS_1, OLD)))
    drive.done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())
    drive.done(fx.ClaimBoard, "c-1").cancel().done(fx.Unclaim)
    assert closed(drive)[0] is JobState.CANCELLED
    assert dx.DeleteDevice not in kinds(drive)
    assert drive.open_claim is None


# --- only the new sketch ---------------------------------------------------------------------


def test_prepare_only_stops_once_the_new_sketch_has_told_its_versions():
    drive = setup(prepare_only=True, confirmed=True)
    assert [step.id for step in drive.job.steps] == [
        "look", "fetch", "enter", "write", "restart", "read",
    ]  # fmt: skip
    read(write(look(drive)))
    assert closed(drive) == (JobState.DONE, None)
    assert drive.finish
    result = drive.finish.result or {}
    assert result["prepared"] is True
    assert (result["sketch_version"], result["wifi_firmware"]) == ("0.6.2", "0.6.0")
    assert fx.ClaimBoard not in kinds(drive)


def test_prepare_only_works_without_the_cloud():
    drive = setup(prepare_only=True, confirmed=True).fail(fx.CloudRequirements, DOWN)
    drive.done(flash.AskBoard, RUNS_1)
    read(write(drive))
    assert closed(drive) == (JobState.DONE, None)


def test_prepare_only_names_old_wifi_firmware():
    drive = setup(prepare_only=True, confirmed=True)
    read(write(look(drive, needs=FIRMWARE)), wifi_firmware="0.4.1")
    assert closed(drive) == (JobState.FAILED, "board-old-firmware")


# --- cut off ---------------------------------------------------------------------------------


def behind() -> dict[str, Callable[[], Drive]]:
    return {
        "reading": lambda: write(look(setup(confirmed=True))),
        "choosing": without_network,
        "identifying": lambda: read(write(look(setup(confirmed=True)))),
    }


@pytest.mark.parametrize("where", behind())
def test_the_end_of_the_agent_behind_the_writing_says_that_the_new_sketch_runs(where):
    drive = behind()[where]().cancel(interrupted=True)
    assert closed(drive) == (JobState.INTERRUPTED, "interrupted")
    assert drive.finish
    assert drive.finish.error
    assert "runs the new sketch" in drive.finish.error.meaning
    assert not owed(drive)


def test_the_end_of_the_agent_in_the_middle_of_writing_is_owed():
    drive = look(setup(confirmed=True)).done(flash.PrepareFlash, prepared())
    drive.done(flash.EnterBootloader, TARGET).cancel(interrupted=True)
    assert closed(drive) == (JobState.INTERRUPTED, "interrupted")
    assert owed(drive)


def test_a_failure_while_writing_is_asked_about_here_too():
    drive = look(setup(confirmed=True)).done(flash.PrepareFlash, prepared())
    for _ in range(2):
        drive.done(flash.EnterBootloader, TARGET).fail(flash.WriteFlash, BROKEN)
        drive.fire("again").done(fx.WaitBoardBack)
    drive.done(flash.EnterBootloader, TARGET).fail(flash.WriteFlash, BROKEN)
    assert drive.question
    drive.answer("stop")
    assert closed(drive) == (JobState.FAILED, "flash-failed")
