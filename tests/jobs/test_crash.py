"""The agent is killed at each moment of a provisioning, and started again.

Nothing is claimed twice, and nothing is claimed and forgotten: after the next start the board is
online under its claim, or the claim is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.jobs.job import JobState
from tests.jobs.crashes import killed

if TYPE_CHECKING:
    from tests.jobs.bench import Bench

UNDONE = (
    "before record claim-intent",
    "after record claim-intent",
    "before claim",
    "after claim",
    "before record claimed",
    "after record claimed",
    "before reset",
    "after reset",
    "before configure",
)
ONLINE = (
    "after configure",
    "before record joined",
    "after record joined",
    "before wait_ended",
    "after wait_ended",
    "before find",
    "after find",
    "before record settled",
    "after record settled",
    "before save done",
    "after save done",
)
EARLY = ("after reserve", "after save running", "before read", "after read_identity")


@pytest.mark.parametrize("moment", [*EARLY, *UNDONE, *ONLINE])
async def test_a_kill_at_each_moment_leaves_nothing_claimed_twice_or_forgotten(
    bench: Bench, moment: str
):
    device = await bench.plug(model="nano_rp2040_connect")
    await killed(bench, moment)
    await bench.start_agent(clock=bench.hurried)
    jobs = await bench.jobs.list(10)
    if moment == "after reserve":
        assert jobs == []
        return
    (left,) = jobs
    job = await bench.until(left.id, lambda now: now.state.final, ended=True)
    claims = bench.open_claims()
    assert sum(bench.cloud.record.claims.values()) <= 1
    if moment in ONLINE:
        # The board has joined and comes online by itself; "after configure" is not in the journal.
        assert job.state is JobState.DONE or moment in {"after configure", "before record joined"}
    else:
        assert job.state is JobState.INTERRUPTED
    if job.state is JobState.DONE:
        (claim,) = claims
        assert job.result
        assert job.result["device_id"] == claim.device_id == device.status().device_id
    else:
        assert claims == []
    # The journal owes nothing any more, and the board can be set up at once.
    assert await bench.journal.unsettled() == []
    again = await bench.jobs.wait(await bench.provision(name="again"))
    assert again.state is JobState.DONE, again


async def test_a_claim_left_by_a_kill_is_settled_once_the_cloud_is_back(bench: Bench):
    await bench.plug()
    await killed(bench, "after claim")
    bench.cloud.down = True
    await bench.start_agent(clock=bench.hurried)
    (job,) = await bench.jobs.list(1)
    # The agent is usable meanwhile.
    identify = {"kind": "identify", "board": bench.board.id}
    read = await bench.jobs.wait(await bench.jobs.start(identify, attended=True))
    assert read.state is JobState.DONE
    told = await bench.until(job.id, lambda now: now.error is not None, ended=True)
    assert told.error
    assert told.error.code == "cloud-claim-open"
    assert len(bench.open_claims()) == 1
    bench.cloud.down = False
    settled = await bench.until(
        job.id, lambda now: now.error is not None and now.error.code == "interrupted", ended=True
    )
    assert settled.state is JobState.INTERRUPTED
    assert bench.open_claims() == []


async def test_a_board_is_set_up_again_although_a_kill_left_its_claim(bench: Bench):
    device = await bench.plug()
    await killed(bench, "after claim")
    bench.cloud.faults.answer("list", 503, times=8)
    await bench.start_agent(clock=bench.hurried)
    job = await bench.jobs.wait(await bench.provision())
    assert job.state is JobState.DONE, job
    (claim,) = bench.open_claims()
    assert claim.device_id == device.status().device_id


async def test_a_board_that_is_set_up_again_does_not_wait_for_its_old_claim(bench: Bench):
    device = await bench.plug()
    # It has joined, but its certificate is refused until it is set up again.
    bench.cloud.faults.answer("csr", 503, times=None)
    await killed(bench, "after record joined")
    await bench.start_agent()
    (left,) = await bench.jobs.list(1)
    number = await bench.provision()
    await bench.until(left.id, lambda now: now.state.final, ended=True)
    bench.cloud.faults.clear()
    job = await bench.jobs.wait(number)
    assert job.state is JobState.DONE, job
    (claim,) = bench.open_claims()
    assert claim.device_id == device.status().device_id
    assert list(bench.cloud.record.unclaims.values()) == [1]


async def test_a_claim_is_pursued_on_when_the_job_that_was_to_settle_it_is_cancelled(bench: Bench):
    await bench.plug()
    await killed(bench, "after claim")
    bench.cloud.faults.answer("list", 503, times=None)
    await bench.start_agent(clock=bench.hurried)
    (left,) = await bench.jobs.list(1)
    number = await bench.provision()
    await bench.until(number, lambda now: now.steps[2].state.value == "running")
    await bench.jobs.cancel(number)
    job = await bench.jobs.wait(number)
    assert job.state is JobState.CANCELLED
    bench.cloud.faults.clear()
    await bench.until(
        left.id, lambda now: now.error and now.error.code == "interrupted", ended=True
    )
    assert bench.open_claims() == []


async def test_the_jobs_of_a_process_that_lives_are_left_alone(bench: Bench):
    await bench.plug()
    first = await bench.start_agent()
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await bench.provision(network=wrong)
    await bench.asks(number)
    other = await bench.second_journal()
    assert await other.unsettled() == []
    assert [job.id for job in await other.list(10)] == [number]
    await other.close()
    await first.cancel(number)
    await first.wait(number)


async def test_the_end_of_the_agent_undoes_what_can_be_undone_at_once(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await bench.provision(network=wrong)
    await bench.asks(number)
    await bench.stop_agent()
    assert bench.open_claims() == []
    await bench.start_agent()
    job = await bench.jobs.get(number)
    assert job.state is JobState.INTERRUPTED


async def test_the_end_of_the_agent_leaves_to_the_next_start_what_a_dead_cloud_keeps(bench: Bench):
    await bench.plug()
    await bench.start_agent()
    wrong = {"kind": "wifi", "ssid": "HomeNet", "password": "not the password"}
    number = await bench.provision(network=wrong)
    await bench.asks(number)
    bench.cloud.down = True
    await bench.stop_agent()
    assert len(bench.open_claims()) == 1
    bench.cloud.down = False
    await bench.start_agent()
    job = await bench.until(number, lambda now: now.state.final, ended=True)
    assert job.state is JobState.INTERRUPTED
    assert bench.open_claims() == []
