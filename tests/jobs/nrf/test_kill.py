"""The agent is killed (``kill -9``) in the middle of work for nRF Cloud, and started again.

Nothing is claimed or queued twice, the next start tells what is left, and the same job goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.jobs.job import JobState
from tests.jobs.enrol_kills import Agents, many_agents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.jobs.job import Job
    from tests.jobs.nrf.nrf_bench import NrfBench

LEFT = {
    "after record nrf-claiming": "nothing was left there",
    "after cloud.claim": "is claimed by your team",
    "after record nrf-claimed": "is claimed by your team",
}
SEEN = ("after cloud.wait_for_record", "before save done")


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    with many_agents("tests.jobs.nrf.nrf_child") as made:
        yield made


async def left_by_kill(desk: NrfBench, agents: Agents, moment: str, **request: str) -> Job:
    """The job of the killed agent once the next one has brought it to its end."""
    await desk.start_agent()
    await desk.stop_agent()
    await agents.killed(desk, moment, url=desk.cloud.base_url, **request)
    await desk.start_agent()
    newest, *_ = await desk.jobs.list(10)
    return await desk.ended(newest.id)


@pytest.mark.parametrize("moment", [*LEFT, *SEEN])
async def test_a_kill_while_a_board_is_set_up_claims_nothing_twice(
    desk: NrfBench, agents: Agents, moment: str
) -> None:
    await desk.plug()
    left = await left_by_kill(desk, agents, moment)
    if moment in SEEN:
        assert left.state is JobState.DONE
        assert left.result
        assert left.result["connected"]
    else:
        assert left.state is JobState.INTERRUPTED
        assert left.error
        assert LEFT[moment] in left.error.meaning
    again = await desk.ended(await desk.begin(attended=False))
    assert again.state is JobState.DONE, again.error
    assert desk.cloud.record.count("claim", 201) == 1
    assert len(desk.cloud.state.devices) == 1


async def test_a_kill_after_new_keys_were_queued_queues_nothing_twice(
    desk: NrfBench, agents: Agents
) -> None:
    await desk.plug()
    await desk.start_agent()
    assert (await desk.ended(await desk.begin())).state is JobState.DONE
    await desk.stop_agent()
    left = await left_by_kill(desk, agents, "after cloud.queue", kind="renew")
    assert left.state is JobState.INTERRUPTED
    assert left.error
    assert "wait in nRF Cloud: 1" in left.error.meaning
    assert desk.cloud.record.count("queue", 201) == 1
    again = await desk.ended(await desk.begin(kind="renew"))
    assert again.state is JobState.DONE, again.error
    assert desk.cloud.record.count("queue", 201) == 1
