"""An agent that hangs, as each command meets it. They wait side by side: each has a limit of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.cli.conftest import running_agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cli.conftest import Ended, Mooring

pytestmark = pytest.mark.system("linux", "darwin")
COMMANDS = {
    "start": ("run", "--headless", "--json"),
    "doctor": ("doctor", "--json"),
    "config": ("config", "set", "log.level", "debug", "--json"),
}


@pytest.fixture
async def hung(alone: Mooring) -> AsyncIterator[int]:
    """The id of an agent's process that stands still."""
    async with running_agent(alone) as process:
        agent = psutil.Process(process.pid)
        agent.suspend()
        try:
            yield process.pid
        finally:
            agent.resume()


@pytest.mark.slow
async def test_an_agent_that_hangs_is_named_and_keeps_nobody_from_what_works_without_it(
    alone: Mooring, hung: int
) -> None:
    ended: dict[str, Ended] = dict(
        zip(
            COMMANDS,
            await asyncio.gather(*(alone.run(*words) for words in COMMANDS.values())),
            strict=True,
        )
    )
    # A second start ends, and says which process is to be ended.
    error = ended["start"].document["error"]
    assert (ended["start"].status, error["code"]) == (4, "agent-silent")
    assert error["facts"]["pid"] == hung
    # All else is examined.
    findings = {each["code"]: each for each in ended["doctor"].document["findings"]}
    assert ended["doctor"].status == 1
    assert findings["agent-stuck"]["facts"] == {"process": hung}
    assert "disk-fine" in findings
    # The file is changed.
    assert ended["config"].status == 0
    assert "does not answer" in ended["config"].err
    assert ended["config"].document["problem"] is None
