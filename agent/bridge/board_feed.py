"""What one peer is told of boards and of the radio that hears some of them.

Boards that come, go or change are told at once. The signal of a board in the air changes all the
time, and a full room would keep a page busy with drawing bars; so changes of nothing but signals are
gathered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from agent.boards.board import BoardChanges
from agent.bridge.outbox import Notification
from agent.errors import ErrorReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.boards.board import Board
    from agent.boards.pause import Pause
    from agent.bridge.peer import Peer
    from agent.bridge.services import Radio

SIGNAL_S: Final = 0.5
"""Between two messages with nothing but signals. The numbers are smoothed over two seconds
(agent.boards.ble_signal), so nobody sees more of them in shorter steps."""


class BluetoothState(msgspec.Struct, frozen=True, kw_only=True):
    """The Bluetooth of this computer; also the payload of ``bluetooth.changed``."""

    scanning: bool
    """Somebody looks into the air, so that this computer scans or tries to; false while paused."""
    problem: ErrorReport | None
    """Why it cannot although somebody looks; None: it can, or nobody looks."""


def state_of(radio: Radio, pause: Pause) -> BluetoothState:
    """The state of the radio as it travels."""
    problem = radio.problem
    return BluetoothState(
        # It takes the radio a moment to end its scan, and a job may still have it scan.
        scanning=radio.scanning and not pause.state.on,
        problem=None if problem is None else problem.report(),
    )


def follow_state(peer: Peer, radio: Radio, pause: Pause) -> Callable[[], None]:
    """Post ``bluetooth.changed`` to ``peer`` when the radio fails, works again or is let alone.

    A peer that is behind gets the last state only. Ends with the result.
    """
    paused = pause.state.on

    def tell() -> None:
        note = Notification("bluetooth.changed", state_of(radio, pause))
        peer.outbox.notify(note, key="bluetooth.changed")

    def look() -> None:
        nonlocal paused
        if pause.state.on is not paused:
            paused = pause.state.on
            tell()

    ends = (radio.on_problem(lambda _: tell()), pause.subscribe(look))

    def end() -> None:
        for each in ends:
            each()

    return end


class BoardFeed:
    """Posts ``boards.changed`` to one peer. To be used in one event loop."""

    def __init__(self, peer: Peer, boards: Iterable[Board], *, signal_s: float = SIGNAL_S) -> None:
        """``boards``: what the peer is told of in the answer that this follows."""
        self._peer = peer
        self._signal_s = signal_s
        self._known = {board.id: without_signal(board) for board in boards}
        self._waiting = BoardChanges()
        self._pause: asyncio.TimerHandle | None = None

    def take(self, changes: BoardChanges) -> None:
        """What happened to the list of boards."""
        news = self._note(changes)
        self._waiting = merge_changes(self._waiting, changes) if self._waiting else changes
        if news or self._pause is None:
            self._post()
        if not news and self._pause is None:
            self._begin_pause()

    def close(self) -> None:
        """Post nothing any more."""
        if self._pause is not None:
            self._pause.cancel()

    def _note(self, changes: BoardChanges) -> bool:
        """Whether there is more in ``changes`` than signals."""
        news = bool(changes.appeared or changes.vanished)
        for board in (*changes.appeared, *changes.changed):
            facts = without_signal(board)
            news |= self._known.get(board.id) != facts
            self._known[board.id] = facts
        for name in changes.vanished:
            self._known.pop(name, None)
        return news

    def _begin_pause(self) -> None:
        self._pause = asyncio.get_running_loop().call_later(self._signal_s, self._end_pause)

    def _end_pause(self) -> None:
        self._pause = None
        if self._waiting:
            self._post()
            self._begin_pause()

    def _post(self) -> None:
        changes, self._waiting = self._waiting, BoardChanges()
        self._peer.outbox.notify(
            Notification("boards.changed", changes), key="boards.changed", merge=merge_changes
        )


def without_signal(board: Board) -> Board:
    """``board`` without how strong it is heard, to see whether anything else has changed."""
    ports = [msgspec.structs.replace(port, rssi_dbm=None) for port in board.ports]
    return msgspec.structs.replace(board, ports=ports)


def merge_changes(older: BoardChanges, newer: BoardChanges) -> BoardChanges:
    """Two changes as one, for a peer that is behind: the last state of each board counts."""
    latest = {
        board.id: board
        for board in [*older.appeared, *older.changed, *newer.appeared, *newer.changed]
        if board.id not in newer.vanished
    }
    known = {board.id for board in older.changed} | set(older.vanished)
    known |= {board.id for board in newer.changed} - {board.id for board in older.appeared}
    return BoardChanges(
        appeared=[board for board in latest.values() if board.id not in known],
        changed=[board for board in latest.values() if board.id in known],
        # A board that came and went is named too: the peer may know it from a snapshot.
        vanished=[
            name for name in dict.fromkeys([*older.vanished, *newer.vanished]) if name not in latest
        ],
    )
