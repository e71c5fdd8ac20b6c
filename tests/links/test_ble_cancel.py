"""A connection that is given up leaves nothing, at whatever point that happens.

The points are found, not chosen: each time any task waits between the beginning and the end of an
opening, our own as well as those of the Bluetooth library, is one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.links.ble import PROVISIONING, open_ble
from agent.links.ble_connect import Patience
from agent.links.ble_radio import BleRadio
from tests.links.air import ADDRESS, ScriptedBoard, ScriptedLink, air, services

if TYPE_CHECKING:
    from agent.simulator.ble_bluez import BluezStandIn

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=3, attempt_s=2.0, find_s=2.0, pause_s=0.001)
OURS = (
    "open_ble",
    "_begin",
    "within",
    "_attempt",
    "connect",
    "disconnect",
    "unpair",
    "_disconnect",
    "wait",
)
"""Coroutines that run in tasks of their own while a link is made or ended."""


class Counted(Coroutine[Any, Any, Any]):
    """A coroutine, and who is told each time it waits."""

    def __init__(self, inner: Coroutine[Any, Any, Any], waits: Callable[[], None]) -> None:
        self._inner = inner
        self._waits = waits

    def send(self, value: Any) -> Any:
        waited_for = self._inner.send(value)
        self._waits()
        return waited_for

    def throw(self, *error: Any) -> Any:
        waited_for = self._inner.throw(*error)
        self._waits()
        return waited_for

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Any:
        return self._inner.__await__()


class Knife:
    """Cancels the task that is given, once the tasks of an opening have waited ``at`` times."""

    def __init__(self, at: int, again_after: int) -> None:
        self.count = 0
        self.victim: asyncio.Task[Any] | None = None
        self._points = {at, at + again_after}

    def __call__(self) -> None:
        self.count += 1
        if self.victim is not None and self.count in self._points:
            self.victim.cancel()

    def make_task(self, loop: Any, work: Any, **options: Any) -> asyncio.Task[Any]:
        """For :meth:`asyncio.AbstractEventLoop.set_task_factory`."""
        if getattr(work, "__name__", "") in OURS:
            work = Counted(work, self)
        return asyncio.Task(work, loop=loop, **options)


async def cut(radio: BleRadio, at: int, again_after: int = 0) -> bool:
    """Open, and cancel at one point; whether that point was there at all."""
    loop = asyncio.get_running_loop()
    knife = Knife(at, again_after)
    loop.set_task_factory(knife.make_task)
    try:
        opening = knife.victim = asyncio.create_task(open_ble(radio, ADDRESS, patience=SOON))
        await asyncio.wait({opening})
    finally:
        loop.set_task_factory(None)
    if not opening.cancelled() and opening.exception() is None:
        await opening.result().close()
    return knife.count >= at


async def settled(board: ScriptedBoard, radio: BleRadio, bluez: BluezStandIn) -> None:
    """Nothing is under way any more, and nothing is held: else the time limit of the test ends it."""
    await radio.wait_idle()
    assert radio.connected == frozenset()
    while board.link is not None or bluez.adapter.discovering:
        await asyncio.sleep(0.001)


async def works(board: ScriptedBoard, radio: BleRadio) -> None:
    link = await open_ble(radio, ADDRESS, patience=SOON)
    board.say(b"list")
    assert await link.receive() == b"list"
    await link.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def cut_everywhere(
    board: ScriptedBoard,
    prepare: Callable[[], None] = lambda: None,
    *,
    again_after: int = 0,
) -> int:
    """Cancel at each point in turn; how many there were."""
    async with air(board) as bluez:
        descriptors = tasks = at = 0
        there = True
        while there:
            radio = BleRadio([PROVISIONING.service])
            prepare()
            there = await cut(radio, at, again_after)
            await settled(board, radio, bluez)
            board.services = services()
            await works(board, radio)
            await settled(board, radio, bluez)
            await radio.close()
            if not at:  # what the library keeps for the next time is there now
                descriptors, tasks = open_descriptors(), len(asyncio.all_tasks())
            at += 1
        while open_descriptors() > descriptors or len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0.01)  # the far end hears a little later that we have left
    assert board.link is None
    return at - 1


async def test_an_opening_can_be_cancelled_at_each_of_its_points():
    assert await cut_everywhere(ScriptedBoard()) >= 7


@pytest.mark.parametrize("again_after", [1, 2, 3])
async def test_and_once_more_while_it_tidies_up(again_after):
    assert await cut_everywhere(ScriptedBoard(), again_after=again_after) >= 7


async def test_also_while_attempts_fail_and_the_board_is_forgotten():
    board = ScriptedBoard()

    def prepare() -> None:
        board.services = services(from_board="0000ffe1-0000-1000-8000-00805f9b3400")

    assert await cut_everywhere(board, prepare) >= 15


async def test_a_new_link_waits_until_one_that_was_given_up_has_ended():
    """What is still asked for the old one would end the new one."""
    board = ScriptedBoard()
    order: list[str] = []
    connect, may_end = board.connect, asyncio.Event()

    async def slow_to_end(on_lost: Callable[[], None]) -> ScriptedLink:
        order.append("begins")
        link = await connect(on_lost)
        close = link.close

        async def ends() -> None:
            await may_end.wait()
            order.append("ends")
            await close()

        link.close = ends  # type: ignore[method-assign]  # of this link alone
        return link

    board.connect = slow_to_end  # type: ignore[method-assign]  # as above
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        bluez.faults.hang("StartNotify")
        opening = asyncio.create_task(open_ble(radio, ADDRESS, patience=SOON))
        for method in ("StartNotify", "Disconnect"):
            while method not in bluez.calls:
                await asyncio.sleep(0.001)
            opening.cancel()
        await asyncio.wait({opening})
        again = asyncio.create_task(works(board, radio))
        await asyncio.sleep(0.05)  # enough to do it wrong
        may_end.set()
        await again
        await radio.close()
    assert opening.cancelled()
    assert order == ["begins", "ends", "begins", "ends"]
