"""Removing a device, with its board and without, without I/O."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import PortGone, Unreachable, VaultFailed
from agent.jobs import effects as fx
from agent.jobs.blynk import effects as bx
from agent.jobs.blynk.facts import blynk_left, blynk_result
from agent.jobs.blynk.remove import RemoveBlynk
from agent.jobs.job import JobState
from agent.protocols.blynk.platform import Device
from tests.jobs.blynk.samples import FOUND, LEAVING, OTHER, POINT, PROVEN, order
from tests.jobs.drive import Drive

DEVICE = Device(id=77, name="Kitchen", token=OTHER)


def machine(*, attended: bool = True, **changes: Any) -> Drive:
    return Drive(RemoveBlynk(order(**changes), attended=attended))


def asked(**changes: Any) -> Drive:
    return (
        machine(**changes)
        .done(bx.Reach, FOUND)
        .done(bx.FindKept, PROVEN)
        .done(bx.FindDevice, DEVICE)
    )


def test_the_board_the_cloud_and_the_vault_forget_it_in_this_order() -> None:
    drive = asked()
    assert drive.question is not None
    assert {each.fate for each in drive.question.fates} == {"lost", "kept"}
    assert not any(isinstance(each, bx.Erase) for each in drive.asked)
    drive.answer("continue").done(bx.Erase).done(bx.DeleteDevice)
    drive.done(bx.ForgetTokens, [PROVEN.entry]).done(fx.CloseSession)
    assert drive.finish is not None
    result = drive.finish.result or {}
    assert (result["erased"], result["deleted"], result["forgotten"]) == (
        True,
        True,
        [PROVEN.entry],
    )
    assert blynk_result(drive.facts) == result


def test_without_its_board_it_is_known_by_its_name() -> None:
    drive = machine(has_board=False, name="Kitchen", confirmed=True).done(bx.FindKept)
    drive.done(bx.FindDevice, DEVICE).done(bx.DeleteDevice).done(bx.ForgetTokens, [])
    assert drive.done(fx.CloseSession).state is JobState.DONE
    none = machine(has_board=False, name="Kitchen").done(bx.FindKept).done(bx.FindDevice)
    assert none.done(fx.CloseSession).error == "blynk-not-there"


def test_without_a_client_a_person_deletes_it() -> None:
    drive = machine(platform=False, confirmed=True).done(bx.Reach, FOUND)
    drive.done(bx.FindKept, PROVEN).done(bx.Erase)
    drive.fail(bx.ForgetTokens, VaultFailed(path="/v", detail="x")).done(fx.CloseSession)
    assert drive.finish is not None
    assert len((drive.finish.result or {})["notes"]) == 2


@pytest.mark.parametrize("step", [bx.Erase, bx.DeleteDevice])
def test_what_stops_in_the_middle_says_what_is_left(step: type[bx.BlynkEffect]) -> None:
    drive = asked(confirmed=True)
    error = PortGone(port="x") if step is bx.Erase else Unreachable(cloud="b", detail="x")
    if step is bx.DeleteDevice:
        drive.done(bx.Erase)
    assert drive.fail(step, error).done(fx.CloseSession).error == "remove-unfinished"
    assert "Remove it once more" in (blynk_left(drive.facts) or "")


def test_who_stops_while_the_board_is_erased_keeps_the_device_and_is_told_so() -> None:
    drive = asked(confirmed=True).cancel().done(bx.Erase)
    assert not drive.waits_for(bx.DeleteDevice)
    assert drive.done(fx.CloseSession).state is JobState.CANCELLED
    assert drive.finish is not None
    assert drive.finish.error is not None
    title = drive.finish.error.title
    assert "The board is erased. The device is still in Blynk.Cloud. Its token is still" in title
    assert "was stopped" in drive.finish.error.meaning
    assert "mooring remove Kitchen --cloud blynk" in drive.finish.error.remedy
    failed = asked(confirmed=True).cancel().fail(bx.Erase, PortGone(port="x"))
    assert failed.done(fx.CloseSession).finish is not None
    assert "has what it had" in str(failed.finish)


def by_hand(**changes: Any) -> Drive:
    drive = machine(access_point=b"Blynk Thermo-FK8D", **changes).done(bx.PlanLeaving, LEAVING)
    return drive.answer("by-hand").done(bx.Reach, POINT)


def test_who_joined_by_hand_says_that_he_is_back_before_the_cloud_is_asked() -> None:
    drive = by_hand(confirmed=False)
    assert not drive.asked[2:]
    drive.answer("continue").done(bx.FindKept, PROVEN).done(bx.FindDevice, DEVICE)
    drive.answer("continue").done(bx.Erase)
    assert not drive.waits_for(bx.DeleteDevice)
    assert drive.question is not None
    assert "is this computer back" in drive.question.title.lower()
    assert drive.question.safe == "The board is erased."
    drive.answer("continue").done(bx.DeleteDevice).done(bx.ForgetTokens, [PROVEN.entry])
    assert drive.done(fx.CloseSession).state is JobState.DONE
    assert by_hand(platform=False).waits_for(bx.FindKept)


@pytest.mark.parametrize("cancelled", [True, False])
def test_who_does_not_come_back_by_hand_ends_the_job_where_it_is(cancelled: bool) -> None:
    drive = by_hand()
    drive = drive.cancel() if cancelled else drive.answer("stop")
    assert drive.done(fx.CloseSession).state is JobState.CANCELLED
    assert not any(isinstance(each, bx.FindKept) for each in drive.asked)
    joining = by_hand().answer("continue").done(bx.FindKept, PROVEN).done(bx.FindDevice, DEVICE)
    joining.answer("continue")
    joining = joining.cancel() if cancelled else joining.answer("stop")
    assert joining.done(fx.CloseSession).state is JobState.CANCELLED
    late = by_hand().answer("continue").done(bx.FindKept, PROVEN).done(bx.FindDevice, DEVICE)
    late.answer("continue").done(bx.Erase)
    late = late.cancel() if cancelled else late.answer("stop")
    assert late.done(fx.CloseSession).error == "remove-unfinished"


def test_nothing_is_done_by_who_stops_or_with_nobody_there() -> None:
    assert asked().answer("stop").done(fx.CloseSession).state is JobState.CANCELLED
    assert asked().cancel().done(fx.CloseSession).state is JobState.CANCELLED
    alone = asked(attended=False).done(fx.CloseSession)
    assert alone.finish is not None
    assert alone.finish.error is not None
    assert alone.finish.error.facts["field"] == "confirmed"
    down = machine().done(bx.Reach, FOUND).fail(bx.FindKept, VaultFailed(path="/v", detail="x"))
    assert down.question is not None
    failed = machine().done(bx.Reach, FOUND).done(bx.FindKept, PROVEN)
    assert failed.fail(bx.FindDevice, Unreachable(cloud="b")).done(fx.CloseSession).finish


def test_tokens_are_forgotten_under_each_name_that_they_were_kept_by() -> None:
    drive = machine(confirmed=True).done(bx.Reach, FOUND)
    drive.done(bx.FindKept, PROVEN._replace(name="Thermo-FK8D")).done(bx.FindDevice, DEVICE)
    drive.done(bx.Erase).done(bx.DeleteDevice)
    forget = drive.waits_for(bx.ForgetTokens)
    assert forget is not None
    assert forget.names == ("Kitchen", "Thermo-FK8D")
