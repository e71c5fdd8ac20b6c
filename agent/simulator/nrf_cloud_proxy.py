"""Leads programs that know only the real hosts to the simulated nRF Cloud.

A proxy on this computer that connects every name to our TLS server, for programs whose hosts are
constants: ``HTTPS_PROXY`` names it, and their bundle of authorities is ours (``REQUESTS_CA_BUNDLE``).
Nothing leaves this computer.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from agent.simulator.loopback_server import HOST

HEAD_BYTES: Final = 8192
"""Of a request to connect."""
CHUNK: Final = 64 * 1024


class ConnectProxy:
    """Answers CONNECT, whatever the name, with a connection to one port of this computer."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.asked: list[str] = []
        """Names and ports that were asked for."""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What ``HTTPS_PROXY`` is set to."""
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, HOST, 0, limit=HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end what is open."""
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            try:
                await self._lead(reader, writer)
            finally:
                writer.transport.abort()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.decode("ascii", "replace").partition(" ")
        if method != "CONNECT":
            writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        self.asked.append(rest.partition(" ")[0])
        there_reader, there = await asyncio.open_connection(HOST, self.target)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry(reader, there))
                group.create_task(_carry(there_reader, writer))
        finally:
            there.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof() if writer.can_write_eof() else writer.close()
