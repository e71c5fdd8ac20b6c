"""Somebody at a terminal."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from typing import TYPE_CHECKING, Generic, TypeVar

from tests.cli.terminal import echoes, open_terminal

if TYPE_CHECKING:
    from tests.cli.conftest import Starts

Home = TypeVar("Home", bound="Starts")


class Person(Generic[Home]):
    """Somebody at a terminal: sees what is shown, types, presses Ctrl-C."""

    def __init__(self, mooring: Home) -> None:
        self.mooring = mooring
        self.shown = ""
        self.everything = ""
        self._master, self._slave = open_terminal()
        self._process: asyncio.subprocess.Process | None = None
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._master, self._read)

    async def start(self, *words: str) -> None:
        # A session of its own, so that Ctrl-C of this terminal reaches the command.
        self._process = await self.mooring.start(
            *words,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
        )

    async def sees(self, text: str) -> None:
        """Wait until ``text`` is shown; what came before it is out of sight."""
        while text not in self.shown:
            self._news.clear()
            await self._news.wait()
        self.shown = self.shown[self.shown.index(text) + len(text) :]

    def types(self, text: str) -> None:
        os.write(self._master, text.encode())

    @property
    def sees_what_is_typed(self) -> bool:
        return echoes(self._master)

    def interrupts(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)

    async def status(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _read(self) -> None:
        text = os.read(self._master, 65536).decode(errors="replace")
        text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
        self.shown += text
        self.everything += text
        self._news.set()
