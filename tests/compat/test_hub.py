"""Commands of pages: which verb, in which order, and what one page can do to another (nothing)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compat import hub as hub_module
from agent.compat.hub import Hub
from agent.errors import Paused
from tests.compat.outlet import Outlet

if TYPE_CHECKING:
    from agent.compat.page import Page

LIMIT_S = 15.0


class Bench:
    """A hub with commands that say what they got, and pages."""

    def __init__(self, *, sends: bool = True) -> None:
        self.outlet = Outlet(sends=sends)
        self.hub = Hub(lambda: "the list", lambda: ["hello", "there"])
        self.gates: dict[str, asyncio.Event] = {}
        self.done: list[tuple[str, str]] = []
        self._more = asyncio.Event()
        for verb in ("list", "open", "send", "sendnobuf", "sendraw", "downloadtool"):
            self.hub.commands[verb] = self._command(verb)

    def page(self, sid: str, origin: str | None = None) -> Page:
        page = self.outlet.page(sid, origin)
        self.hub.enter(page)
        self.outlet.said[sid].clear()
        return page

    def hold(self, verb: str) -> asyncio.Event:
        """Let commands with this verb wait until the event is set."""
        return self.gates.setdefault(verb, asyncio.Event())

    def _command(self, verb: str):
        async def command(page: Page, rest: str) -> None:
            if verb in self.gates:
                await self.gates[verb].wait()
            self.done.append((page.sid, f"{verb}|{rest}"))
            self._more.set()

        return command

    async def until(self, count: int) -> list[tuple[str, str]]:
        async with asyncio.timeout(LIMIT_S):
            while len(self.done) < count:
                self._more.clear()
                await self._more.wait()
        return self.done


async def test_a_new_page_is_greeted_and_listed_until_it_is_gone():
    bench = Bench()
    page = bench.outlet.page("a")
    bench.hub.enter(page)
    assert bench.outlet.said["a"] == ["hello", "there"]
    assert bench.hub.pages == (page,)
    bench.hub.leave(page)
    bench.hub.leave(page)
    assert not bench.hub.pages
    assert not page.is_here


async def test_lists_go_to_all_and_words_to_the_pages_of_an_origin():
    bench = Bench()
    for sid, origin in (("a", "https://a"), ("b", "https://b"), ("c", None), ("d", "https://a")):
        bench.page(sid, origin)
    bench.hub.push_list()
    bench.hub.tell_origin("https://a", "yours")
    bench.hub.tell_origin(None, "program")
    assert bench.outlet.said == {
        "a": ["the list", "yours"],
        "b": ["the list"],
        "c": ["the list", "program"],
        "d": ["the list", "yours"],
    }


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("list", "list|"),
        ("LIST", "list|"),
        ("listing", "list|"),
        ("\nlist\n", "list|"),
        ("open COM3 9600 timed", "open|COM3 9600 timed"),
        ("Open /dev/ttyA 9600", "open|/dev/ttyA 9600"),
        ("send COM3 a  b\r\n", "send|COM3 a  b\r\n"),
        ("sendnobuf COM3 x", "sendnobuf|COM3 x"),
        ("sendraw COM3 AAE=", "sendraw|COM3 AAE="),
        ("sendr COM3 x", "send|COM3 x"),
        ("send", "send|"),
        ("send  two blanks", "send| two blanks"),
    ],
)
async def test_a_verb_is_how_the_text_begins_and_the_rest_stays_as_it_is(text, does):
    bench = Bench()
    page = bench.page("a")
    bench.hub.take(page, text)
    assert await bench.until(1) == [("a", does)]
    assert bench.outlet.said["a"] == [text]


@pytest.mark.parametrize("text", ["", "null", '{"Error": 5}', "opne COM3", " list", "é" * 10_000])
async def test_what_is_no_command_is_not_repeated(text):
    bench = Bench()
    page = bench.page("a")
    bench.hub.take(page, text)
    (said,) = bench.outlet.said["a"]
    assert json.loads(said) == {"Error": "Could not understand command."}
    assert not bench.done


@given(st.lists(st.text() | st.sampled_from(["list", "open", "send null", "null"]), max_size=5))
def test_whatever_a_page_says_nothing_that_breaks_a_page_comes_back(texts):
    async def run() -> list[str]:
        bench = Bench()
        page = bench.page("a")
        for text in texts:
            bench.hub.take(page, text)
        await bench.hub.stop()
        return bench.outlet.said["a"]

    for said in asyncio.run(run()):
        try:
            value = json.loads(said)
        except ValueError:
            continue
        assert isinstance(value, dict)
        assert isinstance(value["Error"], str)


async def test_commands_for_ports_keep_their_order_and_lists_do_not_wait_for_them():
    bench = Bench()
    page, other = bench.page("a"), bench.page("b")
    opened, fetched = bench.hold("open"), bench.hold("downloadtool")
    for text in ("open COM3 9600", "send COM3 1", "downloadtool x", "sendraw COM3 2", "list"):
        bench.hub.take(page, text)
    bench.hub.take(other, "send COM4 3")
    assert await bench.until(2) == [("a", "list|"), ("b", "send|COM4 3")]
    opened.set()
    assert (await bench.until(5))[2:] == [
        ("a", "open|COM3 9600"),
        ("a", "send|COM3 1"),
        ("a", "sendraw|COM3 2"),
    ]
    fetched.set()
    assert (await bench.until(6))[5] == ("a", "downloadtool|x")


async def test_a_command_that_fails_is_told_and_the_next_one_runs(caplog):
    bench = Bench()
    page = bench.page("a")

    async def paused(_page: Page, _rest: str) -> None:
        raise Paused

    async def broken(_page: Page, _rest: str) -> None:
        raise ZeroDivisionError

    bench.hub.commands.update({"open": paused, "send": broken})
    with caplog.at_level(logging.CRITICAL + 1, "agent.compat.hub"):
        for text in ("open COM3 9600", "send COM3 x", "sendraw COM3 AA=="):
            bench.hub.take(page, text)
        await bench.until(1)
    errors = [json.loads(text) for text in bench.outlet.said["a"] if text.startswith("{")]
    assert errors[0] == {"Error": Paused().report().title}
    assert "failed" in errors[1]["Error"]


async def test_commands_of_a_page_end_with_it():
    bench = Bench()
    page = bench.page("a")
    bench.hold("open")
    ended = asyncio.Event()

    async def waits(_page: Page, _rest: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    bench.hub.commands["open"] = waits
    bench.hub.take(page, "open COM3 9600")
    bench.hub.take(page, "send COM3 x")
    await asyncio.sleep(0)
    bench.hub.leave(page)
    async with asyncio.timeout(LIMIT_S):
        await ended.wait()
    bench.hub.take(page, "list")
    await bench.hub.stop()
    assert not bench.done


async def test_a_page_that_wants_too_much_is_disconnected_and_the_others_are_not():
    bench = Bench()
    page, other = bench.page("a"), bench.page("b")
    bench.hold("send")
    text = "send COM3 " + "x" * (1 << 20)
    for _ in range(hub_module.COMMAND_CHARS // len(text) + 1):
        assert bench.outlet.closed == []
        bench.hub.take(page, text)
    bench.hub.take(page, "list")
    assert bench.outlet.closed == ["a"]
    bench.hub.leave(page)
    bench.hub.take(other, "list")
    assert await bench.until(1) == [("b", "list|")]


async def test_a_page_has_only_so_many_lists_waiting():
    bench = Bench()
    page = bench.page("a")
    bench.hold("list")
    for _ in range(hub_module.OTHER_COMMANDS):
        bench.hub.take(page, "list")
    bench.hub.take(page, "send COM3 x")
    assert bench.outlet.closed == []
    bench.hub.take(page, "list")
    assert bench.outlet.closed == ["a"]
    bench.hub.leave(page)


async def test_echoes_are_left_out_for_a_page_that_is_behind():
    bench = Bench(sends=False)
    page = bench.page("a")
    for number in range(10_000):
        bench.hub.take(page, f"send COM3 {number}")
    assert await bench.until(10_000) == [("a", f"send|COM3 {n}") for n in range(10_000)]
    said = bench.outlet.said["a"]
    assert len(said) < 2560
    assert sum(map(len, said)) < hub_module.ECHO_CHARS + 100


async def test_all_ends_with_the_hub():
    bench = Bench()
    pages = [bench.page(str(number)) for number in range(3)]
    for page in pages:
        bench.hold("open")
        bench.hub.take(page, "open COM3 9600")
    async with asyncio.timeout(LIMIT_S):
        await bench.hub.stop()
    assert not any(page.is_here for page in pages)
    with contextlib.suppress(KeyError):
        bench.hub.take(pages[0], "list")
    assert not bench.done


async def test_a_command_that_does_not_end_holds_nobody_up():
    bench = Bench()
    page = bench.page("a")
    release, ended = asyncio.Event(), asyncio.Event()

    async def stubborn(_page: Page, _rest: str) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await release.wait()
        ended.set()

    bench.hub.commands["open"] = stubborn
    bench.hub.take(page, "open COM3 9600")
    await asyncio.sleep(0)
    async with asyncio.timeout(LIMIT_S):
        await bench.hub.stop()
        release.set()
        await ended.wait()
