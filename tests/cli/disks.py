"""An agent whose home is on a disk of its own: small, or read-only; only it sees that disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .conftest import Ended, finish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .conftest import Mooring

SMALL = "mount -t tmpfs -o size={size} tmpfs {disk} && cp -a {home}/. {disk}/"
PIPES: Any = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
READ_ONLY = "mount --bind {home} {disk} && mount -o remount,bind,ro {disk}"


@dataclass
class OnDisk:
    """The agent, and its disk."""

    mooring: Mooring
    process: asyncio.subprocess.Process
    first_line: bytes
    environ: dict[str, str]
    disk: Path
    """Through the agent's own view of the file system."""

    async def run(self, *words: str, stdin: str = "") -> Ended:
        """A command that sees the same disk, as the agent does."""
        process = await asyncio.create_subprocess_exec(
            *("nsenter", "--target", str(self.process.pid), "--user", "--mount"),
            *("--preserve-credentials", sys.executable, "-m", "agent", *words),
            env=self.environ,
            **PIPES,
        )
        return await finish(process, stdin)

    def fill(self) -> None:
        """Leave no byte free."""
        size = 1 << 20
        with (self.disk / "fill").open("ab", buffering=0) as file:
            while size:
                try:
                    if file.write(bytes(size)) < size:
                        size //= 2
                except OSError:
                    size //= 2

    def clear(self) -> None:
        (self.disk / "fill").unlink()

    @property
    def free(self) -> int:
        if sys.platform == "win32":
            raise NotImplementedError
        status = os.statvfs(self.disk)
        return status.f_bavail * status.f_frsize


@contextlib.asynccontextmanager
async def agent_on_disk(
    mooring: Mooring, folder: Path, mount: str, *, prepare: str = "true", **environ: str
) -> AsyncIterator[OnDisk]:
    """``prepare``: what is done to the disk (``$DISK``) before the agent starts."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = mount.format(disk=disk, home=mooring.home, size="24m")
    script = f'{mounted} && {prepare} && exec "$@"'
    own = {**mooring.environ, "MOORING_HOME": str(disk), "DISK": str(disk), **environ}
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"),
        *(sys.executable, "-m", "agent", "run", "--headless", "--json"),
        env=own,
        **PIPES,
    )
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            ended = await finish(process)
            raise AssertionError(ended.err)
        seen = Path(f"/proc/{process.pid}/root{disk}")
        yield OnDisk(mooring, process, line, own, seen)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        ended = await finish(process)
    assert "Traceback" not in ended.err


def said(ended: Ended) -> dict[str, Any]:
    """The error of a command with ``--json``."""
    error: dict[str, Any] = ended.lines[-1]["error"]
    return error
