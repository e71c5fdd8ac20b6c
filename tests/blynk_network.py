"""A simulated Blynk board whose access point comes and goes in a stand-in of NetworkManager.

``async with board_beside(bench, board) as network:`` - the computer is at home, and hears the board as
long as its access point is up. When that goes, the computer that was in it is disconnected.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from agent.links.access_point_nm_objects import DEVICE, NOWHERE
from tests.links.nm_bench import OPEN, WLAN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.blynk_board import BlynkBoard
    from tests.links.nm_bench import NmBench

WAIT_S = 30.0


class BoardNetwork:
    """What the computer's adapter hears of the board."""

    def __init__(self, bench: NmBench, board: BlynkBoard) -> None:
        self.heard = False
        self._bench = bench
        self._board = board
        self._moved = asyncio.Event()
        self._changed = asyncio.Condition()

    async def until(self, *, heard: bool) -> None:
        """Until the access point is there, or gone."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: self.heard is heard)

    async def follow(self) -> None:
        """Let NetworkManager have what the board does."""
        self._board.on_time = self._moved.set
        self._board.pass_time()
        while True:
            await self._moved.wait()
            self._moved.clear()
            there = self._board.device.access_point
            if there == self.heard:
                continue
            if there:
                await self._bench.point(WLAN, "board", self._board.device.name, OPEN)
            else:
                await self._gone()
            async with self._changed:
                self.heard = there
                self._changed.notify_all()

    async def _gone(self) -> None:
        active = await self._bench.get(WLAN, DEVICE, "ActiveConnection")
        home = await self._bench.home_uuid()
        if active != NOWHERE and await self._bench.network() != home:
            await self._bench.disconnected()
        await self._bench.board_gone()


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
