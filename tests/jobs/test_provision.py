"""The procedure at each of its states: what works, what fails, who cancels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.cloud import Requirements
from agent.errors import CloudAnswer, PortBusy
from agent.jobs import effects as fx
from agent.jobs.facts import CLAIMED, INTENT, JOINED, SETTLED
from agent.jobs.job import JobState
from agent.settings import Secret
from agent.settings.network import Ethernet, WiFi
from tests.jobs.samples import (
    BOARD_ERRORS,
    DOWN,
    GONE,
    LOST,
    NETWORK_ERRORS,
    PASSWORD,
    REFUSALS,
    TOKEN,
    UHWID,
    WRONG_PASSWORD,
    board_facts,
    claim,
    identity,
    option,
    provision,
    read,
    to_claiming,
    to_joining,
    to_online,
    to_resetting,
    wifi,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import MooringError
    from tests.jobs.drive import Drive


def kinds(drive: Drive) -> list[str]:
    return [fact.kind for fact in drive.facts]


# --- the way it should go --------------------------------------------------------------------


def test_a_board_is_read_claimed_joined_and_comes_online():
    drive = to_online(provision())
    drive.done(fx.WaitEnded).done(fx.CloseSession)
    drive.done(fx.FindClaims, [claim("dev-1")]).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result == {
        "device": "kitchen-sensor",
        "cloud": "arduino",
        "network": "HomeNet",
        "uhwid": UHWID,
        "seconds": 0.0,
        "device_id": "dev-1",
        "claim": "c-1",
    }
    assert kinds(drive) == [INTENT, CLAIMED, JOINED, SETTLED]
    assert drive.steps() == dict.fromkeys(
        ("read", "check", "claim", "settings", "join", "online"), "done"
    )
    assert drive.job.steps[-1].message == "online as kitchen-sensor"


def test_the_cloud_is_asked_for_its_requirements_while_the_board_is_read():
    drive = provision()
    assert drive.waits_for(fx.CloudRequirements)
    assert drive.waits_for(fx.OpenSession)
    drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts())
    assert drive.steps()["check"] == "pending"
    drive.done(fx.CloudRequirements, Requirements())
    assert drive.steps()["check"] == "done"


def test_the_intent_is_written_before_the_cloud_is_asked_and_the_id_after():
    machine_effects = provision().machine
    drive = read(provision()).done(fx.SettleLeftovers, [])
    wanted = drive.machine.handle(
        fx.Done(drive.waits_for(fx.ReadIdentity) or fx.ReadIdentity(0), identity()), 5.0
    )
    records = [i for i, e in enumerate(wanted) if isinstance(e, fx.Record)]
    claims = [i for i, e in enumerate(wanted) if isinstance(e, fx.ClaimBoard)]
    assert len(records) == len(claims) == 1
    assert records[0] < claims[0]
    assert machine_effects is not drive.machine


def test_facts_and_questions_hold_no_secret():
    drive = to_joining(provision()).fail(fx.Configure, WRONG_PASSWORD)
    said = repr(drive.facts) + repr(drive.job) + repr(drive.question)
    assert PASSWORD not in said
    assert TOKEN not in said
    assert PASSWORD not in repr(drive.asked)
    assert TOKEN not in repr(drive.asked)


def test_the_end_of_the_session_leads_to_a_look_at_once():
    drive = to_online(provision())
    assert not drive.waits_for(fx.FindClaims)
    drive.done(fx.WaitEnded)
    assert drive.waits_for(fx.FindClaims)


def test_looks_come_each_ten_seconds_until_the_board_ends_the_session():
    drive = to_online(provision())
    assert drive.timers["poll"] == 10
    drive.fire("poll").done(fx.FindClaims, [claim()])
    assert drive.timers["poll"] == 10
    drive.done(fx.WaitEnded).done(fx.FindClaims, [claim()])
    pauses = []
    for _ in range(6):
        pauses.append(drive.timers["poll"])
        drive.fire("poll").done(fx.FindClaims, [claim()])
    assert pauses == [1, 2, 4, 8, 10, 10]


def test_without_a_cloud_the_board_is_reset_and_joined_and_nothing_is_claimed():
    drive = read(provision(cloud="none"))
    drive.done(fx.ResetBoard).done(fx.Configure).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.facts == []
    assert list(drive.steps()) == ["read", "check", "settings", "join"]


def test_an_application_sketch_joins_a_network_without_a_cloud_and_without_reset():
    drive = read(provision(cloud="none"), application_sketch=True, sketch_version=None, uhwid=None)
    drive.done(fx.Configure).done(fx.CloseSession)
    assert drive.state is JobState.DONE


def test_a_board_in_run_is_led_out_by_reset():
    drive = to_claiming(provision(), online=True, wifi_firmware=None)
    drive.done(fx.ClaimBoard, "c-1")
    assert drive.waits_for(fx.ResetBoard)


# --- before the claim ------------------------------------------------------------------------


@pytest.mark.parametrize("error", BOARD_ERRORS, ids=lambda e: e.code)
@pytest.mark.parametrize("request_", [fx.OpenSession, fx.ReadBoard])
def test_a_board_that_cannot_be_read_fails_the_job_and_nothing_is_claimed(
    request_: type[fx.Request], error: MooringError
):
    drive = provision()
    if request_ is fx.ReadBoard:
        drive.done(fx.OpenSession)
    drive.fail(request_, error).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)
    assert drive.facts == []
    assert drive.steps()["read"] == "failed"
    assert drive.steps()["claim"] == "skipped"


@pytest.mark.parametrize("error", [*REFUSALS, *LOST], ids=lambda e: e.code)
def test_a_cloud_that_does_not_answer_fails_the_job_before_anything_is_sent(error: MooringError):
    drive = provision().fail(fx.CloudRequirements, error).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"application_sketch": True, "sketch_version": None}, "board-wrong-sketch"),
        ({"sketch_version": "0.5.9"}, "board-old-firmware"),
    ],
)
def test_a_board_that_its_cloud_does_not_take_is_refused(facts: dict[str, Any], code: str):
    drive = read(provision(), **facts).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, code)
    assert drive.steps()["check"] == "failed"


@pytest.mark.parametrize("error", BOARD_ERRORS, ids=lambda e: e.code)
def test_a_failure_while_the_token_is_signed_needs_no_undoing(error: MooringError):
    drive = read(provision()).fail(fx.ReadIdentity, error).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)
    assert drive.facts == []


def test_leftovers_that_cannot_be_undone_stop_a_new_claim():
    drive = read(provision()).done(fx.ReadIdentity, identity()).fail(fx.SettleLeftovers, DOWN)
    drive.done(fx.CloseSession)
    assert drive.state is JobState.FAILED
    assert not any(isinstance(r, fx.ClaimBoard) for r in drive.asked)


@pytest.mark.parametrize(
    "so_far", [lambda d: d, lambda d: d.done(fx.OpenSession), read], ids=["open", "read", "token"]
)
def test_a_cancel_before_the_claim_only_closes_the_session(so_far: Callable[[Drive], Drive]):
    drive = so_far(provision()).cancel().done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.CANCELLED, None)
    assert drive.facts == []


# --- the network looks wrong -----------------------------------------------------------------


def test_a_network_that_is_not_in_the_list_is_looked_for_again_before_asking():
    drive = read(provision(network=wifi("Garage")))
    assert drive.question is None
    drive.done(fx.Scan, [option("Garage")])
    assert drive.waits_for(fx.ReadIdentity)


def test_a_network_that_is_not_there_is_asked_about_once():
    drive = read(provision(network=wifi("homenet"))).done(fx.Scan, [option("HomeNet")])
    assert drive.question
    assert [a.id for a in drive.question.actions] == ["network", "continue", "stop"]
    assert "upper and lower case" in drive.question.meaning
    assert drive.steps()["check"] == "asking"
    drive.answer("continue")
    assert drive.waits_for(fx.ReadIdentity)


def test_another_network_chosen_after_the_warning_is_the_one_that_is_sent():
    drive = read(provision(network=wifi("homenet"))).done(fx.Scan, [option("HomeNet")])
    drive.answer("network", network=wifi("HomeNet"))
    drive.done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity()).done(fx.ClaimBoard, "c-1")
    drive.done(fx.ResetBoard)
    assert drive.waits_for(fx.Configure) == fx.Configure(wifi("HomeNet"))


def test_stopping_at_the_warning_cancels():
    drive = read(provision(network=wifi("Nowhere"))).done(fx.Scan, [])
    drive.answer("stop").done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.CANCELLED, None)


def test_a_question_that_nobody_answers_takes_the_safest_answer_after_an_hour():
    drive = read(provision(network=wifi("Nowhere"))).done(fx.Scan, [])
    assert drive.timers["limit"] == 3600
    drive.fire("limit").done(fx.CloseSession)
    assert drive.state is JobState.CANCELLED


def test_a_network_that_is_not_there_fails_when_nobody_can_be_asked():
    drive = read(provision(network=wifi("Nowhere"), attended=False)).done(fx.Scan, [])
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "network-not-found")


def test_a_confirmed_network_is_not_asked_about():
    drive = read(provision(network=wifi("Hidden"), confirmed=True, attended=False))
    assert drive.waits_for(fx.ReadIdentity)


def test_a_scan_that_fails_leaves_the_older_list():
    drive = read(provision(network=wifi("Nowhere"))).fail(fx.Scan, NETWORK_ERRORS[2])
    assert drive.question


def test_a_board_unplugged_during_the_question_fails_before_the_claim():
    drive = read(provision(network=wifi("Nowhere"))).done(fx.Scan, []).lose_session()
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "port-gone")


# --- the claim -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", REFUSALS, ids=lambda e: e.code)
def test_a_refused_claim_fails_the_job_and_leaves_nothing_open(error: MooringError):
    drive = to_claiming(provision()).fail(fx.ClaimBoard, error).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)
    assert drive.open_claim is None
    assert kinds(drive) == [INTENT, SETTLED]


@pytest.mark.parametrize("error", LOST, ids=lambda e: e.code)
def test_a_lost_answer_is_looked_for_and_the_claim_is_used_not_repeated(error: MooringError):
    drive = to_claiming(provision()).fail(fx.ClaimBoard, error)
    drive.done(fx.FindClaims, [claim(), claim("old-device", id="c-0", created_at=1.0)])
    assert drive.waits_for(fx.ResetBoard)
    assert drive.open_claim
    assert drive.open_claim.claim == "c-1"
    assert sum(isinstance(r, fx.ClaimBoard) for r in drive.asked) == 1


@pytest.mark.parametrize(
    "other",
    [
        claim(name="somebody-elses"),
        claim(created_at=1_000_000.0 - 86_400),
        claim(uhwid="f" * 64),
    ],
    ids=["name", "older", "board"],
)
def test_a_claim_that_cannot_be_ours_is_not_taken(other: Any):
    drive = to_claiming(provision()).fail(fx.ClaimBoard, DOWN).done(fx.FindClaims, [other])
    drive.fire("again").done(fx.FindClaims, [other])
    assert drive.open_claim is None
    assert drive.waits_for(fx.ReadIdentity), "a second claim with a fresh token"


def test_a_claim_that_the_journal_knew_before_is_not_taken():
    drive = read(provision()).done(fx.SettleLeftovers, ["c-1"]).done(fx.ReadIdentity, identity())
    drive.fail(fx.ClaimBoard, DOWN).done(fx.FindClaims, [claim("device")])
    drive.fire("again").done(fx.FindClaims, [claim("device")])
    assert drive.open_claim is None
    assert drive.waits_for(fx.ReadIdentity)


def test_a_claim_that_was_never_made_is_made_once_more_and_not_a_third_time():
    drive = to_claiming(provision())
    for _ in range(2):
        drive.fail(fx.ClaimBoard, DOWN).done(fx.FindClaims, []).fire("again")
        drive.done(fx.FindClaims, [])
        if not drive.waits_for(fx.CloseSession):
            drive.done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, DOWN.code)
    assert drive.open_claim is None
    assert sum(isinstance(r, fx.ClaimBoard) for r in drive.asked) == 2


def test_a_claim_that_cannot_be_looked_for_stays_open_in_the_journal_and_is_told():
    drive = to_claiming(provision()).fail(fx.ClaimBoard, DOWN).fail(fx.FindClaims, DOWN)
    for _ in range(2):
        drive.fire("again").fail(fx.FindClaims, DOWN)
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "cloud-claim-open")
    assert drive.open_claim
    assert drive.open_claim.claim is None


def test_a_cancel_while_the_cloud_is_asked_waits_for_its_answer_and_undoes_the_claim():
    drive = to_claiming(provision()).cancel()
    assert drive.waits_for(fx.ClaimBoard)
    drive.done(fx.ClaimBoard, "c-1")
    assert drive.waits_for(fx.Unclaim) == fx.Unclaim("c-1")
    drive.done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.CANCELLED, None)


def test_a_claim_without_an_id_is_kept_open_and_not_called_undone():
    drive = to_claiming(provision()).cancel().done(fx.ClaimBoard, "")
    assert not [request for request in drive.asked if isinstance(request, fx.Unclaim)]
    drive.done(fx.CloseSession)
    assert drive.open_claim
    assert drive.finish
    assert drive.finish.error
    assert drive.finish.error.code == "cloud-claim-open"


def test_a_cancel_while_a_lost_answer_is_looked_for_undoes_what_is_found():
    drive = to_claiming(provision()).fail(fx.ClaimBoard, DOWN).cancel()
    drive.done(fx.FindClaims, [claim()]).done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.CANCELLED, None)


def test_a_cancel_while_a_lost_answer_is_looked_for_makes_no_second_claim():
    drive = to_claiming(provision()).fail(fx.ClaimBoard, DOWN).cancel()
    drive.done(fx.FindClaims, []).fire("again").done(fx.FindClaims, []).done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.CANCELLED, None)


def test_a_claim_that_takes_too_long_is_looked_for():
    drive = to_claiming(provision()).fire("limit")
    assert drive.waits_for(fx.FindClaims)
    assert not drive.waits_for(fx.ClaimBoard)


# --- joining ---------------------------------------------------------------------------------


@pytest.mark.parametrize("error", NETWORK_ERRORS, ids=lambda e: e.code)
def test_a_failed_join_asks_and_keeps_claim_and_session(error: MooringError):
    drive = to_joining(provision()).fail(fx.Configure, error)
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == error.code
    assert [a.id for a in drive.question.actions] == ["retry", "network", "undo"]
    assert drive.question.network == {"kind": "wifi", "ssid": "HomeNet"}
    assert drive.open_claim
    assert drive.waiting == []
    assert drive.steps()["join"] == "asking"


def test_a_new_password_is_tried_without_a_second_claim_or_reset():
    drive = to_joining(provision()).fail(fx.Configure, WRONG_PASSWORD)
    drive.answer("retry", password=Secret("better-password"))
    assert drive.waits_for(fx.Configure) == fx.Configure(wifi(password="better-password"))
    drive.done(fx.Configure)
    assert drive.steps()["join"] == "done"
    assert sum(isinstance(r, fx.ClaimBoard | fx.ResetBoard) for r in drive.asked) == 2


def test_another_network_may_be_chosen_after_a_failed_join():
    drive = to_joining(provision()).fail(fx.Configure, WRONG_PASSWORD)
    drive.answer("network", network=WiFi(ssid="Office", password=Secret("s3cret")))
    assert drive.job.steps[4].name == "Join Office"
    assert drive.waits_for(fx.Configure)


def to_another_kind(drive: Drive) -> Drive:
    """The person takes the cable instead, after Wi-Fi was claimed and could not be joined."""
    to_joining(drive).fail(fx.Configure, WRONG_PASSWORD)
    return drive.answer("network", network=Ethernet())


def test_another_kind_of_network_is_claimed_anew():
    drive = to_another_kind(provision()).done(fx.Unclaim)
    assert drive.open_claim is None
    drive.done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())
    request = drive.waits_for(fx.ClaimBoard)
    assert request
    assert request.claim.connection_type == "eth"
    drive.done(fx.ClaimBoard, "c-2").done(fx.ResetBoard)
    assert drive.waits_for(fx.Configure) == fx.Configure(Ethernet())
    drive.done(fx.Configure).done(fx.WaitEnded).done(fx.CloseSession)
    drive.done(fx.FindClaims, [claim("dev-2", id="c-2")]).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.open_claim is None


def test_a_cancel_before_the_new_kind_is_claimed_leaves_nothing():
    drive = to_another_kind(provision()).cancel().done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.CANCELLED, None)


def test_a_claim_that_cannot_be_undone_for_the_new_kind_stays_open_and_is_told():
    drive = to_another_kind(provision())
    drive.fail(fx.Unclaim, CloudAnswer(cloud="Arduino Cloud", detail="odd")).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "cloud-claim-open")
    assert drive.open_claim


def test_giving_up_after_a_failed_join_undoes_the_claim_and_fails_with_the_reason():
    drive = to_joining(provision()).fail(fx.Configure, WRONG_PASSWORD).answer("undo")
    drive.done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "network-join")
    assert drive.open_claim is None
    assert drive.steps()["undo"] == "done"
    assert drive.steps()["join"] == "failed"


@pytest.mark.parametrize("error", NETWORK_ERRORS, ids=lambda e: e.code)
def test_a_failed_join_is_undone_at_once_when_nobody_is_there(error: MooringError):
    drive = to_joining(provision(attended=False)).fail(fx.Configure, error)
    drive.done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.error, drive.open_claim) == (JobState.FAILED, error.code, None)


def test_the_name_that_was_meant_is_told_when_joining_an_unseen_network_fails():
    drive = to_joining(provision(network=wifi("HomeNet_5G"), confirmed=True))
    drive.fail(fx.Configure, WRONG_PASSWORD)
    assert drive.question
    assert "“HomeNet”" in drive.question.meaning


# --- the board fails after the claim ---------------------------------------------------------


@pytest.mark.parametrize("error", BOARD_ERRORS[1:], ids=lambda e: e.code)
def test_a_board_that_fails_after_the_claim_is_asked_about(error: MooringError):
    drive = to_joining(provision()).fail(fx.Configure, error)
    assert drive.question
    assert [a.id for a in drive.question.actions] == ["retry", "undo"]
    drive.answer("retry").done(fx.OpenSession).done(fx.ReadBoard, board_facts())
    assert drive.waits_for(fx.ResetBoard)
    assert drive.open_claim


def test_a_reset_that_reports_an_error_is_repeated_once():
    drive = to_resetting(provision()).fail(fx.ResetBoard, BOARD_ERRORS[4])
    assert drive.waits_for(fx.ResetBoard)
    drive.fail(fx.ResetBoard, BOARD_ERRORS[4])
    assert drive.question


def looked(drive: Drive) -> Drive:
    """The cloud is asked first where the board may be online without its settings."""
    return drive.done(fx.FindClaims, [claim()]) if drive.waits_for(fx.FindClaims) else drive


@pytest.mark.parametrize("until", [to_resetting, to_joining], ids=["reset", "join"])
def test_an_unplugged_board_is_awaited_and_the_job_goes_on_by_itself(
    until: Callable[[Drive], Drive],
):
    drive = until(provision())
    drive.fail(type(drive.waiting[0]), GONE)
    looked(drive)
    assert drive.question
    assert drive.question.title.startswith("The board is gone")
    drive.done(fx.CloseSession).done(fx.WaitBoardBack)
    assert drive.question is None
    drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts()).done(fx.ResetBoard)
    assert drive.waits_for(fx.Configure)
    assert drive.open_claim


def test_a_port_that_another_program_holds_is_asked_about_and_not_waited_for():
    drive = looked(to_resetting(provision()).fail(fx.ResetBoard, GONE))
    drive.done(fx.CloseSession).done(fx.WaitBoardBack)
    drive.fail(fx.OpenSession, PortBusy(port="/dev/ttyACM0", holder="another program"))
    looked(drive)
    assert drive.waits_for(fx.WaitBoardBack) is None
    assert drive.question
    assert "another program" in drive.question.title
    drive.answer("retry")
    assert drive.waits_for(fx.OpenSession)


def test_a_board_unplugged_while_a_password_is_asked_for_is_awaited():
    drive = to_joining(provision()).fail(fx.Configure, WRONG_PASSWORD).lose_session()
    assert drive.question
    assert drive.question.title.startswith("The board is gone")


def test_another_board_in_its_place_is_not_set_up():
    drive = to_joining(provision()).fail(fx.Configure, GONE)
    drive.done(fx.CloseSession).done(fx.WaitBoardBack).done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts(uhwid="e" * 64))
    assert drive.question
    assert drive.question.error
    assert drive.question.error.code == "board-other"


def test_an_unplugged_board_is_given_up_on_request():
    drive = to_joining(provision()).fail(fx.Configure, GONE).answer("undo")
    drive.done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.error, drive.open_claim) == (JobState.FAILED, "port-gone", None)


def test_an_unplugged_board_is_awaited_for_a_moment_when_nobody_is_there():
    drive = to_joining(provision(attended=False)).fail(fx.Configure, GONE).done(fx.CloseSession)
    assert drive.waits_for(fx.WaitBoardBack) == fx.WaitBoardBack(15.0)
    drive.fail(fx.WaitBoardBack, GONE).done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "port-gone")


def test_a_board_that_keeps_restarting_is_given_up_when_nobody_is_there():
    drive = to_joining(provision(attended=False))
    for _ in range(3):
        drive.fail(fx.Configure, GONE).done(fx.CloseSession).done(fx.WaitBoardBack)
        drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts()).done(fx.ResetBoard)
    drive.fail(fx.Configure, GONE).done(fx.Unclaim).done(fx.CloseSession)
    assert drive.state is JobState.FAILED


# --- coming online ---------------------------------------------------------------------------


def test_a_board_that_does_not_come_online_is_asked_about_and_watched_meanwhile():
    drive = to_online(provision()).fire("limit")
    assert drive.question
    assert [a.id for a in drive.question.actions] == ["wait", "undo"]
    drive.fire("poll").done(fx.FindClaims, [claim("dev-1")]).done(fx.CloseSession)
    assert drive.state is JobState.DONE


def test_waiting_longer_gives_it_as_long_again():
    drive = to_online(provision()).fire("limit").answer("wait")
    assert drive.timers["limit"] == 200
    drive.done(fx.FindClaims, []).fire("limit").answer("undo").done(fx.Unclaim)
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "cloud-not-online")


def test_a_board_that_does_not_come_online_is_undone_when_nobody_is_there():
    drive = to_online(provision(attended=False)).fire("limit").done(fx.Unclaim)
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error, drive.open_claim) == (
        JobState.FAILED,
        "cloud-not-online",
        None,
    )


def test_a_claim_is_not_undone_blindly_when_the_cloud_cannot_say_whether_the_board_is_online():
    drive = to_online(provision(attended=False)).fire("poll").fail(fx.FindClaims, DOWN)
    drive.fire("limit").done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "cloud-claim-open")
    assert drive.open_claim
    assert drive.open_claim.joined


def test_a_cloud_that_fails_for_a_while_is_asked_again():
    drive = to_online(provision()).done(fx.WaitEnded)
    for error in (*REFUSALS, *LOST):
        drive.fail(fx.FindClaims, error).fire("poll")
    drive.done(fx.FindClaims, [claim("dev-1")])
    drive.done(fx.CloseSession)
    assert drive.state is JobState.DONE


def test_a_board_unplugged_after_it_joined_is_watched_for_and_may_be_plugged_in_anywhere():
    drive = to_online(provision()).fail(fx.WaitEnded, GONE)
    assert drive.question
    drive.done(fx.FindClaims, [claim()]).fire("poll").done(fx.FindClaims, [claim("dev-1")])
    drive.done(fx.CloseSession)
    assert drive.state is JobState.DONE


# --- undoing ---------------------------------------------------------------------------------

AFTER_CLAIM = {
    "resetting": to_resetting,
    "joining": to_joining,
    "asking": lambda d: to_joining(d).fail(fx.Configure, WRONG_PASSWORD),
    "troubled": lambda d: to_joining(d).fail(fx.Configure, BOARD_ERRORS[1]),
    "returning": lambda d: to_joining(d).fail(fx.Configure, GONE),
    "reopening": lambda d: (
        to_joining(d).fail(fx.Configure, GONE).done(fx.CloseSession).done(fx.WaitBoardBack)
    ),
    "online": to_online,
    "online-asking": lambda d: to_online(d).fire("limit"),
}


@pytest.mark.parametrize("until", AFTER_CLAIM.values(), ids=AFTER_CLAIM.keys())
def test_a_cancel_after_the_claim_undoes_it(until: Callable[[Drive], Drive]):
    drive = until(provision()).cancel().done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.error, drive.open_claim) == (JobState.CANCELLED, None, None)


@pytest.mark.parametrize("until", AFTER_CLAIM.values(), ids=AFTER_CLAIM.keys())
def test_a_cancel_while_undoing_does_not_stop_the_undoing(until: Callable[[Drive], Drive]):
    drive = until(provision()).cancel().cancel().cancel(interrupted=True)
    drive.done(fx.Unclaim).cancel().done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.CANCELLED, None)


def test_undoing_is_repeated_with_pauses_and_then_left_open_with_the_id():
    drive = to_resetting(provision()).cancel()
    pauses = []
    for _ in range(2):
        drive.fail(fx.Unclaim, DOWN)
        pauses.append(drive.timers["again"])
        drive.fire("again")
    drive.fail(fx.Unclaim, DOWN).done(fx.CloseSession)
    assert pauses == [1, 2]
    assert (drive.state, drive.error) == (JobState.CANCELLED, "cloud-claim-open")
    assert drive.finish
    assert drive.finish.error
    assert "c-1" in drive.finish.error.remedy
    assert drive.open_claim


def test_undoing_that_succeeds_on_the_second_try_leaves_nothing():
    drive = to_resetting(provision()).cancel().fail(fx.Unclaim, DOWN).fire("again")
    drive.done(fx.Unclaim).done(fx.CloseSession)
    assert drive.open_claim is None


def test_the_end_of_the_agent_undoes_a_claim_of_a_board_that_has_not_joined():
    drive = to_joining(provision()).cancel(interrupted=True)
    drive.done(fx.Unclaim).done(fx.CloseSession)
    assert (drive.state, drive.open_claim) == (JobState.INTERRUPTED, None)


def test_the_end_of_the_agent_keeps_the_claim_of_a_board_that_has_joined():
    drive = to_online(provision()).cancel(interrupted=True).done(fx.CloseSession)
    assert drive.state is JobState.INTERRUPTED
    assert drive.open_claim
    assert drive.open_claim.joined
    assert drive.finish
    assert drive.finish.error
    assert "next start" in drive.finish.error.meaning


def test_a_session_that_does_not_close_does_not_keep_the_job_from_ending():
    drive = provision().cancel().fire("limit")
    assert drive.state is JobState.CANCELLED
