"""A real MicroPython, its unix port, behind a port like a board's.

A soft reset ends the unix port; a board would start again with its ``main.py``, so the program
around it does that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import termios
import tty
from typing import TYPE_CHECKING

from agent.simulator.ports import open_port

if TYPE_CHECKING:
    from pathlib import Path

    from agent.simulator.ports import BoardPort

BOARD = """
import os, signal, subprocess, sys
terminal = os.open(sys.argv[1], os.O_RDWR)
for number in range(3):
    os.dup2(terminal, number)
os.chdir(sys.argv[2])
signal.signal(signal.SIGINT, lambda *_: None)
micropython = [sys.executable, "-m", "micropython_unix"]
while True:
    if os.path.exists("main.py"):
        subprocess.run([*micropython, "main.py"])
    subprocess.run(micropython)
    os.write(1, b"MPY: soft reboot\\r\\n")
"""


class MicroPythonBoard:
    """The process, its terminal, and the port that a host opens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port: BoardPort | None = None
        self._master = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting = bytearray()

    @property
    def address(self) -> str:
        assert self._port is not None
        return self._port.address

    async def start(self) -> None:
        """Plug in."""
        if sys.platform == "win32":
            raise NotImplementedError
        self._master, terminal = os.openpty()
        tty.setraw(terminal)
        # Outside its prompt the terminal makes signals of Ctrl-C, as boards do by themselves.
        attributes = termios.tcgetattr(terminal)
        attributes[3] |= termios.ISIG
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        os.set_blocking(self._master, False)
        command = [sys.executable, "-c", BOARD, os.ttyname(terminal), str(self.folder)]
        self._process = subprocess.Popen(
            command, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        asyncio.get_running_loop().add_reader(self._master, self._read)
        self._port = await open_port(
            tcp=True, dtr=False, not_at=None, on_data=self._write, on_host=lambda _there: None
        )
        os.close(terminal)

    def kill(self) -> None:
        """Take its power and pull the cable."""
        if sys.platform == "win32" or self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, 9)
        self._process.wait()
        self._process = None
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        os.close(self._master)
        if self._port is not None:
            self._port.close()
            self._port = None

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # nobody has the terminal open, before its start
            return
        if self._port is not None:
            self._port.write(data)

    def _write(self, data: bytes) -> None:
        self._waiting += data
        self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_writer(self._master)
        while self._waiting:
            try:
                sent = os.write(self._master, self._waiting)
            except BlockingIOError:
                loop.add_writer(self._master, self._flush)
                return
            del self._waiting[:sent]
