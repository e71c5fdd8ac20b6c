"""A board is one device on the server for ever, whatever it and the device are called."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.boards.board import Board, Port
from agent.gateway.names import BOARDS_MAX, DEVICES_MAX, DeviceNames
from agent.protocols.thingsboard.names import name_problem

if TYPE_CHECKING:
    from pathlib import Path


def board(board_id: str = "uno-F412FA65", *, serial: str | None = "F412FA65", **more: Any) -> Board:
    port = Port(kind="serial", address="/dev/ttyACM0", serial_number=serial)
    fields: dict[str, Any] = {"name": "lamp", "model": "uno", "fqbn": None, "first_seen": 0.0}
    return Board(id=board_id, ports=[port], **fields | more)


def names(path: Path | None = None) -> DeviceNames:
    made = DeviceNames(path, make_mark=lambda: "a1b2c3")
    made.load()
    return made


def test_a_board_is_called_by_its_id():
    assert names().name_of(board()) == "uno-F412FA65"


def test_an_id_that_names_a_socket_gets_the_mark_of_this_agent():
    assert names().name_of(board("uno-1-2.3", serial=None)) == "uno-1-2.3@a1b2c3"


def test_another_name_here_makes_no_other_device(tmp_path):
    path = tmp_path / "names.json"
    first = names(path).name_of(board(name="lamp"))
    assert names(path).name_of(board(name="another lamp")) == first


def test_a_board_in_another_socket_is_the_same_once_its_hardware_id_is_known(tmp_path):
    table = names(tmp_path / "names.json")
    first = table.name_of(board("uno-1-2", serial=None))
    assert table.name_of(board("uno-1-2", serial=None, uhwid="ab" * 32)) == first
    assert table.name_of(board("uno-3-4", serial=None)) != first
    assert table.name_of(board("uno-3-4", serial=None, uhwid="ab" * 32)) == first
    again = names(tmp_path / "names.json")
    assert again.name_of(board("uno-3-4", serial=None, uhwid="ab" * 32)) == first
    assert again.known("uno-3-4") == first


def test_another_board_in_the_same_socket_is_another_device():
    table = names()
    first = table.name_of(board("uno-1-2", serial=None, uhwid="ab" * 32))
    second = table.name_of(board("uno-1-2", serial=None, uhwid="cd" * 32))
    assert second == f"{first}-2"
    assert table.name_of(board("uno-1-2", serial=None, uhwid="ab" * 32)) == first


def test_a_device_that_was_renamed_on_the_server_stays_this_board(tmp_path):
    table = names(tmp_path / "names.json")
    old = table.name_of(board())
    assert table.rename(old, "Lamp in the hall")
    assert table.name_of(board()) == "Lamp in the hall"
    assert names(tmp_path / "names.json").name_of(board()) == "Lamp in the hall"


@pytest.mark.parametrize("new", ["", " ", "a\x1bb", "x" * 256, "other", "uno-F412FA65"])
def test_only_a_name_that_a_device_can_have_is_taken(new):
    table = names()
    table.name_of(board("other"))
    table.name_of(board())
    assert not table.rename("uno-F412FA65", new)
    assert table.name_of(board()) == "uno-F412FA65"
    assert not table.rename("nobody", "fine")


def test_a_device_that_was_deleted_is_forgotten():
    table = names()
    table.name_of(board())
    assert table.forget("uno-F412FA65")
    assert not table.forget("uno-F412FA65")
    assert table.known("uno-F412FA65") is None


def test_what_was_told_is_kept_and_never_goes_back(tmp_path):
    path = tmp_path / "names.json"
    table = names(path)
    assert table.told == 0
    table.note_told(7.5)
    table.note_told(3.0)
    assert names(path).told == 7.5


def test_the_file_is_for_this_user_only(tmp_path):
    path = tmp_path / "names.json"
    names(path).name_of(board())
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"format":2}',
        b'{"devices":[{"name":1}]}',
        b" " * 2_000_001,
    ],
)
def test_a_damaged_file_is_set_aside(tmp_path, content):
    path = tmp_path / "names.json"
    path.write_bytes(content)
    assert names(path).name_of(board()) == "uno-F412FA65"
    assert path.with_suffix(".damaged").read_bytes() == content


def test_a_name_in_the_file_that_no_device_can_have_is_left_out(tmp_path):
    path = tmp_path / "names.json"
    devices = [{"name": "a\n", "boards": ["x"]}, {"name": "fine", "boards": ["y"]}]
    path.write_text(json.dumps({"format": 1, "devices": devices}))
    table = names(path)
    assert table.known("x") is None
    assert table.known("y") == "fine"


def test_a_disk_that_takes_nothing_does_not_stop_it(tmp_path):
    (tmp_path / "file").write_text("")
    table = names(tmp_path / "file" / "names.json")
    assert table.name_of(board()) == "uno-F412FA65"
    assert table.known("uno-F412FA65") == "uno-F412FA65"


def test_the_table_is_bounded():
    table = names()
    for number in range(DEVICES_MAX + 1):
        table.name_of(board(f"uno-{number:04}"))
    assert table.known("uno-0000") is None
    assert table.known("uno-0001") == "uno-0001"
    for number in range(BOARDS_MAX + 1):
        table.name_of(board(f"socket-{number}", serial=None, uhwid="ab" * 32))
    assert table.known("socket-0") is None
    assert table.known("socket-1") == table.known(f"socket-{BOARDS_MAX}") is not None


events = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from([None, "1" * 64, "2" * 64])),
    max_size=12,
)


@given(events)
def test_a_board_has_one_name_and_no_two_have_the_same(seen):
    table = names()
    given_to: dict[str, str] = {}
    for board_id, uhwid in seen:
        name = table.name_of(board(board_id, serial=None, uhwid=uhwid))
        assert name_problem(name) is None
        assert table.name_of(board(board_id, serial=None, uhwid=uhwid)) == name
        if uhwid is not None:
            assert given_to.setdefault(uhwid, name) == name
    assert len(set(given_to.values())) == len(given_to)
