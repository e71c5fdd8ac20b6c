"""A real MQTT broker on a port of this computer: Debian's mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TRIES = 5
"""A port that was free may be taken by another test before the broker has it."""


@contextlib.asynccontextmanager
async def mosquitto(folder: Path, *settings: str) -> AsyncIterator[int]:
    """The port of a broker with these lines in its configuration, beside its listener."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    for _ in range(TRIES):
        port = _free_port()
        file = folder / f"mosquitto-{port}.conf"
        # Started by root it would become another user, who cannot read the folder of a test.
        lines = [
            "user root",
            f"listener {port} 127.0.0.1",
            "log_dest stderr",
            "log_type all",
            *settings,
        ]
        file.write_text("\n".join(lines) + "\n")
        process = await asyncio.create_subprocess_exec(
            program, "-c", str(file), stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        try:
            async for line in process.stderr:
                if line.rstrip().endswith(b"running"):
                    drain = asyncio.create_task(_read_on(process.stderr))
                    try:
                        yield port
                    finally:
                        drain.cancel()
                    return
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
    msg = "mosquitto did not start"
    raise AssertionError(msg)


async def _read_on(stream: asyncio.StreamReader) -> None:
    """Keep the pipe empty, or the broker would wait for it."""
    while await stream.read(65_536):
        pass


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
