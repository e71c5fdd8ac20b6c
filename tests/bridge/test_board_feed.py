"""What a peer is told of boards: at once what matters, gathered what changes all the time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec

from agent.boards.board import Board, BoardChanges, BoardState, Port
from agent.bridge.board_feed import BoardFeed, merge_changes, without_signal
from agent.bridge.peer import Peer

LONG_S = 3600.0
"""A pause that never ends by itself in a test."""


def board(name: str, rssi_dbm: int | None = None, **fields: Any) -> Board:
    ports = [Port(kind="ble", address=f"ble://{name}", rssi_dbm=rssi_dbm)]
    return Board(id=name, name=name, model=None, fqbn=None, ports=ports, first_seen=0, **fields)


def changed(*boards: Board) -> BoardChanges:
    return BoardChanges(changed=list(boards))


class Page:
    """The far end of a feed."""

    def __init__(self, *boards: Board, signal_s: float = LONG_S) -> None:
        self.peer = Peer(origin=None, own=True)
        self.feed = BoardFeed(self.peer, boards, signal_s=signal_s)

    def read(self) -> list[BoardChanges]:
        """What has been posted since."""
        told = []
        while (message := self.peer.outbox.pop()) is not None:
            assert isinstance(message, str)
            told.append(msgspec.convert(json.loads(message)["params"], BoardChanges))
        return told


async def test_the_first_change_of_a_signal_is_told_at_once_and_the_next_ones_are_gathered():
    page = Page(board("a", -50), board("b", -50))
    page.feed.take(changed(board("a", -53)))
    assert page.read() == [changed(board("a", -53))]
    for rssi_dbm in range(-60, -90, -1):
        page.feed.take(changed(board("a", rssi_dbm)))
        page.feed.take(changed(board("b", rssi_dbm)))
    assert page.read() == []
    page.feed.close()


async def test_what_was_gathered_is_told_as_one_when_the_pause_is_over():
    page = Page(board("a", -50), board("b", -50), signal_s=0.01)
    posted = asyncio.Event()
    for rssi_dbm in (-53, -56, -59):
        page.feed.take(changed(board("a", rssi_dbm)))
    page.feed.take(changed(board("b", -40)))
    assert page.read() == [changed(board("a", -53))]
    page.peer.outbox.on_ready = posted.set
    await posted.wait()
    assert page.read() == [changed(board("a", -59), board("b", -40))]
    page.feed.close()


async def test_anything_but_a_signal_is_told_at_once_with_what_was_gathered_before():
    page = Page(board("a", -50), board("b", -50))
    page.feed.take(changed(board("a", -53)))
    page.feed.take(changed(board("a", -56)))
    page.read()
    busy = board("b", -50, state=BoardState.BUSY, holder="a job")
    page.feed.take(changed(busy))
    assert page.read() == [changed(board("a", -56), busy)]
    page.feed.take(BoardChanges(appeared=[board("c", -70)]))
    page.feed.take(BoardChanges(vanished=["a"]))
    assert page.read() == [
        BoardChanges(appeared=[board("c", -70)]),
        BoardChanges(vanished=["a"]),
    ]
    page.feed.close()


async def test_a_board_whose_signal_becomes_known_has_changed_its_signal_only():
    assert without_signal(board("a", -50)) == without_signal(board("a"))
    assert without_signal(board("a")) != without_signal(board("b"))


async def test_nothing_is_told_after_the_end():
    page = Page(board("a", -50), signal_s=0.01)
    page.feed.take(changed(board("a", -53)))
    page.feed.take(changed(board("a", -56)))
    page.read()
    page.feed.close()
    await asyncio.sleep(0.03)
    assert page.read() == []


def test_changes_of_boards_merge_into_the_last_state_of_each():
    a1, a2, b, c = board("a", -1), board("a", -2), board("b"), board("c")
    merged = merge_changes(
        BoardChanges(appeared=[a1, b], changed=[c], vanished=["d"]),
        BoardChanges(changed=[a2], vanished=["b", "c"], appeared=[board("d")]),
    )
    assert merged.appeared == [a2]
    assert merged.changed == [board("d")]
    assert merged.vanished == ["b", "c"]
