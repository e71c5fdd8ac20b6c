"""Two hundred links that fall, each at another moment: nothing stays behind, and the next works."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from agent.errors import MooringError
from agent.links.ble import PROVISIONING, open_ble
from agent.links.ble_connect import Patience
from agent.links.ble_radio import BleRadio
from agent.simulator.ble_air import LinkFailedError
from tests.links.air import ADDRESS, ScriptedBoard, ScriptedLink, air

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=3, attempt_s=2.0, find_s=2.0, pause_s=0.001, write_s=2.0)
ROUNDS: Final = 200
MOMENTS: Final = [
    "connect",
    "discovery",
    "subscription",
    "subscribed",
    "indication",
    "write",
    "written",
    "disconnect",
    "none",
]


class FickleBoard(ScriptedBoard):
    """Drops its link at the moment that is set, or some turns of the event loop later."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = "none"
        self.turns = 0
        self.falls = 0

    def now(self, moment: str) -> bool:
        if moment != self.moment:
            return False
        self.moment = "none"
        return True

    def fall(self) -> None:
        if self.link is not None:
            self.falls += 1
            self.drop()

    def fall_soon(self) -> None:
        later(self.turns, self.fall)

    async def connect(self, on_lost: Callable[[], None]) -> ScriptedLink:
        if self.now("connect"):
            raise LinkFailedError
        link = FickleLink(self, on_lost)
        self.link = link
        if self.now("discovery"):
            self.fall_soon()
        return link


class FickleLink(ScriptedLink):
    def __init__(self, board: FickleBoard, on_lost: Callable[[], None]) -> None:
        super().__init__(board, on_lost)
        self._fickle = board

    async def subscribe(self, handle: int, on_value: Callable[[bytes], None]) -> None:
        if self._fickle.now("subscription"):
            self._fickle.fall()
            raise LinkFailedError
        await super().subscribe(handle, on_value)
        if self._fickle.now("subscribed"):
            self._fickle.fall_soon()

    async def write(self, handle: int, data: bytes, *, response: bool) -> None:
        if self._fickle.now("write"):
            self._fickle.fall()
            raise LinkFailedError
        await super().write(handle, data, response=response)
        if self._fickle.now("written"):
            self._fickle.fall_soon()


def later(turns: int, work: Callable[[], None]) -> None:
    if turns:
        asyncio.get_running_loop().call_soon(later, turns - 1, work)
    else:
        work()


async def one_round(radio: BleRadio, board: FickleBoard) -> None:
    link = await open_ble(radio, ADDRESS, patience=SOON)
    try:
        if board.now("indication"):
            later(board.turns, board.fall)
        if board.link is not None and board.link.on_value is not None:
            board.say(b"list")
            await link.receive()
        await link.write(bytes(40))
    finally:
        if board.now("disconnect"):
            later(board.turns, board.fall)
        await link.close()


def open_descriptors() -> int:
    assert sys.platform == "linux"
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("seed", [1, 2])
async def test_200_links_that_fall_at_any_moment_leave_no_descriptor_and_no_task(seed):
    dice = random.Random(seed)
    board = FickleBoard()
    async with air(board):
        radio = BleRadio([PROVISIONING.service])
        await one_round(radio, board)
        await radio.wait_idle()
        descriptors, tasks = open_descriptors(), len(asyncio.all_tasks())
        for _ in range(ROUNDS):
            board.moment = dice.choice(MOMENTS)
            board.turns = dice.randrange(40)
            with contextlib.suppress(MooringError):
                await one_round(radio, board)
            board.moment = "none"
            board.fall()
            assert radio.connected == frozenset()
        await one_round(radio, board)
        await radio.close()
        while open_descriptors() > descriptors or len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0.01)  # the far end hears a little later that we have left
    assert board.link is None
    assert board.falls > ROUNDS / 4
