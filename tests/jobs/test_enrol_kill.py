"""The agent is killed (``kill -9``) at each moment of making a device, and started again.

Nothing is made twice, and no credentials are lost: whoever starts the job again, in the agent or as
a single command, goes on with the same device and the same entry of the vault.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from asyncio import to_thread
from typing import TYPE_CHECKING, Any

import pytest

from agent.jobs.job import JobState
from agent.settings.paths import find_paths
from tests.jobs.enrol_bench import FACTS, EnrolBench
from tests.jobs.enrol_kills import AT_COMMIT, KILL, ROOT, Agents, many_agents

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from agent.catalog import Catalog
    from agent.clouds.vault_view import VaultEntry
    from agent.jobs.job import Job

NAME = f"esp32-{FACTS['id']}"


@pytest.fixture(scope="module")
def agents() -> Iterator[Agents]:
    with many_agents() as made:
        yield made


@pytest.fixture
async def bench(tmp_path: Path, catalog: Catalog) -> AsyncIterator[EnrolBench]:
    made = EnrolBench(tmp_path, catalog)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def signed_in(bench: EnrolBench, *, prepared: bool = False, admin: bool = False) -> None:
    await bench.start_agent(bench.account(prepared=prepared, administrator=admin))
    await bench.stop_agent()


async def left_by_kill(bench: EnrolBench) -> Job:
    """The job of the killed agent once the next one has brought it to its end."""
    await bench.start_agent()
    (left,) = await bench.jobs.list(10)
    return await bench.ended(left.id)


async def only_entry(bench: EnrolBench) -> VaultEntry:
    (entry,) = (await bench.vault.list()).entries
    return entry


async def goes_on(bench: EnrolBench, **changes: Any) -> None:
    """The next job ends well with the one device and the one entry."""
    job = await bench.jobs.wait(await bench.provision(confirmed=True, **changes))
    await on_board_and_in_vault(bench, job)


async def on_board_and_in_vault(bench: EnrolBench, job: Job) -> None:
    assert job.state is JobState.DONE, job
    assert job.result
    # The board said so itself, having connected with what it was given.
    assert job.result["connected"] == "board"
    assert [device.name for device in bench.server.state.devices.values()] == [NAME]
    entry = await only_entry(bench)
    assert (entry.state, entry.device) == ("proven", NAME)
    assert bench.board.values["tb_name"] == NAME.encode()


NOTHING_ASKED = ("after vault.add", "after record enrol-asking", "before cloud.enrol")
MADE = (
    "after cloud.enrol",
    "after record enrol-given",
    "before board.put",
    AT_COMMIT,
    "after board.put",
    "after record enrol-put",
    "after board.cloud_state",
)
SEEN = ("before vault.prove", "after vault.prove", "before save done")


@pytest.mark.parametrize("moment", [*NOTHING_ASKED, *MADE, *SEEN])
async def test_a_kill_at_each_moment_loses_no_credentials_and_makes_nothing_twice(
    bench: EnrolBench, agents: Agents, moment: str
):
    await signed_in(bench)
    await agents.killed(bench, moment)
    before = dict(bench.board.values)
    left = await left_by_kill(bench)
    entry = await only_entry(bench)
    if moment in SEEN:
        assert left.state is JobState.DONE
    else:
        assert left.state is JobState.INTERRUPTED
        assert left.error
        known = moment != "after vault.add"
        assert (entry.id in left.error.meaning) == known, left.error
    if moment not in NOTHING_ASKED:
        # The server took them already, and they are readable.
        kept = await bench.vault.entry(entry.id)
        (device,) = bench.server.state.devices.values()
        assert kept.name == device.name
    await goes_on(bench)
    if before.get("tb_token"):
        assert bench.board.values == before


@pytest.mark.parametrize("moment", ["after cloud.enrol", AT_COMMIT])
@pytest.mark.parametrize("kind", ["mqtt_basic", "certificate"])
async def test_credentials_of_each_kind_outlive_a_kill(
    bench: EnrolBench, agents: Agents, kind: str, moment: str
):
    await signed_in(bench)
    await agents.killed(bench, moment, credentials=kind)
    await left_by_kill(bench)
    await goes_on(bench, credentials=kind)
    assert (await only_entry(bench)).credentials == kind


@pytest.mark.parametrize("moment", ["after vault.replace", "before board.put", AT_COMMIT])
async def test_what_the_server_had_for_a_prepared_device_outlives_a_kill(
    bench: EnrolBench, agents: Agents, moment: str
):
    bench.server.prepare(NAME)
    await signed_in(bench, prepared=True)
    await agents.killed(bench, moment)
    await left_by_kill(bench)
    await goes_on(bench)


async def test_an_answer_that_a_killed_agent_could_not_keep_is_got_again_by_the_administrator(
    bench: EnrolBench, agents: Agents
):
    # A server tells a prepared device its credentials once, and the mark is set with the answer.
    bench.server.prepare(NAME)
    await signed_in(bench, prepared=True, admin=True)
    await agents.killed(bench, "before vault.replace")
    left = await left_by_kill(bench)
    assert left.error
    assert NAME in left.error.meaning
    number = await bench.provision()
    asked = await bench.asks(number)
    assert asked.question
    assert asked.question.error
    assert asked.question.error.code == "enrol-used-up"
    await bench.jobs.answer(number, {"action": "administrator"})
    await on_board_and_in_vault(bench, await bench.jobs.wait(number))


async def test_a_file_that_was_made_and_not_fetched_is_made_again(
    bench: EnrolBench, agents: Agents
):
    await signed_in(bench)
    await agents.killed(bench, "before save done", delivery="header", name=NAME)
    left = await left_by_kill(bench)
    assert left.error
    assert "in memory only" in left.error.meaning
    assert (await only_entry(bench)).id in left.error.meaning
    job = await bench.jobs.wait(await bench.provision(delivery="header", name=NAME))
    assert job.state is JobState.DONE
    assert len(bench.server.state.devices) == 1
    assert await bench.jobs.file(job.id, "mooring_settings.h")


async def test_a_command_that_was_killed_is_taken_up_by_the_next_command(bench: EnrolBench):
    home = bench.folder / "home"
    paths = find_paths({"MOORING_HOME": str(home)})
    paths.make()
    await signed_in(bench)
    (bench.folder / "accounts.json").rename(paths.accounts_file)
    ports = json.dumps(str(bench.folder / "ports"))
    paths.config_file.write_text(
        f"[ports]\nsystem = false\nsimulated = {ports}\n", encoding="utf-8"
    )

    def command() -> subprocess.Popen[str]:
        words = ["provision", FACTS["id"], "--cloud", "thingsboard", "--json"]
        return subprocess.Popen(
            [sys.executable, "-m", "agent", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "MOORING_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    first = command()
    bench.board.when_asked["commit"] = lambda: first.send_signal(KILL)
    await to_thread(first.communicate)
    assert first.returncode == -KILL or sys.platform == "win32"
    second = command()
    out, told = await to_thread(second.communicate)
    assert second.returncode == 0, told
    ended = json.loads(out.splitlines()[-1])
    assert ended["device"] == NAME
    assert ended["connected"] == "board"
    assert len(bench.server.state.devices) == 1
