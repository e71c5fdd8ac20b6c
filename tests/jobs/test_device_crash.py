"""The agent is killed at each moment of a procedure that makes a device, and started again.

Nothing is made twice, and nothing is made and forgotten: after the next start the device is
deleted, or the job says that it is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import InputError
from agent.jobs.job import JobState
from tests.jobs.crashes import killed

if TYPE_CHECKING:
    from tests.jobs.bench import Bench

DELETED = (
    "before record claim-intent",
    "after record claim-intent",
    "after devices.create",
    "after devices.secret_key",
    "before record settled",
)
CERTIFICATE = ("before devices.create", "after devices.certificate")
LATE = ("after record settled", "before save done", "after save done")
V1: dict[str, Any] = {"procedure": "provision-1.0", "confirmed": True}


async def restarted(bench: Bench) -> Any:
    """The job that the killed agent left, once the next one has brought it to an end."""
    await bench.start_agent(clock=bench.hurried)
    (left,) = await bench.jobs.list(10)
    job = await bench.until(left.id, lambda now: now.state.final, ended=True)
    assert bench.cloud.record.count("device_create") <= 1
    assert await bench.journal.unsettled() == []
    return job


@pytest.mark.parametrize("moment", DELETED)
async def test_a_device_is_deleted_after_a_kill(bench: Bench, moment: str):
    await bench.plug(model="nano_esp32", sketch="other")
    await killed(bench, moment)
    job = await restarted(bench)
    assert job.state is JobState.INTERRUPTED
    assert bench.cloud.devices.all == {}
    again = await bench.jobs.wait(await bench.provision())
    assert again.state is JobState.DONE, again


@pytest.mark.parametrize("moment", CERTIFICATE)
async def test_a_device_without_its_certificate_is_deleted_after_a_kill(bench: Bench, moment: str):
    await bench.plug(model="mkr_wifi_1010", sketch="provisioning-1.0")
    await bench.publish()
    await killed(bench, moment, **V1)
    job = await restarted(bench)
    assert job.state is JobState.INTERRUPTED
    assert bench.cloud.devices.all == {}


@pytest.mark.parametrize("moment", LATE)
async def test_a_key_that_was_lost_with_the_agent_is_told_with_its_device(
    bench: Bench, moment: str
):
    await bench.plug(model="nano_esp32", sketch="other")
    await killed(bench, moment)
    job = await restarted(bench)
    (device,) = bench.cloud.devices.all
    if moment == "after save done":
        assert job.state is JobState.DONE
        with pytest.raises(InputError) as caught:
            await bench.jobs.file(job.id, "arduino_secrets.h")
        assert "no longer kept" in str(caught.value)
    else:
        assert job.state is JobState.INTERRUPTED
        assert job.error
        assert device in job.error.meaning


async def test_a_certified_board_is_done_although_the_agent_was_killed(bench: Bench):
    board = await bench.plug(model="mkr_wifi_1010", sketch="provisioning-1.0")
    await bench.publish()
    await killed(bench, "after record settled", **V1)
    job = await restarted(bench)
    assert job.state is JobState.DONE
    assert job.result
    assert job.result["device_id"] == board.status().device_id
    assert job.result["files"] == []
    assert list(bench.cloud.devices.all) == [board.status().device_id]


async def test_the_next_job_on_the_board_deletes_what_a_kill_left(bench: Bench):
    await bench.plug(model="nano_esp32", sketch="other")
    await killed(bench, "after devices.create")
    (left,) = bench.cloud.devices.all
    # The background is not faster: its first look fails, and it pauses.
    bench.cloud.faults.answer("device_list", 503, times=4)
    await bench.start_agent(clock=bench.hurried)
    job = await bench.jobs.wait(await bench.provision(name="again"))
    assert job.state is JobState.DONE, job
    (device,) = bench.cloud.devices.all.values()
    assert device.name == "again"
    assert device.id != left
