"""Whole jobs over Bluetooth LE: unmodified bleak, a simulated BlueZ, simulated boards and cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.jobs.job import JobState, StepState
from agent.simulator.config import MILESTONES, StepFault
from tests.air import ON_LINUX, ble_board
from tests.jobs.bench import PASSWORD

if TYPE_CHECKING:
    from agent.jobs.job import Job
    from tests.jobs.air_bench import AirBench

pytestmark = ON_LINUX

OFFICE = {"kind": "wifi", "ssid": "Office", "password": "s3cret"}
BLE_OFF = "Its Bluetooth is off now. To change its network later: connect pin 2 to GND"


def fault(milestone: str, do: str, **more: Any) -> StepFault:
    return msgspec.convert({"at": milestone, "do": do} | more, StepFault)


def assert_online(bench: AirBench, job: Job, n: int = 0) -> None:
    assert job.state is JobState.DONE, job
    assert job.result
    claims = {claim.id: claim for claim in bench.open_claims()}
    claim = claims[job.result["claim"]]
    assert job.result["device_id"] == claim.device_id == bench.devices[n].status().device_id
    assert all(step.state in {StepState.DONE, StepState.SKIPPED} for step in job.steps), job.steps
    (note,) = job.result["notes"]
    assert note.startswith(BLE_OFF)


async def test_a_board_in_the_air_is_read(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent()
    number = await in_air.job("identify")
    job = await in_air.ended(number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["sketch_version"] == "0.6.2"
    assert job.request["via"] == "ble"
    assert job.steps[0].message.startswith("over Bluetooth · sketch 0.6.2")
    said = [each.message for each in in_air.changes if each.step == "read"]
    assert said[0] == "Over Bluetooth"
    board = await in_air.heard()
    assert board.uhwid == job.result["uhwid"]


@pytest.mark.parametrize("kind", ["configure", "provision", "identify"])
async def test_what_answers_in_the_place_of_a_known_board_gets_no_settings(
    in_air: AirBench, kind: str
):
    await in_air.start_air()
    await in_air.start_agent()
    board = await in_air.heard()
    in_air.boards.learn(board.id, uhwid="ff" * 32, name="attic", installed="2.0")
    if kind == "provision":
        number = await in_air.set_up()
    elif kind == "configure":
        number = await in_air.job(kind, network=OFFICE)
    else:
        number = await in_air.job(kind)
    job = await in_air.ended(number)
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code == "board-other-air"
    assert "ff" * 32 in job.error.meaning
    after = await in_air.heard()
    assert (after.id, after.name, after.uhwid) == (board.id, "attic", "ff" * 32)
    assert in_air.open_claims() == []
    assert in_air.devices[0].status().resets == 0


async def test_a_board_is_provisioned_over_the_air_and_its_silence_is_success(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent()
    job = await in_air.ended(await in_air.set_up())
    assert_online(in_air, job)


async def test_a_board_that_is_provisioned_leaves_at_once_and_is_new_when_it_is_brought_back(
    in_air: AirBench,
):
    await in_air.start_air()
    await in_air.start_agent()
    before = await in_air.heard()
    job = await in_air.ended(await in_air.provision(via="ble"))
    assert job.state is JobState.DONE, job
    assert in_air.boards.list() == []
    in_air.air.press_reconfigure()
    after = await in_air.heard()
    assert after.id == before.id
    assert after.first_seen > before.first_seen


async def test_networks_are_those_that_the_board_hears(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent()
    job = await in_air.ended(await in_air.job("networks"))
    assert job.result
    assert [n["ssid"] for n in job.result["networks"]] == ["HomeNet", "NoInternet", "Office"]


@pytest.mark.parametrize("sketch", ["provisioning", "application"])
async def test_the_network_of_a_board_is_changed_over_the_air(in_air: AirBench, sketch: str):
    await in_air.start_air([ble_board("AIR-0", sketch=sketch)])
    await in_air.start_agent(clock=in_air.hurried)
    job = await in_air.ended(await in_air.job("configure", network=OFFICE))
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["network"] == "Office"
    # It has no identity, so it stays and waits to be claimed.
    assert "notes" not in job.result


async def test_a_provisioned_board_says_goodbye_once_it_has_its_new_network(in_air: AirBench):
    (device,) = await in_air.start_air()
    await in_air.start_agent()
    await in_air.ended(await in_air.set_up())
    await in_air.no_board_that(lambda board: True)
    device.press_reconfigure()
    job = await in_air.ended(await in_air.job("configure", network=OFFICE))
    assert job.state is JobState.DONE, job
    assert job.result
    (note,) = job.result["notes"]
    assert note.startswith(BLE_OFF)
    assert len(in_air.open_claims()) == 1


async def test_a_board_forgets_network_and_identity_over_the_air(in_air: AirBench):
    (device,) = await in_air.start_air()
    await in_air.start_agent()
    await in_air.ended(await in_air.set_up())
    device.press_reconfigure()
    number = await in_air.job("forget")
    await in_air.asks(number)
    await in_air.jobs.answer(number, {"action": "continue"})
    job = await in_air.ended(number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["erased"] == "network and identity"
    assert not device.status().device_id


async def test_a_board_with_an_application_is_made_to_forget_by_hand(in_air: AirBench):
    (device,) = await in_air.start_air([ble_board("AIR-0", sketch="application")])
    await in_air.start_agent()
    await in_air.ended(await in_air.job("configure", network=OFFICE))
    number = await in_air.job("forget")
    asking = await in_air.asks(number)
    assert asking.question
    assert asking.question.guide == {"pin": "2", "hold_seconds": 3, "drawing": "uno", "led": ""}
    assert [action.id for action in asking.question.actions] == ["done", "stop"]
    # The link falls when the board restarts, so nobody has to say that it is done.
    device.press_reconfigure()
    job = await in_air.ended(number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["erased"] == "network"


# --- the link falls, the board loses its power, or it goes out of range, at every step -----------


@pytest.mark.parametrize("milestone", MILESTONES)
async def test_a_link_that_falls_at_any_step_is_made_again(in_air: AirBench, milestone: str):
    await in_air.start_air(1, fault(milestone, "drop"))
    await in_air.start_agent(clock=in_air.hurried)
    job = await in_air.ended(await in_air.set_up(attended=False))
    assert_online(in_air, job)
    assert sum(in_air.cloud.record.claims.values()) == 1


@pytest.mark.parametrize("milestone", MILESTONES)
async def test_a_board_that_restarts_at_any_step_is_set_up(in_air: AirBench, milestone: str):
    await in_air.start_air(1, fault(milestone, "reboot"))
    await in_air.start_agent(clock=in_air.hurried)
    job = await in_air.ended(await in_air.set_up(attended=False))
    assert_online(in_air, job)
    assert sum(in_air.cloud.record.claims.values()) == 1


@pytest.mark.parametrize("milestone", MILESTONES[4:-1])
async def test_a_board_that_lost_its_power_after_the_claim_goes_on_when_it_is_heard_again(
    in_air: AirBench, milestone: str
):
    (device,) = await in_air.start_air(1, fault(milestone, "unplug"))
    await in_air.start_agent(clock=in_air.hurried)
    number = await in_air.set_up()
    asking = await in_air.asks(number)
    assert asking.question
    assert asking.question.title == "The board is no longer heard over Bluetooth."
    assert "connect pin 2 to GND" in asking.question.meaning
    assert asking.question.guide["pin"] == "2"
    assert [action.id for action in asking.question.actions] == ["undo"]
    await device.plug()
    assert_online(in_air, await in_air.ended(number))
    assert sum(in_air.cloud.record.claims.values()) == 1


async def test_a_board_that_lost_its_power_once_it_has_joined_goes_on_by_itself(in_air: AirBench):
    (device,) = await in_air.start_air(1, fault("certificate", "unplug"))
    await in_air.start_agent(clock=in_air.hurried)
    number = await in_air.set_up()
    await in_air.until(number, lambda now: now.steps[-1].state is StepState.RUNNING)
    await device.plug()
    assert_online(in_air, await in_air.ended(number))
    assert not any(change.snapshot.question for change in in_air.changes)


@pytest.mark.parametrize("milestone", MILESTONES[:4])
async def test_a_board_that_lost_its_power_before_the_claim_fails_the_job(
    in_air: AirBench, milestone: str
):
    await in_air.start_air(1, fault(milestone, "unplug"))
    await in_air.start_agent(clock=in_air.hurried)
    job = await in_air.ended(await in_air.set_up())
    assert job.state is JobState.FAILED, job
    assert job.error
    assert job.error.code == "ble-unreachable"
    assert in_air.open_claims() == []


async def at(bench: AirBench, milestone: str, n: int = 0) -> None:
    await bench.air.wait_for("step", step=milestone, n=n)


@pytest.mark.parametrize("milestone", MILESTONES[4:-1])
async def test_a_board_that_went_out_of_range_after_the_claim_is_set_up_all_the_same(
    in_air: AirBench, milestone: str
):
    await in_air.start_air(1, fault(milestone, "silence"))
    await in_air.start_agent(clock=in_air.hurried)
    number = await in_air.set_up()
    await at(in_air, milestone)
    in_air.air.go_out_of_range()
    await in_air.air.power_cycle()
    await in_air.asks(number)
    in_air.air.come_back()
    assert_online(in_air, await in_air.ended(number))
    assert sum(in_air.cloud.record.claims.values()) == 1


async def test_a_board_that_comes_online_where_nobody_hears_it_is_found_in_the_cloud(
    in_air: AirBench,
):
    await in_air.start_air(1, fault("joining", "drop"))
    await in_air.start_agent(clock=in_air.hurried)
    number = await in_air.set_up()
    await at(in_air, "joining")
    in_air.air.go_out_of_range()
    assert_online(in_air, await in_air.ended(number))


async def test_a_board_that_stays_away_is_given_up_on_request(in_air: AirBench):
    await in_air.start_air(1, fault("settings", "unplug"))
    await in_air.start_agent(clock=in_air.hurried)
    number = await in_air.set_up()
    await in_air.asks(number)
    await in_air.jobs.answer(number, {"action": "undo"})
    job = await in_air.ended(number)
    assert job.state is JobState.FAILED
    assert in_air.open_claims() == []


# --- somebody cancels ----------------------------------------------------------------------------


@pytest.mark.parametrize("milestone", MILESTONES)
async def test_a_cancel_at_each_step_leaves_no_claim_and_no_link(in_air: AirBench, milestone: str):
    await in_air.start_air(1, fault(milestone, "silence"))
    await in_air.start_agent()
    number = await in_air.set_up()
    await at(in_air, milestone)
    await in_air.jobs.cancel(number)
    job = await in_air.ended(number)
    assert job.state is JobState.CANCELLED, job
    assert job.error is None
    assert in_air.open_claims() == []
    assert not in_air.radio.connected
    board = in_air.boards.find(job.board)
    assert board.holder is None


# --- the cloud refuses, or the network does ------------------------------------------------------


async def test_a_refused_claim_is_told_and_the_board_is_as_it_was(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent()
    in_air.cloud.faults.refuse("claim", 3)
    job = await in_air.ended(await in_air.set_up())
    assert job.error
    assert job.error.code == "cloud-key-mismatch"
    assert in_air.open_claims() == []
    assert not any(event.step == "reset" for event in in_air.air._events)


async def test_a_wrong_password_is_asked_for_again_over_the_air(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent()
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await in_air.set_up(network=wrong)
    asking = await in_air.asks(number)
    assert asking.question
    assert asking.question.error
    assert asking.question.error.code == "network-join"
    # The link falls while the person looks for the password; the next request makes another.
    in_air.air.drop()
    await in_air.jobs.answer(number, {"action": "retry", "password": PASSWORD})
    assert_online(in_air, await in_air.ended(number))
    assert sum(in_air.cloud.record.claims.values()) == 1


@pytest.mark.slow
async def test_a_board_whose_certificate_is_refused_is_asked_about_and_undone(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent(clock=in_air.hurried)
    in_air.cloud.faults.answer("csr", 503, times=None)
    number = await in_air.set_up()
    asking = await in_air.asks(number)
    assert asking.question
    assert [action.id for action in asking.question.actions] == ["wait", "undo"]
    await in_air.jobs.answer(number, {"action": "undo"})
    job = await in_air.ended(number)
    assert job.error
    assert job.error.code == "cloud-not-online"
    assert in_air.open_claims() == []


async def test_a_cloud_that_is_down_while_the_board_is_away_is_settled_later(in_air: AirBench):
    await in_air.start_air(1, fault("settings", "unplug"))
    await in_air.start_agent(clock=in_air.hurried)
    number = await in_air.set_up()
    await in_air.asks(number)
    in_air.cloud.down = True
    await in_air.jobs.answer(number, {"action": "undo"})
    job = await in_air.ended(number)
    assert job.error
    assert job.error.code == "cloud-claim-open"
    in_air.cloud.down = False
    await in_air.until(
        number,
        lambda now: now.error is not None and now.error.code == "cloud-claim-undone",
        ended=True,
    )
    assert in_air.open_claims() == []


async def test_bluetooth_that_is_switched_off_in_the_middle_goes_on_when_it_is_on(in_air: AirBench):
    await in_air.start_air(1, fault("settings", "silence"))
    await in_air.start_agent(clock=in_air.hurried)
    number = await in_air.set_up()
    await at(in_air, "settings")
    await in_air.air.radio("off")
    asking = await in_air.asks(number)
    assert asking.question
    assert asking.question.error
    assert asking.question.error.code == "ble-off"
    assert asking.question.title == asking.question.error.title
    await in_air.air.power_cycle()
    await in_air.air.radio("on")
    assert_online(in_air, await in_air.ended(number))


# --- what the air cannot do ----------------------------------------------------------------------


async def test_a_sketch_that_is_too_old_needs_a_cable(in_air: AirBench):
    await in_air.start_air([ble_board("AIR-0", sketch_version="0.5.0")])
    await in_air.start_agent()
    job = await in_air.ended(await in_air.set_up())
    assert job.error
    assert job.error.code == "needs-cable"
    assert "0.5.0" in job.error.meaning
    assert in_air.open_claims() == []


async def test_an_application_cannot_be_claimed_over_the_air(in_air: AirBench):
    await in_air.start_air([ble_board("AIR-0", sketch="application")])
    await in_air.start_agent()
    job = await in_air.ended(await in_air.set_up())
    assert job.error
    assert job.error.code == "needs-cable"
    assert in_air.open_claims() == []


@pytest.mark.parametrize("kind", ["provision", "configure"])
async def test_old_wifi_firmware_is_told_before_anything_is_changed(in_air: AirBench, kind: str):
    await in_air.start_air([ble_board("AIR-0", wifi_firmware="0.5.2")])
    await in_air.start_agent()
    more: dict[str, Any] = {"cloud": "none"} if kind == "provision" else {}
    job = await in_air.ended(await in_air.job(kind, network=OFFICE, **more))
    assert job.error
    assert job.error.code == "board-old-firmware"
    assert "0.5.2" in job.error.title
    assert "firmware updater" in job.error.remedy
    steps = {event.step for event in in_air.air._events}
    assert not steps & {"reset", "settings", "joining"}
    assert in_air.open_claims() == []
