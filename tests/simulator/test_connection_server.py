"""A port for a protocol of one's own, and how its connections are cut."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, cast

import pytest

from agent.simulator.connection_server import ConnectionServer
from agent.simulator.loopback_server import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Greeter(asyncio.Protocol):
    """Says a word, and stays."""

    def __init__(self, server: Greeters) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)
        if self._server.down:
            self.cut()
        else:
            self._transport.write(b"hello")

    def connection_lost(self, _error: Exception | None) -> None:
        self._server.connections.discard(self)

    def cut(self) -> None:
        self._transport.abort()


class Greeters(ConnectionServer):
    def __init__(self, port: int = 0) -> None:
        super().__init__(lambda: Greeter(self), port=port)


@pytest.fixture
async def server() -> AsyncIterator[Greeters]:
    running = Greeters()
    await running.start()
    yield running
    await running.stop()


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):  # how some systems tell of a cut
        return await reader.read()
    return b""


async def test_while_it_is_down_open_connections_and_new_ones_end_without_a_byte(server):
    reader, writer = await asyncio.open_connection(HOST, server.port)
    assert await reader.readexactly(5) == b"hello"
    assert len(server.connections) == 1
    server.down = True
    assert await read_to_end(reader) == b""
    writer.close()
    other, writer = await asyncio.open_connection(HOST, server.port)
    assert await read_to_end(other) == b""
    writer.close()
    assert not server.connections
    server.down = False
    again, writer = await asyncio.open_connection(HOST, server.port)
    assert await again.readexactly(5) == b"hello"
    writer.close()


async def test_its_end_cuts_what_is_open_and_may_come_twice(server):
    reader, writer = await asyncio.open_connection(HOST, server.port)
    assert await reader.readexactly(5) == b"hello"
    await server.stop()
    await server.stop()
    assert await read_to_end(reader) == b""
    writer.close()
    with pytest.raises(OSError):
        await asyncio.open_connection(HOST, server.port)


async def test_a_port_that_is_taken_is_an_error(server):
    second = Greeters(server.port)
    with pytest.raises(OSError):
        await second.start()
    await second.stop()
