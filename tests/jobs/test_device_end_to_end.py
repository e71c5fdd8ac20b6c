"""Provisioning 1.0, LoRa and secret key with real parts: ports, bootloaders, sketches, HTTP, SQLite."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography import x509

from agent.errors import InputError, MooringError, NotSupported, UnknownJob
from agent.jobs.job import JobState
from agent.simulator.config import StepFault
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import SecureElement, Uplink, World
from tests.jobs.bench import PASSWORD

if TYPE_CHECKING:
    from agent.jobs.job import Job
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.bench import Bench

HEADER = "arduino_secrets.h"
V1: dict[str, Any] = {"procedure": "provision-1.0", "confirmed": True}
LORA: dict[str, Any] = {"network": None, "confirmed": True}
PLAN = "EU_863_870_TTN"
MILESTONES = ("info", "csr", "storage", "stored", "rebuilt")


async def plug_v1(bench: Bench, *faults: StepFault, **config: Any) -> SimulatedDevice:
    """An MKR WiFi 1010 with a sketch of somebody's own, and the list of sketches."""
    board = await bench.plug(*faults, model="mkr_wifi_1010", sketch="other", **config)
    if bench.index is None:
        await bench.publish()
    return board


def fault(milestone: Any, action: Any, back_after: float | None = None) -> StepFault:
    return StepFault(at=milestone, do=action, back_after=back_after)


async def reached(bench: Bench, milestone: str) -> None:
    """Return when the board is at this step."""
    while not any(event.step == milestone for event in bench.events):
        await asyncio.sleep(0.005)


def assert_certified(bench: Bench, board: SimulatedDevice, job: Job) -> None:
    assert job.state is JobState.DONE, job
    assert job.result
    (device,) = bench.cloud.devices.all.values()
    assert job.result["device_id"] == device.id == board.status().device_id
    certificate = x509.load_pem_x509_certificate(device.certificates[-1].pem.encode())
    assert certificate.subject.rfc4514_string() == f"CN={device.id}"


# --- the way it should go --------------------------------------------------------------------


async def test_a_board_gets_sketch_certificate_and_header(bench: Bench):
    board = await plug_v1(bench)
    await bench.start_agent()
    number = await bench.provision(**V1)
    job = await bench.jobs.wait(number)
    assert_certified(bench, board, job)
    assert board.status().runs == "provisioning-1.0"
    assert bench.board.name == "kitchen-sensor"
    assert bench.board.provisioning.installed == "1.0"
    header = (await bench.jobs.file(number, HEADER)).reveal()
    assert f'#define SECRET_PASS "{PASSWORD}"' in header
    (made,) = bench.cloud.devices.all.values()
    assert (made.type, made.serial) == ("mkrwifi1010", board.board.serial_number)
    assert {step.state.value for step in job.steps} == {"done"}


async def test_without_a_network_the_header_has_the_names_to_be_filled_in(bench: Bench):
    await plug_v1(bench)
    await bench.start_agent()
    number = await bench.provision(network=None, **V1)
    assert (await bench.jobs.wait(number)).state is JobState.DONE
    assert '#define SECRET_SSID ""' in (await bench.jobs.file(number, HEADER)).reveal()


async def test_a_lora_board_asks_for_its_plan_and_gets_its_keys(bench: Bench):
    board = await bench.plug(model="mkr_wan_1310", sketch="lora-1.0", world=World(modem=Uplink.OK))
    await bench.publish()
    await bench.start_agent()
    number = await bench.provision(**LORA)
    asking = await bench.asks(number)
    assert asking.question
    assert asking.question.choices[0].id == PLAN
    with pytest.raises(InputError):
        await bench.jobs.answer(number, {"action": "choice", "choice": "MARS"})
    await bench.jobs.answer(number, {"action": "choice", "choice": PLAN})
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    assert job.result
    (device,) = bench.cloud.devices.all.values()
    assert device.lora
    assert job.result["eui"] == device.lora["eui"] == board.board.device_eui.upper()
    assert job.result["app_eui"] == device.lora["app_eui"]
    header = (await bench.jobs.file(number, HEADER)).reveal()
    assert f'#define SECRET_APP_KEY "{device.lora["app_key"]}"' in header


@pytest.mark.parametrize(
    ("model", "named"),
    # The second shows nothing but the chip of its USB port.
    [("nano_esp32", None), ("esp32", "esp32")],
)
async def test_a_board_without_secure_element_gets_a_secret_key_and_is_left_alone(
    bench: Bench, model: str, named: str | None
):
    await bench.plug(model=model, sketch="other")
    await bench.start_agent()
    number = await bench.provision(attended=False, model=named)
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    (device,) = bench.cloud.devices.all.values()
    assert device.type == "login_and_secretkey_wifi"
    header = (await bench.jobs.file(number, HEADER)).reveal()
    assert f'#define SECRET_DEVICE_KEY "{device.password}"' in header
    assert not any(event.event in {"step", "reset"} for event in bench.events)


async def test_a_board_is_provisioned_again_and_its_older_device_stays(bench: Bench):
    board = await plug_v1(bench)
    await bench.start_agent()
    first = await bench.jobs.wait(await bench.provision(**V1))
    again = await bench.jobs.wait(await bench.provision(**V1))
    assert first.result
    assert again.result
    assert set(bench.cloud.devices.all) == {first.result["device_id"], again.result["device_id"]}
    assert board.status().device_id == again.result["device_id"]


# --- the board -------------------------------------------------------------------------------


@pytest.mark.parametrize("milestone", ["info", "csr", "stored"])
async def test_a_board_unplugged_at_a_step_goes_on_with_the_same_device(
    bench: Bench, milestone: str
):
    board = await plug_v1(bench, fault(milestone, "unplug"))
    await bench.start_agent()
    number = await bench.provision(**V1)
    asking = await bench.asks(number)
    assert asking.question
    assert asking.question.title.startswith("The board is gone")
    await board.plug()
    assert_certified(bench, board, await bench.jobs.wait(number))
    assert bench.cloud.record.count("device_create") == 1


@pytest.mark.parametrize("milestone", ["storage", "rebuilt"])
async def test_a_board_that_restarts_at_a_step_goes_on_with_nobody_there(
    bench: Bench, milestone: str
):
    board = await plug_v1(bench, fault(milestone, "reboot"))
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(attended=False, **V1))
    assert_certified(bench, board, job)
    assert bench.cloud.record.count("device_create") == 1


async def test_an_answer_whose_end_was_lost_is_followed_by_nothing_until_a_reset(bench: Bench):
    board = await plug_v1(bench, fault("storage", "wedge"))
    await bench.start_agent()
    number = await bench.provision(**V1)
    asking = await bench.asks(number)
    assert asking.question
    assert asking.question.error
    assert asking.question.error.code == "board-answer-missing"
    board.press_reset()
    # The computer sees that the board restarts, so nobody has to say so.
    assert_certified(bench, board, await bench.jobs.wait(number))
    assert [e.step for e in bench.events if e.step in MILESTONES] == [
        *("info", "csr", "storage"),
        *("info", "csr", "storage", "stored", "rebuilt"),
    ]


async def test_an_answer_that_is_missing_with_nobody_there_deletes_the_device(bench: Bench):
    await plug_v1(bench, fault("storage", "silence"))
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(attended=False, **V1))
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code == "board-answer-missing"
    assert bench.cloud.devices.all == {}


async def test_a_command_that_the_board_refuses_is_named_and_the_device_deleted(bench: Bench):
    await plug_v1(bench, world=World(secure_element=SecureElement.NO_WRITE))
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(**V1))
    assert job.error
    assert job.error.code == "board-command-refused"
    assert "begin storage" in job.error.title
    assert bench.cloud.devices.all == {}


@pytest.mark.slow
async def test_a_missing_secure_element_is_found_before_anything_is_made(bench: Bench):
    await plug_v1(bench, world=World(secure_element=SecureElement.NO_ANSWER))
    await bench.start_agent()
    number = await bench.provision(**V1)
    asking = await bench.asks(number)
    assert asking.question
    assert asking.question.error
    assert "secure element is missing" in asking.question.error.meaning
    await bench.jobs.answer(number, {"action": "stop"})
    job = await bench.jobs.wait(number)
    assert job.error
    assert job.error.code == "board-sketch-halted"
    assert bench.cloud.record.count("device_create") == 0


async def test_a_modem_that_fails_is_told_before_anything_is_made(bench: Bench):
    # It says so once, and a host drops what came while it was opening the port.
    timing = msgspec.structs.replace(VECTOR_TIMING, link=3_000.0)
    world = World(modem=Uplink.BROKEN)
    await bench.plug(model="mkr_wan_1310", sketch="lora-1.0", world=world, timing=timing)
    await bench.publish()
    await bench.start_agent()
    job = await bench.jobs.wait(await bench.provision(attended=False, frequency_plan=PLAN, **LORA))
    assert job.error
    assert job.error.code == "network-module"
    assert bench.cloud.record.count("lora_create") == 0


# --- the cloud -------------------------------------------------------------------------------


async def test_a_plan_that_is_full_refuses_the_device_with_its_reason(bench: Bench):
    await plug_v1(bench)
    await bench.start_agent()
    bench.cloud.devices.plan_limit = 0
    job = await bench.jobs.wait(await bench.provision(**V1))
    assert job.error
    assert job.error.code == "cloud-device-refused"
    assert "allows no more devices" in job.error.meaning


async def test_a_refused_certificate_deletes_the_device(bench: Bench):
    await plug_v1(bench)
    await bench.start_agent()
    bench.cloud.faults.answer("device_certify", 400)
    job = await bench.jobs.wait(await bench.provision(**V1))
    assert job.error
    assert job.error.code == "cloud-certificate-refused"
    assert bench.cloud.devices.all == {}


@pytest.mark.parametrize(
    ("call", "when"),
    [("device_create", "before"), ("device_create", "after"), ("device_certify", "after")],
)
async def test_a_lost_answer_makes_nothing_twice(bench: Bench, call: Any, when: Any):
    board = await plug_v1(bench)
    await bench.start_agent(clock=bench.hurried)
    bench.cloud.faults.drop(call, when)
    assert_certified(bench, board, await bench.jobs.wait(await bench.provision(**V1)))


@pytest.mark.parametrize("call", ["device_create", "pass_set"])
async def test_a_lost_answer_of_a_secret_key_makes_nothing_twice(bench: Bench, call: Any):
    await bench.plug(model="nano_esp32", sketch="other")
    await bench.start_agent(clock=bench.hurried)
    bench.cloud.faults.drop(call, "after")
    number = await bench.provision()
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    (device,) = bench.cloud.devices.all.values()
    assert device.password
    assert device.password in (await bench.jobs.file(number, HEADER)).reveal()


async def test_a_lora_device_whose_key_was_lost_is_deleted_and_made_anew(bench: Bench):
    await bench.plug(model="mkr_wan_1310", sketch="lora-1.0", world=World(modem=Uplink.OK))
    await bench.publish()
    await bench.start_agent(clock=bench.hurried)
    bench.cloud.faults.drop("lora_create", "after")
    number = await bench.provision(frequency_plan=PLAN, **LORA)
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    (device,) = bench.cloud.devices.all.values()
    assert device.lora
    assert device.lora["app_key"] in (await bench.jobs.file(number, HEADER)).reveal()
    assert bench.cloud.record.count("lora_create") == 2


async def test_a_device_that_cannot_be_deleted_is_told_and_settled_later(bench: Bench):
    await bench.plug(model="nano_esp32", sketch="other")
    await bench.start_agent(clock=bench.hurried)
    bench.cloud.faults.answer("pass_suggest", 400)
    bench.cloud.faults.answer("device_delete", 400, times=None)
    number = await bench.provision()
    job = await bench.jobs.wait(number)
    assert job.error
    assert job.error.code == "cloud-device-left"
    (device,) = bench.cloud.devices.all
    assert device in job.error.remedy
    assert "unexpected answer" in job.error.title
    # It goes on trying, and says so for as long as it does not succeed.
    while bench.cloud.record.count("device_delete") < 3:
        assert (await bench.jobs.get(number)).error == job.error
        await asyncio.sleep(0.01)
    bench.cloud.faults.clear()
    settled = await bench.until(
        number,
        lambda now: now.error is not None and now.error.code != "cloud-device-left",
        ended=True,
    )
    assert settled.state is JobState.FAILED
    assert settled.error
    assert settled.error.code == "cloud-claim-undone"
    assert bench.cloud.devices.all == {}


async def test_what_another_board_left_in_the_cloud_is_no_hindrance(bench: Bench):
    await bench.plug(model="nano_esp32", sketch="other")
    await bench.plug(model="nano_esp32", sketch="other")
    await bench.start_agent()
    first, second = (bench.boards.find(d.board.serial_number).id for d in bench.devices)
    bench.cloud.faults.answer("pass_suggest", 400)
    bench.cloud.faults.answer("device_delete", 400, times=None)
    left = await bench.jobs.wait(await bench.provision(first))
    assert left.error
    assert left.error.code == "cloud-device-left"
    job = await bench.jobs.wait(await bench.provision(second))
    assert job.state is JobState.DONE, job
    # The board itself has to wait, or nobody would know which device is its own.
    blocked = await bench.jobs.wait(await bench.provision(first))
    assert blocked.error
    assert blocked.error.code == "cloud-device-left"


# --- somebody cancels ------------------------------------------------------------------------


@pytest.mark.parametrize("milestone", ["info", "stored"])
async def test_a_cancel_at_a_step_leaves_no_device(bench: Bench, milestone: str):
    board = await plug_v1(bench, fault(milestone, "silence"))
    await bench.start_agent()
    number = await bench.provision(**V1)
    await reached(bench, milestone)
    await bench.jobs.cancel(number)
    job = await bench.jobs.wait(number)
    assert (job.state, job.error) == (JobState.CANCELLED, None)
    assert bench.cloud.devices.all == {}
    assert bench.board.holder is None
    assert board.status().host_connected is False or milestone != "info"


async def test_the_end_of_the_agent_deletes_the_device(bench: Bench):
    await plug_v1(bench, fault("csr", "silence"))
    await bench.start_agent()
    number = await bench.provision(**V1)
    await reached(bench, "csr")
    await bench.stop_agent()
    assert bench.cloud.devices.all == {}
    await bench.start_agent()
    assert (await bench.jobs.get(number)).state is JobState.INTERRUPTED


# --- what is refused early -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "sketch", "changes", "error"),
    [
        ("mkr_wifi_1010", "other", {"procedure": "secret-key"}, InputError),
        ("mkr_wifi_1010", "other", V1 | {"frequency_plan": PLAN}, InputError),
        ("mkr_wifi_1010", "other", V1 | {"network": {"kind": "gsm"}}, MooringError),
        ("nano_esp32", "other", {"network": {"kind": "wifi", "ssid_hex": "6100"}}, InputError),
        ("nano_esp32", "other", {"procedure": "provision-1.0"}, InputError),
        ("mkr_wan_1310", "lora-1.0", {"confirmed": True}, InputError),
        ("mkr_wan_1310", "lora-1.0", {"network": None, "attended": False}, InputError),
        ("mkr_wan_1310", "lora-1.0", {"network": None, "cloud": "none"}, NotSupported),
    ],
)
async def test_what_does_not_fit_the_board_is_refused_before_anything_is_sent(
    bench: Bench, model: str, sketch: str, changes: dict[str, Any], error: type[MooringError]
):
    await bench.plug(model=model, sketch=sketch)
    await bench.start_agent()
    sent = len(bench.cloud.record.requests)
    with pytest.raises(error):
        await bench.provision(**changes)
    allowed = {"supported", "token"}
    assert {r.operation for r in list(bench.cloud.record.requests)[sent:]} <= allowed
    assert bench.board.holder is None


async def test_a_file_is_for_a_job_that_has_made_it(bench: Bench):
    await bench.plug(model="nano_esp32", sketch="other")
    await bench.start_agent()
    with pytest.raises(UnknownJob):
        await bench.jobs.file("99", HEADER)
    number = await bench.provision()
    await bench.jobs.wait(number)
    with pytest.raises(InputError) as caught:
        await bench.jobs.file(number, "../accounts.json")
    assert "is not a file of this job" in str(caught.value)


# --- secrets ---------------------------------------------------------------------------------


async def test_keys_and_passwords_are_nowhere_but_in_the_file(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level("DEBUG")
    await bench.plug(model="nano_esp32", sketch="other")
    await bench.plug(model="mkr_wan_1310", sketch="lora-1.0", world=World(modem=Uplink.OK))
    await plug_v1(bench)
    await bench.start_agent()
    esp, wan, mkr = (
        next(b.id for b in bench.boards.list() if b.model == model)
        for model in ("nano_esp32", "mkr_wan_1310", "mkr_wifi_1010")
    )
    numbers = [
        await bench.provision(esp),
        await bench.provision(wan, frequency_plan=PLAN, **LORA),
        await bench.provision(mkr, **V1),
    ]
    jobs = [await bench.jobs.wait(number) for number in numbers]
    assert [job.state for job in jobs] == [JobState.DONE] * 3, jobs
    made = bench.cloud.devices.all.values()
    key = next(device.password for device in made if device.password)
    app_key = next(device.lora["app_key"] for device in made if device.lora)
    files = [(await bench.jobs.file(number, HEADER)).reveal() for number in numbers]
    assert key in files[0]
    assert app_key in files[1]
    assert PASSWORD in files[2]
    shown = msgspec.json.encode([bench.changes, jobs, await bench.jobs.list(10)])
    facts = repr([await bench.journal.facts(number) for number in numbers])
    await bench.stop_agent()
    kept = b"".join(file.read_bytes() for file in bench.folder.glob("journal*"))
    out, err = capfd.readouterr()
    said = caplog.text + out + err + repr(bench.changes) + facts
    for word in (key, app_key, PASSWORD):
        assert word.encode() not in kept
        assert word.encode() not in shown
        assert word not in said
