"""One request to a board, and everything that may come in place of an answer."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from agent.errors import PortFailed, PortGone
from agent.links.plain_http import Reply, get

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "/config?pass=marker-horse"


@contextlib.asynccontextmanager
async def answering(*parts: bytes, hold: bool = False) -> AsyncIterator[tuple[int, list[bytes]]]:
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        for part in parts:
            writer.write(part)
            await writer.drain()
        if hold:
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], requests


async def ask(port: int, limit_s: float = 5.0) -> Reply:
    return await get("127.0.0.1", port, SECRET, limit_s=limit_s, body_bytes=100, local="127.0.0.1")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Internal\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 500 No length\r\n\r\nhello",
        b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
async def test_an_answer_is_read_however_its_end_is_said(answer):
    async with answering(*(answer[at : at + 1] for at in range(len(answer)))) as (port, requests):
        assert await ask(port) == Reply(500, b"hello")
        assert requests[0].startswith(b"GET /config?pass=marker-horse HTTP/1.1\r\n")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal"])
async def test_a_board_that_hangs_up_is_gone(answer):
    async with answering(answer) as (port, _):
        with pytest.raises(PortGone) as raised:
            await ask(port)
        assert "marker" not in str(raised.value.report())


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-dropbear\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101],
)
async def test_what_is_no_answer_of_a_board_is_said_without_what_was_asked(answer):
    async with answering(answer, hold=True) as (port, _):
        with pytest.raises(PortFailed) as raised:
            await ask(port)
        assert "marker" not in str(raised.value.report())


async def test_silence_and_absence_are_told():
    async with answering(hold=True) as (port, _):
        with pytest.raises(PortGone):
            await ask(port, 0.05)
    with pytest.raises(PortGone):
        await ask(port)
