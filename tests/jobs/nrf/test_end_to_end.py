"""Whole jobs: simulated boards of each kind of firmware at the simulated nRF Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.jobs.job import JobState
from agent.jobs.nrf import words

if TYPE_CHECKING:
    from tests.jobs.nrf.nrf_bench import NrfBench


FIRMWARE = ["tracker", "tracker-old", "sample"]


@pytest.mark.parametrize("firmware", FIRMWARE)
async def test_a_board_is_claimed_provisioned_and_seen(desk: NrfBench, firmware: str) -> None:
    plugged = await desk.plug(firmware=firmware)
    await desk.start_agent()
    job = await desk.begin(name="kitchen", attended=False)
    ended = await desk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert [step.id for step in ended.steps] == ["read", "claim", "provision", "online"]
    result = ended.result or {}
    device_id = str(plugged.identity.device_id)
    assert (result["device"], result["device_id"]) == ("kitchen", device_id)
    assert (result["claimed"], result["rule"], result["connected"]) == ("now", "made", "cloud")
    assert {each["status"] for each in result["commands"]} == {"SUCCEEDED"}
    assert desk.cloud.state.devices[device_id].name == "kitchen"
    board = desk.board
    assert (board.name, board.provisioning.installed) == ("kitchen", "nrf")
    assert board.provisioning.supported == ["nrf"]


async def test_a_board_that_cannot_be_told_is_seen_once_its_button_is_pressed(
    desk: NrfBench,
) -> None:
    plugged = await desk.plug(firmware="at")
    await desk.start_agent()
    job = await desk.begin()
    await desk.until(job, lambda now: now.steps[2].message == words.BY_ITSELF)
    plugged.press_button()
    ended = await desk.ended(job)
    assert ended.state is JobState.DONE, ended.error
    assert (ended.result or {})["said_by"]
