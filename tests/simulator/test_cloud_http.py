"""Calls that are answered, or whose connection is cut; bodies with a limit."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response

from agent.simulator.cloud_http import cut_route, read_limited
from agent.simulator.loopback_server import HOST, LoopbackServer
from agent.simulator.loopback_servers import LoopbackServers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

LIMIT = 4


class Service(LoopbackServers):
    """Says how long a body is; without one nothing, and without an end."""

    def __init__(self) -> None:
        super().__init__()
        routes = [cut_route("POST", "/", self._answer, self._cut)]
        self._servers["http"] = LoopbackServer(Starlette(routes=routes))

    async def _answer(self, request: Request) -> Response | None:
        body = await read_limited(request, LIMIT)
        if body is None:
            return PlainTextResponse("too long", 413)
        return PlainTextResponse(str(len(body))) if body else None


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with Service() as service:
        yield service.ports["http"]


async def post(port: int, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    try:
        with contextlib.suppress(ConnectionError):  # how some systems tell of a cut
            return await reader.read()
        return b""
    finally:
        writer.close()


async def test_an_answer_is_sent(port):
    assert (await post(port, b"1234")).endswith(b"4")


async def test_without_one_the_connection_ends_without_a_byte(port):
    assert await post(port, b"") == b""


async def test_of_a_body_above_the_limit_there_is_nothing(port):
    assert (await post(port, b"12345")).startswith(b"HTTP/1.1 413 ")
