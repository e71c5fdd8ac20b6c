"""Tools that pages ask for: fetched once for all, and not for nothing when a page leaves."""

from __future__ import annotations

import asyncio

import pytest

from agent.errors import CloudError, ToolNotForSystem
from agent.simulator.tool_index import INDEX_PATH, SimulatedToolIndex
from tests.compat.tool_rig import Rig
from tests.flash.toolstore.rig import publish


@pytest.fixture
async def server():
    async with SimulatedToolIndex() as running:
        publish(running, "1.7.0")
        yield running


@pytest.fixture
async def rig(server, tmp_path):
    made = Rig(server, tmp_path)
    yield made
    made.installs.stop()


def files(server):
    return [path for path in server.requests if path.startswith("/tools/")]


async def test_many_pages_at_once_fetch_list_and_tool_once(rig, server):
    asked = [
        rig.installs.install("arduino", "bossac", version, keep=number % 2 == 0)
        for number, version in enumerate(["1.7.0", "latest"] * 10)
    ]
    got = await asyncio.gather(*asked)
    assert {each.tool.id.version for each in got} == {"1.7.0"}
    assert len(files(server)) == 1
    assert server.requests.count(INDEX_PATH) == 1


async def test_the_version_that_was_asked_for_last_is_what_a_plain_name_means(rig, server):
    publish(server, "1.8.0", b"newer")
    for version in ("1.7.0", "1.8.0", "1.7.0"):
        got = await rig.installs.install("arduino", "bossac", version, keep=False)
        assert rig.box.store.folder_of("bossac") == got.tool.folder
    # What the client asks for at each connect takes nothing from another page's upload.
    await rig.installs.install("arduino", "bossac", "1.8.0", keep=True)
    assert rig.box.store.folder_of("bossac") == got.tool.folder
    assert len(files(server)) == 2


async def test_a_page_that_leaves_does_not_end_what_it_asked_for(rig, server):
    first = asyncio.create_task(rig.installs.install("arduino", "bossac", "1.7.0", keep=True))
    while not server.requests:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    got = await rig.installs.install("arduino", "bossac", "1.7.0", keep=True)
    assert (got.tool.folder / "bossac").is_file()
    assert len(files(server)) == 1


async def test_what_runs_ends_with_the_agent(rig):
    first = asyncio.create_task(rig.installs.install("arduino", "bossac", "1.7.0", keep=False))
    await asyncio.sleep(0)
    rig.installs.stop()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await rig.box.installed() == []


async def test_a_failure_is_told_to_everybody_who_asked_and_the_next_one_tries_again(rig, server):
    server.down = True
    asked = [rig.installs.install("arduino", "bossac", "1.7.0", keep=True) for _ in range(3)]
    failed = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, CloudError) for each in failed)
    server.down = False
    rig.time.now += 60
    assert (await rig.installs.install("arduino", "bossac", "1.7.0", keep=True)).fetched


async def test_what_is_not_for_this_computer_is_told_unless_it_is_there(rig, server):
    server.publish("arduino", "drivers", "1", host="i686-mingw32", file="d.zip", data=b"x")
    with pytest.raises(ToolNotForSystem):
        await rig.installs.install("arduino", "drivers", "latest", keep=True)
