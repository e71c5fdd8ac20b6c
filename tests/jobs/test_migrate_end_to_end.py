"""From provisioning 1.0 to 2.0 in one go, with real parts: board, bootloader, clouds, journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.devices import NewDevice
from agent.errors import InputError, NotSupported
from agent.jobs.job import JobState
from agent.simulator.config import BootloaderConfig
from tests.jobs.bench import PASSWORD
from tests.jobs.flashing import asks, ended, fault, happens, in_step, model_of, runs, told

if TYPE_CHECKING:
    from agent.jobs.job import Job
    from agent.simulator.device import SimulatedDevice
    from tests.jobs.bench import Bench

MKR, UNO, NANO = "mkr_wifi_1010", "uno_r4_wifi", "nano_rp2040_connect"
NETWORK = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}


async def begin(bench: Bench, model: str = MKR, *faults: Any, **config: Any) -> SimulatedDevice:
    """A board of provisioning 1.0, and what it needs for 2.0."""
    device = await bench.plug(*faults, model=model, **({"sketch": "provisioning-1.0"} | config))
    await bench.publish()
    await bench.start_agent(clock=bench.hurried)
    return device


async def migrate(bench: Bench, *, attended: bool = False, **request: Any) -> str:
    usual = {
        "kind": "migrate",
        "board": bench.board.id,
        "name": "kitchen",
        "network": NETWORK,
        "confirmed": True,
    }
    given = {key: value for key, value in (usual | request).items() if value is not None}
    return await bench.jobs.start(given, attended=attended)


async def migrated(bench: Bench, **request: Any) -> Job:
    return await ended(bench, await migrate(bench, **request))


def assert_online(bench: Bench, device: SimulatedDevice, job: Job) -> None:
    assert job.state is JobState.DONE, job
    assert runs(device) == "provisioning-2.0"
    (claim,) = bench.open_claims()
    assert job.result
    assert job.result["device_id"] == claim.device_id == device.status().device_id
    assert device.status().state == "RUN/CONFIGURED"


async def old_device(bench: Bench, device: SimulatedDevice, name: str = "old kitchen") -> str:
    """The device that provisioning 1.0 made of this board."""
    serial = device.board.serial_number
    fqbn = model_of(bench, device.board.model).fqbn or ""
    made = NewDevice(name=name, fqbn=fqbn, serial_number=serial)
    return (await (await bench.arduino.devices()).create(made, ())).id


@pytest.mark.parametrize("model", [MKR, UNO, NANO])
async def test_a_board_of_1_0_is_online_in_2_0_afterwards(bench: Bench, model: str):
    device = await begin(bench, model)
    job = await migrated(bench)
    assert_online(bench, device, job)
    assert {step.state.value for step in job.steps} == {"done"}
    assert [step.id for step in job.steps] == [
        "look", "fetch", "enter", "write", "restart",
        "read", "check", "claim", "settings", "join", "online",
    ]  # fmt: skip
    assert bench.board.provisioning.installed == "2.0"
    assert bench.board.name == "kitchen"
    # RESET stands between claim and settings.
    steps = [event.step for event in bench.events if event.step in {"id", "reset", "settings"}]
    assert steps[-3:] == ["id", "reset", "settings"]


async def test_the_person_is_told_what_is_kept_and_lost_and_agrees(bench: Bench):
    device = await begin(bench)
    number = await migrate(bench, attended=True, confirmed=None)
    job = await asks(bench, number)
    assert job.question
    assert job.question.reason == "It runs the sketch of provisioning 1.0, and 2.0 is there for it."
    assert {fate.fate for fate in job.question.fates} == {"kept", "lost", "new"}
    assert "touch" not in told(bench)
    await bench.jobs.answer(number, {"action": "continue"})
    assert_online(bench, device, await ended(bench, number))


async def test_who_does_not_agree_keeps_the_board(bench: Bench):
    device = await begin(bench)
    number = await migrate(bench, attended=True, confirmed=None)
    await asks(bench, number)
    await bench.jobs.answer(number, {"action": "stop"})
    assert (await ended(bench, number)).state is JobState.CANCELLED
    assert runs(device) == "provisioning-1.0"
    assert "touch" not in told(bench)


async def test_with_nobody_there_it_needs_to_be_confirmed(bench: Bench):
    device = await begin(bench)
    job = await migrated(bench, confirmed=None)
    assert job.error
    assert job.error.code == "flash-confirm"
    assert runs(device) == "provisioning-1.0"


async def test_a_network_that_was_not_given_is_asked_for_with_what_the_board_sees(bench: Bench):
    device = await begin(bench)
    number = await migrate(bench, attended=True, network=None)
    job = await asks(bench, number)
    assert job.question
    assert {"HomeNet", "Office"} <= {network["ssid"] for network in job.question.networks}
    assert runs(device) == "provisioning-2.0"
    wrong = NETWORK | {"password": "not the password"}
    await bench.jobs.answer(number, {"action": "network", "network": wrong})
    job = await bench.until(number, lambda now: now.question and now.question.step == "join")
    await bench.jobs.answer(number, {"action": "retry", "password": PASSWORD})
    assert_online(bench, device, await ended(bench, number))


async def test_with_nobody_to_ask_a_missing_network_is_refused_at_once(bench: Bench):
    await begin(bench)
    with pytest.raises(InputError, match="network"):
        await migrate(bench, network=None)
    assert bench.board.holder is None


async def test_prepare_only_stops_with_the_new_sketch_and_nothing_in_the_cloud(bench: Bench):
    device = await begin(bench)
    job = await migrated(bench, prepare_only=True, network=None, name=None)
    assert job.state is JobState.DONE, job
    assert job.result
    assert job.result["prepared"] is True
    assert job.result["sketch_version"] == "0.6.2"
    assert runs(device) == "provisioning-2.0"
    assert bench.open_claims() == []
    assert bench.cloud.record.count("claim") == 0


async def test_a_board_that_speaks_2_0_already_is_not_written_to(bench: Bench):
    device = await begin(bench, sketch="provisioning")
    job = await migrated(bench, confirmed=None)
    assert_online(bench, device, job)
    assert "touch" not in told(bench)
    assert {step.id for step in job.steps if step.state.value == "skipped"} == {
        "fetch",
        "enter",
        "write",
        "restart",
    }


async def test_a_board_with_a_sketch_of_somebodys_own_is_set_up(bench: Bench):
    device = await begin(bench, sketch="other")
    assert_online(bench, device, await migrated(bench))


async def test_a_board_that_waits_in_its_bootloader_is_set_up(bench: Bench):
    device = await begin(bench)
    device.press_reset(times=2)
    await happens(bench, lambda: "bootloader" in told(bench))
    job = await migrated(bench)
    assert_online(bench, device, job)
    assert job.steps[0].message == "It is in its bootloader; no sketch runs."


async def test_provisioning_writes_the_sketch_where_it_must_and_the_person_agrees(bench: Bench):
    device = await begin(bench, sketch="provisioning", sketch_version="0.1.0")
    number = await bench.provision()
    job = await asks(bench, number)
    assert job.question
    assert job.question.step == "look"
    assert "0.1.0" in job.question.reason
    await bench.jobs.answer(number, {"action": "continue"})
    assert_online(bench, device, await ended(bench, number))


@pytest.mark.parametrize("prepare_only", [True, False])
async def test_old_wifi_firmware_ends_it_without_a_loop_and_with_nothing_claimed(
    bench: Bench, prepare_only: bool
):
    device = await begin(bench, UNO, wifi_firmware="0.4.1")
    job = await migrated(bench, prepare_only=prepare_only or None)
    assert job.state is JobState.FAILED
    assert job.error
    assert job.error.code == "board-old-firmware"
    assert "0.4.1" in job.error.title
    assert bench.cloud.record.count("claim") == 0
    assert told(bench).count("flashed") == 1
    assert runs(device) == "provisioning-2.0"
    # The next run knows before it writes.
    again = await migrated(bench)
    assert again.error
    assert again.error.code == "board-old-firmware"
    assert told(bench).count("flashed") == 1


async def test_the_old_device_is_named_and_deleted_only_if_the_person_says_so(bench: Bench):
    device = await begin(bench)
    old = await old_device(bench, device)
    number = await migrate(bench, attended=True, confirmed=None)
    job = await asks(bench, number)
    assert job.question
    assert job.question.old_devices == [{"id": old, "name": "old kitchen"}]
    await bench.jobs.answer(number, {"action": "continue"})
    job = await bench.until(number, lambda now: now.question and now.question.id == 2)
    assert job.question
    assert "“old kitchen”" in job.question.title
    assert bench.cloud.record.count("device_delete") == 0
    await bench.jobs.answer(number, {"action": "delete"})
    job = await ended(bench, number)
    assert_online(bench, device, job)
    assert job.result
    assert job.result["deleted"] == [old]
    assert old not in bench.cloud.devices.all


@pytest.mark.parametrize("delete", [True, None])
async def test_with_nobody_there_the_old_device_is_kept_unless_that_was_said(bench: Bench, delete):
    device = await begin(bench)
    old = await old_device(bench, device)
    job = await migrated(bench, delete_old=delete)
    assert_online(bench, device, job)
    assert (old in bench.cloud.devices.all) is (delete is None)
    assert job.result
    assert job.result["old_devices"] == [{"id": old, "name": "old kitchen"}]
    assert job.result["deleted"] == ([old] if delete else [])


async def test_a_cloud_that_refuses_the_sketch_leaves_the_board_as_it_is(bench: Bench):
    device = await begin(bench)
    bench.cloud.faults.answer("binary", 404, times=None)
    job = await migrated(bench)
    assert job.state is JobState.FAILED
    assert "touch" not in told(bench)
    assert runs(device) == "provisioning-1.0"


async def test_a_claim_that_is_refused_leaves_the_new_sketch_and_the_next_run_goes_on(bench: Bench):
    device = await begin(bench)
    bench.cloud.faults.refuse("claim", 5, times=1)
    job = await migrated(bench)
    assert job.state is JobState.FAILED
    assert runs(device) == "provisioning-2.0"
    again = await migrated(bench)
    assert_online(bench, device, again)
    assert told(bench).count("flashed") == 1


async def test_a_board_that_is_pulled_out_in_the_middle_goes_on_when_it_is_back(bench: Bench):
    device = await begin(bench, MKR, fault("write", "unplug", after=1, back_after=0.1))
    assert_online(bench, device, await migrated(bench))


@pytest.mark.parametrize("step", ["write", "read"])
async def test_a_cancel_leaves_a_board_that_can_be_migrated_later(bench: Bench, step: str):
    device = await begin(bench)
    number = await migrate(bench)
    await in_step(bench, number, step)
    await bench.jobs.cancel(number)
    job = await ended(bench, number)
    assert job.state is JobState.CANCELLED
    assert (job.error and job.error.code) == ("flash-stopped" if step == "write" else None)
    assert bench.open_claims() == []
    assert await bench.journal.unsettled() == []
    assert_online(bench, device, await migrated(bench))


async def test_a_loader_without_a_number_is_the_same_board(bench: Bench):
    device = await begin(bench, bootloader=BootloaderConfig(serial_number="none"))
    before = bench.board.id
    assert_online(bench, device, await migrated(bench))
    assert bench.board.id == before


async def test_a_model_without_2_0_is_told_what_there_is(bench: Bench):
    await begin(bench, "mkr_wan_1310", sketch="lora-1.0")
    with pytest.raises(NotSupported, match=r"provisioning 2\.0"):
        await migrate(bench)
