"""The drop-in on a real server: who may ask, routes, bodies, and how it starts and ends."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.bridge.scopes import Scope
from agent.compat import drop_in
from agent.compat.answer import Answer, Asked
from agent.compat.visitors import PREFLIGHT
from agent.settings.config import Config
from agent.settings.config_compat import CompatConfig
from tests.bridge.other_user import IS_OTHER, run_as_other
from tests.bridge.running import FOREIGN, OTHER, UNKNOWN
from tests.compat.running import GREETING, LIMIT_S, VENDOR, Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.compat.answer import Route


async def raw(running: Running, lines: Sequence[str], body: bytes = b"") -> bytes:
    """Send a request that no library sends, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.bridge.server.port)
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    async with asyncio.timeout(LIMIT_S):
        answer = await reader.read()
    writer.close()
    return answer


def asked_of(running: Running, path: str = "/asked", **kwargs: int) -> list[Asked]:
    """What a route at ``path`` is asked; it answers with the number of scopes."""
    heard: list[Asked] = []

    async def route(asked: Asked) -> Answer:
        heard.append(asked)
        return Answer(200, json.dumps([s for s in Scope if asked.may(s)]).encode())

    running.drop_in.add_route(path, ("GET", "POST"), route, **kwargs)
    return heard


async def test_a_page_finds_the_agent_connects_and_gets_the_list(running: Running) -> None:
    async with running.http(origin=VENDOR) as http:
        answer = await http.get("/info")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == VENDOR
    told = answer.json()
    assert told["http"] == running.url
    assert told["ws"] == running.url.replace("http", "ws")
    async with running.socket() as page:
        hello = await page.messages(GREETING)
        assert json.loads(hello[0])["Version"] == told["version"]
        await page.command("list")
        assert await page.message() == "list"
        assert json.loads(await page.message()) == {"Ports": []}


# Who may ask ----------------------------------------------------------------------------------


async def test_a_preflight_is_answered_with_all_that_older_browsers_want(running: Running) -> None:
    async with running.http(origin=VENDOR) as http:
        for path in ("/info", "/socket.io/", "/pause"):
            answer = await http.options(path)
            assert (answer.status_code, answer.content) == (204, b"")
            got = {(name.lower(), value) for name, value in answer.headers.raw}
            assert set(PREFLIGHT) <= got
            assert (b"access-control-allow-origin", VENDOR.encode()) in got
            assert (b"access-control-allow-credentials", b"true") in got
            assert len(answer.headers.get_list("vary")) == 3


@pytest.mark.parametrize("origin", [UNKNOWN, "null", "https://app.arduino.cc.evil.example"])
async def test_any_other_page_gets_nothing_and_can_read_nothing(
    running: Running, origin: str
) -> None:
    async with running.http(origin=origin) as http:
        for path in ("/info", "/pause", "/update", "/socket.io/?EIO=3&transport=polling"):
            for method in ("GET", "POST", "OPTIONS", "HEAD", "DELETE"):
                body = b"{}" if method == "POST" else None
                answer = await http.request(method, path, content=body)
                assert (answer.status_code, answer.content) == (403, b"")
                assert not [name for name in answer.headers if name.startswith("access-control")]
    assert not running.hub.pages
    assert not running.bridge.services.boards.pause.state.on


async def test_a_page_that_rebinds_its_name_is_refused_with_the_origin_that_fits(
    running: Running,
) -> None:
    port = running.bridge.server.port
    for host in (
        f"evil.example.net:{port}",
        "evil.example.net",
        "127.0.0.1",
        f"127.0.0.1:{port + 1}",
    ):
        async with running.http(host=host, origin=f"http://{host}") as http:
            for path in ("/info", "/socket.io/?EIO=3&transport=polling"):
                answer = await http.get(path)
                assert answer.status_code == 421
                assert "access-control-allow-origin" not in answer.headers
        async with running.http(host=host) as http:
            assert (await http.get("/info")).status_code == 421
    assert not running.hub.pages


OTHER_USER = """
import http.client, sys
asking = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for method, path in (("GET", "/info"), ("POST", "/pause"), ("GET", "/socket.io/?EIO=3&transport=polling")):
    asking.request(method, path)
    answer = asking.getresponse()
    print(answer.status)
    answer.read()
"""


@pytest.mark.system("linux")
async def test_another_user_of_the_computer_gets_nothing(running: Running) -> None:
    out = await run_as_other(OTHER_USER, str(running.bridge.server.port))
    assert out.split() == (["403"] * 3 if IS_OTHER else ["200"] * 3)


async def test_pages_that_were_turned_away_are_remembered_until_they_are_allowed(
    running: Running,
) -> None:
    services = running.bridge.services
    for origin in (UNKNOWN, "null", VENDOR, FOREIGN, UNKNOWN, "http://evil.example.net"):
        async with running.http(origin=origin) as http:
            await http.get("/info")
    assert [page.url for page in services.refused_pages.list.value] == [UNKNOWN]
    services.consent.allow(UNKNOWN, frozenset({Scope.BOARDS}))
    assert services.refused_pages.list.value == ()
    async with running.http(origin=UNKNOWN) as http:
        assert (await http.get("/info")).status_code == 200


async def test_a_page_may_what_the_person_allowed_it(running: Running) -> None:
    origins = running.bridge.services.origins
    heard = asked_of(running)
    origins.allow(FOREIGN, frozenset({Scope.SERIAL}))
    wanted = {FOREIGN: ["boards", "serial"], VENDOR: list(Scope), None: list(Scope)}
    for origin, scopes in wanted.items():
        async with running.http(**({"origin": origin} if origin else {})) as http:
            assert (await http.get("/asked")).json() == scopes
        assert heard[-1].origin == origin
    async with running.socket(FOREIGN) as page:
        await page.messages(GREETING)
        (seen,) = running.hub.pages
        assert (seen.origin, seen.may("serial"), seen.may("flash")) == (FOREIGN, True, False)
        origins.add(FOREIGN, frozenset({Scope.FLASH}))
        assert seen.may("flash")


async def test_what_the_person_takes_back_ends_the_sockets_of_that_page_alone(
    running: Running,
) -> None:
    origins = running.bridge.services.origins
    async with (
        running.socket(FOREIGN) as page,
        running.polling(origin=FOREIGN) as polls,
        running.socket(OTHER) as other,
        running.socket() as vendor,
    ):
        for client in (page, polls, other, vendor):
            await client.messages(GREETING)
        origins.revoke(FOREIGN)
        await page.end()
        answer = await polls.http.get(polls.path)
        assert answer.status_code == 403
        assert [seen.origin for seen in running.hub.pages] == [OTHER, VENDOR]
        await other.command("version")
        assert len(await other.messages(2)) == 2
    async with running.http(origin=FOREIGN) as http:
        assert (await http.get("/info")).status_code == 403


async def test_a_page_that_was_allowed_once_counts_as_connected(running: Running) -> None:
    services = running.bridge.services
    services.origins.add_once(UNKNOWN, frozenset({Scope.BOARDS}))
    async with running.socket(UNKNOWN) as page:
        await page.messages(GREETING)
        (once,) = [each for each in services.origins.list() if each.once]
        assert once.url == UNKNOWN
        assert services.origins.next_tick() is None
    async with asyncio.timeout(LIMIT_S):
        while services.origins.next_tick() is None:
            await asyncio.sleep(0.001)


# Routes ---------------------------------------------------------------------------------------


NOT_THERE = [
    ("GET", "/killbrowser"),
    ("GET", "/certificate.crt"),
    ("GET", "/v2"),
    ("GET", "/info/"),
    ("POST", "/info"),
    ("GET", "/pause"),
    ("GET", "/update"),
    ("DELETE", "/pause"),
]


async def test_anything_else_is_not_there(running: Running) -> None:
    async with running.http(origin=VENDOR) as http:
        for method, path in NOT_THERE:
            assert (await http.request(method, path)).status_code == 404, path


async def test_our_own_page_stays_at_the_root(running: Running) -> None:
    async with running.http() as http:
        assert "Mooring" in (await http.get("/")).text


async def test_a_route_is_given_the_body_whatever_type_it_says(running: Running) -> None:
    heard = asked_of(running)
    async with running.http(origin=VENDOR) as http:
        for kind in ("text/plain;charset=UTF-8", "application/json", "nonsense"):
            answer = await http.post("/asked", content=b'{"a": 1}', headers={"content-type": kind})
            assert answer.status_code == 200
    assert [asked.body for asked in heard] == [b'{"a": 1}'] * 3
    assert heard[0].host == running.bridge.host


async def test_a_route_may_take_all_below_a_path(running: Running) -> None:
    heard = asked_of(running, "/v2/*")
    async with running.http() as http:
        await http.get("/v2/pkgs/tools/installed")
        assert (await http.head("/v2/x")).status_code == 404
    assert [asked.path for asked in heard] == ["/v2/pkgs/tools/installed"]


async def test_a_body_is_bounded_and_refused_in_words(running: Running) -> None:
    heard = asked_of(running, body_bytes=1000)
    async with running.http(origin=VENDOR) as http:
        assert (await http.post("/asked", content=b"x" * 1000)).status_code == 200
        answer = await http.post("/asked", content=b"x" * 1001)
    assert (answer.status_code, answer.reason_phrase) == (413, "Request Entity Too Large")
    assert answer.headers["access-control-allow-origin"] == VENDOR
    assert len(heard) == 1


async def test_only_so_many_large_bodies_are_held_at_a_time(running: Running) -> None:
    holding, release = asyncio.Semaphore(0), asyncio.Event()

    async def route(_asked: Asked) -> Answer:
        holding.release()
        await release.wait()
        return Answer(202)

    running.drop_in.add_route("/large", ("POST",), route, body_bytes=drop_in.LARGE_BYTES + 1)
    async with running.http(origin=VENDOR) as http:
        waiting = [
            asyncio.ensure_future(http.post("/large", content=b"x" * 100_000))
            for _ in range(drop_in.LARGE_BODIES)
        ]
        async with asyncio.timeout(LIMIT_S):
            for _ in waiting:
                await holding.acquire()
        assert (await http.post("/large", content=b"x")).status_code == 503
        release.set()
        assert [(await each).status_code for each in waiting] == [202] * len(waiting)
        assert (await http.post("/large", content=b"x")).status_code == 202


async def test_a_route_that_fails_is_answered_and_can_be_read(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async def route(_asked: Asked) -> Answer:
        raise ZeroDivisionError

    broken: Route = route
    running.drop_in.add_route("/broken", ("POST",), broken)
    with caplog.at_level(logging.CRITICAL + 1, "agent.compat.drop_in"):
        async with running.http(origin=VENDOR) as http:
            answer = await http.post("/broken", content=b"x")
    assert (answer.status_code, answer.reason_phrase) == (500, "Internal Server Error")
    assert answer.headers["access-control-allow-origin"] == VENDOR


async def test_a_request_that_stops_in_the_middle_holds_nothing(running: Running) -> None:
    heard = asked_of(running)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.bridge.server.port)
    head = f"POST /asked HTTP/1.1\r\nHost: {running.bridge.host}\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode() + b"x" * 50)
    await writer.drain()
    writer.close()
    async with asyncio.timeout(LIMIT_S):
        assert await reader.read() == b""
    async with running.http() as http:
        await http.get("/asked")
    assert len(heard) == 1


async def test_two_origins_or_two_hosts_are_refused(running: Running) -> None:
    host = f"Host: {running.bridge.host}"
    close = "Connection: close"
    line = "GET /info HTTP/1.1"
    answer = await raw(running, [line, host, f"Origin: {VENDOR}", f"Origin: {UNKNOWN}", close])
    assert answer.startswith(b"HTTP/1.1 403 Forbidden")
    answer = await raw(running, [line, host, "Host: evil.example.net", close])
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"update_url" not in answer


# Beginning and end ----------------------------------------------------------------------------


@pytest.mark.system("linux", "darwin")
async def test_a_board_is_listed_to_everybody_when_it_comes_and_goes(running: Running) -> None:
    async with running.socket() as page, running.polling() as program:
        board, _ = await running.bridge.board()
        for client in (page, program):
            found = await client.find("Ports")
            assert [port["Name"] for port in found["Ports"]] == [board.address]
        board.unplug()
        for client in (page, program):
            assert await client.find("Ports") == {"Ports": []}


async def test_the_person_switches_it_off_and_on_while_pages_are_there(running: Running) -> None:
    async with running.socket() as page, running.http(origin=VENDOR) as http:
        await page.messages(GREETING)
        running.live.take(Config(compat=CompatConfig(enabled=False)))
        await page.end()
        assert (await http.get("/info")).status_code == 404
        running.live.take(Config())
        assert (await http.get("/info")).status_code == 200


async def test_the_server_stops_soon_whatever_the_pages_do(running: Running) -> None:
    async with (
        running.socket() as page,
        running.polling() as waiting,
        running.polling() as away,
        running.socket(max_queue=1) as stuck,
    ):
        for client in (page, waiting, away, stuck):
            await client.messages(GREETING)
        poll = asyncio.ensure_future(waiting.http.get(waiting.path))
        while running.drop_in.wires < 3:
            await asyncio.sleep(0.001)
        stuck.socket.transport.pause_reading()
        running.hub.tell_all("x" * 6_000_000)
        # The HTTP server would wait for an open WebSocket without end.
        async with asyncio.timeout(LIMIT_S):
            await running.bridge.server.stop()
        assert not running.hub.pages
        assert (await poll).status_code == 200
        await page.end()
        with pytest.raises(httpx.ConnectError):
            async with running.http() as http:
                await http.get("/info")
        stuck.socket.transport.resume_reading()
