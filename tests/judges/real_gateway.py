"""ThingsBoard's own IoT gateway as a process, with a folder of its own.

Recipe: cloud-thingsboard, sections 10 and 11. It needs a second for most things.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.simulator.thingsboard import NotConnectedError
from tests import system_parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.thingsboard import SimulatedThingsBoard

ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0
"""It starts in two seconds and answers calls some seconds later; a busy machine may take long."""
CALL_S = 0.5
"""A call that came before it was ready is never answered; then the next one is made."""
DAEMON = "from thingsboard_gateway.tb_gateway import daemon; daemon()"
"""What its own program does."""


@dataclass
class Gateway:
    """The gateway as a process, with a folder of its own."""

    home: Path
    environ: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    log: list[str] = field(default_factory=list)

    @property
    def credentials(self) -> Path:
        """Where it keeps what it was given."""
        return self.home / "config" / ".credentials"

    async def start(self, **more: str) -> None:
        """Start it with these variables beside those that all runs have."""
        judge = system_parts.PARTS["thingsboard"].judge
        assert judge is not None
        with (self.home / "out").open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                *(str(judge.python), "-c", DAEMON),
                env=self.environ | more,
                cwd=self.home,
                stdout=out,
                stderr=out,
            )

    async def end(self) -> int:
        """Its status once it has ended."""
        assert self.process is not None
        async with asyncio.timeout(LIMIT_S):
            return await self.process.wait()

    async def stop(self) -> None:
        """Make it end."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


def make_gateway(home: Path, given: dict[str, str], **settings: Any) -> Gateway:
    """A gateway that is not started yet; ``settings`` are fields of its section ``thingsboard``."""
    judge = system_parts.PARTS["thingsboard"].judge
    assert judge is not None
    (package,) = judge.home.glob(f"{judge.name}/lib/*/site-packages/thingsboard_gateway")
    (home / "config").mkdir(parents=True)
    (home / "logs").mkdir()
    shutil.copy(package / "config" / "logs.json", home / "config")
    own = json.loads((package / "config" / "tb_gateway.json").read_text())
    own["connectors"] = []
    own["thingsboard"].update(settings)
    (home / "config" / "tb_gateway.json").write_text(json.dumps(own))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT / "tests" / "judges" / "stand_ins"),
        # It asks its maker for newer versions, and would install what it misses.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "PIP_NO_INDEX": "1",
        "TB_GW_CONFIG_DIR": str(home / "config"),
        "TB_GW_LOGS_PATH": str(home / "logs"),
    }
    return Gateway(home, environ | given)


async def ask(
    server: SimulatedThingsBoard, method: str, params: Any = None, *, name: str = "gw-1"
) -> Any:
    """Ask the gateway, again where it was not ready yet."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            with contextlib.suppress(TimeoutError, NotConnectedError):
                return await server.call(name, method, params, limit_s=CALL_S)
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def either(server: SimulatedThingsBoard) -> AsyncIterator[int]:
    """One port for both, as the gateway takes it: it provisions without TLS unless it is 8883."""
    open_writers: set[asyncio.StreamWriter] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1)
        port = server.ports["mqtts" if first == b"\x16" else "mqtt"]
        there_reader, there = await asyncio.open_connection("127.0.0.1", port)
        open_writers.update((writer, there))
        there.write(first)
        await asyncio.gather(copy(reader, there), copy(there_reader, writer))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    listening = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for writer in open_writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        await listening.wait_closed()
