"""``downloadtool``: what the page hears, and that the last word is not an error without need."""

from __future__ import annotations

import asyncio

import pytest

from agent.compat.tool_command import DownloadTool
from agent.simulator.tool_index import INDEX_PATH, SimulatedToolIndex
from tests.compat.tool_rig import Rig, page
from tests.flash.toolstore.archives import tar
from tests.flash.toolstore.rig import program, publish

AT_CONNECT = (
    "windows-drivers latest arduino",
    "bossac 1.7.0 arduino",
    "arduino-fwuploader latest arduino",
    "rp2040tools latest arduino",
)
"""What the published client asks for at each connect."""
DONE = {"DownloadStatus": "Success", "Msg": "Map Updated"}
DAY_S = 86400.0


@pytest.fixture
async def server():
    async with SimulatedToolIndex() as running:
        publish(running, "1.7.0")
        for name in ("arduino-fwuploader", "rp2040tools"):
            running.publish("arduino", name, "2.0.0", host="all", file="t.tar.gz", data=program())
        running.publish(
            "arduino", "windows-drivers", "1", host="i686-mingw32", file="d.zip", data=b"x"
        )
        yield running


@pytest.fixture
async def rig(server, tmp_path):
    made = Rig(server, tmp_path)
    yield made
    made.installs.stop()


async def hear(rig, words, *scopes):
    """All that the page hears of one command."""
    asking, heard = page(*(scopes or ("boards", "flash")))
    await DownloadTool(rig.installs)(asking, words)
    assert all(list(said) == ["DownloadStatus", "Msg"] for said in heard.said)
    assert all(isinstance(said["Msg"], str) and said["Msg"] for said in heard.said)
    return heard.said


def files(server):
    return [path for path in server.requests if path.startswith("/tools/")]


async def test_what_the_client_asks_for_at_each_connect_ends_well_and_is_fetched_once(rig, server):
    for _ in range(2):
        for words in AT_CONNECT:
            said = await hear(rig, words)
            assert said[0]["DownloadStatus"] == "Pending"
            assert said[-1] == DONE
    assert len(files(server)) == 3
    server.down = True
    rig.time.now += 30 * DAY_S
    for words in AT_CONNECT[1:]:
        assert (await hear(rig, words))[-1] == DONE


async def test_pages_that_ask_at_once_share_one_download(rig, server):
    said = await asyncio.gather(*(hear(rig, "bossac 1.7.0 arduino") for _ in range(10)))
    assert all(each[-1] == DONE for each in said)
    assert len(files(server)) == 1


@pytest.mark.parametrize(
    "words",
    [
        "bossac",
        "bossac latest",
        "bossac 1.7.0",
        "bossac http://downloads.arduino.cc/tools/bossac.tar.gz",
        "bossac https://downloads.arduino.cc/tools/bossac.tar.gz arduino",
        "bossac latest arduino keep",
        "bossac latest arduino replace",
    ],
)
async def test_every_form_of_the_command_gets_the_tool(rig, words):
    assert (await hear(rig, words))[-1] == DONE
    assert rig.box.store.folder_of("bossac-1.7.0") is not None


async def test_keep_asks_nobody_and_replace_compares_with_the_list(rig, server):
    await hear(rig, "bossac")
    publish(server, "1.8.0", b"newer")
    rig.time.now += DAY_S
    count = server.requests.count(INDEX_PATH)
    await hear(rig, "bossac latest arduino keep")
    assert server.requests.count(INDEX_PATH) == count
    assert rig.box.store.folder_of("bossac-1.8.0") is None
    await hear(rig, "bossac latest arduino replace")
    assert rig.box.store.folder_of("bossac-1.8.0") is not None


@pytest.mark.parametrize("words", ["", " ", "nothing", "../evil", "bossac 99", "bossac latest who"])
async def test_a_tool_that_cannot_be_had_is_an_error(rig, words):
    assert (await hear(rig, words))[-1]["DownloadStatus"] == "Error"
    assert await rig.box.installed() == []


async def test_without_network_and_tool_the_reason_is_told(rig, server):
    server.down = True
    said = await hear(rig, "bossac 1.7.0 arduino")
    assert [each["DownloadStatus"] for each in said] == ["Pending", "Error"]


async def test_that_an_old_list_is_used_is_told_on_the_way(rig, server):
    await hear(rig, "bossac")
    server.down = True
    rig.time.now += 30 * DAY_S
    said = await hear(rig, "bossac latest arduino replace")
    assert [each["DownloadStatus"] for each in said] == ["Pending", "Pending", "Success"]
    assert "last good list" in said[1]["Msg"]


async def test_a_page_that_may_not_write_to_boards_gets_none(rig, server):
    said = await hear(rig, "bossac", "boards", "serial")
    assert [each["DownloadStatus"] for each in said] == ["Error"]
    assert server.requests == []


async def test_scripts_of_an_archive_are_unpacked_and_not_run(rig, server, tmp_path):
    mark = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {mark}\n".encode()
    data = tar({"b/post_install.sh!": script, "b/post_install.bat!": script, "b/tool!": b"x"})
    server.publish("arduino", "scripted", "1", host="all", file="s.tar.gz", data=data)
    assert (await hear(rig, "scripted"))[-1] == DONE
    assert (rig.box.store.folder_of("scripted") / "post_install.sh").is_file()
    assert not mark.exists()
