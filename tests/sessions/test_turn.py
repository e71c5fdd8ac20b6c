"""A turn of a machine: bytes go both ways, and the time is told whatever the board does."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from agent.errors import PortGone
from agent.sessions.turn import take_turn

if TYPE_CHECKING:
    from collections.abc import Callable


class Counting:
    """A machine that notes what happens to it."""

    def __init__(self, next_deadline: float | None, *due: bytes) -> None:
        self.next_deadline = next_deadline
        self.heard: list[bytes] = []
        self.ticks: list[float] = []
        self._due = list(due)

    def take_writes(self) -> list[bytes]:
        due, self._due = self._due, []
        return due

    def receive(self, data: bytes, now: float) -> None:
        del now
        self.heard.append(data)

    def tick(self, now: float) -> None:
        self.ticks.append(now)


class Board:
    """A link at whose far end this is said, or nothing."""

    address = "board"

    def __init__(self, says: Callable[[], bytes] | None = None) -> None:
        self.written: list[bytes] = []
        self._says = says

    async def write(self, data: bytes) -> None:
        self.written.append(data)

    async def receive(self) -> bytes:
        if self._says is None:
            await asyncio.get_running_loop().create_future()
        assert self._says is not None
        return self._says()

    async def close(self) -> None:
        """Nothing is open."""


async def test_what_is_due_is_written_before_the_board_is_heard() -> None:
    board, machine = Board(lambda: b"ok"), Counting(math.inf, b"a", b"b")
    assert await take_turn(machine, board) == b"ok"
    assert (board.written, machine.heard) == ([b"a", b"b"], [b"ok"])


@pytest.mark.parametrize("says", [None, lambda: b"noise"], ids=["silence", "a flood"])
async def test_the_time_is_told_once_it_has_come(says: Callable[[], bytes] | None) -> None:
    deadline = asyncio.get_running_loop().time() + 0.01
    board, machine = Board(says), Counting(deadline)
    while not machine.ticks or machine.ticks[-1] < deadline:
        await take_turn(machine, board)
    assert bool(machine.heard) is (says is not None)


async def test_without_a_deadline_it_waits_for_the_board() -> None:
    assert await take_turn(Counting(None), Board(lambda: b"late")) == b"late"


async def test_a_board_that_goes_away_ends_the_turn() -> None:
    def gone() -> bytes:
        raise PortGone(port="board")

    machine = Counting(None)
    with pytest.raises(PortGone):
        await take_turn(machine, Board(gone))
    assert machine.ticks == []
