"""A new token for the same device, without I/O."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import Unreachable, VaultFailed
from agent.jobs import effects as fx
from agent.jobs.blynk import effects as bx
from agent.jobs.blynk.facts import blynk_left
from agent.jobs.blynk.renew import RenewBlynk
from agent.jobs.job import JobState
from agent.protocols.blynk.platform import Device, Provisioned
from tests.jobs.blynk.samples import FOUND, LEAVING, OTHER, POINT, PROVEN, PUT, TOKEN, order
from tests.jobs.drive import Drive

DEVICE = Device(id=77, name="Kitchen", token=OTHER)


def machine(**changes: Any) -> Drive:
    return Drive(RenewBlynk(order(**changes), attended=True)).done(bx.Reach, FOUND)


def test_the_device_of_the_boards_token_gets_a_new_one() -> None:
    drive = machine().done(bx.FindKept, PROVEN)
    find = drive.waits_for(bx.FindDevice)
    assert find is not None
    assert find.token == OTHER
    drive.done(bx.FindDevice, DEVICE)
    make = drive.waits_for(bx.MakeToken)
    assert make is not None
    assert make.device_id == 77
    drive.done(bx.MakeToken, Provisioned(TOKEN, 77)).done(bx.Keep, PUT)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert (deliver.config.token, deliver.was_online) == (TOKEN, True)
    drive.done(bx.Deliver, bx.Arrived("online")).done(bx.TellKey).done(bx.Prove)
    drive.done(bx.Rename, DEVICE).done(fx.CloseSession)
    assert drive.finish is not None
    assert (drive.finish.result or {})["device_id"] == 77


def test_or_that_of_its_name() -> None:
    find = machine(name="Kitchen").waits_for(bx.FindDevice)
    assert find is not None
    assert (find.name, bool(find.token)) == ("Kitchen", False)


@pytest.mark.parametrize("name", ["", "Kitchen"])
def test_without_a_device_nothing_is_made(name: str) -> None:
    drive = machine(name=name)
    drive = drive.done(bx.FindDevice) if name else drive.done(bx.FindKept)
    assert drive.done(fx.CloseSession).error == "blynk-not-there"
    gone = machine().done(bx.FindKept, PROVEN).done(bx.FindDevice).done(bx.FindDevice)
    assert gone.done(fx.CloseSession).error == "blynk-not-there"


def test_what_goes_wrong_before_it_is_made_leaves_all_as_it_was() -> None:
    assert machine(platform=False).done(fx.CloseSession).error == "blynk-no-platform"
    failed = machine().fail(bx.FindKept, VaultFailed(path="/v", detail="x")).done(fx.CloseSession)
    assert failed.error == "vault"
    down = machine().done(bx.FindKept, PROVEN).fail(bx.FindDevice, Unreachable(cloud="b"))
    assert down.done(fx.CloseSession).error == "cloud-unreachable"
    assert machine().cancel().done(fx.CloseSession).state is JobState.CANCELLED


def test_where_the_new_token_was_lost_the_next_job_knows_the_device_by_its_name() -> None:
    first = machine().done(bx.FindKept, PROVEN).done(bx.FindDevice, DEVICE)
    left = blynk_left(first.facts) or ""
    assert "old token of Kitchen may have ended" in left
    assert "of no use" not in left
    lost = first.fire("limit")
    assert lost.question is not None
    assert "old token of Kitchen may have ended" in lost.question.meaning
    assert "in the cloud" not in lost.question.safe
    again = machine().done(bx.FindKept, PROVEN).done(bx.FindDevice)
    find = again.waits_for(bx.FindDevice)
    assert find is not None
    assert (find.name, bool(find.token)) == ("Kitchen", False)
    make = again.done(bx.FindDevice, DEVICE).waits_for(bx.MakeToken)
    assert make is not None
    assert make.device_id == 77


def test_who_joined_by_hand_says_that_he_is_back_before_the_cloud_is_asked() -> None:
    away = Drive(RenewBlynk(order(access_point=b"Blynk Thermo-FK8D"), attended=True))
    away.done(bx.PlanLeaving, LEAVING).answer("by-hand").done(bx.Reach, POINT)
    assert not away.waits_for(bx.FindKept)
    away.answer("continue").done(bx.FindKept, PROVEN).done(bx.FindDevice, DEVICE)
    away.done(bx.MakeToken, Provisioned(TOKEN, 77)).done(bx.Keep, PUT)
    assert not away.waits_for(bx.Deliver)
    assert away.done(bx.Reach, POINT).waits_for(bx.Deliver)
