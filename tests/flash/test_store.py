"""The store of sketches: what is read is what was published, whatever happens around it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError, SketchDamaged, SketchUnknown, StoreFailed
from agent.flash.sketch import SKETCH_LIMIT, Sketch, safe_name
from agent.flash.store import DAMAGED_LIMIT, SketchStore

ROOT = Path(__file__).parents[2]
MKR = "arduino:samd:mkrwifi1010"
NANO = "arduino:samd:nano_33_iot"


def sketch(data: bytes, **facts) -> Sketch:
    known = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "name": "provision.bin",
        "size": len(data),
        "kind": "provisioning-1.0",
        "fqbn": MKR,
        "fetched_at": 1000.0,
    }
    return msgspec.convert(known | facts, Sketch)


@pytest.fixture
def store(tmp_path):
    return SketchStore(tmp_path / "sketches")


def file_of(store: SketchStore, stored: Sketch) -> Path:
    return store.folder / stored.sha256 / stored.name


def test_what_was_put_is_listed_found_and_read(store):
    assert store.list() == []
    stored = store.put(sketch(b"one"), b"one")
    assert store.list() == [stored]
    assert store.find(stored.id) == store.find(stored.sha256.upper()) == stored
    assert store.find("provision.bin") == stored
    assert store.read(stored) == b"one"
    assert file_of(store, stored).read_bytes() == b"one"


def test_the_newest_of_a_board_and_kind_is_told_from_others(store):
    store.put(sketch(b"old", fetched_at=1.0), b"old")
    new = store.put(sketch(b"new", fetched_at=2.0), b"new")
    store.put(sketch(b"other", fqbn=NANO, fetched_at=3.0), b"other")
    store.put(sketch(b"two", kind="provisioning-2.0", fetched_at=4.0), b"two")
    assert store.newest(MKR, "provisioning-1.0") == new
    assert store.newest(f"{MKR}:option=1", "provisioning-1.0") == new
    assert store.newest(MKR, "lora-1.0") is None


def test_the_same_bytes_may_be_for_several_boards_and_are_kept_once(store):
    first = store.put(sketch(b"same"), b"same")
    second = store.put(sketch(b"same", fqbn=NANO, name="other.bin"), b"same")
    assert {each.fqbn for each in store.list()} == {MKR, NANO}
    assert store.read(first) == store.read(second) == b"same"
    assert len([p for p in (store.folder / first.sha256).iterdir() if p.suffix == ".bin"]) == 1
    store.remove(first)
    assert store.list() == []


@pytest.mark.parametrize(
    ("said", "data", "error"),
    [
        (sketch(b"right"), b"wrong", SketchDamaged),
        (sketch(b"right"), b"right and more", SketchDamaged),
        (sketch(b"right"), b"", SketchDamaged),
        (sketch(b""), b"", InputError),
        (sketch(b"x", size=SKETCH_LIMIT + 1), b"x", InputError),
    ],
    ids=["other bytes", "longer", "nothing came", "empty", "too large"],
)
def test_what_is_not_as_said_is_not_put(store, said, data, error):
    with pytest.raises(error):
        store.put(said, data)
    assert store.list() == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"onE"),
        lambda path: path.write_bytes(b"on"),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
    ],
    ids=["a byte flipped", "cut off", "empty", "gone"],
)
def test_a_damaged_entry_is_set_aside_and_said_so_and_can_be_put_again(store, spoil):
    stored = store.put(sketch(b"one"), b"one")
    spoil(file_of(store, stored))
    with pytest.raises(SketchDamaged) as caught:
        store.read(stored)
    assert "provision.bin" in caught.value.report().title
    assert store.list() == []
    assert len(list((store.folder / "damaged").iterdir())) == 1
    again = store.put(sketch(b"one"), b"one")
    assert store.read(again) == b"one"


def test_damaged_bytes_are_replaced_when_the_right_ones_are_put(store):
    stored = store.put(sketch(b"one"), b"one")
    file_of(store, stored).write_bytes(b"bad")
    assert store.read(store.put(sketch(b"one"), b"one")) == b"one"


def test_only_the_last_damaged_entries_are_kept(store):
    for number in range(DAMAGED_LIMIT + 3):
        data = b"%d" % number
        stored = store.put(sketch(data), data)
        file_of(store, stored).unlink()
        with pytest.raises(SketchDamaged):
            store.read(stored)
    assert len(list((store.folder / "damaged").iterdir())) == DAMAGED_LIMIT


def test_a_full_store_drops_what_was_used_least_recently_and_nothing_of_the_person(tmp_path):
    store = SketchStore(tmp_path, limit=300)
    data = {name: name.encode() * 100 for name in "abcd"}
    stored = {
        name: store.put(sketch(data[name], kept=name == "a"), data[name]) for name in ("a", "b")
    }
    for age, name in ((30, "a"), (20, "b")):
        os.utime(file_of(store, stored[name]), (1000 - age, 1000 - age))
    store.put(sketch(data["c"]), data["c"])
    store.put(sketch(data["d"]), data["d"])
    assert {each.sha256 for each in store.list()} == {
        sketch(data[name]).sha256 for name in ("a", "c", "d")
    }
    mine = SketchStore(tmp_path / "mine", limit=150)
    mine.put(sketch(data["a"], kept=True), data["a"])
    with pytest.raises(InputError, match="full with files of yours"):
        mine.put(sketch(data["b"]), data["b"])
    assert len(mine.list()) == 1


def test_what_a_person_put_there_stays_theirs_when_it_is_fetched_too(store):
    store.put(sketch(b"one", kept=True), b"one")
    assert store.put(sketch(b"one"), b"one").kept


def test_a_name_that_matches_none_or_several_is_refused(store):
    with pytest.raises(SketchUnknown):
        store.find("abc")
    store.put(sketch(b"one"), b"one")
    store.put(sketch(b"two"), b"two")
    for wanted in ("provision.bin", ""):
        with pytest.raises(SketchUnknown):
            store.find(wanted)


def test_what_a_killed_process_left_half_written_is_ignored_and_cleared(store):
    stored = store.put(sketch(b"one"), b"one")
    folder = store.folder / stored.sha256
    folder.joinpath("0000.json").write_bytes(b'{"sha256": "')
    store.folder.joinpath("notes.txt").write_text("not ours")
    other = store.folder / sketch(b"two").sha256
    other.mkdir()
    other.joinpath(".provision.bin.0123").write_bytes(b"tw")
    assert store.list() == [stored]
    store.put(sketch(b"two"), b"two")
    assert not list(other.glob(".*"))


def test_a_record_that_points_outside_of_its_folder_is_ignored(store):
    stored = store.put(sketch(b"one"), b"one")
    (record,) = (store.folder / stored.sha256).glob("*.json")
    record.write_bytes(record.read_bytes().replace(b"provision.bin", b"../../secret"))
    assert store.list() == []


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    tmp_path.joinpath("taken").write_text("a file")
    with pytest.raises(StoreFailed) as caught:
        SketchStore(tmp_path / "taken" / "sketches").put(sketch(b"one"), b"one")
    assert "taken" in caught.value.report().title


async def test_processes_that_write_at_the_same_time_leave_a_whole_store(store):
    script = (
        "import sys, hashlib; from pathlib import Path\n"
        "from agent.flash.sketch import Sketch; from agent.flash.store import SketchStore\n"
        "store = SketchStore(Path(sys.argv[1]))\n"
        "for number in range(12):\n"
        "    data = b'%d' % number * 1000\n"
        "    said = Sketch(sha256=hashlib.sha256(data).hexdigest(), name='a.bin',\n"
        "                  size=len(data), kind='provisioning-1.0', fqbn='a:b:c')\n"
        "    stored = store.put(said, data)\n"
        "    assert store.read(stored) == data\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(store.folder), env=environ, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in running:
        _, shown = await process.communicate()
        assert process.returncode == 0, shown.decode()
    assert len(store.list()) == 12
    for stored in store.list():
        store.read(stored)
    assert not list(store.folder.glob("*/.*"))


async def test_nobody_writes_while_another_process_does(store):
    store.folder.mkdir()
    with FileLock(store.folder / ".lock"):
        putting = asyncio.create_task(asyncio.to_thread(store.put, sketch(b"one"), b"one"))
        done, _ = await asyncio.wait({putting}, timeout=0.2)
        assert not done
        assert store.list() == []
    assert store.read(await putting) == b"one"


@given(st.text(max_size=120))
def test_any_name_becomes_one_that_names_a_file_in_its_folder(name):
    safe = safe_name(name)
    assert safe_name(safe) == safe
    assert safe.isascii()
    assert not set(safe) & set('/\\:*?"<>|\0')
    assert safe[0] != "."
    assert len(safe) <= 81
    assert not safe.lower().endswith(".json")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("provision.bin", "provision.bin"),
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("C:\\Users\\me\\a sketch.bin", "a_sketch.bin"),
        ("nul.bin", "_nul.bin"),
        ("", "_"),
        ("..", "_"),
        ("sketch.json", "sketch_json"),
    ],
)
def test_names_that_could_do_harm_lose_what_does_it(name, safe):
    assert safe_name(name) == safe
