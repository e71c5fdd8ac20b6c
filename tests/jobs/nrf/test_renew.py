"""New keys for a board that is claimed: queued once, told by cable or air, followed to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.errors import (
    NrfCommandFailed,
    NrfCommandStays,
    NrfCommandUnsure,
    NrfCommandWaiting,
    NrfDeviceAmbiguous,
    NrfNotTriggered,
    NrfQueueFull,
    NrfRecordAbsent,
    NrfSilent,
    PortGone,
    Unreachable,
)
from agent.jobs.effects import WaitBoardBack
from agent.jobs.job import JobState
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf import facts, words
from agent.jobs.nrf.renew import NrfRenew
from agent.protocols.nrf.commands import cloud_access_key, finished
from agent.protocols.nrf.logs import Seen
from tests.jobs.nrf import samples
from tests.jobs.nrf.samples import ID, NrfDrive

if TYPE_CHECKING:
    from tests.jobs.drive import Drive

QUEUED = (samples.command(status="PENDING"),)
DONE = (samples.command(),)
GONE = PortGone(port="/dev/ttyACM0")
UNREACHABLE = Unreachable(cloud="nRF Cloud", detail="")


def start(*, attended: bool = True, many: bool = False, **changes: Any) -> Drive:
    wanted = (cloud_access_key(), finished()) if many else (cloud_access_key(),)
    return NrfDrive(NrfRenew(samples.order(**changes), wanted, attended=attended))


def read(drive: Drive) -> Drive:
    return drive.done(fx.OpenModem, samples.modem()).done(fx.ReadToken, samples.token())


def queued(**changes: Any) -> Drive:
    here = changes.get("has_board", True)
    drive = read(start(**changes)) if here else start(**changes)
    drive.done(fx.LookClaimed, samples.CLAIMED)
    if not here:
        drive.done(fx.LookForRecord, samples.device().record)
    return drive.done(fx.LookForLeft, ()).done(fx.QueueCommands, QUEUED)


def away() -> dict[str, Any]:
    return {"board": ID, "has_board": False, "device_id": ID, "wanted": ID}


def result(drive: Drive) -> dict[str, Any]:
    assert drive.finish
    assert drive.finish.state is JobState.DONE, drive.finish
    assert facts.done_result(drive.facts) == drive.finish.result
    assert drive.finish.result
    return drive.finish.result


def end(drive: Drive) -> str:
    """What the last step says."""
    return drive.job.steps[-1].message


def stays(drive: Drive, cause: str, state: JobState = JobState.FAILED) -> None:
    assert drive.state is state
    assert drive.finish
    assert drive.finish.error
    assert (drive.error, drive.finish.error.facts["cause_code"]) == ("nrf-unfinished", cause)
    assert "queued" in drive.finish.error.title


def test_a_board_on_a_cable_is_told_over_it():
    drive = queued().done(fx.TriggerByCable, "att_cloud provision").done(fx.FollowCommands, DONE)
    said = result(drive)
    assert (said["device_id"], said["told"], said["said_by"]) == (ID, "cable", "cloud")
    assert said["commands"][0]["status"] == "SUCCEEDED"


def test_what_the_board_says_first_is_told_with_what_the_cloud_knows_by_then():
    drive = queued().done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.FINISHED)
    assert drive.steps()["provision"] == "running"
    said = result(drive.done(fx.FollowCommands, DONE))
    assert (said["said_by"], said["commands"][0]["status"]) == ("board", "SUCCEEDED")
    assert end(drive) == "its command is done"


def test_a_board_that_was_faster_than_its_order_is_done_with_its_own_commands():
    drive = queued().done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.NOTHING_QUEUED)
    other = samples.command("other", "PENDING")
    said = result(drive.done(fx.LookAtDevice, samples.look(other, *DONE)))
    assert [each["id"] for each in said["commands"]] == ["c1"]
    assert end(drive) == "its command is done"


@pytest.mark.parametrize("how", ["fail", "limit", "cancel"])
def test_what_the_cloud_does_not_show_is_told_as_the_board_s_word(how: str):
    drive = queued().done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.FINISHED)
    if how == "fail":
        drive.fail(fx.FollowCommands, UNREACHABLE)
    assert result(drive.fire("limit") if how == "limit" else drive.cancel())
    assert end(drive) == words.UNSEEN.format(cloud="nRF Cloud")


def test_a_command_that_failed_is_no_success_though_the_board_is_online():
    drive = queued().done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.ONLINE)
    failed = NrfCommandFailed(cloud="", device=ID, name="x", status="FAILED", detail="")
    stays(drive.fail(fx.FollowCommands, failed), failed.code)


def test_a_device_over_the_air_is_known_by_the_imei_of_its_claim_as_well():
    drive = start(**away())
    claimed = msgspec.structs.replace(samples.CLAIMED, imei="350000000000000")
    drive.done(fx.LookClaimed, claimed)
    look = drive.waits_for(fx.LookForRecord)
    assert look
    assert look.imei == "350000000000000"
    drive.done(fx.LookForRecord, None).done(fx.LookForLeft, ()).done(fx.QueueCommands, QUEUED)
    request = drive.waits_for(fx.TriggerByAir)
    assert request
    assert (request.device_id, request.imei) == (ID, "350000000000000")


def test_a_device_without_a_cable_is_told_over_the_air():
    drive = queued(**away())
    assert not any(isinstance(each, fx.OpenModem) for each in drive.asked)
    assert end(drive.done(fx.TriggerByAir)) == words.TOLD_BY_AIR
    said = result(drive.done(fx.FollowCommands, DONE))
    assert (said["device"], said["told"]) == ("greenhouse", "air")


def test_a_device_that_cannot_be_looked_at_is_called_by_its_id():
    drive = start(**away()).done(fx.LookClaimed, samples.CLAIMED)
    drive.fail(fx.LookForRecord, UNREACHABLE).done(fx.LookForLeft, ())
    drive.done(fx.QueueCommands, QUEUED).done(fx.TriggerByAir)
    assert result(drive.done(fx.FollowCommands, DONE))["device"] == ID


def test_a_board_that_tells_no_imei_is_known_by_that_of_its_claim():
    drive = start().done(fx.OpenModem, samples.modem(imei="")).done(fx.ReadToken, samples.token())
    claimed = msgspec.structs.replace(samples.CLAIMED, imei="350000000000000")
    drive.done(fx.LookClaimed, claimed).done(fx.LookForLeft, ()).done(fx.QueueCommands, QUEUED)
    request = drive.fail(fx.TriggerByCable, NrfNotTriggered(why="")).waits_for(fx.TriggerByAir)
    assert request
    assert request.imei == "350000000000000"


def test_a_firmware_that_knows_no_command_is_told_over_the_air():
    drive = queued().fail(fx.TriggerByCable, NrfNotTriggered(why=""))
    request = drive.waits_for(fx.TriggerByAir)
    assert request
    assert request.imei == samples.modem().board.imei
    drive.done(fx.TriggerByAir)
    assert result(drive.done(fx.FollowCommands, DONE))["told"] == "air"


def test_what_the_team_has_not_is_not_renewed():
    drive = read(start()).done(fx.LookClaimed, None)
    assert (drive.error, facts.open_work(drive.facts)) == ("nrf-cloud-not-claimed", None)


@pytest.mark.parametrize(
    "error",
    [
        UNREACHABLE,
        NrfQueueFull(cloud="", device=ID, present=20, limit=20, count=1, detail=""),
        NrfCommandUnsure(cloud="", device=ID, name="x", detail="", maybe_done=True),
    ],
    ids=lambda error: error.code,
)
def test_one_command_that_is_not_taken_is_told_as_it_is(error: Any):
    drive = (
        read(start())
        .done(fx.LookClaimed, samples.CLAIMED)
        .done(fx.LookForLeft, ())
        .fail(fx.QueueCommands, error)
    )
    assert drive.error == error.code
    drive = read(start(many=True)).done(fx.LookClaimed, samples.CLAIMED).done(fx.LookForLeft, ())
    stays(drive.fail(fx.QueueCommands, error), error.code)


def test_the_limit_of_queueing_leaves_it_unknown():
    drive = (
        read(start()).done(fx.LookClaimed, samples.CLAIMED).done(fx.LookForLeft, ()).fire("limit")
    )
    assert drive.error == "nrf-cloud-command-unsure"
    assert read(start()).fire("limit").error == "cloud-unreachable"


def test_before_it_is_queued_a_cancel_or_a_failure_leaves_nothing():
    assert start().cancel().state is JobState.CANCELLED
    assert read(start()).cancel().error is None
    assert start().fail(fx.OpenModem, NrfSilent(port="", why="")).error == "nrf-silent"
    assert read(start()).fail(fx.LookClaimed, UNREACHABLE).error == "cloud-unreachable"
    looking = read(start()).done(fx.LookClaimed, samples.CLAIMED)
    assert (looking.cancel().state, looking.facts) == (JobState.CANCELLED, [])


def test_a_cancel_afterwards_says_that_it_is_queued():
    drive = read(start()).done(fx.LookClaimed, samples.CLAIMED).done(fx.LookForLeft, ()).cancel()
    assert drive.finish is None
    stays(drive.done(fx.QueueCommands, QUEUED), "stopped", JobState.CANCELLED)
    stays(queued().cancel(), "stopped", JobState.CANCELLED)


@pytest.mark.parametrize(
    "error",
    [
        NrfCommandFailed(cloud="", device=ID, name="x", status="FAILED", detail=""),
        NrfCommandWaiting(cloud="", device=ID, name="x", minutes=10, status="PENDING"),
    ],
    ids=lambda error: error.code,
)
def test_a_command_that_the_board_does_not_do_ends_it(error: Any):
    drive = queued(attended=False).done(fx.TriggerByCable, "x")
    stays(drive.fail(fx.FollowCommands, error), error.code)


def test_a_device_that_cannot_be_told_is_asked_about():
    absent = NrfRecordAbsent(cloud="nRF Cloud", device=ID, detail="")
    drive = queued(**away()).fail(fx.TriggerByAir, absent)
    assert drive.answer("retry").waits_for(fx.TriggerByAir)
    stays(drive.fail(fx.TriggerByAir, absent).answer("stop"), "nrf-cloud-record")


def test_a_board_that_is_unplugged_may_be_done_all_the_same():
    drive = queued().done(fx.TriggerByCable, "x").fail(fx.FollowLog, GONE)
    assert drive.waits_for(WaitBoardBack)
    assert result(drive.done(fx.FollowCommands, DONE))


def test_a_device_is_looked_for_by_its_name_and_called_by_it():
    drive = start(board="", has_board=False, wanted="greenhouse", portal="https://portal/")
    drive.done(fx.FindDevice, samples.device()).done(fx.LookClaimed, samples.CLAIMED)
    drive.done(fx.LookForRecord, samples.device().record).done(fx.LookForLeft, ()).done(
        fx.QueueCommands, QUEUED
    ).done(fx.TriggerByAir)
    said = result(drive.done(fx.FollowCommands, DONE))
    assert (said["device"], said["device_id"]) == ("greenhouse", ID)
    assert said["link"] == f"https://portal/{ID}"


def test_a_name_that_is_not_clear_ends_it_before_anything_is_queued():
    error = NrfDeviceAmbiguous(cloud="nRF Cloud", wanted="g", count=2, matches="a, b")
    drive = start(board="", has_board=False, wanted="g").fail(fx.FindDevice, error)
    assert (drive.error, facts.open_work(drive.facts)) == (error.code, None)


def blocked(**changes: Any) -> Drive:
    left = (samples.command("old", "FAILED"), samples.command("new", "PENDING"))
    return read(start(**changes)).done(fx.LookClaimed, samples.CLAIMED).done(fx.LookForLeft, left)


def test_what_failed_before_is_deleted_if_the_person_says_so():
    drive = blocked()
    assert drive.question
    assert drive.question.title.endswith("failed: cloudAccessKeyGeneration.")
    assert facts.open_work(drive.facts) is None
    drive.answer("delete")
    deleted = drive.waits_for(fx.DeleteCommands)
    assert deleted
    assert [each.id for each in deleted.commands] == ["old"]
    drive.done(fx.DeleteCommands)
    queue = drive.waits_for(fx.QueueCommands)
    assert queue
    assert [each.id for each in queue.left] == ["new"]
    drive.done(fx.QueueCommands, QUEUED).done(fx.TriggerByCable, "x")
    assert result(drive.done(fx.FollowCommands, DONE))["notes"] == [
        "Commands that had failed were deleted: cloudAccessKeyGeneration."
    ]


def test_nothing_is_deleted_or_queued_without_being_asked_for():
    drive = blocked(attended=False)
    assert drive.error == "nrf-cloud-blocked"
    assert not any(isinstance(each, fx.QueueCommands | fx.DeleteCommands) for each in drive.asked)
    assert blocked().answer("stop").state is JobState.CANCELLED
    assert blocked().fire("limit").state is JobState.CANCELLED
    stays_there = NrfCommandStays(cloud="nRF Cloud", device=ID, names="x", detail="")
    drive = blocked().answer("delete").fail(fx.DeleteCommands, stays_there)
    assert (drive.error, facts.open_work(drive.facts)) == (stays_there.code, None)
    assert blocked().answer("delete").fire("limit").error == "cloud-unreachable"


def test_a_command_that_fails_now_is_queued_once_more_if_the_person_says_so():
    failed = NrfCommandFailed(cloud="", device=ID, name="x", status="FAILED", detail="")
    drive = queued().done(fx.TriggerByCable, "x").fail(fx.FollowCommands, failed)
    assert drive.question
    assert [each.id for each in drive.question.actions] == ["overwrite", "stop"]
    drive.answer("overwrite").done(fx.QueueAgain, {"c1": samples.command("c2", "PENDING")})
    followed = drive.waits_for(fx.FollowCommands)
    assert followed
    assert [each.id for each in followed.queued] == ["c2"]
    again = queued().done(fx.TriggerByCable, "x").fail(fx.FollowCommands, failed)
    stays(again.answer("overwrite").fail(fx.QueueAgain, UNREACHABLE), "cloud-unreachable")
    again = queued().done(fx.TriggerByCable, "x").fail(fx.FollowCommands, failed)
    stays(again.answer("overwrite").fire("limit"), "cloud-unreachable")
