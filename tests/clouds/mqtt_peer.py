"""MQTT servers that do what a test tells them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from agent.clouds.mqtt import MqttServer
from agent.protocols.mqtt import PacketDecoder, encode

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable


class Peer:
    """One accepted connection of a server made for a test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = PacketDecoder()
        self._heard: list[Any] = []

    async def hear(self) -> Any:
        while not self._heard:
            data = await self._reader.read(65_536)
            if not data:
                raise EOFError
            self._heard += self._decoder.feed(data)
        return self._heard.pop(0)

    def say(self, *packets: Any) -> None:
        for packet in packets:
            data = packet if isinstance(packet, bytes) else encode(packet, self._decoder.version)
            self._writer.write(data)

    async def gone(self) -> None:
        """Wait until the other side hung up."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                await self.hear()


@contextlib.asynccontextmanager
async def serving(
    script: Callable[[Peer], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[MqttServer]:
    """The address of a server that plays ``script`` with everybody who connects."""

    handlers: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        try:
            with contextlib.suppress(OSError, EOFError):
                await script(Peer(reader, writer))
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with listener:
        yield MqttServer(host="127.0.0.1", port=listener.sockets[0].getsockname()[1])
    running = [task for task in handlers if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
