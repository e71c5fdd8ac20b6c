"""A D-Bus of our own, so that programs meet a simulated ``org.bluez`` and nobody else does.

Whoever is to use it gets ``DBUS_SYSTEM_BUS_ADDRESS=<address>`` in its environment.
Source: bench-desktop, 1.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.errors import MooringError

if TYPE_CHECKING:
    from types import TracebackType

PROGRAM: Final = "dbus-daemon"
INSTALL: Final = (
    "Install it: on Debian and Ubuntu `sudo apt install dbus`, on Fedora "
    "`sudo dnf install dbus-daemon`; or leave out --ble."
)
WITHOUT_LINUX: Final = "Leave out --ble, or use a computer with Linux."
SHORTER: Final = "Set TMPDIR to a folder with a shorter path, for instance /tmp."
FOLDER_BYTES: Final = 107 - len("/mooring-bus-12345678/socket")
"""The path of a socket has at most 107 bytes (Linux, unix(7))."""
TRY_AGAIN: Final = "Try again; if it happens again, look whether `dbus-daemon --version` answers."
START_LIMIT_S: Final = 10.0
"""The daemon needs some 20 ms; a busy machine may need much longer."""
STOP_LIMIT_S: Final = 5.0

_CONFIGURATION: Final = """<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"""


class NoBusError(MooringError):
    """No boards can be simulated in the air of this computer."""

    code = "simulator_no_air"
    title = "This computer cannot carry simulated boards over the air: {problem}."
    meaning = (
        "They are heard through a Bluetooth service of their own, on a D-Bus of their own, "
        "which only Linux has. Simulated boards on a cable work everywhere."
    )
    remedy = "{action}"


class PrivateBus:
    """A ``dbus-daemon`` with one socket in a folder of its own; an asynchronous context manager."""

    def __init__(self) -> None:
        self.address = ""
        """Address for ``DBUS_SYSTEM_BUS_ADDRESS``; empty before the start."""
        self._folder: Path | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> PrivateBus:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @staticmethod
    def available() -> bool:
        """Whether there can be one here."""
        return sys.platform == "linux" and shutil.which(PROGRAM) is not None

    @staticmethod
    def require() -> str:
        """Path of the daemon; raises :class:`NoBusError`, which says how to get one."""
        if sys.platform != "linux":
            raise NoBusError(problem="its system is not Linux", action=WITHOUT_LINUX)
        program = shutil.which(PROGRAM)
        if program is None:
            raise NoBusError(problem=f"{PROGRAM} is not installed", action=INSTALL)
        folder = tempfile.gettempdir()
        if len(os.fsencode(folder)) > FOLDER_BYTES:
            raise NoBusError(problem=f"the path {folder} is too long for a socket", action=SHORTER)
        return program

    async def start(self) -> str:
        """Start the daemon; its address. Raises :class:`NoBusError`."""
        program = self.require()
        self._folder = Path(tempfile.mkdtemp(prefix="mooring-bus-"))
        configuration = self._folder / "bus.conf"
        text = _CONFIGURATION.format(socket=self._folder / "socket")
        configuration.write_text(text, encoding="utf-8")
        try:
            await self._run(program, configuration)
        except BaseException:
            await self.stop()
            raise
        return self.address

    async def _run(self, program: str, configuration: Path) -> None:
        # The daemon must not outlive this process, even one that is killed.
        setpriv = shutil.which("setpriv")
        guard = (setpriv, "--pdeathsig", "TERM") if setpriv else ()
        self._process = await asyncio.create_subprocess_exec(
            *guard,
            program,
            f"--config-file={configuration}",
            "--nofork",
            "--nopidfile",
            "--print-address",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None  # noqa: S101  (started with a pipe)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise NoBusError(problem=f"{PROGRAM} did not start", action=TRY_AGAIN)
        self.address = line.decode().strip()

    async def stop(self) -> None:
        """End the daemon and remove its folder; may be called again."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(STOP_LIMIT_S):
                    await process.communicate()
            except TimeoutError:
                process.kill()
                await process.communicate()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
