"""Whole jobs: simulated boards and cloud, with real links, sessions, journal and HTTP between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.errors import PortBusy
from agent.jobs.job import JobState, StepState
from agent.settings import Secret
from agent.simulator.config import MILESTONES, StepFault
from agent.simulator.world import Uplink
from tests.jobs.bench import PASSWORD

if TYPE_CHECKING:
    from agent.jobs.job import Job
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.bench import Bench

BEFORE_CLAIM = ("connect", "list", "version", "id")
AFTER_CLAIM = ("reset", "settings", "joining", "connected", "certificate")


def fault(milestone: str, do: str, back_after: float | None = None) -> StepFault:
    return msgspec.convert({"at": milestone, "do": do, "back_after": back_after}, StepFault)


def assert_online(bench: Bench, device: SimulatedDevice, job: Job) -> None:
    assert job.state is JobState.DONE, job
    assert job.result
    (claim,) = bench.open_claims()
    assert job.result["claim"] == claim.id
    assert job.result["device_id"] == claim.device_id == device.status().device_id
    assert all(step.state in {StepState.DONE, StepState.SKIPPED} for step in job.steps), job.steps


# --- provisioning ----------------------------------------------------------------------------


async def test_a_board_is_provisioned_and_learned(bench: Bench):
    device = await bench.plug()
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision())
    assert_online(bench, device, job)
    assert [step.state for step in job.steps] == [StepState.DONE] * 6
    assert bench.board.name == "kitchen-sensor"
    assert bench.board.uhwid == job.result["uhwid"] if job.result else False
    assert bench.board.holder is None
    assert await bench.jobs.get(job.id) == job
    assert await bench.jobs.list(10) == [job]


async def test_a_wrong_password_is_asked_for_again_and_the_claim_is_kept(bench: Bench):
    device = await bench.plug()
    await bench.start_agent()
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await bench.provision(network=wrong)
    asking = await bench.asks(number)
    assert asking.question
    assert asking.question.step == "join"
    assert asking.question.error
    assert asking.question.error.code == "network-join"
    assert len(bench.open_claims()) == 1
    await bench.jobs.answer(number, {"action": "retry", "password": PASSWORD})
    assert_online(bench, device, await bench.jobs.wait(number))
    assert bench.cloud.record.count("claim") <= 2
    assert sum(bench.cloud.record.claims.values()) == 1


async def test_a_network_without_internet_is_asked_about_and_another_is_taken(bench: Bench):
    device = await bench.plug()
    await bench.start_agent()
    number = await bench.provision(
        network={"kind": "wifi", "ssid": "NoInternet", "password": "nopath"}
    )
    asking = await bench.asks(number)
    assert asking.question
    assert asking.question.error
    assert asking.question.error.code == "network-no-internet"
    home = {"kind": "wifi", "ssid": "HomeNet", "password": Secret(PASSWORD)}
    await bench.jobs.answer(number, {"action": "network", "network": home}, asking.question.id)
    assert_online(bench, device, await bench.jobs.wait(number))


async def test_a_board_that_takes_the_cable_instead_is_a_device_with_a_cable(bench: Bench):
    bench.world.ethernet = Uplink.OK
    device = await bench.plug(model="opta", zero_touch=False)
    await bench.start_agent()
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await bench.provision(network=wrong)
    await bench.asks(number)
    await bench.jobs.answer(number, {"action": "network", "network": {"kind": "ethernet"}})
    assert_online(bench, device, await bench.jobs.wait(number))
    (claim,) = bench.open_claims()
    assert claim.connection_type == "eth"


async def test_several_boards_side_by_side_get_their_own_claims(bench: Bench):
    devices = [await bench.plug() for _ in range(6)]
    await bench.start_agent()
    boards = bench.boards.list()
    assert len(boards) == len(devices)
    numbers = [
        await bench.provision(board.id, name=f"sensor-{index}")
        for index, board in enumerate(boards)
    ]
    jobs = [await bench.jobs.wait(number) for number in numbers]
    by_serial = {device.board.serial_number: device for device in devices}
    for board, job in zip(boards, jobs, strict=True):
        assert job.state is JobState.DONE, job
        assert job.result
        device = by_serial[board.ports[0].serial_number or ""]
        assert job.result["device_id"] == device.status().device_id
    assert sum(bench.cloud.record.claims.values()) == len(devices)


async def test_a_board_in_run_is_provisioned_again(bench: Bench):
    device = await bench.plug()
    await bench.start_agent()
    await bench.jobs.wait(await bench.provision())
    first = device.status().device_id
    job = await bench.jobs.wait(await bench.provision(name="attic"))
    assert job.state is JobState.DONE, job
    assert device.status().device_id != first


async def test_without_a_cloud_the_board_only_joins(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(cloud="none", name=None))
    assert job.state is JobState.DONE, job
    assert bench.cloud.record.count("claim") == 0


async def test_an_old_sketch_is_told_apart_before_anything_is_claimed(bench: Bench):
    await bench.plug(sketch_version="0.5.0")
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(attended=False))
    assert job.error
    assert job.error.code == "flash-confirm"
    assert "0.5.0" in job.error.meaning
    assert bench.cloud.record.count("claim") == 0


# --- the board is unplugged ------------------------------------------------------------------


@pytest.mark.parametrize("milestone", BEFORE_CLAIM)
async def test_a_board_unplugged_before_the_claim_fails_the_job(bench: Bench, milestone: str):
    await bench.plug(fault(milestone, "unplug"))
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision())
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code == "port-gone"
    assert bench.open_claims() == []


@pytest.mark.parametrize("milestone", AFTER_CLAIM)
async def test_a_board_unplugged_after_the_claim_goes_on_when_it_is_back(
    bench: Bench, milestone: str
):
    device = await bench.plug(fault(milestone, "unplug"))
    await bench.start_agent()
    number = await bench.provision()
    asking = await bench.asks(number)
    assert asking.question
    assert asking.question.title.startswith("The board is gone")
    await device.plug()
    assert_online(bench, device, await bench.jobs.wait(number))
    assert sum(bench.cloud.record.claims.values()) == 1


@pytest.mark.parametrize("milestone", AFTER_CLAIM[:3])
async def test_a_board_that_restarts_by_itself_goes_on_with_nobody_there(
    bench: Bench, milestone: str
):
    device = await bench.plug(fault(milestone, "unplug", back_after=0.1))
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(attended=False))
    assert_online(bench, device, job)


async def test_a_board_that_stays_away_is_given_up_on_request(bench: Bench):
    await bench.plug(StepFault(at="settings", do="unplug"))
    await bench.start_agent()
    number = await bench.provision()
    await bench.asks(number)
    await bench.jobs.answer(number, {"action": "undo"})
    job = await bench.jobs.wait(number)
    assert job.state is JobState.FAILED
    assert bench.open_claims() == []


@pytest.mark.parametrize("milestone", MILESTONES)
async def test_a_board_that_restarts_at_any_step_is_set_up(bench: Bench, milestone: str):
    """The port of this model stays while the board restarts."""
    device = await bench.plug(fault(milestone, "reboot"), model="uno_r4_wifi")
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(attended=False))
    assert_online(bench, device, job)
    assert sum(bench.cloud.record.claims.values()) == 1


@pytest.mark.parametrize("milestone", MILESTONES)
async def test_a_board_that_takes_its_port_along_when_it_restarts_leaves_no_claim_behind(
    bench: Bench, milestone: str
):
    device = await bench.plug(fault(milestone, "reboot"), model="nano_rp2040_connect")
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(attended=False))
    if milestone in AFTER_CLAIM:
        assert_online(bench, device, job)
    else:
        assert job.error
        assert job.error.code == "port-gone"
        assert bench.open_claims() == []


# --- somebody cancels ------------------------------------------------------------------------


@pytest.mark.parametrize("milestone", MILESTONES)
async def test_a_cancel_at_each_step_leaves_no_claim(bench: Bench, milestone: str):
    device = await bench.plug(fault(milestone, "silence"))
    await bench.start_agent()
    number = await bench.provision()
    while not any(event.step == milestone for event in bench.events):
        await asyncio.sleep(0.005)
    await bench.jobs.cancel(number)
    job = await bench.jobs.wait(number)
    assert job.state is JobState.CANCELLED, job
    assert job.error is None
    assert bench.open_claims() == []
    assert bench.board.holder is None
    assert device.status().host_connected is False


async def test_a_cancel_while_a_question_is_open_undoes_the_claim(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await bench.provision(network=wrong)
    await bench.asks(number)
    await bench.jobs.cancel(number)
    job = await bench.jobs.wait(number)
    assert job.state is JobState.CANCELLED
    assert job.question is None
    assert bench.open_claims() == []


# --- the cloud refuses, is slow, is down -----------------------------------------------------


@pytest.mark.parametrize(
    ("err_code", "code"),
    [(3, "cloud-key-mismatch"), (4, "cloud-claim-refused"), (99, "cloud-claim-refused")],
)
async def test_a_refused_claim_is_told_with_its_number(bench: Bench, err_code: int, code: str):
    await bench.plug()
    await bench.start_agent()
    bench.cloud.faults.refuse("claim", err_code)
    job = await bench.jobs.wait(await bench.provision())
    assert job.error
    assert job.error.code == code
    assert bench.open_claims() == []


@pytest.mark.parametrize("err_code", [1, 2, 15])
async def test_a_board_that_the_cloud_does_not_know_is_registered(bench: Bench, err_code: int):
    device = await bench.plug()
    await bench.start_agent()
    bench.cloud.faults.refuse("claim", err_code)
    assert_online(bench, device, await bench.jobs.wait(await bench.provision()))


async def test_a_lost_answer_to_the_claim_does_not_claim_twice(bench: Bench):
    device = await bench.plug()
    await bench.start_agent()
    # The first board is not known and is registered; the answer that is lost is the second one's.
    bench.cloud.faults.refuse("claim", 1)
    await bench.jobs.wait(await bench.provision())
    bench.cloud.faults.drop("claim", "after")
    job = await bench.jobs.wait(await bench.provision(name="attic"))
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["device_id"] == device.status().device_id
    assert sum(bench.cloud.record.claims.values()) == 2


async def test_a_cloud_that_is_down_during_the_undoing_is_told_and_settled_later(bench: Bench):
    await bench.plug()
    await bench.start_agent(clock=bench.hurried)
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await bench.provision(network=wrong)
    await bench.asks(number)
    bench.cloud.down = True
    await bench.jobs.cancel(number)
    job = await bench.jobs.wait(number)
    assert job.state is JobState.CANCELLED
    assert job.error
    assert job.error.code == "cloud-claim-open"
    (claim,) = bench.open_claims()
    assert claim.id in job.error.remedy
    bench.cloud.down = False
    settled = await bench.until(
        number,
        lambda now: now.error is not None and now.error.code != "cloud-claim-open",
        ended=True,
    )
    assert settled.state is JobState.CANCELLED
    assert settled.error
    assert settled.error.code == "cloud-claim-undone"
    assert bench.open_claims() == []


# --- the other jobs --------------------------------------------------------------------------


async def test_identify_says_what_the_board_is(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    job = await bench.jobs.wait(
        await bench.jobs.start({"kind": "identify", "board": bench.board.id}, attended=True)
    )
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["sketch_version"] == "0.6.2"
    assert bench.board.uhwid == job.result["uhwid"]
    assert bench.board.provisioning.installed == "2.0"


async def test_networks_are_those_that_the_board_sees_strongest_first(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    job = await bench.jobs.wait(
        await bench.jobs.start({"kind": "networks", "board": bench.board.id}, attended=True)
    )
    assert job.result
    assert [n["ssid"] for n in job.result["networks"]] == ["HomeNet", "NoInternet", "Office"]


async def test_configure_changes_the_network_of_an_application(bench: Bench):
    await bench.plug(sketch="application")
    await bench.start_agent()
    office = {"kind": "wifi", "ssid": "Office", "password": "s3cret"}
    request = {"kind": "configure", "board": bench.board.id, "network": office}
    job = await bench.jobs.wait(await bench.jobs.start(request, attended=True))
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["network"] == "Office"


async def test_configure_refuses_a_board_in_run_and_says_what_helps(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    await bench.jobs.wait(await bench.provision())
    office = {"kind": "wifi", "ssid": "Office", "password": "s3cret"}
    request = {"kind": "configure", "board": bench.board.id, "network": office}
    job = await bench.jobs.wait(await bench.jobs.start(request, attended=True))
    assert job.error
    assert job.error.code == "board-in-run"
    assert "Set the board up again" in job.error.remedy


async def test_forget_wipes_network_and_identity_after_asking(bench: Bench):
    device = await bench.plug()
    await bench.start_agent()
    await bench.jobs.wait(await bench.provision())
    assert device.status().device_id
    number = await bench.jobs.start({"kind": "forget", "board": bench.board.id}, attended=True)
    await bench.asks(number)
    await bench.jobs.answer(number, {"action": "continue"})
    job = await bench.jobs.wait(number)
    assert job.result
    assert job.result["erased"] == "network and identity"
    assert not device.status().device_id


async def test_forget_guides_to_the_pin_of_a_board_with_an_application(bench: Bench):
    device = await bench.plug(sketch="application")
    await bench.start_agent()
    office = {"kind": "wifi", "ssid": "Office", "password": "s3cret"}
    request = {"kind": "configure", "board": bench.board.id, "network": office}
    await bench.jobs.wait(await bench.jobs.start(request, attended=True))
    number = await bench.jobs.start({"kind": "forget", "board": bench.board.id}, attended=True)
    asking = await bench.asks(number)
    assert asking.question
    assert asking.question.guide == {"pin": "2", "hold_seconds": 3, "drawing": "uno", "led": ""}
    # Not held: the board still has its settings, so the same is asked again.
    await bench.jobs.answer(number, {"action": "done"})
    again = await bench.until(number, lambda now: now.question and now.question.id == 2)
    assert again.question
    assert again.question.title.startswith("It did not work yet")
    device.press_reconfigure()
    while not any(event.event == "reset" for event in bench.events):
        await asyncio.sleep(0.005)
    await bench.jobs.answer(number, {"action": "done"})
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["erased"] == "network"


# --- one board, one job ----------------------------------------------------------------------


async def test_a_second_job_on_a_board_is_told_who_holds_it(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    number = await bench.provision()
    with pytest.raises(PortBusy) as caught:
        await bench.jobs.start({"kind": "identify", "board": bench.board.id}, attended=True)
    assert f"Setting up kitchen-sensor (job {number})" in str(caught.value)
    assert bench.board.holder == f"Setting up kitchen-sensor (job {number})"
    await bench.jobs.wait(number)


async def test_a_board_is_free_as_soon_as_its_job_says_that_it_is_done(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    holders: list[Any] = []
    bench.jobs.subscribe(
        lambda change: holders.append(bench.board.holder) if change.state.final else None
    )
    await bench.jobs.wait(await bench.provision())
    assert holders == [None]


# --- secrets ---------------------------------------------------------------------------------


async def test_secrets_are_nowhere_but_on_the_wire(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level("DEBUG")
    marker = "marker-first-password-77aa"
    await bench.plug(log=True)
    await bench.start_agent()
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": marker}
    number = await bench.provision(network=wrong)
    await bench.asks(number)
    await bench.jobs.answer(number, {"action": "retry", "password": PASSWORD})
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE
    changes = msgspec.json.encode(bench.changes)
    await bench.stop_agent()
    kept = b"".join(file.read_bytes() for file in bench.folder.glob("journal*"))
    out, err = capfd.readouterr()
    said = caplog.text + out + err + repr(bench.changes)
    secret = bench.cloud.client_secret.reveal()
    for word in (marker, PASSWORD, secret, "eyJhbGci"):
        assert word.encode() not in kept
        assert word.encode() not in changes
        assert word not in said
