"""The boards of a batch: which are there, which were used."""

from __future__ import annotations

from agent.jobs.batch_boards import BatchBoards
from agent.jobs.batch_records import Kept
from tests.jobs.batch_world import make_board


def test_boards_are_in_the_order_of_their_sockets_and_only_those_on_a_cable():
    boards = BatchBoards()
    assert not boards.seen
    boards.see([make_board(10), make_board(9), make_board(1, ports=[])], set())
    assert boards.seen
    assert list(boards.there) == ["board-9", "board-10"]


def test_what_was_used_is_not_free_until_it_is_released():
    boards = BatchBoards()
    boards.see([make_board(1), make_board(2)], set())
    boards.use(Kept(n=7, board="board-1"))
    assert [board.id for board in boards.free] == ["board-2"]
    boards.release("board-1")
    assert [board.id for board in boards.free] == ["board-1", "board-2"]


def test_a_socket_is_free_again_once_its_board_was_pulled_and_its_row_has_ended():
    boards = BatchBoards()
    board = make_board(1, serial=False)
    boards.see([board], set())
    boards.use(Kept(n=1, board=board.id, by_place=True))
    boards.see([], {board.id})
    boards.see([board], set())
    assert boards.free == []
    boards.see([], set())
    boards.see([board], set())
    assert boards.free == [board]


def test_the_same_hardware_is_known_again():
    boards = BatchBoards()
    boards.done(Kept(n=1, hardware_id="24a1"))
    boards.done(Kept(n=2))
    assert boards.done_as(Kept(n=3, hardware_id="24a1")) == 1
    assert boards.done_as(Kept(n=1, hardware_id="24a1")) is None
    assert boards.done_as(Kept(n=3)) is None


def test_a_board_rests_for_as_long_as_was_said():
    boards = BatchBoards()
    boards.rest("board-1", 11.0)
    assert boards.rests("board-1", 10.9)
    assert not boards.rests("board-1", 11.0)
    assert not boards.rests("board-2", 0.0)
