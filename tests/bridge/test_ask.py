"""Pages that ask, over real WebSockets, and what people answer."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import websockets.asyncio.client as websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.bridge.ask import wanted
from agent.bridge.consent import ASKERS_MAX, OPEN_MAX
from agent.bridge.scopes import Scope
from agent.errors import InputError
from tests.bridge.running import FOREIGN, OTHER, TOKEN, UNKNOWN, Bridge, Client

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

ALL = "boards,serial,flash,provision"


async def told(page: ClientConnection) -> dict[str, Any]:
    """The next thing that a page is told."""
    message: dict[str, Any] = json.loads(await page.recv())
    return message


async def end_of(page: ClientConnection) -> int:
    """The code with which its socket is closed."""
    with pytest.raises(ConnectionClosed) as caught:
        await page.recv()
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


async def following(bridge: Bridge) -> Client:
    """The agent's own page, which shows who asks."""
    own = await bridge.open(own=True)
    await own.call("origins.subscribe")
    return own


async def asked(own: Client) -> dict[str, Any]:
    """The question that comes up next."""
    (asking,) = (await own.next("origins.changed"))["asking"]
    return dict(asking)


async def refused(bridge: Bridge, path: str = "/ask", **connect: Any) -> int:
    """The HTTP status with which a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as caught:
        await websockets.connect(f"ws://{bridge.host}{path}", proxy=None, **connect)
    return caught.value.response.status_code


async def test_a_page_asks_and_may_do_what_the_person_allowed(bridge: Bridge) -> None:
    own = await following(bridge)
    async with bridge.ask(UNKNOWN, "serial") as page:
        asking = await told(page)
        question = await asked(own)
        assert question["url"] == UNKNOWN
        assert question["wants"] == ["boards", "serial"]
        assert question["has"] == []
        assert question["until"] == asking["until"] > question["since"]
        assert await refused(bridge, "/rpc", origin=UNKNOWN) == 403
        after = await own.call("origins.answer", ask=question["ask"], decision="always")
        assert after["asking"] == []
        allowed = {"state": "allowed", "may": ["boards", "serial"], "once": False}
        assert await told(page) == allowed
        assert await end_of(page) == 1000
    allowed_page = await bridge.open(UNKNOWN)
    assert (await allowed_page.call("agent.info"))["may"] == ["boards", "serial"]
    assert await allowed_page.call("boards.list") == {"boards": []}


async def test_without_words_a_page_asks_to_see_boards(bridge: Bridge) -> None:
    own = await following(bridge)
    async with bridge.ask(UNKNOWN):
        assert (await asked(own))["wants"] == ["boards"]


async def test_an_allowed_page_is_told_so_at_once(bridge: Bridge) -> None:
    async with bridge.ask(FOREIGN, ALL) as page:
        assert await told(page) == {"state": "allowed", "may": ALL.split(","), "once": False}
        assert await end_of(page) == 1000


async def test_the_own_page_has_nothing_to_ask_for(bridge: Bridge) -> None:
    async with bridge.ask(f"http://{bridge.host}", "flash") as page:
        assert await told(page) == {"state": "allowed", "may": ALL.split(","), "once": False}


async def test_a_no_is_told_and_lasts(bridge: Bridge) -> None:
    own = await following(bridge)
    async with bridge.ask(UNKNOWN) as page:
        await told(page)
        question = await asked(own)
        after = await own.call("origins.answer", ask=question["ask"], decision="no")
        (refusal,) = after["refused"]
        assert refusal["url"] == UNKNOWN
        await is_silenced(page, refusal["until"])
    async with bridge.ask(UNKNOWN) as again:
        await is_silenced(again, refusal["until"])
    assert bridge.services.consent.asking == ()


async def is_silenced(page: ClientConnection, until: float) -> None:
    """It is told that a person said no, and until when it cannot ask."""
    message = await told(page)
    assert message["state"] == "refused"
    assert message["error"]["code"] == "origin-silenced"
    assert message["error"]["facts"]["until"] == until
    assert await end_of(page) == 1000


async def test_two_own_pages_answer_and_the_second_is_told(bridge: Bridge) -> None:
    first, second = await following(bridge), await following(bridge)
    async with bridge.ask(UNKNOWN) as page:
        await told(page)
        ask = (await asked(first))["ask"]
        answers = await asyncio.gather(
            first.request("origins.answer", ask=ask, decision="no"),
            second.request("origins.answer", ask=ask, decision="always"),
        )
        (error,) = [each["error"] for each in answers if "error" in each]
        assert error["data"]["code"] == "ask-gone"
        won = "no" if "error" in answers[1] else "always"
        assert f"answered: {won}" in error["data"]["meaning"]
        state = "refused" if won == "no" else "allowed"
        assert (await told(page))["state"] == state
        assert (UNKNOWN in bridge.services.origins) == (won == "always")


async def test_a_question_goes_with_its_page_however_it_goes(bridge: Bridge) -> None:
    own = await following(bridge)
    async with bridge.ask(UNKNOWN):
        ask = (await asked(own))["ask"]
    assert (await own.next("origins.changed"))["asking"] == []
    async with bridge.ask(UNKNOWN) as page:
        await asked(own)
        page.transport.abort()
        assert (await own.next("origins.changed"))["asking"] == []
    error = await own.fail("origins.answer", ask=ask, decision="always")
    assert error["data"]["code"] == "ask-gone"
    assert UNKNOWN not in bridge.services.origins


async def test_a_page_that_talks_where_it_should_wait_is_shut_out(bridge: Bridge) -> None:
    own = await following(bridge)
    async with bridge.ask(UNKNOWN) as page:
        await told(page)
        await asked(own)
        await page.send('{"jsonrpc":"2.0","id":1,"method":"boards.list"}')
        assert await end_of(page) == 1008
    assert (await own.next("origins.changed"))["asking"] == []


async def test_what_was_allowed_once_lasts_as_long_as_the_page_is_connected(
    bridge: Bridge,
) -> None:
    own = await following(bridge)
    async with bridge.ask(UNKNOWN, "boards") as page:
        await told(page)
        question = await asked(own)
        await own.call("origins.answer", ask=question["ask"], decision="once")
        assert (await told(page))["once"] is True
    client = await bridge.open(UNKNOWN)
    assert (await client.call("agent.info"))["may"] == ["boards"]
    listed = (await own.call("origins.list"))["origins"]
    assert [each["once"] for each in listed if each["url"] == UNKNOWN] == [True]
    await own.call("origins.revoke", url=UNKNOWN)
    assert await end_of(client.socket) == 1008
    assert await refused(bridge, "/rpc", origin=UNKNOWN) == 403


async def test_an_allowed_page_gets_more_without_a_new_connection(bridge: Bridge) -> None:
    own = await following(bridge)
    await own.call("origins.allow", url=UNKNOWN, may=["boards"])
    await own.next("origins.changed")
    client = await bridge.open(UNKNOWN)
    error = await client.fail("flash.offer", name="a.bin", size=3)
    assert error["data"]["code"] == "scope-refused"
    assert error["data"]["facts"] == {"scopes": "flash", "may": "boards"}
    async with bridge.ask(UNKNOWN, "flash") as page:
        await told(page)
        question = await asked(own)
        assert (question["wants"], question["has"]) == (["flash"], ["boards"])
        await own.call("origins.answer", ask=question["ask"], decision="always")
        assert (await told(page))["may"] == ["boards", "flash"]
    await client.call("flash.offer", name="a.bin", size=3)


async def test_a_page_that_is_allowed_less_is_disconnected(bridge: Bridge) -> None:
    own = await bridge.open()
    client = await bridge.open(FOREIGN)
    await own.call("origins.allow", url=FOREIGN, may=["serial"])
    assert await end_of(client.socket) == 1008
    again = await bridge.open(FOREIGN)
    assert (await again.call("agent.info"))["may"] == ["boards", "serial"]


# Who may not ask


async def test_programs_do_not_ask_they_have_the_token(bridge: Bridge) -> None:
    assert await refused(bridge) == 403
    assert await refused(bridge, additional_headers={"Authorization": f"Bearer {TOKEN}"}) == 403
    assert await refused(bridge, f"/ask?token={TOKEN}") == 403


async def test_a_rebound_name_cannot_ask(bridge: Bridge) -> None:
    port = bridge.server.port
    for host in (f"evil.example.net:{port}", "127.0.0.1", f"127.0.0.1.evil.example.net:{port}"):
        assert await status_for(bridge, host) == 421
    assert bridge.services.consent.asking == ()


@pytest.mark.parametrize(
    "origin",
    ["null", "http://app.example.com", "file://", "chrome-extension://abc", f"{UNKNOWN}.", "x"],
)
async def test_an_origin_that_nobody_can_allow_learns_why(bridge: Bridge, origin: str) -> None:
    async with bridge.ask(origin) as page:
        error = (await told(page))["error"]
        assert error["code"] == "input"
        assert error["facts"]["field"] == "url"
        assert await end_of(page) == 1000


@pytest.mark.parametrize("wants", ["", "all", "boards,", "boards&wants=flash", "%00", "b" * 4000])
async def test_wrong_wants_are_told(bridge: Bridge, wants: str) -> None:
    async with bridge.ask(UNKNOWN, wants) as page:
        error = (await told(page))["error"]
        assert (error["code"], error["facts"]["field"]) == ("input", "wants")
    assert bridge.services.consent.asking == ()


def test_wants_are_scopes() -> None:
    assert wanted([]) == {Scope.BOARDS}
    assert wanted(["flash"]) == {Scope.BOARDS, Scope.FLASH}
    with pytest.raises(InputError, match="more than once"):
        wanted(["boards", "flash"])


# Many


async def test_a_hundred_pages_at_once_show_five_and_the_agent_answers_meanwhile(
    bridge: Bridge,
) -> None:
    own = await following(bridge)
    async with AsyncExitStack() as stack:

        async def ask(number: int) -> str:
            origin = f"https://app{number}.example.com"
            page = await stack.enter_async_context(bridge.ask(origin, ALL))
            message = await told(page)
            return str(message.get("error", message).get("code", message["state"]))

        crowd = asyncio.gather(*(ask(number) for number in range(100)))
        while not crowd.done():
            document = await own.call("origins.list")
            assert len(document["asking"]) <= OPEN_MAX
        outcomes = await crowd
        assert sorted(outcomes) == ["ask-busy"] * (100 - OPEN_MAX) + ["asking"] * OPEN_MAX
    while bridge.services.consent.asking:
        await own.next("origins.changed")


async def test_a_page_with_many_windows_shows_one_question(bridge: Bridge) -> None:
    own = await following(bridge)
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(bridge.ask(UNKNOWN)) for _ in range(ASKERS_MAX + 1)
        ]
        states = [await told(page) for page in pages]
        assert [each["state"] for each in states] == ["asking"] * ASKERS_MAX + ["refused"]
        assert states[-1]["error"]["code"] == "ask-busy"
        question = await asked(own)
        await own.call("origins.answer", ask=question["ask"], decision="always")
        for page in pages[:-1]:
            assert (await told(page))["state"] == "allowed"


async def test_pages_that_do_not_read_what_they_are_told_are_cut(bridge: Bridge) -> None:
    # As many as there can be beside those that wait for an answer.
    crowd = [asyncio.open_connection("127.0.0.1", bridge.server.port) for _ in range(100)]
    wires = await asyncio.gather(*crowd)
    for number, (_, writer) in enumerate(wires):
        writer.write(handshake(bridge.host, f"https://app{number}.example.com"))
    for reader, _ in wires:
        assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
    page = await bridge.open(OTHER)
    assert await page.call("boards.list") == {"boards": []}
    # They answer no goodbye, and their sockets end all the same.
    ends = [asyncio.ensure_future(reader.read()) for reader, _ in wires]
    done: set[asyncio.Future[bytes]] = set()
    while len(done) < len(ends) - OPEN_MAX:
        now, _ = await asyncio.wait(set(ends) - done, return_when=asyncio.FIRST_COMPLETED)
        done |= now
    assert len(bridge.services.consent.asking) == OPEN_MAX
    for end in ends:
        end.cancel()
    for _, writer in wires:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in wires), return_exceptions=True)


async def test_the_agent_ends_while_a_page_asks(bridge: Bridge) -> None:
    async with bridge.ask(UNKNOWN) as page:
        await told(page)
        await bridge.server.stop()
        assert await end_of(page) == 1012
    assert bridge.services.consent.asking == ()


def handshake(host: str, origin: str) -> bytes:
    """The beginning of a WebSocket on /ask, with any Host."""
    lines = [
        "GET /ask HTTP/1.1",
        f"Host: {host}",
        f"Origin: {origin}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def status_for(bridge: Bridge, host: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", bridge.server.port)
    writer.write(handshake(host, UNKNOWN))
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status
