"""A port towards its page, without a board: what is held back, lost, told, and in which order."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from agent.compat.buffers import KEEP_BYTES, Kind
from agent.compat.open_port import WINDOW, OpenPort
from agent.compat.page import Page
from agent.errors import PortGone

if TYPE_CHECKING:
    from agent.boards.monitor import Watch

PORT = "/dev/ttyACM0"
LIMIT_S = 30.0


class Wire:
    """The way to one page, which takes what the test lets it take."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.queued = 0
        self.stuck = False
        self.news = asyncio.Event()

    def emit(self, _sid: str, text: str) -> None:
        self.told.append(json.loads(text))
        self.queued += len(text) if self.stuck else 0
        self.news.set()

    def waiting(self, _sid: str) -> int:
        return self.queued

    def close(self, _sid: str) -> None:
        raise AssertionError

    def let_go(self) -> None:
        self.stuck, self.queued = False, 0

    @property
    def data(self) -> str:
        return "".join(each["D"] for each in self.told if "D" in each)

    async def until(self, data: str) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not self.data.endswith(data):
                self.news.clear()
                await self.news.wait()


class Desk:
    """One port of one page."""

    def __init__(self, kind: Kind = Kind.TIMED) -> None:
        self.wire = Wire()
        self.ends: list[str] = []
        page = Page("sid", "https://app.example.com", lambda _scope: True, self.wire)
        self.port = OpenPort(page, PORT, 9600, kind, lambda _port, why: self.ends.append(why))
        monitor = SimpleNamespace(watches=[])
        watch = cast("Watch", SimpleNamespace(queued=0, ended=False, monitor=monitor))
        self.port.watch = watch
        self.watches = monitor.watches
        self.watches.append(watch)


async def test_nothing_is_said_before_the_page_knows_that_the_port_is_open() -> None:
    desk = Desk()
    desk.port.offer(b"early")
    assert desk.wire.told == []
    desk.port.begin()
    assert desk.wire.told == [{"P": PORT, "D": "early"}]


async def test_an_end_before_that_is_told_after_it() -> None:
    desk = Desk()
    desk.port.offer(b"early")
    desk.port.end(PortGone(port=PORT))
    assert desk.wire.told == []
    assert desk.ends == []
    desk.port.begin()
    assert desk.wire.data == "early"
    assert len(desk.ends) == 1
    assert PORT in desk.ends[0]
    assert desk.watches == []


async def test_a_port_that_never_opened_tells_nothing() -> None:
    desk = Desk()
    desk.port.offer(b"of a board that is another page's")
    await desk.port.finish()
    assert desk.wire.told == []


async def test_after_the_first_value_the_next_ones_come_together() -> None:
    desk = Desk()
    desk.port.begin()
    for letter in b"abcdef":
        desk.port.offer(bytes((letter,)))
    assert [each["D"] for each in desk.wire.told] == ["a"]
    await desk.wire.until("abcdef")
    assert [each["D"] for each in desk.wire.told] == ["a", "bcdef"]


async def test_a_page_that_takes_nothing_is_told_little_and_what_it_lost() -> None:
    desk = Desk(Kind.DEFAULT)
    desk.port.begin()
    desk.wire.stuck = True
    for _ in range(3 * KEEP_BYTES // 1024):
        desk.port.offer(b"x" * 1024)
    assert desk.wire.queued < WINDOW + 2048
    desk.wire.let_go()
    desk.port.offer(b"end")
    await desk.wire.until("end")
    (error,) = [each["Error"] for each in desk.wire.told if "Error" in each]
    assert int(error.split()[0]) + len(desk.wire.data) == 3 * KEEP_BYTES + 3
    assert PORT in error


async def test_small_messages_never_make_so_many_that_the_page_is_disconnected() -> None:
    desk = Desk(Kind.DEFAULT)
    desk.port.begin()
    desk.wire.stuck = True
    for _ in range(5000):
        desk.port.offer(b".")
    assert len(desk.wire.told) < 2560
    desk.wire.let_go()
    desk.port.offer(b"end")
    await desk.wire.until("end")
    assert desk.wire.data == "." * 5000 + "end"


async def test_the_end_says_what_waits_and_the_rest_of_a_character() -> None:
    desk = Desk()
    desk.port.begin()
    for data in (b"a", b"b", "€".encode()[:2]):
        desk.port.offer(data)
    await desk.port.finish()
    assert desk.wire.data == "ab\ufffd"
    await desk.port.finish()
    assert desk.wire.data == "ab\ufffd"


async def test_the_end_for_a_stuck_page_counts_what_it_did_not_take() -> None:
    desk = Desk(Kind.DEFAULT)
    desk.port.begin()
    desk.wire.stuck = True
    desk.port.offer(b"x" * KEEP_BYTES)
    await desk.port.finish()
    lost = int(desk.wire.told[-1]["Error"].split()[0])
    assert lost + len(desk.wire.data) == KEEP_BYTES


async def test_a_restart_counts_as_open_for_a_while() -> None:
    desk = Desk()
    desk.port.watch = None
    desk.port.count_as_open(0.01)
    desk.port.begin()
    async with asyncio.timeout(LIMIT_S):
        while not desk.ends:
            await asyncio.sleep(0.005)
    assert desk.ends == ["The board was restarted."]
