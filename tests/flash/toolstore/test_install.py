"""Getting a tool: fetched once, checked before it is unpacked, and there without the Internet."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from agent.errors import CloudError, InputError, ToolRefused, ToolUnknown
from agent.flash.toolstore.index import archive_of
from agent.flash.toolstore.tool import ToolId
from agent.simulator.tool_index import SimulatedToolIndex
from tests.flash.toolstore.rig import Time, program, publish, toolbox

DAY_S = 86400.0


@pytest.fixture
def time():
    return Time()


@pytest.fixture
async def server():
    async with SimulatedToolIndex() as running:
        publish(running, "1.7.0", b"old")
        publish(running, "1.9.1-arduino1")
        yield running


def files(server):
    return [path for path in server.requests if path.startswith("/tools/")]


async def test_a_tool_is_fetched_once_and_then_served_from_the_store(server, tmp_path, time):
    box = toolbox(server, tmp_path, time)
    both = await asyncio.gather(*(box.install("arduino", "bossac") for _ in range(3)))
    assert sorted(got.fetched for got in both) == [False, False, True]
    assert (both[0].tool.folder / "bossac").read_bytes() == b"program"
    assert both[0].tool.id.version == "1.9.1-arduino1"
    await box.install("arduino", "bossac", "1.9.1-arduino1")
    assert len(files(server)) == 1
    assert [tool.id.version for tool in await box.installed()] == ["1.9.1-arduino1"]
    assert [tool.version for tool in await box.available()] == ["1.7.0", "1.9.1-arduino1"]
    assert await box.remove("arduino", "bossac", "1.9.1-arduino1")
    assert await box.installed() == []


async def test_a_tool_that_was_damaged_is_fetched_again(server, tmp_path, time):
    box = toolbox(server, tmp_path, time)
    got = await box.install("arduino", "bossac")
    (got.tool.folder / "bossac").write_bytes(b"another")
    again = await box.install("arduino", "bossac", keep=True)
    assert again.fetched
    assert (again.tool.folder / "bossac").read_bytes() == b"program"


async def test_without_the_internet_what_is_installed_is_used_and_that_is_said(
    server, tmp_path, time
):
    box = toolbox(server, tmp_path, time)
    await box.install("arduino", "bossac", "1.7.0")
    server.down = True
    time.now += 3 * DAY_S
    publish(server, "1.7.0", b"newer of the same name")
    for version in ("latest", "1.7.0"):
        kept = await box.install("arduino", "bossac", version, keep=True)
        assert kept.notes == ()
    got = await box.install("arduino", "bossac", "1.7.0")
    assert not got.fetched
    assert any("last good list" in note for note in got.notes)
    with pytest.raises(CloudError):
        await box.install("arduino", "bossac", "1.9.1-arduino1")
    (tmp_path / "index").unlink()
    only = await box.install("arduino", "bossac")
    assert any("(1.7.0)" in note for note in only.notes)
    with pytest.raises(CloudError):
        await box.install("arduino", "avrdude")


@pytest.mark.parametrize("fault", ["wrong-checksum", "truncated-file", "longer-file"])
async def test_what_is_not_what_was_published_is_never_unpacked(server, tmp_path, time, fault):
    server.fault = fault
    box = toolbox(server, tmp_path, time)
    with pytest.raises((ToolRefused, CloudError)):
        await box.install("arduino", "bossac")
    assert await box.installed() == []
    assert not (tmp_path / "tools").exists()


async def test_what_is_installed_stays_when_its_replacement_fails(server, tmp_path, time):
    box = toolbox(server, tmp_path, time)
    got = await box.install("arduino", "bossac")
    server.fault = "wrong-checksum"
    time.now += DAY_S
    with pytest.raises(ToolRefused):
        await box.install("arduino", "bossac")
    assert await box.installed() == [got.tool]
    assert box.store.is_whole(got.tool)


async def test_a_tool_comes_from_an_address_that_somebody_answers_for(server, tmp_path, time):
    box = toolbox(server, tmp_path, time)
    tool = ToolId("adafruit", "bossac", "1.8.0")
    url = server.publish("x", "y", "1", host="all", file="b.tar.gz", data=program(b"theirs"))
    checksum = "SHA-256:" + hashlib.sha256(program(b"theirs")).hexdigest()
    got = await box.install_from(tool, archive_of(url, checksum))
    assert (got.tool.folder / "bossac").read_bytes() == b"theirs"
    server.down = True
    assert not (await box.install_from(tool, archive_of(url, checksum))).fetched
    other = archive_of(url, "SHA-256:" + "0" * 64)
    instead = await box.install_from(tool, other)
    assert instead.tool == got.tool
    assert instead.notes
    server.down = False
    with pytest.raises(ToolRefused, match="SHA-256 begins with"):
        await box.install_from(tool, other)


async def test_a_tool_that_nobody_has_is_told(server, tmp_path, time):
    box = toolbox(server, tmp_path, time)
    with pytest.raises(ToolUnknown):
        await box.install("arduino", "avrdude")
    with pytest.raises(InputError):
        await box.install("arduino", "../x")
