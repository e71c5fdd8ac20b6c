import os

import pytest

from agent.boards import known as module
from agent.boards.known import KnownBoard, KnownBoards

KITCHEN = KnownBoard(id="uno_r4_wifi-F412FA65", uhwid="a1" * 32, name="kitchen", seen=1.0)


def test_what_is_put_is_there_after_a_restart(tmp_path):
    file = tmp_path / "new" / "boards.json"
    KnownBoards(file).put(KITCHEN)

    again = KnownBoards(file)
    again.load()

    assert again.boards == [KITCHEN]


def test_a_later_entry_takes_the_place_of_the_earlier_one(tmp_path):
    known = KnownBoards(tmp_path / "boards.json")
    known.put(KITCHEN)
    renamed = KnownBoard(id=KITCHEN.id, name="bath", seen=2.0)
    known.put(renamed)
    assert known.boards == [renamed]


def test_without_a_file_it_starts_empty_and_keeps_things_in_memory(tmp_path):
    known = KnownBoards(tmp_path / "boards.json")
    known.load()
    assert known.boards == []
    memory = KnownBoards()
    memory.load()
    memory.put(KITCHEN)
    assert memory.boards == [KITCHEN]
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_set_aside(tmp_path):
    file = tmp_path / "boards.json"
    for damage in (b"{", b"\xff\xfe", b'{"format": 9, "boards": []}', b'{"boards": [{"id": 5}]}'):
        file.write_bytes(damage)
        known = KnownBoards(file)
        known.load()
        assert known.boards == []
        assert (tmp_path / "boards.damaged").read_bytes() == damage
        known.put(KITCHEN)
        assert file.exists()


def test_a_huge_file_is_not_read(tmp_path):
    file = tmp_path / "boards.json"
    file.write_bytes(b" " * (module.FILE_LIMIT_BYTES + 1))
    known = KnownBoards(file)
    known.load()
    assert known.boards == []


def test_the_board_not_seen_for_longest_is_forgotten_first(tmp_path):
    known = KnownBoards(tmp_path / "boards.json")
    known._boards = {f"b{n}": KnownBoard(id=f"b{n}", seen=n) for n in range(module.KNOWN_LIMIT)}
    known.put(KITCHEN)
    assert len(known.boards) == module.KNOWN_LIMIT
    assert known.boards[0].id == "b1"
    assert known.boards[-1] == KITCHEN


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.touch()
    known = KnownBoards(blocked / "boards.json")
    known.put(KITCHEN)
    assert known.boards == [KITCHEN]
    assert "cannot be written" in caplog.text


def test_no_temporary_file_is_left(tmp_path):
    KnownBoards(tmp_path / "boards.json").put(KITCHEN)
    assert os.listdir(tmp_path) == ["boards.json"]  # noqa: PTH208 - names are what is compared


@pytest.mark.system("linux", "darwin")
def test_a_damaged_file_that_cannot_be_set_aside_is_no_obstacle(tmp_path):
    file = tmp_path / "boards.json"
    file.write_text("{")
    # As on a read-only disk: nothing can take its place beside it.
    (tmp_path / "boards.damaged" / "held").mkdir(parents=True)
    known = KnownBoards(file)
    known.load()
    assert known.boards == []
    assert file.read_text() == "{"
