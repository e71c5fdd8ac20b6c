"""The running server: who is let in, what it survives, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import struct
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import websockets.asyncio.client as websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.bridge import limits
from agent.bridge.listen import bind
from agent.bridge.pages import Pages
from agent.errors import NoFreePort
from tests.bridge.running import (
    FOREIGN,
    OTHER,
    TOKEN,
    UNKNOWN,
    Bridge,
    Client,
    free_port,
    run_bridge,
)

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


async def get(
    bridge: Bridge, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One HTTP request by the standard library, in a thread."""

    def ask() -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", bridge.server.port, timeout=30)
        try:
            connection.request(
                method,
                path,
                body,
                {name.replace("_", "-"): value for name, value in headers.items()},
            )
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def refused(bridge: Bridge, **connect: Any) -> int:
    """The HTTP status with which a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as caught:
        await websockets.connect(f"ws://{bridge.host}/rpc", proxy=None, **connect)
    return caught.value.response.status_code


# Who may talk


async def test_the_own_page_an_allowed_page_and_a_program_with_the_token_get_in(
    bridge: Bridge,
) -> None:
    own = await bridge.open(own=True)
    page = await bridge.open(FOREIGN)
    program = await bridge.open()
    assert (await own.call("agent.info"))["own"] is True
    assert (await page.call("agent.info"))["own"] is False
    assert (await program.call("agent.info"))["own"] is True


async def test_the_page_may_come_by_each_name_of_this_computer(bridge: Bridge) -> None:
    for name in ("localhost", "127.0.0.1", "[::1]"):
        client = await bridge.open(f"http://{name}:{bridge.server.port}")
        assert (await client.call("agent.info"))["own"] is True


async def test_a_token_in_the_address_works_for_programs_that_cannot_set_headers(
    bridge: Bridge,
) -> None:
    url = f"ws://{bridge.host}/rpc?token={TOKEN}"
    async with websockets.connect(url, proxy=None) as web:
        assert (await Client(web).call("agent.info"))["own"] is True


async def test_a_foreign_page_is_refused_before_the_websocket_opens(bridge: Bridge) -> None:
    for origin in (UNKNOWN, "null", "http://app.example.com", f"{FOREIGN}:8443", f"{FOREIGN}."):
        assert await refused(bridge, origin=origin) == 403


async def test_a_token_does_not_help_a_foreign_page(bridge: Bridge) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert await refused(bridge, origin=UNKNOWN, additional_headers=headers) == 403


async def test_a_second_origin_header_is_refused(bridge: Bridge) -> None:
    headers = [("Origin", FOREIGN), ("Origin", UNKNOWN)]
    # The library of the server refuses such a handshake itself.
    assert await refused(bridge, additional_headers=headers) in {400, 403}


async def test_a_program_without_the_token_or_with_a_wrong_one_is_refused(bridge: Bridge) -> None:
    assert await refused(bridge) == 403
    for value in ("Bearer wrong", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xff"):
        assert await refused(bridge, additional_headers={"Authorization": value}) == 403


async def test_a_rebound_name_is_refused_for_the_page_and_the_websocket(bridge: Bridge) -> None:
    port = bridge.server.port
    for host in (f"evil.example.net:{port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.2:{port}", ""):
        status, _, _ = await get(bridge, "/", Host=host)
        assert status == 421, host
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert await upgrade_status(bridge, host, headers) == 421


async def upgrade_status(bridge: Bridge, host: str, headers: dict[str, str]) -> int:
    """Status of a handshake with any Host, which clients do not let us choose."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bridge.server.port)
    lines = [
        "GET /rpc HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


async def test_a_revoked_page_is_disconnected_at_once_and_not_let_in_again(bridge: Bridge) -> None:
    page = await bridge.open(FOREIGN)
    other = await bridge.open(OTHER)
    own = await bridge.open(own=True)
    await own.call("origins.revoke", url=FOREIGN)
    with pytest.raises(ConnectionClosed) as caught:
        await page.take()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008
    assert await refused(bridge, origin=FOREIGN) == 403
    assert await other.call("boards.list") == {"boards": []}


async def test_connections_are_counted_per_page_and_in_total(bridge: Bridge) -> None:
    for _ in range(limits.CONNECTIONS_PER_PARTY):
        last = await bridge.open(FOREIGN)
    assert await refused(bridge, origin=FOREIGN) == 429
    for _ in range(limits.CONNECTIONS - limits.CONNECTIONS_PER_PARTY):
        await bridge.open()
    assert await refused(bridge, origin=OTHER) == 429
    assert await refused(bridge, additional_headers={"Authorization": f"Bearer {TOKEN}"}) == 429
    await last.close()
    while bridge.server.connections == limits.CONNECTIONS:
        await asyncio.sleep(0.005)
    await bridge.open(FOREIGN)


# Pages


async def test_the_page_comes_with_headers_that_protect_it(bridge: Bridge) -> None:
    _, headers, _ = await get(bridge, "/")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert f"ws://{bridge.host}" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in headers


async def test_files_have_their_type_and_are_sent_once(tmp_path: Path) -> None:
    web = tmp_path / "web"
    (web / "client").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html>")
    (web / "mooring.js").write_text("export {}")
    (web / "client" / "find.js").write_text("export {}")
    (web / "secret.py").write_text("no")
    async with run_bridge(tmp_path, web=Pages(web)) as bridge:
        status, headers, body = await get(bridge, "/")
        assert (status, body) == (200, b"<!doctype html>")
        assert headers["content-type"] == "text/html; charset=utf-8"
        again = await get(bridge, "/", If_None_Match=headers["etag"])
        assert (again[0], again[2]) == (304, b"")
        (web / "index.html").write_text("<!doctype html><p>")
        assert (await get(bridge, "/", If_None_Match=headers["etag"]))[0] == 200
        head = await get(bridge, "/index.html", "HEAD")
        assert (head[0], head[2], head[1]["content-length"]) == (200, b"", "18")
        for path in ("/secret.py", "/nothing", "/../conftest.py", "/%2e%2e/origins.json", "//"):
            assert (await get(bridge, path))[0] == 404
        for path in ("/mooring.js", "/client/find.js"):
            _, headers, _ = await get(bridge, path, Origin=FOREIGN)
            assert headers["content-type"] == "text/javascript; charset=utf-8"
            assert headers["access-control-allow-origin"] == FOREIGN
            assert headers["vary"] == "Origin"
            _, headers, _ = await get(bridge, path, Origin=UNKNOWN)
            assert "access-control-allow-origin" not in headers
        _, headers, _ = await get(bridge, "/", Origin=FOREIGN)
        assert "access-control-allow-origin" not in headers


async def test_the_agents_own_page_is_there(bridge: Bridge) -> None:
    assert (await get(bridge, "/mooring.js"))[0] == 200


async def test_nothing_but_get_and_head_is_answered(bridge: Bridge) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        status, headers, _ = await get(bridge, "/rpc", method)
        assert (status, headers["allow"]) == (405, "GET, HEAD")


async def test_bodies_and_large_headers_are_refused(bridge: Bridge) -> None:
    assert (await get(bridge, "/", body=b"x" * 10))[0] == 413
    assert (await get(bridge, "/", Content_Length=str(100 * MIB)))[0] == 413
    assert (await get(bridge, "/", Cookie="x" * limits.HEADER_BYTES))[0] == 431
    headers = [("Authorization", f"Bearer {TOKEN}"), *[("Cookie", "x" * 7000)] * 5]
    assert await refused(bridge, additional_headers=headers) == 431
    assert await refused(bridge, additional_headers={"Cookie": "x" * 9000}) == 431


@pytest.mark.slow  # FIRST_REQUEST_S
async def test_a_connection_that_sends_no_request_is_closed(bridge: Bridge) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bridge.server.port)
    writer.write(b"GET / HT")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


async def test_too_many_sockets_are_dropped_and_the_rest_works(bridge: Bridge) -> None:
    client = await bridge.open()
    port = bridge.server.port
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(limits.SOCKETS - 1)]
    reader, over = await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert (await client.call("agent.info"))["name"] == "mooring"
    for writer in [over, *(each for _, each in held)]:
        writer.close()


# Bad input


async def test_what_is_not_a_request_is_answered_and_the_connection_lives(bridge: Bridge) -> None:
    client = await bridge.open()
    for text, code in (
        ("{", -32700),
        ("", -32700),
        ("[]", -32600),
        ('[{"jsonrpc":"2.0","id":1,"method":"agent.info"}]', -32600),
        ("1", -32600),
        ('{"jsonrpc":"1.0","id":1,"method":"agent.info"}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":"no.such"}', -32601),
        ('{"jsonrpc":"2.0","id":1,"method":"serial.open","params":{}}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"serial.open","params":[]}', -32602),
        ("[" * 100_000, -32700),
    ):
        await client.socket.send(text)
        answer = await client.take()
        assert answer is not None
        assert answer["error"]["code"] == code, text[:60]
        assert set(answer["error"]["data"]) >= {"code", "title", "meaning", "remedy", "retryable"}
    assert (await client.call("agent.info"))["name"] == "mooring"


async def test_a_message_of_100_mb_ends_its_connection_and_costs_no_memory(bridge: Bridge) -> None:
    other = await bridge.open()
    reader, writer = await handshake(bridge)
    before = psutil.Process().memory_info().rss
    writer.write(struct.pack("!BBQ4s", 0x81, 0xFF, 100 * MIB, b"\0\0\0\0"))
    block = b"x" * 65536
    with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012 - any of them
        for _ in range(100 * MIB // len(block)):
            writer.write(block)
            await writer.drain()
        raise ConnectionResetError  # all of it was read and forgotten: fine as well
    # A reset also throws away what was said before it and not read yet.
    with contextlib.suppress(ConnectionResetError):
        frame = await reader.read(4)
        assert frame[0] == 0x88
        assert struct.unpack("!H", frame[2:4])[0] == 1009
    writer.close()
    assert psutil.Process().memory_info().rss - before < 16 * MIB
    assert (await other.call("agent.info"))["name"] == "mooring"


async def test_a_message_of_a_million_fragments_is_refused(bridge: Bridge) -> None:
    reader, writer = await handshake(bridge)
    writer.write(b"\x01\x80\0\0\0\0")
    writer.write(b"\x00\x80\0\0\0\0" * (limits.MESSAGE_FRAGMENTS + 1))
    frame = await reader.read(4)
    assert struct.unpack("!H", frame[2:4])[0] == 1009
    writer.close()


async def test_the_largest_message_still_arrives(bridge: Bridge) -> None:
    client = await bridge.open()
    params = {"cloud": "x" * (limits.MESSAGE_BYTES - 200)}
    error = await client.fail("clouds.logout", **params)
    assert error["data"]["code"] == "input"
    with pytest.raises(ConnectionClosed) as caught:
        await client.call("clouds.logout", cloud="x" * limits.MESSAGE_BYTES)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


async def handshake(bridge: Bridge) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket by hand, to send what libraries would not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bridge.server.port)
    writer.write(
        f"GET /rpc?token={TOKEN} HTTP/1.1\r\nHost: {bridge.host}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in answer
    return reader, writer


async def test_a_flood_of_requests_is_refused_in_words_and_hurts_nobody_else(
    bridge: Bridge,
) -> None:
    flood = await bridge.open(FOREIGN)
    other = await bridge.open(OTHER)
    count = int(limits.REQUESTS_BURST) + 50
    for number in range(count):
        await flood.send({"jsonrpc": "2.0", "id": number, "method": "boards.list"})
    assert await other.call("boards.list") == {"boards": []}
    answers = [await flood.take() for _ in range(count)]
    codes = [(answer or {}).get("error", {}).get("data", {}).get("code") for answer in answers]
    assert codes.count("rate-exceeded") > 0
    assert codes.count(None) + codes.count("rate-exceeded") == count


async def test_unfinished_requests_are_bounded(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    for number in range(limits.UNFINISHED_REQUESTS + 1):
        request = {"jsonrpc": "2.0", "id": number, "method": "board.identify"}
        await client.send({**request, "params": {"board": board}})
    answer = await client.take()
    assert answer is not None
    assert answer["id"] == limits.UNFINISHED_REQUESTS
    assert answer["error"]["data"]["code"] == "rate-exceeded"


async def test_pings_of_a_peer_that_reads_nothing_do_not_pile_up(bridge: Bridge) -> None:
    reader, writer = await handshake(bridge)
    transport = writer.transport
    transport.pause_reading()  # type: ignore[attr-defined] # a socket transport
    ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
    with pytest.raises(ConnectionError):  # noqa: PT012 - wherever it notices
        for _ in range(4000):
            writer.write(ping * 100)
            await writer.drain()
    writer.close()
    del reader


# Peers that do not read, and the end


async def test_a_page_that_reads_nothing_is_closed_and_the_others_get_everything(
    bridge: Bridge,
) -> None:
    stuck_reader, stuck = await handshake(bridge)
    del stuck_reader
    stuck.transport.pause_reading()  # type: ignore[attr-defined] # a socket transport
    others = [await bridge.open(FOREIGN) for _ in range(3)]
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "models.list"}).encode()
    frame = struct.pack("!BBH4s", 0x81, 0xFE, len(request), b"\0\0\0\0") + request
    while bridge.server.connections > 3:
        stuck.write(frame)
        await asyncio.sleep(0.002)
    for other in others:
        assert await other.call("boards.list") == {"boards": []}
    stuck.close()


async def test_stopping_ends_open_and_stuck_connections_in_less_than_two_seconds(
    bridge: Bridge,
) -> None:
    client = await bridge.open()
    _, stuck = await handshake(bridge)
    stuck.transport.pause_reading()  # type: ignore[attr-defined] # a socket transport
    idle = await asyncio.open_connection("127.0.0.1", bridge.server.port)
    async with asyncio.timeout(2.0):  # the contract
        await bridge.server.stop()
    with pytest.raises(ConnectionClosed) as caught:
        await client.take()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1012
    with pytest.raises(OSError, match=r"."):
        await asyncio.open_connection("127.0.0.1", bridge.server.port)
    for writer in (stuck, idle[1]):
        writer.close()


async def test_a_page_that_leaves_gives_up_what_it_held(bridge: Bridge) -> None:
    client = await bridge.open()
    await client.call("jobs.subscribe")
    await client.call("boards.subscribe")
    assert bridge.jobs.subscribers == 1
    await client.close()
    while bridge.server.connections:
        await asyncio.sleep(0.005)
    assert bridge.jobs.subscribers == 0


# Ports


def test_the_first_free_port_is_taken_by_binding() -> None:
    start = free_port()
    first = bind(start, start + 20)
    try:
        taken: int = first[0].getsockname()[1]
        assert first[0].getsockname()[0] == "127.0.0.1"
        second = bind(taken, taken + 20)
        assert second[0].getsockname()[1] > taken
        for each in second:
            each.close()
        with pytest.raises(NoFreePort):
            bind(taken, taken)
    finally:
        for each in first:
            each.close()


async def test_small_messages_are_not_held_back_by_the_system() -> None:
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    start = free_port()
    listeners = bind(start, start + 20)
    server = await asyncio.start_server(
        lambda _reader, writer: accepted.set_result(writer), sock=listeners[0]
    )
    _, client = await asyncio.open_connection(*listeners[0].getsockname())
    writer = await accepted
    side = writer.get_extra_info("socket")
    assert side.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    for each in (writer, client):
        each.close()
    server.close()
    for listener in listeners[1:]:
        listener.close()


def test_a_port_that_somebody_holds_for_ipv6_only_is_not_taken() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as foreign:
        try:
            foreign.bind(("::1", 0))
        except OSError:
            # This computer has no IPv6, so nobody can hide there, and IPv4 alone will do.
            start = free_port()
            (only,) = bind(start, start + 20)
            only.close()
            return
        foreign.listen()
        port = foreign.getsockname()[1]
        with pytest.raises(NoFreePort):
            bind(port, port)
