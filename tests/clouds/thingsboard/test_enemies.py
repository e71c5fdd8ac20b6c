"""Servers that drip, flood and speak nonsense, and ways that are not the usual one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clouds.http import CloudHttp, Limits
from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.clouds.thingsboard.addresses import parse_server
from agent.clouds.thingsboard.over_http import LIMITS, HttpCarrier
from agent.clouds.thingsboard.over_mqtt import MqttCarrier
from agent.errors import ProxyRefused
from agent.protocols.mqtt import ConnAck, PingResp, Publish, SubAck
from agent.protocols.thingsboard.provisioning import NotAsked, NotUnderstood, Overloaded
from agent.protocols.thingsboard.replies import Issued, Refused, Unusable
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.config import NetworkConfig
from agent.settings.proxy import ProxyAddress
from tests.clouds.manual_clock import ManualClock
from tests.clouds.mqtt_peer import Peer
from tests.internet import HOST, Authority, RealProxy, Site, listening

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clouds.thingsboard.carrier import Asked

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WISH = ProvisionRequest(name="n", key=Secret("MARKER-key"), secret=Secret("MARKER-secret"))
YES = b'{"status":"SUCCESS","credentialsValue":"abc"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(YES) + YES
OUTCOMES = (Issued, Refused, Unusable, NotAsked, Overloaded, NotUnderstood)
SHORT_S = 0.2


async def ask_http(url: str, routes: Routes, limits: Limits = LIMITS) -> Asked:
    http = CloudHttp(title="TB", base_url=url, clock=ManualClock(), limits=limits, routes=routes)
    try:
        return await HttpCarrier(http).ask(WISH)
    finally:
        await http.close()


async def ask_mqtt(url: str, routes: Routes) -> Asked:
    server = parse_server("server", url)
    return await MqttCarrier(server, routes, title="TB", answer_limit_s=SHORT_S).ask(WISH)


async def drip(writer: asyncio.StreamWriter, first: bytes, then: bytes) -> None:
    """One byte after the other, as long as somebody takes them."""
    writer.write(first)
    with contextlib.suppress(OSError):
        while not writer.is_closing():
            writer.write(then)
            await writer.drain()
            await asyncio.sleep(0)
    writer.transport.abort()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n{", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["status", "header", "body", "chunks", "continue"],
)
async def test_bytes_without_end_cost_a_limit_over_http(
    first: bytes, then: bytes, routes: Routes
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await drip(writer, first, then)

    limits = Limits(answer_s=SHORT_S, body=LIMITS.body)
    async with listening(serve) as port:
        outcome = (await ask_http(f"http://127.0.0.1:{port}", routes, limits)).outcome
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"\x30\xff\xff\x0f\x00\x01x", b"x"),
        (b"", b"\x80"),
        (b"", b"\xd0\x00"),
        (b"", b"\x30\x03\x00\x01x"),
        (b"", b"\x32\x05\x00\x01x\x00\x01"),
        (b"\x30\xff\xff\xff\x7f", b"x"),
    ],
    ids=["packet", "length", "pings", "messages", "confirmed", "too long"],
)
async def test_bytes_without_end_cost_a_limit_over_mqtt(
    first: bytes, then: bytes, routes: Routes
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        await peer.hear()
        peer.say(ConnAck())
        wish = await peer.hear()
        peer.say(SubAck(packet_id=wish.packet_id, codes=(1,)))
        await peer.hear()
        await drip(writer, first, then)

    async with listening(serve) as port:
        outcome = (await ask_mqtt(f"mqtt://127.0.0.1:{port}", routes)).outcome
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done


async def test_a_server_without_a_path_for_version_4_is_reached_by_its_address(
    routes: Routes,
) -> None:
    async def over_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await reader.read()
        writer.close()

    async def over_mqtt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        await peer.hear()
        peer.say(ConnAck())
        wish = await peer.hear()
        peer.say(SubAck(packet_id=wish.packet_id, codes=(1,)), PingResp())
        await peer.hear()
        peer.say(Publish(topic="/provision/response", payload=YES))
        await peer.gone()
        writer.close()

    async with listening(over_http, host="::1") as web, listening(over_mqtt, host="::1") as mqtt:
        assert isinstance((await ask_http(f"http://[::1]:{web}", routes)).outcome, Issued)
        assert isinstance((await ask_mqtt(f"mqtt://[::1]:{mqtt}", routes)).outcome, Issued)


async def test_https_goes_through_the_companys_proxy_which_reads_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "Ours")
    authorities = authority.pem.read_text()
    async with (
        Site(ANSWER).running(authority.context(HOST)) as site,
        RealProxy({HOST: site.port}).running() as proxy,
        RealProxy(status="403 Not on our list").running() as strict,
    ):
        for each, expected in ((proxy, Issued), (strict, NotAsked)):
            network = NetworkConfig(proxy=ProxyAddress(f"http://127.0.0.1:{each.port}"))
            routes = Routes(lambda: network, system=SystemProxy, authorities=authorities)  # noqa: B023 - used here
            asked = await ask_http(f"https://{HOST}", routes)
            assert isinstance(asked.outcome, expected)
            assert b"MARKER" not in b"".join(each.asked)
    assert isinstance(asked.error, ProxyRefused)
    assert len(site.requests) == 1


lines: st.SearchStrategy[bytes] = st.sampled_from(
    [f"HTTP/1.1 {status} x\r\n".encode() for status in (200, 204, 301, 304, 429, 500, 999, 0)]
    + [b"HTTP/1.0 200 OK\r\n", b"HTTP/2 200 OK\r\n", b"HTTP/1.1 200\r\n", b"ICY 200 OK\r\n"]
)
headers: st.SearchStrategy[bytes] = st.sampled_from(
    [
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999",
        b"Transfer-Encoding: chunked",
        b"Content-Encoding: gzip",
        b"Location: http://[",
        b"Location: https://other.example/",
        b"Location: \xff",
        b"Retry-After: 99999999999",
        b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT",
        b"Retry-After: Mon, 99 Xxx 2020 99:99:99 GMT",
        b"Set-Cookie: =;;",
        b"X: \xff",
    ]
)
bodies = st.binary(max_size=20) | st.sampled_from([YES, b"<html>", b"5\r\nhello\r\n0\r\n\r\n"])


@settings(max_examples=30)
@given(
    lines | st.binary(max_size=20), st.lists(headers | st.binary(max_size=20), max_size=4), bodies
)
def test_whatever_comes_over_http_there_is_an_outcome(
    line: bytes, head: list[bytes], body: bytes
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(line + b"".join(each + b"\r\n" for each in head) + b"\r\n" + body)
            await writer.drain()
        writer.close()

    async def run() -> Any:
        routes = Routes(system=SystemProxy, environ={})
        async with listening(serve) as port:
            return (await ask_http(f"http://127.0.0.1:{port}", routes)).outcome

    assert isinstance(asyncio.run(run()), OUTCOMES)
