"""Simulated boards on a loopback socket, several times faster than real ones."""

from __future__ import annotations

import asyncio
import platform
import sys
from typing import TYPE_CHECKING

import pytest

from agent.links.open import open_link
from agent.sessions.v2 import V2Session, open_session
from agent.simulator.config import BoardConfig
from agent.simulator.firmware import Firmware
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import World, demo_networks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.links.link import Link

HAS_MICROPYTHON = sys.platform == "linux" and platform.machine() == "x86_64"
"""The package of a real MicroPython is for these computers (pyproject.toml)."""
collect_ignore = [] if HAS_MICROPYTHON else ["test_repl_micropython.py"]

SPEED = 30
"""Board seconds in a second: an attempt that fails after 15 s takes half a second here."""


class BoardOnSocket:
    """A board that runs in this process; its port is ``address``."""

    def __init__(self, config: BoardConfig, world: World) -> None:
        self.world = world
        self.board = Firmware(config, VECTOR_TIMING, world)
        self.address = ""
        self.received = bytearray()
        self.add_log: Callable[[], bytes] = lambda: b""
        self._writer: asyncio.StreamWriter | None = None
        self._kick = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._tasks.append(asyncio.create_task(self._run()))

    async def stop(self) -> None:
        self.unplug()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn

    def unplug(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        while data := await reader.read(4096):
            self.received += data
            self.board.receive(data)
            self._kick.set()
        writer.close()
        await writer.wait_closed()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            self._kick.clear()
            self.board.run((loop.time() - began) * 1000 * SPEED)
            output = b"".join(self.board.take_output())
            if output and self._writer is not None:
                self._writer.write(self.add_log() + output)
            wait_s = (self.board.next_wake / 1000 / SPEED) - (loop.time() - began)
            try:
                async with asyncio.timeout(max(0.001, min(wait_s, 1.0))):
                    await self._kick.wait()
            except TimeoutError:
                pass


class Boards:
    """Makes boards and sessions, and closes what a test left open."""

    def __init__(self) -> None:
        self._boards: list[BoardOnSocket] = []
        self._sessions: list[V2Session] = []

    async def plug_in(
        self, world: World | None = None, config: BoardConfig | None = None
    ) -> BoardOnSocket:
        board = BoardOnSocket(
            config or BoardConfig(serial_number="s", zero_touch=False, log=True),
            world or World(networks=demo_networks()),
        )
        await board.start()
        self._boards.append(board)
        return board

    async def link(self, board: BoardOnSocket) -> Link:
        return await open_link(board.address, 9600)

    async def session(
        self, board: BoardOnSocket, observer: Callable[[str], None] | None = None
    ) -> V2Session:
        session = await open_session(await self.link(board), observer=observer)
        self._sessions.append(session)
        return session

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()
        for board in self._boards:
            await board.stop()


@pytest.fixture
async def boards() -> AsyncIterator[Boards]:
    """Boards on loopback sockets."""
    made = Boards()
    yield made
    await made.close()
