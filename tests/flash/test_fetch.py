"""The sketch that a board needs: fetched once, checked always, and there without the Internet."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from agent.catalog import Catalog
from agent.clouds.accounts import AccountStore
from agent.clouds.arduino import ArduinoCloud
from agent.clouds.downloads import Downloads
from agent.errors import (
    CloudAnswer,
    ImageRefused,
    NoSketch,
    NotSignedIn,
    NotSupported,
    SketchDamaged,
    SketchUnknown,
    Unreachable,
)
from agent.flash.fetch import Sketches
from agent.flash.index import IndexSource
from agent.flash.sketch import SKETCH_LIMIT, Sketch, SketchKind
from agent.flash.store import SketchStore
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.images import read_identity
from agent.simulator.sketch_index import SimulatedSketchIndex
from tests.clouds.manual_clock import ManualClock

MKR = "arduino:samd:mkrwifi1010"
UNO = "arduino:renesas_uno:unor4wifi"
WAN = "arduino:samd:mkrwan1310"
DAY_S = 86400.0
V1: SketchKind = "provisioning-1.0"
V2: SketchKind = "provisioning-2.0"


class Time:
    """Unix seconds that a test moves."""

    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def catalog():
    return Catalog.load()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
async def server(catalog):
    async with SimulatedSketchIndex(catalog=catalog) as running:
        yield running


@pytest.fixture
async def cloud(catalog):
    async with SimulatedArduinoCloud(catalog=catalog) as running:
        running.give_binary(UNO, "provisioning_2.bin", b"two" * 1000)
        yield running


@pytest.fixture
async def arduino(cloud, catalog, tmp_path):
    """Signed in."""
    client = ArduinoCloud(
        base_url=cloud.base_url,
        accounts=AccountStore(tmp_path / "accounts.json", use_keyring=False),
        catalog=catalog,
        clock=ManualClock(),
    )
    await client.login(cloud.account)
    yield client
    await client.close()


@pytest.fixture
def sketches(server, arduino, tmp_path, time):
    tmp_path.joinpath("key.asc").write_bytes(server.public_key)
    fetcher = Downloads(clock=ManualClock())
    index = IndexSource(
        fetcher,
        tmp_path / "index",
        url=server.index_url,
        key_file=tmp_path / "key.asc",
        now=time,
    )
    return Sketches(SketchStore(tmp_path / "sketches"), index, fetcher, arduino, now=time)


def files_asked_for(server) -> int:
    return sum("/provision/" in path for path in server.requests)


async def test_a_1_0_sketch_is_fetched_once_and_told_where_from(sketches, server, time):
    got = await sketches.obtain(MKR, V1)
    assert got.data == server.data(MKR)
    assert got.notes == ()
    sketch = got.sketch
    assert (sketch.kind, sketch.fqbn, sketch.name) == (V1, MKR, "provision.bin")
    assert sketch.source.endswith("/crypto/arduino.samd.mkrwifi1010/provision.bin")
    assert sketch.fetched_at == time.now
    assert sketch.etag
    assert not sketch.kept
    again = await sketches.obtain(MKR, V1)
    assert again.data == got.data
    assert files_asked_for(server) == 1
    identity = read_identity(got.data)
    assert identity is not None
    assert identity.runs == V1


async def test_a_lora_sketch_comes_from_the_same_list(sketches, server):
    got = await sketches.obtain(WAN, "lora-1.0")
    assert got.sketch.kind == "lora-1.0"
    assert "/lora/" in got.sketch.source


async def test_a_newer_sketch_of_the_list_is_fetched(sketches, server, time):
    await sketches.obtain(MKR, V1)
    server.give(MKR, b"newer" * 500)
    assert (await sketches.obtain(MKR, V1)).data != server.data(MKR)
    time.now += DAY_S
    assert (await sketches.obtain(MKR, V1)).data == server.data(MKR)


async def test_without_the_internet_the_last_good_list_and_the_store_do(sketches, server, time):
    got = await sketches.obtain(MKR, V1)
    time.now += 12 * DAY_S
    server.down = True
    offline = await sketches.obtain(MKR, V1)
    assert offline.data == got.data
    (note,) = offline.notes
    assert "cannot be reached" in note
    assert "it is 12 days old" in note
    with pytest.raises(Unreachable):
        await sketches.obtain("arduino:samd:nano_33_iot", V1)


async def test_without_any_list_the_store_does(sketches, server, time, tmp_path):
    got = await sketches.obtain(MKR, V1)
    tmp_path.joinpath("index").unlink()
    time.now += DAY_S
    server.fault = "wrong-signature"
    offline = await sketches.obtain(MKR, V1)
    assert offline.data == got.data
    (note,) = offline.notes
    assert "cannot be trusted" in note
    assert "put there 1 day ago" in note


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("wrong-checksum", SketchDamaged),
        ("truncated-file", SketchDamaged),
        ("longer-file", SketchDamaged),
        ("no-file", CloudAnswer),
    ],
)
async def test_a_file_that_is_not_the_published_one_is_not_used(sketches, server, fault, error):
    server.fault = fault
    with pytest.raises(error):
        await sketches.obtain(MKR, V1)
    assert sketches.store.list() == []


async def test_a_damaged_file_of_the_store_is_fetched_again_and_that_is_told(
    sketches, server, time
):
    got = await sketches.obtain(MKR, V1)
    path = sketches.store.folder / got.sketch.sha256 / got.sketch.name
    path.write_bytes(got.data[:-1] + b"!")
    again = await sketches.obtain(MKR, V1)
    assert again.data == got.data
    assert files_asked_for(server) == 2
    (note,) = again.notes
    assert "is damaged" in note
    assert "set aside" in note


async def test_a_damaged_file_that_cannot_be_fetched_again_is_not_used(sketches, server):
    got = await sketches.obtain(MKR, V1)
    (sketches.store.folder / got.sketch.sha256 / got.sketch.name).write_bytes(b"other")
    server.down = True
    with pytest.raises(Unreachable):
        await sketches.obtain(MKR, V1)


async def test_a_board_that_the_list_does_not_have_is_told_with_its_name(sketches):
    with pytest.raises(NoSketch) as caught:
        await sketches.obtain(UNO, V1, name="Arduino UNO R4 WiFi")
    report = caught.value.report()
    assert "Arduino UNO R4 WiFi" in report.title
    assert "list" in report.meaning
    assert "mooring sketches add" in report.remedy


async def test_a_file_that_a_person_added_does_where_the_list_has_none(sketches):
    data = b"mine" * 100
    digest = hashlib.sha256(data).hexdigest()
    mine = Sketch(sha256=digest, name="m.bin", size=len(data), kind=V1, fqbn=UNO, kept=True)
    sketches.store.put(mine, data)
    assert (await sketches.obtain(UNO, V1)).data == data
    with pytest.raises(NoSketch):
        await sketches.obtain(UNO, "local")


async def test_a_2_0_sketch_comes_from_the_cloud_and_then_from_the_store(sketches, cloud, time):
    got = await sketches.obtain(UNO, V2)
    assert got.data == b"two" * 1000
    assert (got.sketch.name, got.sketch.source) == ("provisioning_2.bin", "Arduino Cloud")
    assert (await sketches.obtain(UNO, V2)).data == got.data
    asked = [seen.operation for seen in cloud.record.requests].count("binary")
    assert asked == 1
    cloud.give_binary(UNO, "provisioning_2.bin", b"three" * 1000)
    time.now += DAY_S
    assert (await sketches.obtain(UNO, V2)).data == b"three" * 1000
    time.now += DAY_S
    cloud.down = True
    offline = await sketches.obtain(UNO, V2)
    assert offline.data == b"three" * 1000
    assert "put there 1 day ago" in offline.notes[0]


async def test_a_2_0_sketch_that_nobody_has_is_told(sketches, arduino, tmp_path, time, server):
    with pytest.raises(NotSupported):
        await sketches.obtain(MKR, V2)
    await arduino.logout()
    with pytest.raises(NotSignedIn):
        await sketches.obtain(UNO, V2)
    alone = Sketches(sketches.store, sketches.index, Downloads(), None, now=time)
    with pytest.raises(NoSketch, match=r"provisioning-2\.0 sketch"):
        await alone.obtain(UNO, V2)


async def test_a_sketch_of_the_store_goes_to_another_kind_of_board_only_by_override(sketches):
    got = await sketches.obtain(MKR, V1)
    fqbn = f"{MKR}:option=1"
    assert (await sketches.take(got.sketch.id, fqbn, name="My MKR")).data == got.data
    with pytest.raises(ImageRefused) as caught:
        await sketches.take(got.sketch.id, UNO, name="My UNO")
    assert "My UNO" in caught.value.report().title
    assert MKR in caught.value.report().title
    forced = await sketches.take(got.sketch.id, UNO, name="My UNO", override=True)
    assert forced.data == got.data
    with pytest.raises(SketchUnknown):
        await sketches.take("0000", MKR, name="My MKR")
    also = msgspec.structs.replace(got.sketch, fqbn=UNO)
    sketches.store.put(also, got.data)
    taken = await sketches.take(got.sketch.id, UNO, name="My UNO")
    assert taken.sketch.fqbn == UNO


async def test_the_bytes_of_a_sketch_are_in_no_message(sketches):
    got = await sketches.obtain(UNO, V2)
    assert "two" not in repr(got)


async def test_a_file_larger_than_any_sketch_is_not_taken_to_its_end(sketches, server):
    entry = (await sketches.index.get())[0].find(MKR)
    server.give(MKR, bytes(SKETCH_LIMIT + 2))
    with pytest.raises(CloudAnswer) as caught:
        await sketches.download(entry.url)
    assert "longer than" in caught.value.report().meaning
