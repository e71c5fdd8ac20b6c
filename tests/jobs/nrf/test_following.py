"""The board does its commands: its log and the cloud are followed, whatever happens to either."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import (
    CloudError,
    NrfCommandFailed,
    NrfNotClaimed,
    NrfNotTriggered,
    NrfProvisioningFailed,
    NrfProvisioningSilent,
)
from agent.jobs.effects import WaitBoardBack
from agent.jobs.job import JobState
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf import facts, words
from agent.protocols.nrf.logs import Seen
from tests.jobs.nrf import samples
from tests.jobs.nrf.driving import (
    GONE,
    NO_TIME,
    REFUSALS,
    UNREACHABLE,
    claim,
    followed,
    online,
    read,
    result,
    start,
    stays,
)
from tests.jobs.nrf.samples import ID

if TYPE_CHECKING:
    from agent.errors import MooringError


def test_a_cancel_after_the_claim_says_that_it_stays():
    stays(followed().cancel(), "stopped", JobState.CANCELLED)
    drive = followed().cancel(interrupted=True)
    assert drive.state is JobState.INTERRUPTED
    work = facts.open_work(drive.facts)
    assert work
    assert work.stage == facts.CLAIMED


def test_a_claim_that_the_service_does_not_know_yet_is_tried_once_more():
    drive = followed().done(fx.TriggerByCable, "x").fail(fx.FollowLog, NrfNotClaimed())
    assert drive.fire("again").waits_for(fx.TriggerByCable)
    drive.done(fx.TriggerByCable, "x").fail(fx.FollowLog, NrfNotClaimed())
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == "nrf-not-claimed"
    assert drive.answer("retry").waits_for(fx.OpenModem)
    drive.done(fx.OpenModem, samples.modem()).done(fx.TriggerByCable, "x")
    assert drive.fail(fx.FollowLog, NrfNotClaimed()).timers["again"]


def test_a_board_without_network_is_told_again_for_two_minutes():
    drive = followed()
    for _ in range(5):
        drive.done(fx.TriggerByCable, "x").fail(fx.FollowLog, NO_TIME).fire("again")
    drive.done(fx.TriggerByCable, "x").fail(fx.FollowLog, NO_TIME)
    stays(drive.answer("stop"), "nrf-provisioning")


def test_a_board_without_sim_card_is_not_waited_for():
    drive = claim(read(start(attended=False), sim="absent"))
    stays(drive.done(fx.TriggerByCable, "x").fail(fx.FollowLog, NO_TIME), "nrf-provisioning")
    assert words.NO_SIM in drive.machine.notes  # type: ignore[attr-defined]  # of this machine


@pytest.mark.parametrize(
    "error",
    [
        NrfProvisioningFailed(why=Seen.TOO_MANY.value, remedy=""),
        NrfProvisioningSilent(seconds=600, last="nothing"),
    ],
    ids=lambda error: error.code,
)
def test_a_board_that_gives_up_is_asked_about_or_ends_the_job(error: MooringError):
    for attended in (True, False):
        drive = claim(read(start(attended=attended))).done(fx.TriggerByCable, "x")
        drive.fail(fx.FollowLog, error)
        if attended:
            drive.answer("stop")
        stays(drive, error.code)


def test_a_board_that_gave_up_is_asked_about_with_what_the_cloud_says():
    gave_up = NrfProvisioningFailed(why=Seen.FAILED.value, remedy="")
    failed = NrfCommandFailed(cloud="nRF Cloud", device=ID, name="psk", status="FAILED", detail="")
    drive = followed().done(fx.TriggerByCable, "x").fail(fx.FollowLog, gave_up)
    assert drive.question is None
    drive.fail(fx.WatchCommands, failed)
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == "nrf-cloud-command-failed"
    assert [each.id for each in drive.question.actions] == ["overwrite", "stop"]
    drive = followed(attended=False).done(fx.TriggerByCable, "x").fail(fx.FollowLog, gave_up)
    stays(drive.fire("why"), "nrf-provisioning")


def test_a_command_that_failed_ends_it_though_the_board_talks_on():
    failed = NrfCommandFailed(cloud="nRF Cloud", device=ID, name="psk", status="FAILED", detail="")
    drive = followed(attended=False).done(fx.TriggerByCable, "x").fail(fx.WatchCommands, failed)
    stays(drive, "nrf-cloud-command-failed")


@pytest.mark.parametrize("error", [REFUSALS[0], UNREACHABLE], ids=lambda error: error.code)
def test_a_cloud_that_cannot_be_asked_leaves_it_to_the_board_to_tell(error: CloudError):
    drive = followed().done(fx.TriggerByCable, "x").fail(fx.WatchCommands, error)
    said = result(online(drive.done(fx.FollowLog, Seen.FINISHED)))
    assert said["notes"] == [error.report().title]


def test_a_board_that_cannot_be_told_is_followed_all_the_same():
    drive = followed().fail(fx.TriggerByCable, NrfNotTriggered(why=""))
    assert drive.job.steps[2].message == words.BY_ITSELF
    assert drive.waits_for(fx.FollowLog)


def test_a_board_that_is_unplugged_is_waited_for_while_the_cloud_is_asked():
    drive = followed().done(fx.TriggerByCable, "x").fail(fx.FollowLog, GONE)
    assert drive.waits_for(WaitBoardBack)
    assert drive.waits_for(fx.WatchCommands)
    drive.done(WaitBoardBack).fail(fx.OpenModem, GONE)
    drive.done(WaitBoardBack).done(fx.OpenModem, samples.modem())
    drive.done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.FINISHED)
    assert result(online(drive))["said_by"] == "board"


def test_a_board_that_does_not_come_back_may_be_done_all_the_same():
    drive = followed().fail(fx.TriggerByCable, GONE).fail(WaitBoardBack, GONE)
    assert result(online(drive.done(fx.WatchCommands, ())))["said_by"] == "cloud"


def test_a_board_and_a_cloud_that_are_both_gone_end_it():
    drive = followed(attended=False).fail(fx.TriggerByCable, GONE).fail(WaitBoardBack, GONE)
    stays(drive.fail(fx.WatchCommands, UNREACHABLE), "cloud-unreachable")
    other = followed(attended=False).fail(fx.TriggerByCable, GONE)
    other.fail(fx.WatchCommands, UNREACHABLE)
    stays(other.fail(WaitBoardBack, GONE), "port-gone")


def test_a_service_that_has_nothing_yet_is_asked_once_more():
    drive = followed().done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.NOTHING_QUEUED)
    drive.done(fx.LookAtDevice, samples.EMPTY).fire("again").done(fx.TriggerByCable, "x")
    drive.done(fx.FollowLog, Seen.NOTHING_QUEUED).done(fx.LookAtDevice, samples.EMPTY)
    stays(drive.answer("stop"), "nrf-cloud-nothing-queued")


def test_a_service_that_has_nothing_left_is_done():
    drive = followed().done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.NOTHING_QUEUED)
    drive.done(fx.LookAtDevice, samples.look(samples.command()))
    assert result(online(drive))["said_by"] == "board"


def test_commands_that_wait_although_the_board_got_none_are_waited_for():
    waiting = samples.look(samples.command(status="PENDING"))
    drive = followed().done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.NOTHING_QUEUED)
    drive.done(fx.LookAtDevice, waiting).fire("again").done(fx.TriggerByCable, "x")
    drive.done(fx.FollowLog, Seen.NOTHING_QUEUED).done(fx.LookAtDevice, waiting)
    assert drive.waits_for(fx.FollowLog)
    drive.done(fx.FollowLog, Seen.NOTHING_QUEUED).fail(fx.LookAtDevice, UNREACHABLE)
    assert drive.waits_for(fx.WatchCommands)


def test_the_limit_of_following_asks():
    stays(followed().fire("limit").answer("stop"), "board-silent")
    stays(followed().fire("limit").cancel(), "stopped", JobState.CANCELLED)


def test_another_board_in_the_same_socket_is_told_nothing():
    drive = followed().fail(fx.TriggerByCable, GONE).done(WaitBoardBack)
    drive.done(fx.OpenModem, samples.modem(imei="350000000000018"))
    assert not drive.waits_for(fx.TriggerByCable)
    stays(drive.answer("stop"), "board-other")
    same = followed().fail(fx.TriggerByCable, GONE).done(WaitBoardBack)
    assert same.done(fx.OpenModem, samples.modem()).waits_for(fx.TriggerByCable)


def test_a_missing_sim_card_is_named_where_a_board_without_network_ends_it():
    late = NO_TIME
    drive = claim(read(start(attended=False), sim="absent")).done(fx.TriggerByCable, "x")
    drive.fail(fx.FollowLog, late)
    stays(drive, "nrf-provisioning")
    assert drive.finish
    assert drive.finish.error
    assert words.NO_SIM in drive.finish.error.meaning
    asked = claim(read(start(), sim="absent")).done(fx.TriggerByCable, "x").fail(fx.FollowLog, late)
    assert asked.job.question
    assert words.NO_SIM in asked.job.question.meaning


def test_what_the_board_has_just_done_is_not_counted_by_an_older_list():
    waiting = samples.look(samples.command(status="PENDING"))
    drive = claim(read(start()), samples.BEFORE).done(fx.LookAtDevice, waiting)
    drive.done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.FINISHED)
    assert drive.job.steps[2].message == words.THROUGH
