"""The server of simulated clouds."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse

from agent.simulator.loopback_server import HOST, LoopbackServer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("hello")(scope, receive, send)


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_it_serves_stops_and_can_be_stopped_again() -> None:
    server = LoopbackServer(hello)
    await server.start()
    assert (await ask(server.port)).endswith(b"hello")
    await server.stop()
    await server.stop()
    with pytest.raises(OSError):
        await ask(server.port)


async def test_a_port_that_is_taken_is_an_error() -> None:
    first = LoopbackServer(hello)
    await first.start()
    second = LoopbackServer(hello, port=first.port)
    with pytest.raises(OSError):
        await second.start()
    await second.stop()
    await first.stop()


async def test_signals_of_the_process_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    server = LoopbackServer(hello)
    await server.start()
    assert signal.getsignal(signal.SIGINT) is before
    await server.stop()


async def test_while_it_is_down_a_connection_ends_without_a_byte() -> None:
    server = LoopbackServer(hello)
    await server.start()
    server.down = True
    with contextlib.suppress(ConnectionError):  # the same, seen a moment earlier
        assert await ask(server.port) == b""
    server.down = False
    assert (await ask(server.port)).endswith(b"hello")
    await server.stop()
