"""A simulated Blynk board whose access point comes and goes in a stand-in of NetworkManager.

``async with board_beside(bench, board) as network:`` - the computer is at home, and hears the board as
long as its access point is up. When that goes, the computer that was in it is disconnected.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tests.links.nm_bench import OPEN, WLAN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.blynk_board import BlynkBoard
    from tests.links.nm_bench import NmBench

WAIT_S = 30.0


class BoardNetwork:
    """What the computer's adapter hears of the board."""

    def __init__(self, bench: NmBench, board: BlynkBoard) -> None:
        self._counts = {True: 0, False: 0}
        self._bench = bench
        self._board = board
        self._last = False
        self._states: asyncio.Queue[bool] = asyncio.Queue()
        self._changed = asyncio.Condition()

    async def until(self, *, heard: bool, times: int = 1) -> None:
        """Until the access point has come, or gone, so often since the beginning."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: self._counts[heard] >= times)

    async def follow(self) -> None:
        """Let NetworkManager have what the board does."""
        self._board.on_time = self._note
        self._board.pass_time()
        while True:
            there = await self._states.get()
            if there:
                await self._bench.point(WLAN, "board", self._board.device.name, OPEN)
            else:
                await self._bench.vanish()
                await self._bench.board_gone()
            async with self._changed:
                self._counts[there] += 1
                self._changed.notify_all()

    def _note(self) -> None:
        """Each change, however soon the next one comes: boards are simulated faster than buses."""
        there = self._board.device.access_point
        if there != self._last:
            self._last = there
            self._states.put_nowait(there)


@contextlib.asynccontextmanager
async def board_beside(bench: NmBench, board: BlynkBoard) -> AsyncIterator[BoardNetwork]:
    """The computer is in its network, and the board near it."""
    await bench.home()
    await bench.board_gone()
    network = BoardNetwork(bench, board)
    following = asyncio.create_task(network.follow())
    try:
        await network.until(heard=True)
        yield network
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
