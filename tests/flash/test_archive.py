"""Sketches in a ZIP file: what comes out is what went in, and nothing foreign is believed."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
import zipfile

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import InputError, MooringError, SketchDamaged, StoreFailed
from agent.flash.archive import SKETCHES_LIMIT, export_sketches, import_sketches
from agent.flash.sketch import SKETCH_LIMIT, Sketch
from agent.flash.store import SketchStore

MKR = "arduino:samd:mkrwifi1010"


def sketch(data: bytes, **facts) -> Sketch:
    known = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "name": "a.bin",
        "size": len(data),
        "kind": "provisioning-1.0",
        "fqbn": MKR,
    }
    return msgspec.convert(known | facts, Sketch)


@pytest.fixture
def store(tmp_path):
    return SketchStore(tmp_path / "store")


@pytest.fixture
def other(tmp_path):
    return SketchStore(tmp_path / "other")


def archive(path, sketches, files, *, form=1, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as packed:
        if sketches is not None:
            listed = {"format": form, "sketches": sketches}
            packed.writestr("sketches.json", msgspec.json.encode(listed))
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def name_of(said: Sketch) -> str:
    return f"{said.sha256}/{said.name}"


def test_sketches_travel_whole_and_belong_to_the_person_then(store, other, tmp_path):
    first = store.put(sketch(b"one" * 1000), b"one" * 1000)
    store.put(sketch(b"one" * 1000, fqbn="arduino:samd:nano_33_iot"), b"one" * 1000)
    store.put(sketch(b"two", kind="local", version="3"), b"two")
    path = tmp_path / "carried.zip"
    export_sketches(store, store.list(), path)
    taken = import_sketches(other, path)
    assert len(taken) == 3
    assert all(each.kept for each in other.list())
    assert [msgspec.structs.replace(each, kept=False) for each in other.list()] == store.list()
    assert other.read(first) == b"one" * 1000
    again = tmp_path / "again.zip"
    export_sketches(store, store.list(), again)
    assert again.read_bytes() == path.read_bytes()


def test_a_damaged_sketch_is_not_exported(store, tmp_path):
    stored = store.put(sketch(b"one"), b"one")
    (store.folder / stored.sha256 / stored.name).write_bytes(b"two")
    with pytest.raises(SketchDamaged):
        export_sketches(store, [stored], tmp_path / "carried.zip")
    assert not (tmp_path / "carried.zip").exists()


def test_a_place_that_cannot_be_written_is_named(store, tmp_path):
    tmp_path.joinpath("file").write_text("")
    with pytest.raises(StoreFailed, match=r"carried\.zip"):
        export_sketches(store, [], tmp_path / "file" / "carried.zip")


BIG = sketch(b"x", size=SKETCH_LIMIT + 1)
BAD = {
    "no list": (None, {"a": b""}, InputError),
    "other format": ([], {}, InputError),
    "a file is missing": ([sketch(b"one")], {}, InputError),
    "other bytes": ([sketch(b"one")], {name_of(sketch(b"one")): b"two"}, SketchDamaged),
    "shorter": ([sketch(b"one")], {name_of(sketch(b"one")): b"on"}, SketchDamaged),
    "longer": ([sketch(b"one")], {name_of(sketch(b"one")): b"one more"}, SketchDamaged),
    "empty": ([sketch(b"")], {name_of(sketch(b"")): b""}, InputError),
    "too large": ([BIG], {name_of(BIG): b"x"}, InputError),
    "no FQBN": ([sketch(b"one", fqbn="x")], {name_of(sketch(b"one")): b"one"}, InputError),
    "strange kind": (
        [{**msgspec.to_builtins(sketch(b"one")), "kind": "virus"}],
        {name_of(sketch(b"one")): b"one"},
        InputError,
    ),
    "too many": ([sketch(b"one")] * (SKETCHES_LIMIT + 1), {}, InputError),
}


@pytest.mark.parametrize("case", BAD)
def test_nothing_is_taken_from_an_archive_that_is_wrong_anywhere(other, tmp_path, case):
    listed, files, error = BAD[case]
    good = sketch(b"good", name="good.bin")
    listed = None if listed is None else [good, *listed]
    path = archive(
        tmp_path / "a.zip",
        listed,
        files | {name_of(good): b"good"},
        form=2 if case == "other format" else 1,
    )
    with pytest.raises(error):
        import_sketches(other, path)
    assert other.list() == []


def test_a_bomb_is_not_unpacked(other, tmp_path):
    small = sketch(b"one")
    path = archive(tmp_path / "a.zip", [small], {name_of(small): bytes(64 * 1024 * 1024)})
    with pytest.raises(SketchDamaged, match="longer than 3 bytes"):
        import_sketches(other, path)
    listed = io.BytesIO()
    with zipfile.ZipFile(listed, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("sketches.json", b" " * 8 * 1024 * 1024)
    path.write_bytes(listed.getvalue())
    with pytest.raises(SketchDamaged, match="longer than"):
        import_sketches(other, path)


@pytest.mark.parametrize("said_size", [3, 128 * 1024 * 1024])
def test_a_bomb_never_takes_the_memory_it_would_need(other, tmp_path, said_size):
    said = sketch(b"one", size=said_size)
    path = archive(tmp_path / "a.zip", [said], {})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        packed.open(name_of(said), "w") as file,
    ):
        for _ in range(128):
            file.write(bytes(1024 * 1024))
    tracemalloc.start()
    try:
        with pytest.raises((SketchDamaged, InputError)):
            import_sketches(other, path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 * SKETCH_LIMIT


@pytest.mark.parametrize("name", ["../../evil.bin", "/etc/evil.bin", "C:\\evil.bin", ".."])
def test_a_name_that_leads_out_of_the_store_stays_in_it(other, tmp_path, name):
    said = sketch(b"one", name=name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        listed = {"format": 1, "sketches": [said]}
        packed.writestr("sketches.json", msgspec.json.encode(listed))
        packed.writestr(name_of(said), b"one")
    before = {path for path in tmp_path.rglob("*") if other.folder not in path.parents}
    (taken,) = import_sketches(other, tmp_path / "a.zip")
    assert other.read(taken) == b"one"
    after = {path for path in tmp_path.rglob("*") if other.folder not in path.parents}
    assert after - before <= {other.folder}


def test_a_digest_that_is_a_path_is_refused(other, tmp_path):
    said = sketch(b"one", sha256="../../../evil")
    path = archive(tmp_path / "a.zip", [said], {name_of(said): b"one"})
    with pytest.raises(SketchDamaged):
        import_sketches(other, path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_uncommon_packing_is_refused(other, tmp_path, method):
    with pytest.raises(InputError, match="uncommon"):
        import_sketches(other, archive(tmp_path / "a.zip", [], {}, method=method))


def test_what_is_no_archive_is_refused(other, tmp_path):
    path = tmp_path / "a.zip"
    with pytest.raises(InputError, match="cannot be read"):
        import_sketches(other, path)
    path.write_bytes(b"PK no zip at all")
    with pytest.raises(InputError, match="no archive of sketches"):
        import_sketches(other, path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(at=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.integers(0, 10_000))
def test_an_archive_with_any_byte_changed_gives_the_right_bytes_or_an_error(
    tmp_path, at, value, cut
):
    store, other = SketchStore(tmp_path / "store"), SketchStore(tmp_path / "other")
    data = b"sketch" * 50
    path = tmp_path / "a.zip"
    export_sketches(store, [store.put(sketch(data), data)], path)
    spoilt = bytearray(path.read_bytes())
    spoilt[at % len(spoilt)] = value
    path.write_bytes(bytes(spoilt[: max(cut, len(spoilt) // 2)]))
    try:
        taken = import_sketches(other, path)
    except MooringError:
        return
    for each in taken:
        assert other.read(each) == data
