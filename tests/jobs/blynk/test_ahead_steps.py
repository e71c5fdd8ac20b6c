"""A given token is looked up before the computer leaves its network, without I/O."""

from __future__ import annotations

import pytest

from agent.errors import BlynkForbidden, BlynkTokenUnknown
from agent.jobs.blynk import effects as bx
from agent.protocols.blynk.platform import Device
from agent.protocols.blynk.tokens import Pasted
from tests.jobs.blynk.samples import LEAVING, MADE, OTHER, POINT, PUT, TEMPLATE, TOKEN
from tests.jobs.blynk.test_provision import actions, away, closed

UNKNOWN = BlynkTokenUnknown(cloud="b", server="s")


def test_a_token_that_no_device_has_is_told_of_before_anything_is_joined() -> None:
    drive = away(token=Pasted(OTHER), confirmed=True).fail(bx.CheckToken, UNKNOWN)
    assert actions(drive) == ["new-token", "token", "stop"]
    assert not any(isinstance(each, bx.PlanLeaving) for each in drive.asked)
    drive.answer("token", token=TOKEN).done(bx.CheckToken, False).done(bx.FindDevice)
    drive.done(bx.PlanLeaving, LEAVING).done(bx.Reach, POINT)
    keep = drive.waits_for(bx.Keep)
    assert keep is not None
    assert keep.token == TOKEN
    made = away(token=Pasted(OTHER), confirmed=True).fail(bx.CheckToken, UNKNOWN)
    made.answer("new-token").done(bx.PlanLeaving, LEAVING).done(bx.Reach, POINT)
    made.done(bx.GoBack).done(bx.FindKept).done(bx.MakeToken, MADE).done(bx.Keep, PUT)
    assert made.waits_for(bx.Deliver)
    lone = closed(away(token=Pasted(OTHER), attended=False).fail(bx.CheckToken, UNKNOWN))
    assert lone.error == "blynk-token-unknown"
    stopped = away(token=Pasted(OTHER)).fail(bx.CheckToken, UNKNOWN).answer("stop")
    assert closed(stopped).error == "blynk-token-unknown"


def test_a_device_of_another_template_is_told_of_at_home_and_the_board_gets_nothing() -> None:
    drive = away(token=Pasted(OTHER), confirmed=True).done(bx.CheckToken, False)
    drive.done(bx.FindDevice, Device(id=9, name="Shed", template_id="TMPLother0000"))
    drive.done(bx.PlanLeaving, LEAVING).done(bx.Reach, POINT)
    assert drive.question is None
    drive.done(bx.GoBack)
    assert drive.question is not None
    assert drive.question.error is not None
    assert drive.question.error.code == "blynk-template"
    drive.answer("token", token=TOKEN).done(bx.CheckToken, False)
    drive.done(bx.FindDevice, Device(id=8, name="Attic", template_id=TEMPLATE)).done(bx.Keep, PUT)
    assert drive.waits_for(bx.Deliver)
    assert not any(isinstance(each, bx.Keep) and each.token == OTHER for each in drive.asked)


@pytest.mark.parametrize("why", ["forbidden", "none", "limit", "free"])
def test_what_nobody_can_tell_keeps_nobody_from_going_on(why: str) -> None:
    drive = away(token=Pasted(OTHER), confirmed=True, platform=why != "free")
    drive.done(bx.CheckToken, True)
    if why == "forbidden":
        drive.fail(bx.FindDevice, BlynkForbidden(cloud="b"))
    elif why == "none":
        drive.done(bx.FindDevice)
    elif why == "limit":
        drive.fire("limit")
    drive.done(bx.PlanLeaving, LEAVING).done(bx.Reach, POINT).done(bx.Keep, PUT)
    deliver = drive.waits_for(bx.Deliver)
    assert deliver is not None
    assert deliver.was_online
    assert drive.steps()["ahead"] == "done"
