"""The vendor's list of 1.0 sketches, from a simulated server, and all that can be wrong with it."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from agent.catalog import Catalog
from agent.clouds.downloads import Downloads
from agent.clouds.http import Limits
from agent.errors import CloudAnswer, IndexRefused, Unreachable
from agent.flash.index import IndexSource, signature_address
from agent.flash.signed_list import FAILED_S
from agent.settings.config import SketchesConfig
from agent.simulator.sketch_index import BOMB_BYTES, SimulatedSketchIndex
from tests.clouds.manual_clock import ManualClock

MKR = "arduino:samd:mkrwifi1010"
DAY_S = 86400.0
INDEX_URL = SketchesConfig().index_url


@pytest.fixture(scope="module")
def catalog():
    return Catalog.load()


class Time:
    """Unix seconds that a test moves."""

    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
async def server(catalog):
    async with SimulatedSketchIndex(catalog=catalog) as running:
        yield running


@pytest.fixture
def source(server, tmp_path, time):
    return make_source(server, tmp_path, time)


def make_source(server, tmp_path, time, **options) -> IndexSource:
    key = tmp_path / f"key-{id(server)}.asc"
    key.write_bytes(server.public_key)
    return IndexSource(
        Downloads(clock=ManualClock(), limits=Limits(answer_s=options.pop("answer_s", 5.0))),
        tmp_path / "index",
        **{"url": server.index_url, "key_file": key, "now": time} | options,
    )


async def test_the_list_names_a_sketch_for_each_board_that_has_1_0(source, server, catalog):
    index, note = await source.get()
    assert note is None
    wanted = {m.fqbn for m in catalog.models if "1.0" in m.provisioning}
    assert {entry.fqbn for entry in index.entries} == wanted
    entry = index.find(MKR)
    assert entry is not None
    assert entry.size == len(server.data(MKR))
    assert index.find(f"{MKR}:option=1") == entry
    assert index.find("arduino:renesas_uno:unor4wifi") is None


async def test_the_list_is_asked_for_again_only_when_it_is_old(source, server, time):
    await source.get()
    await source.get()
    assert server.requests.count("/binaries/index.json.gz") == 1
    time.now += 2 * 3600
    await source.get()
    assert server.requests.count("/binaries/index.json.gz") == 2
    time.now -= 30 * DAY_S
    await source.get()
    assert server.requests.count("/binaries/index.json.gz") == 3


BAD = {
    "wrong-signature": "does not match the pinned key",
    "truncated-index": "cut off",
    "bomb": "longer than",
    "not-json": "not understood",
}


@pytest.mark.parametrize("fault", BAD)
async def test_a_list_that_cannot_be_trusted_is_refused(source, server, fault):
    server.fault = fault
    with pytest.raises(IndexRefused) as caught:
        await source.get()
    assert BAD[fault] in caught.value.report().title
    assert source.last_good() is None


async def test_a_bomb_is_not_unpacked_to_its_end(source, server):
    server.fault = "bomb"
    tracemalloc.start()
    try:
        with pytest.raises(IndexRefused, match="longer than"):
            await source.get()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < BOMB_BYTES / 2


@pytest.mark.parametrize("fault", [*BAD, "no-signature", "down"])
async def test_nothing_bad_replaces_the_last_good_list_and_its_age_is_told(
    source, server, time, fault
):
    good, _ = await source.get()
    time.now += 3 * DAY_S
    if fault == "down":
        server.down = True
    else:
        server.fault = fault
    index, note = await source.get()
    assert index.entries == good.entries
    assert note is not None
    assert note.endswith("The last good list is used; it is 3 days old.")
    server.fault, server.down = None, False
    time.now += FAILED_S
    assert (await source.get())[1] is None


async def test_a_failure_is_waited_for_once_by_many(source, server, time):
    server.fault = "wrong-signature"
    for _ in range(3):
        with pytest.raises(IndexRefused):
            await source.get()
    assert server.requests.count("/binaries/index.json.gz") == 1


async def test_without_any_list_the_reason_is_raised(source, server, time):
    server.down = True
    with pytest.raises(Unreachable):
        await source.get()
    server.down = False
    time.now += FAILED_S
    server.fault = "no-signature"
    with pytest.raises(CloudAnswer):
        await source.get()


async def test_a_server_that_is_too_slow_does_not_hold_anybody(server, tmp_path, time):
    server.fault = "slow"
    with pytest.raises(Unreachable) as caught:
        await make_source(server, tmp_path, time, answer_s=0.05).get()
    assert "No complete answer" in caught.value.report().meaning


async def test_an_older_list_is_not_taken_for_a_newer_one(source, server, time):
    play_the_first_one = server.play_back()
    await source.get()  # signed in the same second or later
    server.give(MKR, b"newer" * 500)
    newer = await next_signature(source, server, time)
    play_the_first_one()
    time.now += DAY_S
    index, note = await source.get()
    assert index.entries == newer.entries
    assert note is not None
    assert "older than the list" in note
    assert source.last_good() == newer


async def next_signature(source, server, time):
    """The list once its signature has another date; dates of signatures count whole seconds."""
    first = source.last_good()
    while True:
        time.now += DAY_S
        index, note = await source.get()
        assert note is None
        if index.signed_at > first.signed_at:
            return index
        await asyncio.sleep(0.05)


async def test_a_checksum_that_is_no_sha_256_is_refused_for_its_board(source, server):
    server.fault = "weak-checksum"
    index, _ = await source.get()
    assert index.entries == ()
    with pytest.raises(IndexRefused, match="not a SHA-256"):
        index.find(MKR)


async def test_a_list_on_the_disk_is_checked_again_when_it_is_used(source, tmp_path):
    await source.get()
    path = tmp_path / "index"
    good = path.read_bytes()
    for spoilt in (good[:-2], good.replace(b"fetched_at", b"fetched_it"), b"", b"{}"):
        path.write_bytes(spoilt)
        assert source.last_good() is None
    at = good.index(b'"plain":"') + 40
    path.write_bytes(good[:at] + (b"A" if good[at : at + 1] != b"A" else b"B") + good[at + 1 :])
    assert source.last_good() is None


async def test_a_list_of_another_address_or_key_is_not_the_last_good_one(
    source, server, tmp_path, time, catalog
):
    await source.get()
    assert make_source(server, tmp_path, time, url=INDEX_URL).last_good() is None
    async with SimulatedSketchIndex(catalog=catalog) as other:
        assert make_source(other, tmp_path, time, url=server.index_url).last_good() is None


async def test_a_key_that_is_missing_is_told(server, tmp_path, time):
    source = make_source(server, tmp_path, time, key_file=tmp_path / "none.asc")
    with pytest.raises(IndexRefused, match=r"key .*none\.asc cannot be read"):
        await source.get()


def test_the_signature_is_beside_the_list():
    assert signature_address(INDEX_URL).endswith("/binaries/index.json.sig")
