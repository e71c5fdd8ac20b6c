"""The machines on real wires: what time does, and what a wire that goes away means."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import websockets.asyncio.client as websockets

from agent.protocols.engineio import Limits, Reason
from agent.protocols.socketio import Connected, Disconnected, Event
from tests.protocols.socketio.route import LIMIT_S, Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POLLING = "/socket.io/?EIO=3&transport=polling"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False) as client:
        yield client


def websocket(endpoint: Endpoint, sid: str = "") -> Any:
    address = endpoint.url.replace("http", "ws") + POLLING.replace("polling", "websocket")
    return websockets.connect(address + f"&sid={sid}" * bool(sid), proxy=None)


async def begin(endpoint: Endpoint, http: httpx.AsyncClient) -> str:
    """A session over HTTP; the address of its next polls."""
    answer = await http.get(endpoint.url + POLLING)
    opened: dict[str, Any] = json.loads(answer.text.partition(":")[2][1:])
    return f"{endpoint.url}{POLLING}&sid={opened['sid']}"


async def test_a_poll_is_ended_before_a_proxy_would_end_it(http: httpx.AsyncClient) -> None:
    async with Endpoint(Limits(hold_s=0.05), hello=0) as endpoint:
        path = await begin(endpoint, http)
        assert (await http.get(path)).text == "2:40"
        assert (await http.get(path)).text == "1:6"


async def test_whoever_gives_no_sign_of_life_is_let_go(http: httpx.AsyncClient) -> None:
    limits = Limits(ping_interval_s=0.05, ping_timeout_s=0.05)
    async with Endpoint(limits) as endpoint:
        await begin(endpoint, http)
        assert await endpoint.next(Disconnected) == Disconnected("sid0", Reason.SILENT)
        async with websocket(endpoint) as silent:
            assert await endpoint.next(Disconnected) == Disconnected("sid1", Reason.SILENT)
            async with asyncio.timeout(LIMIT_S):
                await silent.wait_closed()
        assert endpoint.server.next_deadline is None


async def test_a_websocket_that_never_takes_over_is_hung_up_and_polls_go_on(
    http: httpx.AsyncClient,
) -> None:
    async with Endpoint(Limits(upgrade_s=0.05), hello=0) as endpoint:
        path = await begin(endpoint, http)
        async with websocket(endpoint, "sid0") as idle:
            async with asyncio.timeout(LIMIT_S):
                await idle.wait_closed()
        await http.post(path, content=b'20:42["command","list"]')
        assert (await endpoint.next(Event)).arguments == ("list",)


async def test_a_websocket_that_goes_while_it_is_tried_leaves_the_polls(
    http: httpx.AsyncClient,
) -> None:
    async with Endpoint(hello=0) as endpoint:
        path = await begin(endpoint, http)
        for _ in range(3):
            async with websocket(endpoint, "sid0") as tried:
                await tried.send("2probe")
                assert await tried.recv() == "3probe"
            async with asyncio.timeout(LIMIT_S):
                while endpoint.driver.wires:
                    await asyncio.sleep(0.001)
        endpoint.emit("sid0", "still here")
        assert "still here" in (await http.get(path)).text


async def test_two_polls_at_once_are_one_too_many_for_the_first(http: httpx.AsyncClient) -> None:
    async with Endpoint(hello=0) as endpoint:
        path = await begin(endpoint, http)
        await http.get(path)
        first = asyncio.ensure_future(http.get(path))
        async with asyncio.timeout(LIMIT_S):
            while not endpoint.driver.wires:
                await asyncio.sleep(0.001)
        second = asyncio.ensure_future(http.get(path))
        assert (await first).text == "1:6"
        endpoint.emit("sid0", "for the second")
        assert "for the second" in (await second).text


async def test_after_the_clock_is_stopped_wires_still_work(http: httpx.AsyncClient) -> None:
    async with Endpoint() as endpoint:
        endpoint.driver.stop()
        async with websocket(endpoint) as client:
            assert (await endpoint.next(Connected)).sid == "sid0"
            assert str(await client.recv())[0] == "0"


async def test_a_post_with_thousands_of_packets_leaves_turns_to_others(
    http: httpx.AsyncClient,
) -> None:
    heard: set[int] = set()

    async def another() -> None:
        while True:
            heard.add(endpoint.news.qsize())
            await asyncio.sleep(0)

    async with Endpoint(hello=0) as endpoint:
        path = await begin(endpoint, http)
        await endpoint.next(Connected)
        packets = [f'42["x",{number}]' for number in range(5000)]
        page = asyncio.create_task(another())
        sent = "".join(f"{len(packet)}:{packet}" for packet in packets)
        assert (await http.post(path, content=sent)).text == "ok"
        page.cancel()
        events = [await endpoint.next(Event) for _ in packets]
    assert [event.arguments for event in events] == [(number,) for number in range(5000)]
    between = Limits().packets_at_once
    assert {between, 2 * between, 5000 - between} <= heard
