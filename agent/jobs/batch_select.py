"""Which row of a batch a board that was plugged in belongs to. Pure."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from agent.boards.board import BoardState
from agent.boards.identity import face_of, socket_of
from agent.jobs.batch_row import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.boards.board import Board
    from agent.jobs.batch_records import Kept
    from agent.jobs.batch_row import Row


def is_wired(board: Board) -> bool:
    """On a cable: a batch takes nothing out of the air."""
    return any(port.via == "usb" for port in board.ports)


def by_place(board: Board) -> bool:
    """Nothing but its socket tells the board: after it was pulled, another one may sit there."""
    return all(face_of(port).by_place for port in board.ports if port.via == "usb")


def socket(board: Board) -> str:
    """Where the cable is, for whoever stands before a row of them."""
    for port in board.ports:
        if port.via == "usb" and (place := socket_of(port.location)):
            return place
    return next((port.address for port in board.ports), "")


def is_free(board: Board, row: Row) -> bool:
    """Whether a job on the board can begin now."""
    if board.state is BoardState.BOOTLOADER:
        return row.kind == "flash"
    return board.state is BoardState.READY


class Waiting:
    """The rows that have no board yet; the lowest number goes first."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """``rows``: all of the batch; those that wait are put in with :meth:`add`."""
        self._named: dict[tuple[str, str], int] = {}
        """Boards that the manifest names, with their rows, whether these wait or not."""
        self._rows: dict[int, Row] = {}
        self._bound: dict[str, int] = {}
        self._known: dict[int, Kept] = {}
        """What is known of rows that wait for a board of their own."""
        self._next: dict[str, list[int]] = {}
        self._absent: list[int] = []
        """Rows that need no board."""
        for row in rows:
            if row.by != "next" and row.needs_board:
                self._named[row.by, folded(row.value)] = row.n

    def add(self, row: Row, known: Kept | None = None) -> None:
        """The row waits for a board; ``known``: for none but that of this earlier attempt.

        A row that needs no board waits for its turn only.
        """
        self._rows[row.n] = row
        if known is not None:
            self._known[row.n] = known
        if not row.needs_board:
            heapq.heappush(self._absent, row.n)
        elif known is not None:
            self._bound[known.board] = row.n
        elif row.by == "next":
            heapq.heappush(self._next.setdefault(folded(row.model), []), row.n)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, n: int) -> bool:
        return n in self._rows

    @property
    def absent(self) -> int:
        """How many rows wait that need no board."""
        return len(self._absent)

    def without_board(self) -> Row | None:
        """The row that is next among those that need no board."""
        return self._rows[self._absent[0]] if self._absent else None

    def named(self, board: Board) -> int | None:
        """The row that names this board, waiting or not."""
        if board.id in self._bound:
            return self._bound[board.id]
        return next((self._named[key] for key in _keys(board) if key in self._named), None)

    def find(self, board: Board) -> Row | None:
        """The row for the board; a board that the manifest names is for no other row."""
        n = self.named(board)
        if n is not None:
            row = self._rows.get(n)
            return row if row is not None and fits(row, board) else None
        queues = [self._next[key] for key in _kinds(board) if self._next.get(key)]
        return self._rows[min(queue[0] for queue in queues)] if queues else None

    def take(self, row: Row) -> Kept | None:
        """The row waits no more; what is known if it waited for a board of its own."""
        del self._rows[row.n]
        self._bound = {board: n for board, n in self._bound.items() if n != row.n}
        known = self._known.pop(row.n, None)
        queue: list[int] = []
        if not row.needs_board:
            queue = self._absent
        elif row.by == "next":
            queue = self._next.get(folded(row.model), queue)
        if not queue:
            return known
        if queue[0] == row.n:
            heapq.heappop(queue)
        elif row.n in queue:  # it waited for a board of its own
            queue.remove(row.n)
            heapq.heapify(queue)
        return known


def fits(row: Row, board: Board) -> bool:
    """Whether the board is of the model that the row names."""
    return folded(row.model) in {"", *_kinds(board)}


def _kinds(board: Board) -> Iterator[str]:
    """All that a row can call the kind of this board."""
    yield ANY
    if board.model is not None:
        yield folded(board.model)
    for candidate in board.candidates:
        yield folded(candidate)
    for port in board.ports:
        if port.vid is not None and port.pid is not None:
            yield f"{port.vid:04x}:{port.pid:04x}"


def _keys(board: Board) -> Iterator[tuple[str, str]]:
    yield "board", folded(board.id)
    if board.uhwid:
        yield "hardware_id", folded(board.uhwid)
    for port in board.ports:
        if port.via != "usb":
            continue
        if port.serial_number:
            yield "serial_number", folded(port.serial_number)
            # Chips with USB of their own show their hardware address as serial number.
            yield "hardware_id", folded(port.serial_number)
        yield "port", folded(port.address)
        if place := socket_of(port.location):
            yield "port", folded(place)


def folded(text: str) -> str:
    """As people mean it: without case, blanks around, or the colons of a hardware address."""
    plain = text.strip().casefold()
    without = plain.replace(":", "")
    is_address = len(without) in {12, 16} and len(plain) == len(without) * 3 // 2 - 1
    return without if is_address else plain
