"""The boards of a batch: which are there, which were used for a row, which rest. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.boards.identity import natural_key
from agent.jobs.batch_select import is_wired, socket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.boards.board import Board
    from agent.jobs.batch_records import Kept


class BatchBoards:
    """A board that was used for a row is not free for another one, whatever became of it."""

    def __init__(self) -> None:
        self.there: dict[str, Board] = {}
        """By their ids, in the order of their sockets."""
        self.seen = False
        """It is known which are there."""
        self.used: dict[str, int] = {}
        """Boards and the row that they were used for."""
        self._hardware: dict[str, int] = {}
        """Boards that were done, by what they say of themselves."""
        self._places: set[str] = set()
        """Boards among ``used`` that nothing but their socket tells."""
        self._resting: dict[str, float] = {}

    @property
    def free(self) -> list[Board]:
        """Those that are there and were used for nothing."""
        return [board for board in self.there.values() if board.id not in self.used]

    def see(self, boards: Iterable[Board], held: set[str]) -> None:
        """All that are there now; ``held``: ids of those that rows are under way on."""
        self.seen = True
        # In the order of their sockets, as a person plugs them in and counts them.
        wired = sorted(filter(is_wired, boards), key=lambda board: natural_key(socket(board)))
        self.there = {board.id: board for board in wired}
        for board in self._places - self.there.keys() - held:
            # What is plugged in there next is another board.
            self._places.discard(board)
            self.used.pop(board, None)

    def use(self, kept: Kept) -> None:
        """A row has its board now."""
        self.used[kept.board] = kept.n
        if kept.by_place:
            self._places.add(kept.board)

    def release(self, board: str) -> None:
        """It may be used for another row, or for its own one again."""
        self.used.pop(board, None)

    def done(self, kept: Kept) -> None:
        """A row was done on it."""
        self._hardware.setdefault(kept.hardware_id, kept.n)

    def done_as(self, kept: Kept) -> int | None:
        """The other row that was done on this very board, whatever cable or socket it had then."""
        n = self._hardware.get(kept.hardware_id) if kept.hardware_id else None
        return n if n != kept.n else None

    def rest(self, board: str, until: float) -> None:
        """Leave it alone for a while: somebody else has it."""
        self._resting[board] = until

    def rests(self, board: str, now: float) -> bool:
        """Whether it is to be left alone still."""
        return self._resting.get(board, 0.0) > now
