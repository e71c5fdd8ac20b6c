"""A board comes into nRF Cloud: each step as it should go, and everything that ends it early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.clouds.nrf.claiming import ClaimOutcome
from agent.errors import (
    CloudError,
    NrfClaimUnsure,
    NrfModemOff,
    NrfNoAttestation,
    NrfNotOnboarded,
    NrfSilent,
)
from agent.jobs.effects import Advanced, Learn
from agent.jobs.job import JobState
from agent.jobs.nrf import effects as fx
from agent.jobs.nrf import facts, words
from agent.protocols.nrf.logs import Seen
from tests.jobs.nrf import samples
from tests.jobs.nrf.driving import (
    GONE,
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
    from tests.jobs.drive import Drive


def test_the_board_says_first_that_it_is_through():
    drive = followed(name="kitchen")
    assert drive.waits_for(fx.WatchCommands)
    drive.done(fx.TriggerByCable, "att_cloud provision").done(fx.FollowLog, Seen.FINISHED)
    drive.done(fx.WaitRecord, samples.RECORD).done(fx.RenameDevice)
    drive.done(fx.LookAtDevice, samples.look(samples.command(), record=samples.RECORD))
    said = result(drive)
    assert (said["device"], said["device_id"], said["claimed"]) == ("kitchen", ID, "now")
    assert (said["said_by"], said["connected"], said["rule"]) == ("board", "cloud", "there")
    assert said["commands"] == [
        {"id": "c1", "name": "cloudAccessKeyGeneration", "status": "SUCCEEDED"}
    ]
    assert drive.steps() == dict.fromkeys(["read", "claim", "provision", "online"], "done")
    assert facts.CLAIMING in {fact.kind for fact in drive.facts}


def given_for_a_silent_board(imei: str, *, before: bool = False) -> Drive:
    """The token was pasted, the board's firmware gives none; ``imei`` is what the claim says."""
    drive = start(token=samples.token()).done(fx.OpenModem, samples.modem())
    drive.fail(fx.ReadToken, NrfNoAttestation()).done(fx.EnsureRule, "there")
    device = msgspec.structs.replace(samples.CLAIMED, imei=imei)
    if before:
        return drive.done(fx.TryClaim, ClaimOutcome(device, before=True))
    return drive.done(fx.TryClaim, None).done(fx.ClaimBoard, ClaimOutcome(device, before=False))


@pytest.mark.parametrize("before", [False, True])
def test_a_given_token_of_another_board_is_seen_by_the_imei_of_its_claim(*, before: bool):
    drive = given_for_a_silent_board("350000000000000", before=before)
    assert drive.error == "nrf-unfinished"
    assert drive.finish
    assert drive.finish.error
    assert drive.finish.error.facts["cause_code"] == "nrf-claimed-other"
    assert "351358811124234" in drive.finish.error.meaning
    assert not any(isinstance(each, fx.TriggerByCable) for each in drive.asked)


@pytest.mark.parametrize("imei", ["351358811124234", "3513588111242301"])
def test_a_given_token_of_this_board_is_known_by_the_imei_of_its_claim(imei: str):
    drive = given_for_a_silent_board(imei)
    assert drive.waits_for(fx.TriggerByCable)
    drive.done(fx.WatchCommands, (samples.command(),))
    assert words.UNCHECKED not in result(online(drive))["notes"]


def test_a_claim_without_imei_is_told_as_not_checked():
    drive = given_for_a_silent_board("").done(fx.WatchCommands, (samples.command(),))
    assert words.UNCHECKED in result(online(drive))["notes"]
    plain = followed().done(fx.WatchCommands, (samples.command(),))
    assert words.UNCHECKED not in result(online(plain))["notes"]


def test_a_device_that_is_called_by_its_imei_is_looked_for_named_and_told():
    drive = followed(name="kitchen").done(fx.WatchCommands, (samples.command(),))
    request = drive.waits_for(fx.WaitRecord)
    assert request
    assert (request.device_id, request.imei) == (ID, "351358811124234")
    older = msgspec.structs.replace(samples.RECORD, id="nrf-351358811124234")
    renaming = drive.done(fx.WaitRecord, older).waits_for(fx.RenameDevice)
    assert renaming
    assert renaming.device_id == older.id
    drive.done(fx.RenameDevice).done(fx.LookAtDevice, samples.look(samples.command(), record=older))
    said = result(drive)
    assert said["device_id"] == ID
    assert any(older.id in note for note in said["notes"])


def test_of_a_board_that_is_elsewhere_the_claim_tells_the_imei():
    drive = start(token=samples.token(), has_board=False, board="")
    device = msgspec.structs.replace(samples.CLAIMED, imei="350000000000000")
    claim(drive, ClaimOutcome(device, before=False))
    request = drive.waits_for(fx.WaitRecord)
    assert request
    assert request.imei == "350000000000000"
    plain = online(claim(start(token=samples.token(), has_board=False, board="")))
    assert (result(plain)["device"], result(plain)["notes"]) == (ID, [])


def test_the_cloud_says_first_that_it_is_through():
    drive = followed().done(fx.WatchCommands, (samples.command(),))
    said = result(online(drive))
    assert (said["said_by"], said["device"]) == ("cloud", ID)


def test_a_board_that_says_that_it_is_connected_is_believed():
    drive = followed().done(fx.TriggerByCable, "x").done(fx.FollowLog, Seen.ONLINE)
    assert result(online(drive))["connected"] == "board"


def test_what_the_log_and_the_cloud_say_stands_in_the_step():
    drive = followed().done(fx.TriggerByCable, "x")
    log = drive.waits_for(fx.FollowLog)
    assert log
    drive.give(Advanced(log, "write", 0, 0, "Credentials are being written"))
    assert drive.job.steps[2].message == "Credentials are being written"
    drive.give(Advanced(log, "write", 0, 0, ""))
    assert drive.job.steps[2].message == "Credentials are being written"


def test_a_board_that_is_onboarded_already_is_done_as_it_is():
    drive = claim(read(start()), samples.BEFORE)
    drive.done(fx.LookAtDevice, samples.look(samples.command(), record=samples.RECORD))
    said = result(online(drive))
    assert (said["claimed"], said["said_by"]) == ("before", "")
    assert not any(isinstance(each, fx.TriggerByCable) for each in drive.asked)


def test_of_a_board_that_was_claimed_before_only_what_is_new_is_watched():
    drive = claim(read(start()), samples.BEFORE)
    old, new = samples.command("old"), samples.command("new", "PENDING")
    drive.done(fx.LookAtDevice, samples.look(old, new))
    watch = drive.waits_for(fx.WatchCommands)
    assert watch
    assert watch.known == {"old"}


def test_a_cloud_that_cannot_be_looked_at_before_is_followed_all_the_same():
    drive = claim(read(start()), samples.BEFORE).fail(fx.LookAtDevice, UNREACHABLE)
    assert drive.waits_for(fx.WatchCommands)


def test_tags_that_a_claim_lacks_and_a_rule_that_is_off_are_told():
    drive = read(start()).done(fx.EnsureRule, "inactive")
    outcome = ClaimOutcome(samples.CLAIMED, before=True, missing_tags=("a", "b"))
    drive.done(fx.TryClaim, outcome).done(fx.LookAtDevice, samples.EMPTY)
    said = result(online(drive.done(fx.WatchCommands, ())))
    assert said["notes"] == [
        words.INACTIVE.format(tag=samples.TAGS[0]),
        words.TAGS_LACK.format(tags="a, b"),
    ]


def test_tags_of_ones_own_are_claimed_with_where_a_rule_has_one_of_them():
    drive = read(start(tags=("mine",))).done(fx.TryClaim, None).done(fx.LookForRule, True)
    request = drive.waits_for(fx.ClaimBoard)
    assert request
    assert request.tags == ("mine",)
    unknown = read(start(tags=("mine",))).done(fx.TryClaim, None)
    assert unknown.fail(fx.LookForRule, UNREACHABLE).waits_for(fx.ClaimBoard)


def test_tags_without_a_rule_are_asked_about_before_the_claim():
    def asked(*, attended: bool = True) -> Drive:
        drive = read(start(tags=("mine",), attended=attended))
        return drive.done(fx.TryClaim, None).done(fx.LookForRule, False)

    drive = asked()
    assert drive.question
    assert drive.question.safe == "The board is not claimed yet."
    drive.answer("continue").done(fx.EnsureRule, "made").done(fx.TryClaim, None)
    request = drive.waits_for(fx.ClaimBoard)
    assert request
    assert request.tags == ("mine", samples.TAGS[0])
    for drive in (asked().answer("keep"), asked(attended=False)):
        request = drive.waits_for(fx.ClaimBoard)
        assert request
        assert request.tags == ("mine",)
        assert words.NO_RULE.format(tags="mine") in drive.machine.notes  # type: ignore[attr-defined]  # of this machine
    for drive in (asked().answer("stop"), asked().fire("limit"), asked().cancel()):
        assert (drive.state, drive.facts) == (JobState.CANCELLED, [])


# --- before the claim: nothing is left ---------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [NrfSilent(port="p", why=""), NrfModemOff(), GONE],
    ids=lambda error: error.code,
)
def test_a_board_that_cannot_be_read_ends_the_job_with_nothing_done(error: MooringError):
    drive = start().fail(fx.OpenModem, error)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)
    assert drive.facts == []


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.code)
@pytest.mark.parametrize("request_", [fx.EnsureRule, fx.TryClaim, fx.ClaimBoard])
def test_a_refusal_before_the_claim_is_told_as_it_is(error: CloudError, request_: Any):
    drive = read(start())
    if request_ is not fx.EnsureRule:
        drive.done(fx.EnsureRule, "made")
    if request_ is fx.ClaimBoard:
        drive.done(fx.TryClaim, None)
    drive.fail(request_, error)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)
    assert facts.open_work(drive.facts) is None


@pytest.mark.parametrize("at", ["open", "token", "rule", "dry run"])
def test_a_cancel_before_the_claim_leaves_nothing(at: str):
    drive = start()
    if at != "open":
        drive.done(fx.OpenModem, samples.modem())
    if at in {"rule", "dry run"}:
        drive.done(fx.ReadToken, samples.token())
    if at == "dry run":
        drive.done(fx.EnsureRule, "there")
    drive.cancel()
    assert (drive.state, drive.error, drive.facts) == (JobState.CANCELLED, None, [])


@pytest.mark.parametrize(
    ("request_", "code"), [("open", "board-silent"), ("rule", "cloud-unreachable")]
)
def test_a_step_that_lasts_too_long_before_the_claim_fails(request_: str, code: str):
    drive = start() if request_ == "open" else read(start())
    assert drive.fire("limit").error == code


# --- the claim ---------------------------------------------------------------------------------


def test_a_cancel_while_the_claim_is_sent_waits_for_what_becomes_of_it():
    drive = read(start()).done(fx.EnsureRule, "there").done(fx.TryClaim, None).cancel()
    assert drive.finish is None
    stays(drive.done(fx.ClaimBoard, samples.NOW), "stopped", JobState.CANCELLED)


def test_a_claim_that_nobody_knows_of_is_told_as_such():
    unsure = NrfClaimUnsure(cloud="nRF Cloud", device=ID, detail="", maybe_done=True)
    drive = (
        read(start())
        .done(fx.EnsureRule, "there")
        .done(fx.TryClaim, None)
        .fail(fx.ClaimBoard, unsure)
    )
    assert drive.error == "nrf-cloud-claim-unsure"
    late = read(start()).done(fx.EnsureRule, "there").done(fx.TryClaim, None).fire("limit")
    assert late.error == "nrf-cloud-claim-unsure"
    dry = read(start()).done(fx.EnsureRule, "there").fire("limit")
    assert (dry.error, facts.open_work(dry.facts)) == ("cloud-unreachable", None)


def test_an_agent_that_ends_while_the_claim_is_sent_leaves_it_to_the_next_start():
    drive = (
        read(start()).done(fx.EnsureRule, "there").done(fx.TryClaim, None).cancel(interrupted=True)
    )
    work = facts.open_work(drive.facts)
    assert work
    assert (work.stage, work.device_id) == (facts.CLAIMING, ID)


def test_what_looks_at_an_older_claim_may_be_stopped():
    stays(claim(read(start()), samples.BEFORE).cancel(), "stopped", JobState.CANCELLED)


# --- the device --------------------------------------------------------------------------------


def test_a_device_that_does_not_appear_is_waited_for_once_more():
    late = NrfNotOnboarded(cloud="nRF Cloud", device=ID, minutes=10)
    drive = followed().done(fx.WatchCommands, ()).fail(fx.WaitRecord, late)
    assert drive.question
    assert drive.question.actions[0].label == "Wait once more"
    assert drive.answer("retry").waits_for(fx.WaitRecord)
    stays(drive.fail(fx.WaitRecord, late).answer("stop"), late.code)


def test_what_is_only_told_does_not_fail_a_device_that_is_there():
    drive = followed(name="kitchen").done(fx.WatchCommands, ())
    drive.done(fx.WaitRecord, samples.RECORD).fail(fx.RenameDevice, REFUSALS[1])
    assert len(result(drive.fail(fx.LookAtDevice, UNREACHABLE))["notes"]) == 2


@pytest.mark.parametrize("how", ["cancel", "limit"])
def test_a_device_that_is_there_is_done_though_its_name_is_late(how: str):
    drive = followed(name="kitchen").done(fx.WatchCommands, ())
    drive.done(fx.WaitRecord, samples.RECORD)
    result(drive.cancel() if how == "cancel" else drive.fire("limit"))


def test_a_cancel_while_the_device_is_waited_for_says_that_the_claim_stays():
    drive = followed().done(fx.WatchCommands, ())
    stays(drive.cancel(), "stopped", JobState.CANCELLED)


# --- a board that is elsewhere -----------------------------------------------------------------


def elsewhere(**changes: Any) -> Drive:
    given: dict[str, Any] = {"board": "", "has_board": False, "token": samples.token()}
    return claim(start(**(given | changes)))


def test_a_board_that_is_elsewhere_is_claimed_and_waited_for():
    drive = elsewhere()
    assert list(drive.steps()) == ["read", "claim", "online"]
    said = result(online(drive))
    assert (said["said_by"], said["connected"]) == ("", "cloud")


def test_nobody_has_to_wait_for_a_board_that_is_elsewhere():
    drive = elsewhere(name="shed").cancel()
    assert result(drive)["connected"] is None
    assert drive.steps()["online"] == "skipped"
    assert not any(isinstance(each, Learn) for each in drive.machine._effects)


def test_an_agent_that_ends_meanwhile_leaves_the_look_to_the_next_start():
    drive = elsewhere().cancel(interrupted=True)
    assert drive.state is JobState.INTERRUPTED
    assert facts.open_work(drive.facts)


def test_a_command_that_failed_before_the_board_was_onboarded_does_not_stop_it_for_ever():
    old, new = samples.command("old", "FAILED"), samples.command("new")
    drive = claim(read(start()), samples.BEFORE)
    drive.done(fx.LookAtDevice, samples.look(old, new, record=samples.RECORD))
    assert result(online(drive))["claimed"] == "before"
    drive = claim(read(start()), samples.BEFORE)
    drive.done(fx.LookAtDevice, samples.look(old, new))
    watch = drive.waits_for(fx.WatchCommands)
    assert watch
    assert watch.known == {"new"}, "it is told at once"
