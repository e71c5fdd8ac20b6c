"""Whole jobs over Bluetooth LE: unmodified bleak, a simulated BlueZ, simulated boards and cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.jobs.job import JobState, StepState
from tests.air import ON_LINUX, ble_board

if TYPE_CHECKING:
    from agent.jobs.job import Job
    from tests.jobs.air_bench import AirBench

pytestmark = ON_LINUX

BLE_OFF = "Its Bluetooth is off now. To change its network later: connect pin 2 to GND"


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


async def test_a_board_is_provisioned_over_the_air_and_its_silence_is_success(in_air: AirBench):
    await in_air.start_air()
    await in_air.start_agent()
    job = await in_air.ended(await in_air.set_up())
    assert_online(in_air, job)
