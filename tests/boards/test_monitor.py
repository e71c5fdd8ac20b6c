"""Monitors: who shares a board with whom, whoever it is that watches."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from agent.boards.monitor import Monitors, Watch
from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.errors import MooringError, Paused, PortBusy, PortGone, UnknownBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.catalog import Catalog
    from tests.boards.conftest import Ports, SimulatedPort

pytestmark = pytest.mark.system("linux", "darwin")

BOARD = "uno_r4_wifi-F412FA65"
LIMIT_S = 30.0
"""For what takes milliseconds, on a busy machine."""


class Eyes:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.data = b""
        self.ends: list[MooringError] = []
        self._told = asyncio.Event()

    def offer(self, data: bytes) -> None:
        self.data += data
        self._told.set()

    def end(self, error: MooringError) -> None:
        self.ends.append(error)
        self._told.set()

    async def until(self, data: bytes = b"", ends: int = 0) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not (self.data.endswith(data) and len(self.ends) >= ends):
                self._told.clear()
                await self._told.wait()


class Desk:
    """Boards, their monitors, and one board that is plugged in."""

    def __init__(self, boards: BoardService, port: SimulatedPort) -> None:
        self.boards = boards
        self.monitors = Monitors(boards)
        self.port = port

    async def watch(self, eyes: Eyes, party: str = "a", **kw: str | None) -> Watch:
        watch = await self.monitors.join(
            BOARD, 115200, eyes, party=party, label=f"page {party}", **kw
        )
        try:
            await watch.opened()
        except BaseException:
            await self.monitors.leave(watch)
            raise
        return watch

    def send(self, data: bytes) -> None:
        os.write(self.port.master, data)

    @property
    def holder(self) -> str | None:
        return self.boards.find(BOARD).holder


def read_until(master: int, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        got += os.read(master, 65536)
    return got


@pytest.fixture
async def desk(catalog: Catalog, ports: Ports) -> AsyncIterator[Desk]:
    port = ports.plug("kitchen", serial_number="F412FA65", location="sim-1")
    boards = BoardService(catalog, [SimulatedPorts(ports.folder)])
    await boards.start()
    desk = Desk(boards, port)
    yield desk
    await desk.monitors.stop(LIMIT_S)
    await boards.close()


async def test_watchers_of_one_party_share_the_link_until_the_last_one_leaves(desk: Desk) -> None:
    one, two = Eyes(), Eyes()
    first = await desk.watch(one)
    second = await desk.watch(two)
    assert first.monitor is second.monitor
    assert desk.holder == "the serial monitor of page a"
    desk.send(b"hello")
    await one.until(b"hello")
    await two.until(b"hello")
    await desk.monitors.leave(first)
    desk.send(b" again")
    await two.until(b"hello again")
    assert one.data == b"hello"
    await desk.monitors.leave(second)
    assert desk.holder is None
    assert one.ends == two.ends == []


async def test_another_party_and_another_rate_are_told_who_watches(desk: Desk) -> None:
    await desk.watch(Eyes())
    with pytest.raises(PortBusy, match="page a"):
        await desk.watch(Eyes(), party="b")
    with pytest.raises(PortBusy, match="115200 baud"):
        await desk.monitors.join(BOARD, 9600, Eyes(), party="a", label="page a")
    with pytest.raises(UnknownBoard):
        await desk.monitors.join("nothing", 9600, Eyes(), party="a", label="page a")


async def test_the_port_that_is_wanted_is_the_one_that_is_opened(desk: Desk) -> None:
    watch = await desk.watch(Eyes(), address=desk.port.address)
    with pytest.raises(PortBusy, match="page a"):
        await desk.watch(Eyes(), address="/dev/of-the-same-board")
    assert watch.monitor.watches == [watch]
    await desk.monitors.leave(watch)
    with pytest.raises(PortGone):
        await desk.watch(Eyes(), address="/dev/of-the-same-board")
    assert desk.holder is None


async def test_what_is_written_is_known_to_have_left_or_not(desk: Desk) -> None:
    eyes = Eyes()
    watch = await desk.watch(eyes)
    written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    watch.write(b"to the board", written)
    await written
    assert os.read(desk.port.master, 100) == b"to the board"
    assert watch.queued == 0
    lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    watch.write(bytes(1 << 20), lost)
    desk.port.unplug()
    with pytest.raises(PortGone):
        await lost
    await eyes.until(ends=1)
    assert watch.ended


async def test_what_is_urgent_goes_before_what_waits_and_nothing_else_changes_its_place(
    desk: Desk,
) -> None:
    watch, other = await desk.watch(Eyes()), await desk.watch(Eyes())
    long = bytes(64 << 10)
    watch.write(long)
    begun = await asyncio.to_thread(os.read, desk.port.master, 1)
    small = [b"%d," % number for number in range(2000)]
    for each in small:
        watch.write(each)
    assert watch.texts < 10
    middle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    watch.write(b"of ", middle)
    watch.write(b"all")
    other.write(b"other's")
    other.write(b"STOP", first=True)
    other.write(b"!", first=True)
    written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    watch.write(b"end", written)
    got = begun + await asyncio.to_thread(read_until, desk.port.master, b"end")
    await asyncio.gather(middle, written)
    head, _, tail = got.partition(b"STOP!")
    assert len(head) < len(long)
    assert head + tail == long + b"".join(small) + b"of allother'send"
    assert (watch.queued, watch.texts, other.queued, other.texts) == (0, 0, 0, 0)


async def test_a_board_that_goes_ends_every_watcher_once_and_can_be_watched_again(
    desk: Desk,
) -> None:
    one, two = Eyes(), Eyes()
    watches = [await desk.watch(one), await desk.watch(two)]
    desk.port.unplug()
    for eyes in (one, two):
        await eyes.until(ends=1)
        assert isinstance(eyes.ends[0], PortGone)
    for watch in watches:
        await desk.monitors.leave(watch)
    desk.port.plug()
    async with asyncio.timeout(LIMIT_S):
        while True:
            with contextlib.suppress(MooringError):
                await desk.watch(three := Eyes(), party="b")
                break
            await asyncio.sleep(0.01)
    desk.send(b"back")
    await three.until(b"back")
    assert len(one.ends) == 1


async def test_a_pause_ends_the_watchers_with_its_reason(desk: Desk) -> None:
    eyes = Eyes()
    await desk.watch(eyes)
    await desk.boards.pause.begin()
    await eyes.until(ends=1)
    assert isinstance(eyes.ends[0], Paused)
    with pytest.raises(Paused):
        await desk.watch(Eyes())
    desk.boards.pause.end()
    await desk.watch(Eyes())
