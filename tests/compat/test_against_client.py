"""The client that pages have, socket.io-client 2.3.0 as it is, against the drop-in."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from agent.bridge.server import BridgeServer
from agent.settings import Secret
from agent.settings.config import BridgeConfig
from tests.bridge.running import TOKEN
from tests.compat.running import GREETING, LIMIT_S, Running
from tests.protocols.socketio.clients import open_pages

pytestmark = pytest.mark.needs("socketio")


@pytest.mark.parametrize("transports", [(), ("polling",), ("websocket",)], ids=lambda t: t or "all")
async def test_a_page_connects_and_commands_are_answered_in_order(
    running: Running, transports: tuple[str, ...]
) -> None:
    async with open_pages() as pages:
        pages.open("a", running, *transports)
        first = "websocket" if transports == ("websocket",) else "polling"
        assert await pages.see("a", "connect") == ("connect", first)
        # Some of these cross the change from one transport to the other.
        for _ in range(50):
            pages.say("a", "version")
        heard = await pages.messages("a", GREETING + 100)
        answer = '{"Version" : "1.7.1-rc1"} '
        assert heard[GREETING] == "version"
        assert Counter(heard[GREETING:]) == {"version": 50, answer: 50}
        if not transports:
            assert await pages.see("a", "upgrade", "upgradeError") == ("upgrade", "websocket")
        pages.say("a", "send nowhere 😀", ack=True)
        assert await pages.see("a", "ack") == ("ack", [])
        assert (await pages.messages("a", 1)) == ["send nowhere 😀"]


async def test_a_file_that_is_sent_line_by_line_over_polls_arrives(running: Running) -> None:
    heard: list[str] = []
    all_there = asyncio.Event()

    async def send(_page: object, rest: str) -> None:
        heard.append(rest)
        if len(heard) == 5000:
            all_there.set()

    running.hub.commands["send"] = send
    async with open_pages() as pages:
        pages.open("a", running, "polling")
        await pages.see("a", "connect")
        for number in range(5000):
            pages.say("a", f"send COM3 {number}")
        async with asyncio.timeout(LIMIT_S):
            await all_there.wait()
        assert heard == [f"COM3 {number}" for number in range(5000)]
        pages.say("a", "version")
        while (await pages.messages("a", 1)) != ['{"Version" : "1.7.1-rc1"} ']:
            pass


async def test_a_page_comes_back_to_an_agent_that_was_started_again(running: Running) -> None:
    bridge = running.bridge
    port = bridge.server.port
    async with open_pages() as pages:
        for page, transport in (("a", "polling"), ("b", "websocket")):
            pages.open(page, running, transport)
            await pages.see(page, "connect")
        await bridge.server.stop()
        for page in ("a", "b"):
            _, reason = await pages.see(page, "disconnect")
            assert reason in {"transport close", "transport error"}
        server = BridgeServer(
            bridge.services,
            token=Secret(TOKEN),
            config=BridgeConfig(first_port=port, last_port=port),
            guest=running.make(),
        )
        await server.start()
        try:
            for page, transport in (("a", "polling"), ("b", "websocket")):
                assert await pages.see(page, "connect") == ("connect", transport)
                pages.say(page, "list")
                heard = await pages.messages(page, 2 * GREETING + 2)
                assert heard[-2] == "list"
                assert json.loads(heard[-1]) == {"Ports": []}
        finally:
            await server.stop()
