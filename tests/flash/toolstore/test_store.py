"""What is installed: whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.errors import InputError, ToolRefused, ToolStoreFailed
from agent.flash.toolstore.store import RECORD, ToolStore
from agent.flash.toolstore.tool import ToolId
from agent.flash.toolstore.unpack import Limits
from tests.flash.toolstore.archives import tar, zipped

BOSSAC = ToolId("arduino", "bossac", "1.9.1-arduino1")
ROOT = Path(__file__).parents[3]
KILL_LIMIT_S = 30.0


def archive(content: bytes = b"program") -> bytes:
    return tar({"b/bossac!": content, "b/lib/x": b"x" * 50})


@pytest.fixture
def store(tmp_path):
    return ToolStore(tmp_path / "tools")


def test_a_tool_is_installed_found_and_removed(store):
    assert store.list() == []
    packed = archive()  # with the time in it
    put = store.put(BOSSAC, packed, now=5.0)
    assert (put.folder / "bossac").read_bytes() == b"program"
    assert put.archive == hashlib.sha256(packed).hexdigest()
    assert (put.size, put.installed_at) == (57, 5.0)
    assert store.list() == [put]
    assert store.get(BOSSAC) == put
    assert store.find("bossac") == store.find("bossac-1.9.1-arduino1") == put
    assert store.find("bossa") is None
    assert store.is_whole(put)
    assert store.remove(BOSSAC)
    assert not store.remove(BOSSAC)
    assert store.list() == []
    assert not put.folder.exists()
    assert {path.name for path in store.folder.iterdir()} <= {".lock", ".drafts"}


@pytest.mark.system("linux", "darwin")
def test_a_program_can_be_started(store):
    put = store.put(BOSSAC, tar({"b/bossac!": b'#!/bin/sh\necho "$1"\n'}), now=1.0)
    told = subprocess.run(
        [put.folder / "bossac", "a b"], capture_output=True, check=True, text=True
    )
    assert told.stdout == "a b\n"


def test_versions_live_side_by_side_and_a_plain_name_means_the_last_one_installed(store):
    store.put(BOSSAC, archive(), now=1.0)
    old = ToolId("arduino", "bossac", "1.7.0")
    store.put(old, archive(b"old"), now=2.0)
    found = store.find("bossac")
    assert found is not None
    assert found.id == old
    assert [tool.id.version for tool in store.list()] == ["1.7.0", "1.9.1-arduino1"]


def test_a_plain_name_means_the_version_that_was_asked_for_last(store):
    new = store.put(BOSSAC, archive(), now=1.0)
    old = store.put(ToolId("arduino", "bossac", "1.7.0"), archive(b"old"), now=2.0)
    for tool in (new, old, new):
        store.prefer(tool, now=1.5)  # also where the clock went back
        found = store.find("bossac")
        assert found is not None
        assert found.id == tool.id
        assert found.installed_at == tool.installed_at
        assert store.folder_of("bossac") == tool.folder
    store.remove(old.id)
    store.prefer(old, now=9.0)
    assert [tool.id for tool in store.list()] == [new.id]


def test_a_new_content_takes_the_place_of_the_old_one(store):
    first = store.put(BOSSAC, archive(b"one"), now=1.0)
    second = store.put(BOSSAC, archive(b"two"), now=2.0)
    assert store.list() == [second]
    assert (second.folder / "bossac").read_bytes() == b"two"
    assert not first.folder.exists()


@pytest.mark.parametrize("bad", [b"nothing", archive()[:-30], zipped({"b/../../x": b"evil"})])
def test_what_was_installed_stays_when_its_replacement_is_refused(store, bad):
    good = store.put(BOSSAC, archive(), now=1.0)
    with pytest.raises(ToolRefused):
        store.put(BOSSAC, bad, now=2.0)
    assert store.list() == [good]
    assert store.is_whole(good)
    assert not list((store.folder / ".drafts").iterdir())


@pytest.mark.parametrize("name", ["bossac", "lib/x"])
def test_a_file_that_was_changed_or_deleted_is_noticed(store, name):
    put = store.put(BOSSAC, archive(), now=1.0)
    size = (put.folder / name).stat().st_size
    (put.folder / name).write_bytes(b"y" * size)
    assert not store.is_whole(put)
    assert store.folder_of("bossac") is None
    (put.folder / name).unlink()
    assert not store.is_whole(put)


def test_a_folder_that_no_good_record_names_is_not_installed_and_goes_at_the_next_change(store):
    put = store.put(BOSSAC, archive(), now=1.0)
    place = put.folder.parent
    half = place / "0123456789ab"
    shutil.copytree(put.folder, half)
    other = store.folder / "arduino" / "avrdude" / "6.3.0" / "abcdef"
    other.mkdir(parents=True)
    draft = store.folder / ".drafts" / "x"
    draft.mkdir(parents=True)
    assert store.list() == [put]
    store.put(ToolId("arduino", "dfu-util", "0.11.0"), archive(), now=2.0)
    assert not half.exists()
    assert not other.exists()
    assert not draft.exists()
    assert store.get(BOSSAC) == put


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{}",
        b"null",
        b'{"folder":"../..","archive":"","installed_at":0,"files":{}}',
        b'{"folder":".","archive":"","installed_at":0,"files":{}}',
        b'{"folder":"gone","archive":"","installed_at":0,"files":{}}',
    ],
)
def test_a_record_that_is_wrong_installs_nothing(store, record):
    put = store.put(BOSSAC, archive(), now=1.0)
    (put.folder.parent / RECORD).write_bytes(record)
    assert store.list() == []


def test_a_store_that_is_full_refuses_and_keeps_what_it_has(tmp_path):
    store = ToolStore(tmp_path, limit=100, tools_limit=2)
    first = store.put(BOSSAC, archive(), now=1.0)
    with pytest.raises(InputError, match="100 bytes"):
        store.put(ToolId("arduino", "dfu-util", "1"), archive(), now=1.0)
    assert store.list() == [first]
    store.put(BOSSAC, archive(b"as large"), now=1.0)
    few = ToolStore(tmp_path, tools_limit=1)
    with pytest.raises(InputError, match="1 tools"):
        few.put(ToolId("arduino", "dfu-util", "1"), archive(), now=1.0)
    small = ToolStore(tmp_path, limits=Limits(size=10))
    with pytest.raises(ToolRefused, match="10 bytes"):
        small.put(BOSSAC, archive(), now=1.0)


@pytest.mark.parametrize("bad", ["..", "a/b", ""])
def test_no_id_leads_out_of_the_store(store, bad):
    for tool in (ToolId(bad, "x", "1"), ToolId("x", bad, "1"), ToolId("x", "x", bad)):
        with pytest.raises(InputError):
            store.put(tool, archive(), now=1.0)
        with pytest.raises(InputError):
            store.remove(tool)
        with pytest.raises(InputError):
            store.get(tool)


def test_a_store_that_cannot_be_written_says_which(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ToolStoreFailed) as caught:
        ToolStore(tmp_path / "file").put(BOSSAC, archive(), now=1.0)
    assert str(tmp_path / "file") in caught.value.report().title


def files_below(folder: Path) -> list[str]:
    """Names of files, while somebody else deletes some."""
    return [name for _, _, names in os.walk(folder) for name in names]


CHILD = """
import sys
from pathlib import Path
from agent.flash.toolstore.store import ToolStore
from agent.flash.toolstore.tool import ToolId
data = Path(sys.argv[2]).read_bytes()
ToolStore(Path(sys.argv[1])).put(ToolId("arduino", "bossac", "1.9.1-arduino1"), data, now=2.0)
"""


@pytest.mark.system("linux", "darwin")
def test_a_process_that_is_killed_while_it_unpacks_leaves_the_old_tool_installed(store, tmp_path):
    good = store.put(BOSSAC, archive(), now=1.0)
    large = tmp_path / "large.zip"
    large.write_bytes(zipped({f"b/{n}": os.urandom(2000) for n in range(3000)}))
    words = [sys.executable, "-c", CHILD, str(store.folder), str(large)]
    with subprocess.Popen(words, cwd=ROOT) as child:
        end = time.monotonic() + KILL_LIMIT_S
        drafts = store.folder / ".drafts"
        while not files_below(drafts):
            assert time.monotonic() < end
            assert child.poll() is None
        child.kill()
        assert child.wait(KILL_LIMIT_S) != 0
    assert files_below(drafts)
    assert store.list() == [good]
    assert store.is_whole(good)
    newer = store.put(BOSSAC, archive(b"newer"), now=3.0)
    assert store.list() == [newer]
    assert not files_below(drafts)
