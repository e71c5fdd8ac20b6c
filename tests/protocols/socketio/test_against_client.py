"""The client that pages have, socket.io-client 2.3.0 as it is, against our machines on real wires."""

from __future__ import annotations

import pytest

from agent.protocols.engineio import Limits, Reason
from agent.protocols.socketio import Disconnected, Event, Ignored
from tests.protocols.socketio.clients import open_pages
from tests.protocols.socketio.route import LIMIT_S, Endpoint

pytestmark = pytest.mark.needs("socketio")

TEXTS = ["list", "send /dev/ttyACM0 ä€😀", "😀" * 40, "", "x" * 70_000, "\u2028 \0 \x7f"]


@pytest.mark.parametrize("transports", [(), ("polling",), ("websocket",)], ids=lambda t: t or "all")
async def test_any_text_goes_both_ways_in_order(transports):
    hello = 5
    async with Endpoint(hello=hello) as endpoint, open_pages() as pages:
        pages.open("a", endpoint, *transports)
        first = "websocket" if transports == ("websocket",) else "polling"
        assert await pages.see("a", "connect") == ("connect", first)
        # Some of these cross the change from one transport to the other.
        for text in TEXTS * 3:
            pages.say("a", text)
        heard = await pages.messages("a", hello + 3 * len(TEXTS))
        assert heard == [*(f"hello {number}" for number in range(hello)), *TEXTS * 3]
        told = [await endpoint.next(Event) for _ in TEXTS * 3]
        assert [event.arguments for event in told] == [(text,) for text in TEXTS * 3]
        pages.say("a", "once more", ack=True)
        assert await pages.see("a", "ack") == ("ack", ["done"])
        assert bool(endpoint.polls) == (first == "polling")
        pages.tell(close="a")
        assert await pages.see("a", "disconnect") == ("disconnect", "io client disconnect")
        gone = await endpoint.next(Disconnected)
        assert gone == Disconnected("sid0", Reason.CLIENT)


async def test_a_page_moves_to_the_websocket_while_its_poll_waits():
    async with Endpoint() as endpoint, open_pages() as pages:
        pages.open("a", endpoint)
        assert await pages.see("a", "upgrade", "upgradeError") == ("upgrade", "websocket")
        polls = endpoint.polls
        for number in range(200):
            endpoint.emit("sid0", number)
        assert (await pages.messages("a", 201))[-200:] == list(range(200))
        assert endpoint.polls == polls


async def test_a_page_whose_websocket_is_refused_stays_with_polls():
    async with Endpoint(websockets=False) as endpoint, open_pages() as pages:
        pages.open("a", endpoint)
        what, _ = await pages.see("a", "upgrade", "upgradeError")
        assert what == "upgradeError"
        pages.say("a", "😀")
        assert await pages.messages("a", 2) == ["hello 0", "😀"]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_pings_keep_a_page_that_says_nothing(transport):
    limits = Limits(ping_interval_s=0.2, ping_timeout_s=LIMIT_S, hold_s=0.1)
    async with Endpoint(limits) as endpoint, open_pages() as pages:
        pages.open("a", endpoint, transport)
        for _ in range(3):
            await pages.see("a", "pong")
        assert endpoint.server.sids == ("sid0",)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_page_that_we_close_comes_back_by_itself(transport):
    async with Endpoint() as endpoint, open_pages() as pages:
        pages.open("a", endpoint, transport)
        await pages.see("a", "connect")
        endpoint.driver.close("sid0")
        _, reason = await pages.see("a", "disconnect")
        assert reason in {"transport close", "transport error"}
        assert await pages.see("a", "connect") == ("connect", transport)
        assert endpoint.server.sids == ("sid1",)


async def test_binary_data_is_refused_in_words_and_the_page_goes_on():
    async with Endpoint() as endpoint, open_pages() as pages:
        for page, transport in (("a", "polling"), ("b", "websocket")):
            pages.open(page, endpoint, transport)
            await pages.see(page, "connect")
            pages.say(page, {"bytes": [1, 2, 3]})
            pages.say(page, "text")
            words = "Binary data is not supported"
            assert await pages.see(page, "error") == ("error", words)
            assert await pages.messages(page, 2) == ["hello 0", "text"]
            await endpoint.next(Ignored)


async def test_a_page_that_vanishes_is_missed_at_once_and_the_others_stay():
    async with Endpoint() as endpoint, open_pages() as stays:
        stays.open("a", endpoint)
        await stays.see("a", "upgrade")
        async with open_pages() as goes:
            goes.open("b", endpoint, "websocket")
            await goes.messages("b", 1)
        gone = await endpoint.next(Disconnected)
        assert gone == Disconnected("sid1", Reason.LOST)
        stays.say("a", "still here")
        assert await stays.messages("a", 2) == ["hello 0", "still here"]


async def test_a_page_that_vanishes_between_polls_is_missed_by_its_silence():
    async with Endpoint(Limits(ping_interval_s=0.1, ping_timeout_s=0.4)) as endpoint:
        async with open_pages() as goes:
            goes.open("a", endpoint, "polling")
            await goes.messages("a", 1)
        gone = await endpoint.next(Disconnected)
        assert gone == Disconnected("sid0", Reason.SILENT)
