"""A claimed board that is online in the network that it had stored, before it got its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.catalog import Catalog
from agent.clouds.cloud import Requirements
from agent.errors import BleLost, BleUnreachable, BoardSilent, PortGone
from agent.jobs import effects as fx
from agent.jobs import facts as journal_facts
from agent.jobs.away_steps import FIRST_LOOK
from agent.jobs.guide import guide_of
from agent.jobs.job import Job, JobKind, JobState, StepState
from agent.jobs.provision import Provision
from agent.jobs.recover import Recover
from agent.jobs.return_steps import RETURNS_MAX
from agent.jobs.stored_steps import stored_network
from tests.jobs.drive import Drive
from tests.jobs.samples import DOWN, WRONG_PASSWORD, board_facts, claim, identity, order, wifi
from tests.jobs.test_machine_properties import ModelCloud, check_claims, over, run_out, step

if TYPE_CHECKING:
    from agent.boards.board import Via

GUIDE = guide_of(Catalog.load().get("uno_r4_wifi"))
LOST = BleLost(port="ble://F4:12:FA:00:00:01")
UNREACHABLE = BleUnreachable(port="ble://F4:12:FA:00:00:01", attempts=4, detail="not heard")
ONLINE = [claim("d-1")]


def claimed(
    *, via: Via = "ble", attended: bool = True, online: bool = True, **changes: Any
) -> Drive:
    """RESET is on its way to a board that is in a network already."""
    wanted = order(guide=GUIDE, air_firmware="0.6.0", **changes)
    drive = over(via, Provision(wanted, wifi(), attended=attended))
    drive.done(fx.CloudRequirements, requirements()).done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts(online=online, initial_status=2 if online else None))
    drive.done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())
    return drive.done(fx.ClaimBoard, "c-1")


def requirements() -> Requirements:
    return Requirements(min_sketch="0.6.0")


def gone(**options: Any) -> Drive:
    return claimed(**options).fail(fx.ResetBoard, UNREACHABLE)


def result(drive: Drive) -> dict[str, Any]:
    while drive.waits_for(fx.CloseSession):
        drive.done(fx.CloseSession)
    assert drive.state is JobState.DONE
    assert drive.finish
    assert drive.finish.result
    assert drive.open_claim is None
    return drive.finish.result


def offered(drive: Drive) -> list[str]:
    return [action.id for action in drive.question.actions] if drive.question else []


def sent(drive: Drive) -> bool:
    return any(isinstance(request, fx.Configure) for request in drive.asked)


# --- before it happens ---------------------------------------------------------------------------


@pytest.mark.parametrize("online", [True, False])
def test_the_claim_says_that_the_board_is_in_a_network_already(online: bool):
    drive = over("ble", Provision(order(), wifi(), attended=True))
    drive.done(fx.CloudRequirements, requirements()).done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts(online=online))
    (claiming,) = (each for each in drive.job.steps if each.id == "claim")
    assert ("in a network already" in claiming.message) is online


def test_nothing_is_between_the_claim_and_erasing_what_the_board_had():
    before, last = claimed().asked[-2:]
    assert isinstance(before, fx.ClaimBoard)
    assert isinstance(last, fx.ResetBoard)


# --- the cloud is asked first --------------------------------------------------------------------


@pytest.mark.parametrize(("via", "error"), [("ble", LOST), ("usb", PortGone(port="COM7"))])
@pytest.mark.parametrize("online", [True, False])
def test_the_cloud_is_asked_before_the_person_is(via: Via, error: Any, online: bool):
    # A board with stored settings that was in no network yet joins once its link has fallen.
    drive = claimed(via=via, online=online).fail(fx.ResetBoard, error)
    assert drive.question is None
    drive.done(fx.CloseSession)
    assert drive.waits_for(fx.WaitBoardBack) is None
    drive.done(fx.FindClaims, [claim()])
    assert offered(drive) == ["undo"]
    assert drive.waits_for(fx.WaitBoardBack)


def test_it_is_asked_again_while_the_person_is_asked():
    drive = gone().done(fx.FindClaims, [claim()]).done(fx.CloseSession)
    drive.fire("poll").fail(fx.FindClaims, DOWN).fire("poll").done(fx.FindClaims, ONLINE)
    assert offered(drive) == ["keep", "continue"]


def test_a_cloud_that_does_not_answer_keeps_nobody_waiting():
    drive = gone().done(fx.CloseSession).fire(FIRST_LOOK)
    assert offered(drive) == ["undo"]
    assert drive.waits_for(fx.WaitBoardBack)
    drive.done(fx.FindClaims, ONLINE)
    assert offered(drive) == ["keep", "continue"]


def test_a_board_that_is_silent_is_looked_for_in_the_cloud_too():
    drive = claimed(via="usb").fail(fx.ResetBoard, BoardSilent(seconds=60))
    assert drive.question is None
    drive.done(fx.FindClaims, [claim()])
    assert offered(drive) == ["retry", "undo"]
    drive.fire("poll").done(fx.FindClaims, ONLINE)
    assert result(drive)["settings_sent"] is False


# --- it is online --------------------------------------------------------------------------------


def test_with_nobody_there_it_is_a_success_that_says_what_was_not_done():
    told = result(gone(attended=False).done(fx.FindClaims, ONLINE))
    assert told["device_id"] == "d-1"
    assert told["claim"] == "c-1"
    assert told["network"] is None
    assert told["settings_sent"] is False
    first, second = told["notes"]
    assert first == (
        "It came online in the network that it had stored before; HomeNet was not sent to it."
    )
    assert second.startswith("Its Bluetooth is off now. To change its network later: connect pin 2")


def test_its_steps_say_the_same():
    drive = gone(attended=False, stored="Office").done(fx.FindClaims, ONLINE)
    assert result(drive)["network"] == "Office"
    steps = {step.id: step for step in drive.job.steps}
    assert steps["settings"].state is StepState.SKIPPED
    assert steps["settings"].message == "not needed"
    assert steps["join"].state is StepState.SKIPPED
    assert steps["online"].message == "online as kitchen-sensor, in Office"


def test_the_network_that_was_asked_for_is_no_reason_to_ask():
    drive = gone(stored="HomeNet").done(fx.FindClaims, ONLINE)
    told = result(drive)
    assert told["network"] == "HomeNet"
    assert (
        told["notes"][0]
        == "It came online with HomeNet as it had stored it; nothing had to be sent."
    )


@pytest.mark.parametrize("stored", ["", "Office"])
def test_another_network_is_a_choice(stored: str):
    drive = gone(stored=stored).done(fx.FindClaims, ONLINE)
    assert drive.question
    assert "kitchen-sensor is online in Arduino Cloud" in drive.question.title
    assert (stored or "that network") in drive.question.meaning
    assert "connect pin 2 to GND for 3 seconds" in drive.question.meaning
    assert [a.label for a in drive.question.actions] == ["Leave it there", "Change it to HomeNet"]
    drive.done(fx.CloseSession).answer("keep")
    assert result(drive)["network"] == (stored or None)
    assert not sent(drive)


def test_over_a_cable_there_is_no_bluetooth_to_bring_back():
    told = result(gone(via="usb").done(fx.FindClaims, ONLINE))
    (note,) = told["notes"]
    assert note.endswith("connect pin 2 to GND for 3 seconds, then set its network again.")


@pytest.mark.parametrize("way", ["cancel", "limit"])
@pytest.mark.parametrize("until", ["staying", "waking"])
def test_whoever_does_not_answer_leaves_it_online(way: str, until: str):
    drive = gone().done(fx.FindClaims, ONLINE)
    if until == "waking":
        drive.answer("continue")
    if way == "cancel":
        drive.cancel()
    else:
        drive.fire("limit")
    assert result(drive)["device_id"] == "d-1"


# --- another network for it ----------------------------------------------------------------------


def woken() -> Drive:
    drive = gone().done(fx.FindClaims, ONLINE).answer("continue")
    drive.done(fx.WaitBoardBack).done(fx.OpenSession)
    return drive.done(fx.ReadBoard, board_facts())


def test_a_board_whose_bluetooth_is_back_gets_the_network_and_keeps_its_identity():
    drive = gone().done(fx.FindClaims, ONLINE).answer("continue")
    assert drive.question
    assert drive.question.title == "Connect pin 2 to GND for 3 seconds."
    assert drive.question.guide["pin"] == "2"
    drive.fail(fx.WaitBoardBack, UNREACHABLE).fire("again")
    drive.done(fx.WaitBoardBack).fail(fx.OpenSession, UNREACHABLE).fire("again")
    drive.done(fx.WaitBoardBack).done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts(online=True)).done(fx.CloseSession).fire("again")
    assert offered(drive) == ["keep"]
    drive.done(fx.WaitBoardBack).done(fx.OpenSession).done(fx.ReadBoard, board_facts())
    assert drive.question is None
    drive.done(fx.Configure).done(fx.WaitEnded)
    told = result(drive)
    assert told["network"] == "HomeNet"
    assert "settings_sent" not in told
    assert told["device_id"] == "d-1"
    assert sum(isinstance(request, fx.ResetBoard) for request in drive.asked) == 1
    kept = journal_facts.online_result(drive.facts)
    assert kept
    assert (kept["network"], kept["device_id"]) == ("HomeNet", "d-1")


def test_another_board_does_not_get_it():
    drive = gone().done(fx.FindClaims, ONLINE).answer("continue").done(fx.WaitBoardBack)
    drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts(uhwid="ff" * 32))
    assert drive.waits_for(fx.Configure) is None
    assert offered(drive) == ["keep"]


def test_a_wrong_password_then_does_not_cost_it_its_place_in_the_cloud():
    drive = woken().fail(fx.Configure, WRONG_PASSWORD)
    assert drive.question
    assert "keeps its place in" in drive.question.safe
    assert offered(drive) == ["retry", "network", "stop"]
    drive.answer("stop").done(fx.CloseSession)
    assert (drive.state, drive.error) == (JobState.FAILED, "network-join")
    assert not any(isinstance(request, fx.Unclaim) for request in drive.asked)


def test_a_link_that_falls_then_is_made_again_without_erasing_anything():
    drive = woken().fail(fx.Configure, LOST)
    assert offered(drive) == ["stop"]
    drive.done(fx.CloseSession).done(fx.WaitBoardBack).done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts())
    assert drive.waits_for(fx.Configure)
    drive.fail(fx.Configure, LOST).done(fx.CloseSession).done(fx.WaitBoardBack)
    drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts(online=True))
    drive.fail(fx.WaitEnded, LOST)
    assert result(drive)["network"] == "HomeNet"


def test_an_agent_that_ends_then_says_what_is_left():
    drive = woken().cancel(interrupted=True).done(fx.CloseSession)
    assert drive.state is JobState.INTERRUPTED
    assert drive.finish
    assert drive.finish.error
    assert "keeps its place in Arduino Cloud, but has no network now" in drive.finish.error.meaning
    assert "has no network now" in journal_facts.left_behind(drive.facts)


# --- it is stopped, or given up ------------------------------------------------------------------


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_cancel_does_not_undo_what_the_board_has_completed(interrupted: bool):
    drive = claimed().cancel(interrupted=interrupted)
    drive.done(fx.FindClaims, ONLINE).done(fx.CloseSession)
    assert drive.state is (JobState.INTERRUPTED if interrupted else JobState.CANCELLED)
    assert drive.finish
    assert drive.finish.error
    said = f"{drive.finish.error.title} {drive.finish.error.meaning}"
    assert "kitchen-sensor came online in Arduino Cloud before the job could be stopped" in said
    assert not any(isinstance(request, fx.Unclaim) for request in drive.asked)
    assert drive.open_claim is None


@pytest.mark.parametrize("cloud", ["waits", "down"])
def test_a_cancel_undoes_what_it_has_not(cloud: str):
    drive = claimed().cancel()
    if cloud == "waits":
        drive.done(fx.FindClaims, [claim()])
    else:
        drive.fail(fx.FindClaims, DOWN)
    drive.done(fx.Unclaim).done(fx.CloseSession)
    assert drive.state is JobState.CANCELLED
    assert drive.open_claim is None


def test_a_board_that_is_in_no_network_and_in_sight_is_not_looked_for():
    drive = claimed(online=False).cancel()
    assert drive.waits_for(fx.Unclaim)


def test_with_nobody_there_it_is_looked_for_before_it_is_given_up():
    drive = gone(attended=False)
    for _ in range(RETURNS_MAX - 1):
        drive.done(fx.CloseSession).done(fx.FindClaims, [claim()]).done(fx.WaitBoardBack)
        drive.fail(fx.OpenSession, UNREACHABLE)
    drive.done(fx.CloseSession).done(fx.FindClaims, [claim()]).done(fx.WaitBoardBack)
    drive.fail(fx.OpenSession, UNREACHABLE)
    assert result(drive.done(fx.FindClaims, ONLINE))["settings_sent"] is False


# --- RESET came through, but too late ------------------------------------------------------------


def test_a_certificate_that_went_with_reset_is_asked_for_under_a_new_claim():
    drive = claimed(via="usb").done(fx.ResetBoard).done(fx.FindClaims, ONLINE)
    drive.done(fx.Unclaim).done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())
    drive.done(fx.ClaimBoard, "c-2").done(fx.ResetBoard)
    assert drive.waits_for(fx.Configure)
    drive.done(fx.Configure).done(fx.WaitEnded).done(fx.FindClaims, [claim("d-2", id="c-2")])
    assert result(drive)["device_id"] == "d-2"


@pytest.mark.parametrize("cloud", ["waits", "down"])
def test_a_reset_in_time_goes_on(cloud: str):
    drive = claimed().done(fx.ResetBoard)
    if cloud == "waits":
        drive.done(fx.FindClaims, [claim()])
    else:
        drive.fail(fx.FindClaims, DOWN)
    assert drive.waits_for(fx.Configure)


# --- the agent died ------------------------------------------------------------------------------


def test_a_crash_after_it_was_seen_online_keeps_what_is_to_be_said():
    drive = gone(stored="Office").done(fx.FindClaims, ONLINE)
    kept = journal_facts.online_result(drive.facts)
    assert kept
    assert (kept["network"], kept["settings_sent"]) == ("Office", False)
    (note,) = kept["notes"]
    assert note.startswith("It came online in Office, which it had stored before; HomeNet was not")
    assert "Its Bluetooth is off now" in note


def test_a_recovery_does_not_say_which_network_it_is():
    drive = claimed()
    assert drive.open_claim
    told = result(Drive(Recover(drive.open_claim, "Arduino Cloud")).done(fx.FindClaims, ONLINE))
    assert told["network"] is None
    assert "or in one that it had stored before" in told["notes"][0]


# --- which network it has ------------------------------------------------------------------------


class Jobs:
    def __init__(self, *jobs: Job) -> None:
        self.jobs = jobs

    async def list(self, limit: int, board: str | None = None) -> list[Job]:
        del limit, board
        return list(self.jobs)


def job(kind: JobKind, state: JobState = JobState.DONE, **result: Any) -> Job:
    return Job(id="1", kind=kind, board="b", title="t", state=state, created_at=0.0, result=result)


@pytest.mark.parametrize(
    ("jobs", "network"),
    [
        ([], ""),
        ([job(JobKind.CONFIGURE, network="Office")], "Office"),
        ([job(JobKind.IDENTIFY), job(JobKind.PROVISION, network="Office")], "Office"),
        ([job(JobKind.CONFIGURE, JobState.FAILED), job(JobKind.CONFIGURE, network="Office")], ""),
        ([job(JobKind.FORGET, erased="network"), job(JobKind.CONFIGURE, network="Office")], ""),
        ([job(JobKind.PROVISION, network=None)], ""),
    ],
)
async def test_the_network_is_what_the_newest_job_gave_it(jobs: list[Job], network: str):
    journal: Any = Jobs(*jobs)
    assert await stored_network(journal, "b") == network


# --- whatever happens ----------------------------------------------------------------------------


@given(data=st.data(), attended=st.booleans(), via=st.sampled_from(["usb", "ble"]))
def test_it_always_ends_and_forgets_no_claim(data: Any, attended: bool, via: Via):
    cloud = ModelCloud()
    wanted = order(guide=GUIDE, stored=data.draw(st.sampled_from(["", "HomeNet", "Office"])))
    drive = over(via, Provision(wanted, wifi(), attended=attended))
    drive.done(fx.CloudRequirements, requirements()).done(fx.OpenSession)
    drive.done(fx.ReadBoard, board_facts(online=True)).done(fx.SettleLeftovers, [])
    drive.done(fx.ReadIdentity, identity())
    request = drive.waits_for(fx.ClaimBoard)
    assert request
    drive.done(fx.ClaimBoard, cloud.claim(request.claim, drive.now))
    for _ in range(data.draw(st.integers(0, 60))):
        if drive.finish is None:
            step(drive, cloud, data)
    run_out(drive)
    check_claims(drive, cloud)
