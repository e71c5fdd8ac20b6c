"""Identify, networks, configure, forget and recover, at each of their states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.errors import BoardSilent
from agent.jobs import effects as fx
from agent.jobs.configure import Configure
from agent.jobs.facts import CLAIMED, JOINED, SETTLED, OpenClaim
from agent.jobs.flash_effects import AskBoard
from agent.jobs.forget import Forget, Order
from agent.jobs.guide import Guide
from agent.jobs.identify import Identify
from agent.jobs.job import JobState
from agent.jobs.networks import Networks
from agent.jobs.recover import Recover
from agent.jobs.which import BoardSays
from agent.settings import Secret
from tests.jobs.drive import Drive
from tests.jobs.samples import (
    BOARD_ERRORS,
    DOWN,
    GONE,
    NETWORK_ERRORS,
    UHWID,
    WRONG_PASSWORD,
    board_facts,
    claim,
    option,
    wifi,
)

if TYPE_CHECKING:
    from agent.errors import MooringError


def opened(drive: Drive, **facts: object) -> Drive:
    return drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts(**facts))


# --- identify and networks -------------------------------------------------------------------


def test_identify_gives_all_that_was_read():
    drive = opened(Drive(Identify(attended=True))).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["uhwid"] == UHWID
    assert drive.finish.result["networks"][0]["ssid"] == "HomeNet"


def test_networks_are_scanned_anew():
    drive = opened(Drive(Networks(attended=True))).done(fx.Scan, [option("New")])
    drive.done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result
    assert [n["ssid"] for n in drive.finish.result["networks"]] == ["New"]
    assert drive.job.steps[1].message == "1 network found"


@pytest.mark.parametrize("error", BOARD_ERRORS, ids=lambda e: e.code)
@pytest.mark.parametrize("at", [fx.OpenSession, fx.ReadBoard, fx.Scan])
def test_a_failure_at_each_request_is_told(at: type[fx.Request], error: MooringError):
    drive = Drive(Networks(attended=True))
    if at is not fx.OpenSession:
        drive.done(fx.OpenSession)
    if at is fx.Scan:
        drive.done(fx.ReadBoard, board_facts())
    drive.fail(at, error).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)


def test_a_board_that_never_answers_is_told_as_silent():
    drive = Drive(Identify(attended=True)).fire("limit")
    drive.done(AskBoard, BoardSays(answer="silence")).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "board-silent")


@pytest.mark.parametrize("answer", ["1.0", "console"])
def test_a_board_that_may_run_1_0_is_asked_so_first(answer: Any):
    drive = Drive(Identify(attended=True, may_be_1=True))
    assert drive.waits_for(AskBoard) == AskBoard(0.0)
    drive.done(AskBoard, BoardSays(answer=answer)).done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["protocol"] == "1.0"


def test_a_board_that_does_not_run_1_0_is_read_in_2_0():
    drive = Drive(Identify(attended=True, may_be_1=True))
    opened(drive.done(AskBoard, BoardSays(answer="silence"))).done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["uhwid"] == UHWID


def test_a_board_that_is_silent_in_2_0_may_still_speak_1_0():
    drive = Drive(Identify(attended=True)).fail(fx.OpenSession, BoardSilent(seconds=30))
    drive.done(AskBoard, BoardSays(answer="1.0")).done(fx.CloseSession)
    assert drive.state is JobState.DONE


def test_a_model_without_2_0_is_not_asked_for_it():
    drive = Drive(Identify(attended=True, may_be_1=True, only_1=True))
    drive.done(AskBoard, BoardSays(answer="silence")).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "board-silent")


# --- configure -------------------------------------------------------------------------------


def configure(ssid: str = "HomeNet", *, attended: bool = True) -> Drive:
    machine = Configure(
        wifi(ssid), in_run="Set the board up again.", confirmed=False, attended=attended
    )
    return Drive(machine)


def test_configure_sends_the_settings_and_keeps_the_identity():
    drive = opened(configure(), application_sketch=True, online=True)
    drive.done(fx.Configure).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert not any(isinstance(r, fx.ResetBoard | fx.ClaimBoard) for r in drive.asked)


def test_configure_refuses_a_board_in_run_and_sends_nothing():
    drive = opened(configure(), online=True).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "board-in-run")
    assert drive.finish
    assert drive.finish.error
    assert drive.finish.error.remedy == "Set the board up again."
    assert not any(isinstance(r, fx.Configure) for r in drive.asked)


@pytest.mark.parametrize("error", NETWORK_ERRORS, ids=lambda e: e.code)
def test_configure_asks_after_a_failed_join(error: MooringError):
    drive = opened(configure()).fail(fx.Configure, error)
    assert drive.question
    assert [a.id for a in drive.question.actions] == ["retry", "network", "stop"]
    drive.answer("retry", password=Secret("another password")).done(fx.Configure)
    drive.done(fx.CloseSession)
    assert drive.state is JobState.DONE


def test_configure_given_up_fails_with_the_reason():
    drive = opened(configure()).fail(fx.Configure, WRONG_PASSWORD).answer("stop")
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "network-join")


def test_configure_with_nobody_there_fails_with_the_reason():
    drive = opened(configure(attended=False)).fail(fx.Configure, WRONG_PASSWORD)
    drive.done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "network-join")


@pytest.mark.parametrize("error", BOARD_ERRORS, ids=lambda e: e.code)
def test_configure_fails_with_the_board(error: MooringError):
    drive = opened(configure()).fail(fx.Configure, error).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, error.code)


def test_configure_is_cancelled_while_it_asks():
    drive = opened(configure()).fail(fx.Configure, WRONG_PASSWORD).cancel().done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.CANCELLED, None)


# --- forget ----------------------------------------------------------------------------------

GUIDE = Guide(pin="2", hold_seconds=3, procedure="Connect pin 2 to GND.", drawing="uno")


def forget(guide: Guide | None = GUIDE, *, attended: bool = True, confirmed: bool = False) -> Drive:
    order = Order("UNO R4 WiFi", guide, "Flash it again.", confirmed)
    return Drive(Forget(order, attended=attended))


def test_forget_says_what_is_wiped_before_it_is_wiped():
    drive = opened(forget())
    assert drive.question
    assert "identity" in drive.question.title
    assert not drive.waits_for(fx.ResetBoard)
    drive.answer("continue").done(fx.ResetBoard).done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result == {"erased": "network and identity", "uhwid": UHWID}


def test_forget_may_be_refused_when_asked():
    drive = opened(forget()).answer("stop").done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.CANCELLED, None)


def test_forget_that_was_confirmed_asks_nothing():
    drive = opened(forget(attended=False, confirmed=True)).done(fx.ResetBoard)
    drive.done(fx.CloseSession)
    assert drive.state is JobState.DONE


def test_forget_guides_to_the_pin_and_notices_the_restart_by_itself():
    drive = opened(forget(), application_sketch=True)
    assert drive.question
    assert drive.question.guide["pin"] == "2"
    drive.done(fx.CloseSession).done(fx.WaitRestart)
    assert drive.question is None
    opened(drive, application_sketch=True).done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["erased"] == "network"


@pytest.mark.parametrize("facts", [{"online": True, "initial_status": 2}, {"initial_status": -1}])
def test_a_board_that_still_has_its_settings_is_asked_about_again(facts: dict[str, object]):
    drive = opened(forget(), application_sketch=True).answer("done")
    opened(drive, application_sketch=True, **facts)
    assert drive.question
    assert drive.question.title.startswith("It did not work yet")


def test_a_board_that_does_not_answer_after_the_pin_is_asked_about_again():
    drive = opened(forget(), application_sketch=True).answer("done").fail(fx.OpenSession, GONE)
    assert drive.question


def test_the_button_of_an_opta_is_called_a_button():
    guide = Guide(pin="BTN_USER", hold_seconds=3, procedure="Press and hold.", drawing="opta")
    drive = opened(forget(guide), application_sketch=True)
    assert drive.question
    assert drive.question.title == "Hold the user button for 3 seconds."


@pytest.mark.parametrize(("guide", "remedy"), [(None, "Flash it again."), (GUIDE, GUIDE.procedure)])
def test_what_is_possible_is_told_when_nothing_goes_over_the_wire(guide: Guide | None, remedy: str):
    drive = opened(forget(guide, attended=False), application_sketch=True).done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "board-not-supported")
    assert drive.finish
    assert drive.finish.error
    assert drive.finish.error.remedy == remedy


def test_forget_is_cancelled_while_the_pin_is_held():
    drive = opened(forget(), application_sketch=True).cancel().done(fx.CloseSession)
    assert drive.state is JobState.CANCELLED


# --- recover ---------------------------------------------------------------------------------

INTENT = OpenClaim(cloud="arduino", uhwid=UHWID, name="kitchen-sensor", since=1_000_000.0)


def recover(**known: object) -> Drive:
    return Drive(Recover(msgspec.structs.replace(INTENT, **known), "Arduino Cloud"))


def kinds(drive: Drive) -> list[str]:
    return [str(fact.data.get("how", fact.kind)) for fact in drive.facts]


def test_a_claim_without_id_is_found_and_undone():
    drive = recover().done(fx.FindClaims, [claim()]).done(fx.FindClaims, [claim()])
    assert drive.waits_for(fx.Unclaim) == fx.Unclaim("c-1")
    drive.done(fx.Unclaim).done(fx.CloseSession)
    assert kinds(drive) == [CLAIMED, "undone"]


def test_a_claim_that_was_never_made_is_settled():
    drive = recover().done(fx.FindClaims, []).fire("again").done(fx.FindClaims, [])
    drive.done(fx.CloseSession)
    assert kinds(drive) == ["none"]


def test_a_claim_whose_board_never_joined_is_undone():
    drive = recover(claim="c-1").done(fx.FindClaims, [claim()]).done(fx.Unclaim)
    drive.done(fx.CloseSession)
    assert kinds(drive) == ["undone"]


def test_a_claim_whose_board_is_online_is_kept_although_the_journal_missed_it():
    drive = recover(claim="c-1").done(fx.FindClaims, [claim("dev-1")]).done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert kinds(drive) == ["online"]


def test_a_board_that_had_joined_is_waited_for():
    drive = recover(claim="c-1", joined=True, network="HomeNet").fail(fx.WaitEnded, GONE)
    drive.done(fx.FindClaims, [claim()]).fire("poll").done(fx.FindClaims, [claim("dev-1")])
    drive.done(fx.CloseSession)
    assert drive.finish
    assert drive.finish.result
    assert drive.finish.result["network"] == "HomeNet"
    assert drive.finish.result["device_id"] == "dev-1"


def test_a_board_that_had_joined_and_never_comes_online_is_undone():
    drive = recover(claim="c-1", joined=True).fail(fx.WaitEnded, GONE)
    drive.done(fx.FindClaims, [claim()]).fire("limit").done(fx.Unclaim).done(fx.CloseSession)
    assert drive.error == "cloud-not-online"
    assert kinds(drive) == ["undone"]


def test_a_cloud_that_is_down_leaves_the_claim_open():
    drive = recover(claim="c-1").fail(fx.FindClaims, DOWN)
    while drive.waits_for(fx.Unclaim):
        drive.fail(fx.Unclaim, DOWN)
        if "again" in drive.timers:
            drive.fire("again")
    drive.done(fx.CloseSession)
    assert drive.error == "cloud-claim-open"
    assert JOINED not in kinds(drive)
    assert SETTLED not in [fact.kind for fact in drive.facts]
