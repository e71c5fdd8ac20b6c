"""The agent is killed while it provisions a board over Bluetooth LE, and started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.jobs.job import JobState
from tests.air import ON_LINUX, ble_board
from tests.jobs.crashes import killed

if TYPE_CHECKING:
    from tests.jobs.air_bench import AirBench

pytestmark = ON_LINUX

EARLY = ("after save running", "after read", "after read_identity")
CLAIMED = ("after record claim-intent", "after claim", "after reset", "before configure")
JOINED = ("after configure", "after record joined", "after wait_ended", "after record settled")


@pytest.mark.parametrize("moment", [*EARLY, *CLAIMED, *JOINED])
async def test_a_kill_at_each_moment_leaves_nothing_claimed_twice_or_forgotten(
    in_air: AirBench, moment: str
):
    (device,) = await in_air.start_air()
    await killed(in_air, moment, via="ble")
    await in_air.start_agent(clock=in_air.hurried)
    (left,) = await in_air.jobs.list(10)
    job = await in_air.until(left.id, lambda now: now.state.final, ended=True)
    assert sum(in_air.cloud.record.claims.values()) <= 1
    if moment in JOINED:
        # Its claim is brought to an end with nobody near the board.
        assert job.state is JobState.DONE or moment == "after configure"
    else:
        assert job.state is JobState.INTERRUPTED
    if job.state is JobState.DONE:
        (claim,) = in_air.open_claims()
        assert job.result
        assert job.result["device_id"] == claim.device_id == device.status().device_id
        return
    assert in_air.open_claims() == []
    assert await in_air.journal.unsettled() == []
    # A board that has joined by itself is silent until somebody wakes it.
    device.press_reconfigure()
    again = await in_air.jobs.wait(await in_air.set_up(name="again"))
    assert again.state is JobState.DONE, again


async def test_a_claim_left_by_a_kill_is_settled_whichever_link_is_used_next(in_air: AirBench):
    (device,) = await in_air.start_air([ble_board("AIR-0", usb=True)])
    await killed(in_air, "after claim", via="ble")
    in_air.cloud.faults.answer("list", 503, times=8)
    await in_air.start_agent(clock=in_air.hurried)
    wired = await in_air.board_that(lambda board: board.via == "usb")
    job = await in_air.jobs.wait(await in_air.provision(wired.id))
    assert job.state is JobState.DONE, job
    (claim,) = in_air.open_claims()
    assert claim.device_id == device.status().device_id
