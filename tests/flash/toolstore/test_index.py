"""The vendor's list of tools, from a simulated server, and all that can be wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pysequoia import Cert

from agent.errors import InputError, ToolIndexRefused, ToolNotForSystem, ToolUnknown, Unreachable
from agent.flash.signed_list import FAILED_S
from agent.flash.toolstore.index import ARCHIVE_LIMIT, PACKAGE_KEY, archive_of
from agent.flash.toolstore.tool import Computer, ToolId
from agent.simulator.tool_index import INDEX_PATH, SimulatedToolIndex
from tests.flash.toolstore.rig import LINUX, Time, publish, source

DAY_S = 86400.0
SUM = "SHA-256:" + "aB" * 32


@pytest.fixture
def time():
    return Time()


@pytest.fixture
async def server():
    async with SimulatedToolIndex() as running:
        for version in ("1.7.0", "1.9.1-arduino2", "1.9.1-arduino10"):
            publish(running, version)
        yield running


async def test_the_list_names_tools_and_latest_is_the_highest_for_this_computer(
    server, tmp_path, time
):
    server.publish("arduino", "bossac", "2.0.0", host="i686-mingw32", file="b.zip", data=b"x")
    index, note = await source(server, tmp_path, time).get()
    assert note is None
    assert [tool.version for tool in index.available()] == [
        "1.7.0",
        "1.9.1-arduino2",
        "1.9.1-arduino10",
        "2.0.0",
    ]
    tool, archive = index.find("arduino", "bossac", "latest", LINUX)
    assert tool == ToolId("arduino", "bossac", "1.9.1-arduino10")
    assert archive.size is not None
    assert index.find("arduino", "bossac", "1.7.0", LINUX)[0].version == "1.7.0"
    windows = Computer("windows", "amd64")
    assert index.find("arduino", "bossac", "latest", windows)[0].version == "2.0.0"
    for version in ("latest", "2.0.0"):
        with pytest.raises(ToolNotForSystem):
            index.find("arduino", "bossac", version, Computer("linux", "arm"))
    for words in (("arduino", "bossa", "latest"), ("other", "bossac", "latest")):
        with pytest.raises(ToolUnknown):
            index.find(*words, LINUX)
    with pytest.raises(ToolUnknown):
        index.find("arduino", "bossac", "1.7", LINUX)


async def test_an_entry_that_leads_out_of_the_store_is_no_tool(server, tmp_path, time):
    server.publish("arduino", "../evil", "1", host="all", file="x", data=b"x")
    server.publish("..", "evil", "1", host="all", file="x", data=b"x")
    index, _ = await source(server, tmp_path, time).get()
    assert {tool.name for tool in index.available()} == {"bossac"}


BAD = {
    "wrong-signature": "does not match the pinned key",
    "not-json": "not understood",
}


@pytest.mark.parametrize("fault", [*BAD, "no-signature", "down"])
async def test_nothing_bad_replaces_the_last_good_list_and_its_age_is_told(
    server, tmp_path, time, fault
):
    asked = source(server, tmp_path, time)
    good, _ = await asked.get()
    time.now += 3 * DAY_S
    if fault == "down":
        server.down = True
    else:
        server.fault = fault
    index, note = await asked.get()
    assert index.tools == good.tools
    assert note is not None
    assert note.endswith("The last good list is used; it is 3 days old.")
    server.fault, server.down = None, False
    time.now += FAILED_S
    assert (await asked.get())[1] is None


@pytest.mark.parametrize("fault", BAD)
async def test_a_list_that_cannot_be_trusted_is_refused_and_asked_for_once(
    server, tmp_path, time, fault
):
    server.fault = fault
    asked = source(server, tmp_path, time)
    for _ in range(3):
        with pytest.raises(ToolIndexRefused) as caught:
            await asked.get()
    assert BAD[fault] in caught.value.report().title
    assert asked.last_good() is None
    assert server.requests.count(INDEX_PATH) == 1


async def test_without_any_list_the_reason_is_raised(server, tmp_path, time):
    server.down = True
    with pytest.raises(Unreachable):
        await source(server, tmp_path, time).get()


async def test_a_list_on_the_disk_is_checked_again_when_it_is_used(server, tmp_path, time):
    asked = source(server, tmp_path, time)
    await asked.get()
    path = tmp_path / "index"
    good = path.read_bytes()
    at = good.index(b'"plain":"') + 40
    for spoilt in (good[:-2], b"{}", good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]):
        path.write_bytes(spoilt)
        assert asked.last_good() is None
    path.write_bytes(good)
    assert asked.last_good() is not None
    assert source(server, tmp_path, time, url="https://x.invalid/i").last_good() is None


async def test_a_checksum_that_is_no_sha_256_is_refused_for_its_tool(server, tmp_path, time):
    server.fault = "weak-checksum"
    index, _ = await source(server, tmp_path, time).get()
    with pytest.raises(InputError, match="not a SHA-256"):
        index.find("arduino", "bossac", "latest", LINUX)


def test_an_address_without_encryption_becomes_one_with_it():
    url = "http://downloads.arduino.cc/tools/bossac.tar.gz"
    archive = archive_of(url, SUM, "12")
    assert archive.url == "https://downloads.arduino.cc/tools/bossac.tar.gz"
    assert (archive.sha256, archive.size) == ("ab" * 32, 12)
    assert archive_of("http://127.0.0.1:9/x", SUM).url == "http://127.0.0.1:9/x"


@pytest.mark.parametrize(
    ("url", "checksum", "size"),
    [
        ("file:///etc/passwd", SUM, 1),
        ("https://u@x.org/a", SUM, 1),
        ("https://x.org/a", "MD5:00", 1),
        ("https://x.org/a", SUM, 0),
        ("https://x.org/a", SUM, "1e3"),
        ("https://x.org/a", SUM, ARCHIVE_LIMIT + 1),
    ],
)
def test_an_archive_that_is_of_no_use_is_refused(url, checksum, size):
    with pytest.raises(InputError):
        archive_of(url, checksum, size)


def test_the_pinned_key_is_the_vendors():
    cert = Cert.from_bytes(Path(PACKAGE_KEY).read_bytes())
    assert cert.fingerprint == "6b66c24d1ec6e1f36517ac607baf404c2dfab4ae"
