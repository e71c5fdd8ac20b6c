"""Archives of tools: what comes out is what went in, and nothing gets out of the folder."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import tarfile
import tempfile
import tracemalloc
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.flash.toolstore.unpack import ArchiveWrong, Limits, inside, unpack
from tests.flash.toolstore.archives import entry, tar, zipped

FILES = {"bossac-1.9/bossac!": b"\x7fELF program", "bossac-1.9/doc/README": b"read me"}


@pytest.mark.parametrize(
    "data", [tar(FILES), tar(FILES, packing="bz2"), zipped(FILES)], ids=["gz", "bz2", "zip"]
)
def test_an_archive_is_unpacked_without_its_first_folder(data, tmp_path):
    files = unpack(data, tmp_path)
    assert (tmp_path / "bossac").read_bytes() == b"\x7fELF program"
    assert (tmp_path / "doc/README").read_bytes() == b"read me"
    assert set(files) == {"bossac", "doc/README"}
    assert files["doc/README"].size == 7
    assert files["doc/README"].sha256 == hashlib.sha256(b"read me").hexdigest()
    if sys.platform != "win32":
        assert (tmp_path / "bossac").stat().st_mode & 0o7777 == 0o700
        assert (tmp_path / "doc/README").stat().st_mode & 0o7777 == 0o600


def test_files_that_are_in_no_folder_stay_where_they_are(tmp_path):
    assert set(unpack(zipped({"tool.exe": b"x", "lib/a.dll": b"y"}), tmp_path)) == {
        "tool.exe",
        "a.dll",
    }


OUTSIDE = [
    "../evil",
    "t/../../evil",
    "/etc/evil",
    "t/..",
    "t\\..\\evil",
    "C:/evil",
    "t/C:evil",
    "t/evil.",
    "t/con",
    "t/COM\u00b9",
    "t/nul .txt",
    "t/NUL.txt",
    "t/a\nb",
    "t/\u202eexe",
    "t/" + "x" * 300,
    "/".join("x" * 30),
]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("make", [tar, zipped])
def test_a_name_that_leads_elsewhere_refuses_the_archive(make, name, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(ArchiveWrong):
        unpack(make({"t/good": b"x", name: b"evil"}), folder)
    assert {path.name for path in tmp_path.rglob("*")} <= {"in", "good"}


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="./\\:ab \x00CON*é", max_size=12))
def test_a_name_is_refused_or_stays_inside_on_every_system(name):
    try:
        place = inside(name)
    except ArchiveWrong:
        return
    for kind in (PurePosixPath, PureWindowsPath):
        assert not kind(place).is_absolute()
        assert not kind(place).drive
        assert ".." not in kind(place).parts
    assert inside(place, drop_first=False) == place


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.binary(max_size=300), min_size=1),
    st.sampled_from(["gz", "bz2", "zip"]),
)
def test_what_comes_out_is_what_went_in(files, packing):
    named = {f"root/x{name}": data for name, data in files.items()}
    data = zipped(named) if packing == "zip" else tar(named, packing=packing)
    with tempfile.TemporaryDirectory() as folder:
        found = unpack(data, Path(folder))
        assert {name: (Path(folder) / name).read_bytes() for name in found} == {
            f"x{name}": data for name, data in files.items()
        }


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([tar(FILES), tar(FILES, packing="bz2"), zipped(FILES)]),
    st.data(),
)
def test_a_spoilt_archive_is_unpacked_or_refused_and_nothing_else(good, data):
    at = data.draw(st.integers(0, len(good) - 1))
    spoilt = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    cut = spoilt[: data.draw(st.integers(at, len(good)))]
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / "in"
        inner.mkdir()
        with contextlib.suppress(ArchiveWrong):
            unpack(cut, inner)
        assert [path.name for path in Path(folder).iterdir()] == ["in"]


def test_links_become_copies_of_the_files_that_they_name(tmp_path):
    data = tar(
        {
            "t/lib/libusb.so.1": b"library",
            "a": entry("t/lib/libusb.so", tarfile.SYMTYPE, link="libusb.so.1"),
            "b": entry("t/usb", tarfile.SYMTYPE, link="lib/libusb.so"),
            "c": entry("t/hard", tarfile.LNKTYPE, link="t/lib/libusb.so.1"),
            "d": entry("t/nothing", tarfile.SYMTYPE, link="gone"),
            "e": entry("t/loop", tarfile.SYMTYPE, link="loop"),
        }
    )
    found = unpack(data, tmp_path)
    assert set(found) == {"lib/libusb.so.1", "lib/libusb.so", "usb", "hard"}
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert (tmp_path / "usb").read_bytes() == b"library"


def test_links_of_a_zip_become_copies_too(tmp_path):
    found = unpack(zipped({"t/a": b"x"}, links={"t/b": "a"}), tmp_path)
    assert set(found) == {"a", "b"}
    with pytest.raises(ArchiveWrong, match="leads out"):
        unpack(zipped({"t/c": b"x"}, links={"t/d": "../../etc/passwd"}), tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "t/../../../x"])
def test_a_link_out_of_the_folder_refuses_the_archive(kind, target, tmp_path):
    with pytest.raises(ArchiveWrong):
        unpack(tar({"t/a": b"x", "l": entry("t/l", kind, link=target)}), tmp_path)


def test_nothing_is_written_through_a_link(tmp_path):
    unpack(tar({"l": entry("t/d", tarfile.SYMTYPE, link="."), "t/d/evil": b"x"}), tmp_path)
    assert not (tmp_path / "d").is_symlink()


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_refuse_the_archive(kind, tmp_path):
    with pytest.raises(ArchiveWrong, match="neither a file nor a folder"):
        unpack(tar({"t/a": b"x", "d": entry("t/dev", kind)}), tmp_path)


def test_a_file_that_comes_twice_or_is_a_folder_too_refuses_the_archive(tmp_path):
    for files in ({"t/a": b"1", "u/a": b"2"}, {"t/a": b"1", "t/a/b": b"2"}):
        with pytest.raises(ArchiveWrong, match="twice"):
            unpack(tar(files), tmp_path / str(len(files["t/a"])))
        for left in tmp_path.rglob("a"):
            left.unlink()


@pytest.mark.parametrize("packing", ["gz", "bz2", "zip"])
def test_a_bomb_is_not_unpacked_to_its_end(packing, tmp_path):
    files = {"t/zeros": bytes(8 * 1024 * 1024)}
    data = zipped(files) if packing == "zip" else tar(files, packing=packing)
    with pytest.raises(ArchiveWrong, match="larger than 1000000 bytes"):
        unpack(data, tmp_path, Limits(size=1_000_000))
    assert (tmp_path / "zeros").stat().st_size <= 1_000_000


def test_a_header_that_is_a_bomb_does_not_fill_the_memory(tmp_path):
    long_name = tarfile.TarInfo("t/" + "x" * 4_000_000)
    data = tar({"n": long_name})
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveWrong, match="headers that are too long"):
            unpack(data, tmp_path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3_900_000


def test_too_many_files_refuse_the_archive(tmp_path):
    files = {f"t/{number}": b"" for number in range(12)}
    for number, data in enumerate((tar(files), zipped(files))):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(ArchiveWrong, match="more than 10 files"):
            unpack(data, folder, Limits(files=10))


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"PK\x03\x04", b"\x1f\x8b", b"BZh9", b"7z"])
def test_other_data_is_refused(data, tmp_path):
    with pytest.raises(ArchiveWrong):
        unpack(data, tmp_path)


def test_an_archive_without_files_is_refused(tmp_path):
    for data in (tar({}), zipped({}), tar({"d": entry("t", tarfile.DIRTYPE)})):
        with pytest.raises(ArchiveWrong, match="no file"):
            unpack(data, tmp_path)
