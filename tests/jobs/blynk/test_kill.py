"""The agent is killed (``kill -9``) while it sets a Blynk board up, and started again.

The token is in the vault or was of no use to anybody; the next job goes on with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.jobs.job import JobState
from agent.settings import Secret
from tests.jobs.blynk.blynk_bench import PASSWORD
from tests.jobs.enrol_kills import Agents, many_agents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.blynk.blynk_bench import BlynkBench

LOST = ("before cloud.provision", "after cloud.provision")
KEPT = ("after vault.add", "after record blynk-token", "after record blynk-sending")
SEEN = ("after cloud.wait_for_board", "before vault.prove", "before save done")


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    with many_agents("tests.jobs.blynk.blynk_child") as made:
        yield made


@pytest.mark.parametrize("moment", [*LOST, *KEPT, *SEEN])
async def test_a_kill_at_each_moment_loses_no_token_that_is_of_use(
    blynk: BlynkBench, agents: Agents, moment: str
) -> None:
    board = await blynk.plug(2)
    await blynk.start_agent()
    await blynk.stop_agent()
    await agents.killed(blynk, moment)
    await blynk.start_agent()
    (left,) = await blynk.jobs.list(10)
    left = await blynk.ended(left.id)
    entries = (await blynk.vault.list()).entries
    if moment in SEEN:
        assert left.state is JobState.DONE, left.error
        assert (left.result or {})["connected"] == "cloud"
        assert [entry.state for entry in entries] == ["proven"]
        return
    assert left.state is JobState.INTERRUPTED
    assert left.error is not None
    if moment in LOST:
        assert "nobody got" in left.error.meaning
        assert not entries
    elif moment != "after vault.add":
        assert entries[0].id in left.error.meaning
    ended = await blynk.ended(await blynk.begin())
    assert ended.state is JobState.DONE, ended.error
    assert (ended.result or {})["token"] == ("made" if moment in LOST else "vault")
    made = {device.token for device in blynk.cloud.state.devices.values()}
    assert len(made) == (2 if moment == "after cloud.provision" else 1)
    assert board.device.settings.token.reveal() in made
    assert board.device.settings.password == Secret(PASSWORD)
