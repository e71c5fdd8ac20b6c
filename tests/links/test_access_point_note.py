"""The way back on the disk."""

from __future__ import annotations

import stat

import pytest

from agent.errors import WifiJoining, WifiUnremembered
from agent.links.access_point_note import SIZE_LIMIT, WayNote
from agent.links.access_point_wifi import WayBack
from tests.links.access_point_world import WAY


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "way.json"


def test_what_was_written_is_read_again(path):
    WayNote(path).write(WAY)
    assert WayNote(path).read() == WAY


def test_a_name_of_32_bytes_that_are_no_text_survives(path):
    ssid = b"\xff\x00" + "🛥".encode() * 7 + b"ab"
    way = WayBack(system="s", adapter="wlan0", ssid_hex=ssid.hex(), ours="o", before=None)
    WayNote(path).write(way)
    read = WayNote(path).read()
    assert read is not None
    assert (read.ssid, len(ssid)) == (ssid, 32)
    assert read.before is None


@pytest.mark.system("linux", "darwin")
def test_only_the_user_may_read_it(path):
    WayNote(path).write(WAY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_there_is_nothing_before_and_after(path):
    note = WayNote(path)
    assert note.read() is None
    note.write(WAY)
    note.forget()
    note.forget()
    assert note.read() is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"system": 1}', b"\xff\xfe", b"[" * SIZE_LIMIT], ids=repr
)
def test_a_damaged_file_is_said_and_left(path, data, caplog):
    path.parent.mkdir()
    path.write_bytes(data)
    assert WayNote(path).read() is None
    assert "cannot be read" in caplog.text
    assert path.read_bytes() == data


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WifiUnremembered) as caught:
        WayNote(tmp_path / "file" / "way.json").write(WAY)
    assert "way.json" in caught.value.report().meaning


def test_one_holds_it_at_a_time(path):
    with WayNote(path).held(), pytest.raises(WifiJoining), WayNote(path).held():
        raise AssertionError
    with WayNote(path).held():
        pass
