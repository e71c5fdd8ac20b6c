"""Real far ends for links: pseudo-terminals and sockets."""

import asyncio
import os
import sys
from collections.abc import Iterator

import pytest


class FarEnd:
    """The board's side of a pseudo-terminal."""

    master: int
    path: str

    def __init__(self) -> None:
        if sys.platform == "win32":
            raise NotImplementedError
        self.master, slave = os.openpty()
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)

    async def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.master, view) :]
            except BlockingIOError:
                await self._ready(asyncio.get_running_loop().add_writer, "writer")

    async def read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                data += os.read(self.master, size - len(data))
            except BlockingIOError:
                await self._ready(asyncio.get_running_loop().add_reader, "reader")
        return bytes(data)

    async def _ready(self, add, kind: str) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        add(self.master, ready.set)
        try:
            await ready.wait()
        finally:
            (loop.remove_reader if kind == "reader" else loop.remove_writer)(self.master)

    def unplug(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo-terminals")
    end = FarEnd()
    yield end
    end.unplug()
