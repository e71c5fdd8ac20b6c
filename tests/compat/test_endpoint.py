"""``/socket.io/`` on a real server: transports, order, limits, and clients that misbehave."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import websockets.asyncio.client as websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.bridge import limits
from agent.compat import endpoint
from agent.protocols import engineio
from tests.bridge.running import FOREIGN
from tests.compat.running import GREETING, LIMIT_S, VENDOR, Running

if TYPE_CHECKING:
    from agent.compat.page import Page

OPEN = "/socket.io/?EIO=3&transport=polling"


async def gone(running: Running, page: Page) -> None:
    """Return once the agent knows that a page is gone."""
    left = asyncio.Event()
    page.when_gone(left.set)
    async with asyncio.timeout(LIMIT_S):
        await left.wait()


def upgrade_to(running: Running, path: str, origin: str = VENDOR) -> Any:
    return websockets.connect(
        f"ws://{running.bridge.host}{path.replace('polling', 'websocket')}",
        origin=origin,  # type: ignore[arg-type] # a NewType of str
        proxy=None,
        open_timeout=LIMIT_S,
    )


async def test_the_first_answer_tells_times_and_the_way_up(running: Running) -> None:
    async with running.polling(origin=VENDOR) as page:
        assert page.open["upgrades"] == ["websocket"]
        assert (page.open["pingInterval"], page.open["pingTimeout"]) == (25000, 60000)
        answer = await page.http.get(OPEN)
    assert answer.headers["content-type"].lower() == "text/plain; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == VENDOR
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.http_version == "HTTP/1.1"


async def test_every_client_hears_the_greeting_in_its_order(running: Running) -> None:
    async with running.polling() as program, running.socket() as page:
        for client in (program, page):
            version, words, host, system, nothing = await client.messages(GREETING)
            assert version == '{"Version" : "1.7.1-rc1"} '
            assert host == '{"Hostname" : "unknown-hostname"} '
            assert json.loads(system)["OS"] in {"linux", "windows", "darwin"}
            assert "trying to close" in json.loads(nothing)["Error"]
            with pytest.raises(ValueError, match="Expecting"):
                json.loads(words)


async def test_an_emoji_counts_two_both_ways_over_http(running: Running) -> None:
    async with running.polling() as program:
        await program.messages(GREETING)
        await program.command("list 😀")
        answer = await program.http.get(program.path)
        first = '42["message","list 😀"]'
        assert answer.text.startswith(f"{len(first) + 1}:{first}")


async def test_a_page_moves_up_while_its_poll_waits(running: Running) -> None:
    async with running.polling(origin=VENDOR) as page:
        await page.messages(GREETING)
        waiting = asyncio.ensure_future(page.http.get(page.path))
        async with upgrade_to(running, page.path) as socket:
            await socket.send("2probe")
            assert await socket.recv() == "3probe"
            assert (await waiting).text == "1:6"
            await page.command("list")
            await socket.send("5")
            await socket.send('42["command","version"]')
            said = [json.loads((await socket.recv())[2:])[1] for _ in range(4)]
            assert said[0] == "list"
            assert json.loads(said[1]) == {"Ports": []}
            assert said[2:] == ["version", '{"Version" : "1.7.1-rc1"} ']
            await socket.send("2")
            assert await socket.recv() == "3"
            assert (await page.http.get(page.path)).status_code == 400


async def test_a_poll_outlasts_the_limit_for_a_first_request(running: Running) -> None:
    """The second connection of a browser begins with a poll that waits."""
    async with running.polling() as program, running.http() as second:
        await program.messages(GREETING)
        waiting = asyncio.ensure_future(second.get(program.path))
        async with running.http() as third:
            await third.get("/info")
        loop = asyncio.get_running_loop()
        later = loop.create_future()
        loop.call_later(limits.FIRST_REQUEST_S + 0.2, later.set_result, None)
        await later
        assert not waiting.done()
        await program.command("version")
        assert "version" in (await waiting).text


async def test_an_event_may_want_to_be_acknowledged(running: Running) -> None:
    async with running.socket() as page:
        await page.messages(GREETING)
        await page.socket.send('427["command","version"]')
        packets = {await page.packet() for _ in range(3)}
        assert "437[]" in packets


NO_SESSIONS = [
    "/socket.io/",
    "/socket.io/?EIO=4&transport=polling",
    "/socket.io/?EIO=3&transport=carrier-pigeon",
    "/socket.io/?EIO=3&transport=polling&sid=unknown",
    "/socket.io/?EIO=3&transport=polling&j=0",
    "/socket.io/?" + "&".join(f"a{n}=1" for n in range(100)),
]


async def test_what_begins_no_session_is_answered_400(running: Running) -> None:
    async with running.http(origin=VENDOR) as http:
        for path in NO_SESSIONS:
            answer = await http.get(path)
            assert answer.status_code == 400, path
            assert "message" in answer.json()
            assert answer.headers["access-control-allow-origin"] == VENDOR
        assert (await http.get("/socket.io?EIO=3&transport=polling")).status_code == 404
    assert not running.hub.pages


async def test_a_websocket_that_is_refused_is_refused_before_it_opens(running: Running) -> None:
    for path, origin, status in (
        ("/socket.io/?EIO=3&transport=websocket", "https://evil.example.net", 403),
        ("/socket.io/?EIO=3&transport=websocket", "null", 403),
        ("/socket.io/?EIO=4&transport=websocket", VENDOR, 400),
        ("/socket.io/?EIO=3&transport=websocket&sid=unknown", VENDOR, 400),
        ("/info", VENDOR, 404),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with upgrade_to(running, path, origin):
                pass
        assert refused.value.response.status_code == status


async def test_a_session_is_of_the_origin_that_began_it(running: Running) -> None:
    async with running.polling(origin=VENDOR) as page:
        for headers in ({}, {"origin": FOREIGN}):
            async with running.http(**headers) as other:
                assert (await other.get(page.path)).status_code == 400
                stolen = await other.post(page.path, content=b'20:42["command","list"]')
                assert stolen.status_code == 400
        with pytest.raises(InvalidStatus):
            async with upgrade_to(running, page.path, FOREIGN):
                pass
        await page.messages(GREETING)
        await page.command("version")
        assert await page.messages(2) == ["version", '{"Version" : "1.7.1-rc1"} ']


POISON = [
    b"",
    b"x",
    b"1:",
    b"9999999:4",
    b"3:\xff\xfe\xfd",
    b"\x00\x09\x04\xff4null",
    b'6:42null9:42[null]8:42{"a":1',
    b'15:45-["x",{"_placeholder":true,"num":0}]',
    b"1:12:2a3:41\x00",
]


async def test_poison_of_one_client_does_not_disturb_another(running: Running) -> None:
    async with running.socket() as good:
        await good.messages(GREETING)
        for body in POISON:
            async with running.polling(origin=VENDOR) as bad:
                await bad.http.post(bad.path, content=body)
            await good.command("version")
            assert await good.messages(2) == ["version", '{"Version" : "1.7.1-rc1"} '], body


ODD_FRAMES = [
    "4",
    "42",
    "42null",
    "42[]",
    "42[null]",
    '42["command"]',
    '42["command",null]',
    '42["command",5]',
    '42["command","null"]',
    '42["command",{"a":1}]',
    '42["command","list","list"]',
    '42["other","list"]',
    '42/admin,["command","list"]',
    "40/admin",
    "43[1]",
    '452-["command",1]',
    b"\x04abc",
    "b4AAAA",
]


async def test_what_is_no_command_is_answered_with_words_at_most(running: Running) -> None:
    async with running.socket() as page:
        await page.messages(GREETING)
        for frame in ODD_FRAMES:
            await page.socket.send(frame)
            await page.command("version")
            said = []
            while (
                packet := await page.packet()
            ) != '42["message","{\\"Version\\" : \\"1.7.1-rc1\\"} "]':
                said.append(packet)
            texts = [json.loads(each[2:])[1] for each in said if each.startswith("42")]
            texts.remove("version")
            assert texts in ([], ['{"Error":"Could not understand command."}']), frame


async def test_what_is_no_packet_ends_the_session_alone(running: Running) -> None:
    async with running.socket() as good:
        await good.messages(GREETING)
        for frame in ("", "x", b"", b"\xff"):
            async with running.socket() as bad:
                await bad.messages(GREETING)
                await bad.socket.send(frame)
                with pytest.raises(ConnectionClosed):
                    await bad.packet()
            await good.command("version")
            assert await good.messages(2) == ["version", '{"Version" : "1.7.1-rc1"} ']


async def test_a_body_that_is_too_large_ends_its_own_session_only(running: Running) -> None:
    limit = engineio.Limits().body_bytes
    async with running.polling() as bad, running.socket() as good:
        await good.messages(GREETING)
        answer = await bad.http.post(bad.path, content=b"x" * (limit + 1000))
        assert answer.status_code == 413
        assert (await bad.http.get(bad.path)).status_code == 400
        await good.command("version")
        assert (await good.messages(2))[0] == "version"


async def test_a_page_that_does_not_read_is_disconnected_and_the_others_hear_all(
    running: Running,
) -> None:
    async with (
        running.socket(max_queue=1) as stuck,
        running.polling(origin=VENDOR) as lazy,
        running.socket() as good,
    ):
        await stuck.messages(GREETING)
        stuck.socket.transport.pause_reading()
        pages = running.hub.pages
        text = "x" * (1 << 16)
        total = engineio.Limits().queue_chars * 2 // len(text)
        heard: list[str] = []

        async def listen() -> None:
            await good.messages(GREETING)
            heard.extend([await good.message() for _ in range(total)])

        listening = asyncio.create_task(listen())
        for number in range(total):
            running.hub.tell_all(f"{number}{text}")
            await asyncio.sleep(0)
            while pages[2].waiting > 1 << 20:
                await asyncio.sleep(0.001)
        async with asyncio.timeout(LIMIT_S):
            await listening
        assert [said.rstrip("x") for said in heard] == [str(number) for number in range(total)]
        assert running.hub.pages == (pages[2],)
        assert pages[0].waiting == pages[1].waiting == 0
        assert (await lazy.http.get(lazy.path)).status_code == 400
        stuck.socket.transport.resume_reading()
        with pytest.raises(ConnectionClosed):
            await stuck.messages(total)


async def test_what_waits_is_counted_until_it_is_sent(running: Running) -> None:
    async with running.socket() as page:
        await page.messages(GREETING)
        (seen,) = running.hub.pages
        page.socket.transport.pause_reading()
        seen.say("y" * 6_000_000)
        seen.say("z" * 10)
        assert seen.waiting > 6_000_000
        page.socket.transport.resume_reading()
        assert (await page.message()).rstrip("y") == ""
        assert await page.message() == "z" * 10
        async with asyncio.timeout(LIMIT_S):
            while seen.waiting:
                await asyncio.sleep(0.001)


async def test_a_client_that_vanishes_is_missed_at_once(running: Running) -> None:
    async with running.socket() as page, running.polling() as stays:
        await stays.messages(GREETING)
        first, second = running.hub.pages
        page.socket.transport.abort()
        await gone(running, first)
        assert running.hub.pages == (second,)


async def test_a_poll_that_is_given_up_leaves_its_messages_for_the_next(running: Running) -> None:
    async with running.polling() as program:
        await program.messages(GREETING)
        async with running.http() as other:
            waiting = asyncio.ensure_future(other.get(program.path))
            while not running.drop_in.wires:
                await asyncio.sleep(0.001)
            waiting.cancel()
            while running.drop_in.wires:
                await asyncio.sleep(0.001)
        await program.command("version")
        assert await program.messages(2) == ["version", '{"Version" : "1.7.1-rc1"} ']


async def test_a_client_says_goodbye(running: Running) -> None:
    async with running.polling() as program, running.socket() as page:
        first, second = running.hub.pages
        await program.http.post(program.path, content=b"1:1")
        await gone(running, first)
        await page.socket.send("41")
        await gone(running, second)


@pytest.mark.system("linux", "darwin")
async def test_fifty_pages_at_once(running: Running) -> None:
    async with asyncio.timeout(LIMIT_S):
        sockets = [running.socket() for _ in range(50)]
        pages = [await each.__aenter__() for each in sockets]
        for page in pages:
            await page.messages(GREETING)
        board, _ = await running.bridge.board()
        for page in pages:
            await page.command("list")
        for page in pages:
            listed = await page.find("Ports")
            assert [each["Name"] for each in listed["Ports"]] == [board.address]
        for each in sockets:
            await each.__aexit__(None, None, None)
        while running.hub.pages:
            await asyncio.sleep(0.001)


async def test_one_origin_cannot_take_the_room_of_all(running: Running) -> None:
    async with running.http(origin=VENDOR) as http, running.socket(FOREIGN) as other:
        for _ in range(endpoint.SESSIONS_PER_PARTY):
            assert (await http.get(OPEN)).status_code == 200
        assert (await http.get(OPEN)).status_code == 503
        with pytest.raises(InvalidStatus):
            async with running.socket():
                pass
        assert len(await other.messages(GREETING)) == GREETING
        async with running.polling() as program:
            assert program.open["sid"]
