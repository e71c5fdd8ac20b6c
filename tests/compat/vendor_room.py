"""An agent where the published client looks for one: on ports of the Create Agent, but not the first."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from agent.app import build
from agent.bridge.origins import Origins
from agent.settings import Secret
from agent.settings.config import (
    BluetoothConfig,
    BridgeConfig,
    Config,
    PortsConfig,
    UpdatesConfig,
)
from agent.settings.config_compat import CompatConfig
from agent.settings.paths import find_paths
from agent.simulator.tool_index import SimulatedToolIndex
from tests.compat.upload_bench import public_pem
from tests.flash.toolstore.archives import tar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from agent.app import App

FIRST_PORT: Final = 8991
"""The client looks here and on the eight ports above."""
LAST_PORT: Final = 8999


TOOLS: Final = {"bossac": "1.7.0", "arduino-fwuploader": "2.4.1", "rp2040tools": "1.0.6"}
"""Three of the four tools that the client asks for; the fourth is for Windows alone."""
HOSTS: Final = ("x86_64-pc-linux-gnu", "aarch64-linux-gnu", "i686-mingw32", "x86_64-apple-darwin")


@dataclass(frozen=True)
class Room:
    """An agent in this process, its server, and the folder that tells it of boards."""

    app: App
    port: int
    ports: Path
    tools: SimulatedToolIndex
    """The list of tools, on this computer."""

    @property
    def url(self) -> str:
        """The page, and what the client calls the agent."""
        return f"http://127.0.0.1:{self.port}"


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
        """Say nothing."""


@contextlib.contextmanager
def stranger(port: int = FIRST_PORT) -> Iterator[None]:
    """A web server that is no agent; if somebody has the port already, that one is as good."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _Stranger)
    except OSError:
        yield
        return
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.asynccontextmanager
async def tool_list(**programs: bytes) -> AsyncIterator[SimulatedToolIndex]:
    """A list with what the client asks for; the content of ``programs`` is as given."""
    async with SimulatedToolIndex() as server:
        for name, version in TOOLS.items():
            archive = tar({f"t/{name}!": programs.get(name, b"program")})
            for host in HOSTS:
                server.publish(
                    "arduino", name, version, host=host, file=f"{name}.tar.gz", data=archive
                )
        data = tar({"t/driver.inf": b"driver"})
        server.publish(
            "arduino", "windows-drivers", "1.9.0", host=HOSTS[2], file="drivers.tar.gz", data=data
        )
        yield server


@contextlib.asynccontextmanager
async def agent_for(
    home: Path, *origins: str, ports: Path | None = None, **programs: bytes
) -> AsyncIterator[Room]:
    """An agent in this process that lets pages of these origins in.

    ``ports``: where boards are announced; ``programs``: tools of its list.
    """
    home.mkdir(parents=True, exist_ok=True)
    ports = ports or home / "ports"
    async with contextlib.AsyncExitStack() as stack:
        tools = await stack.enter_async_context(tool_list(**programs))
        key, index_key = home / "key.pem", home / "tools.asc"
        key.write_bytes(public_pem())
        index_key.write_bytes(tools.public_key)
        config = Config(
            bridge=BridgeConfig(first_port=FIRST_PORT + 1, last_port=LAST_PORT),
            ports=PortsConfig(system=False, simulated=str(ports)),
            bluetooth=BluetoothConfig(scan="never"),
            updates=UpdatesConfig(check=False),
            compat=CompatConfig(
                signature_key=str(key),
                tool_index_url=tools.index_url,
                tool_index_key=str(index_key),
            ),
        )
        app = build(config, find_paths({"MOORING_HOME": str(home)}))
        stack.push_async_callback(app.close)
        stack.enter_context(stranger())
        await app.start()
        for origin in origins:
            app.services.consent.allow(origin)
        server = await app.serve(Secret("of this test"))
        yield Room(app, server.port, ports, tools)


class Process:
    """An agent in a process of its own, which can be killed and started elsewhere."""

    def __init__(self, home: Path, *origins: str) -> None:
        """``origins``: whose pages it lets in."""
        self.home = home
        paths = find_paths({"MOORING_HOME": str(home)})
        for origin in origins:
            Origins(paths.origins_file, paths.origins_lock).allow(origin)
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *ports: int) -> None:
        """Start it on the first free one of a range of ports."""
        first, last = ports
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "config.toml").write_text(
            f"[bridge]\nfirst_port = {first}\nlast_port = {last}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(str(self.home / 'ports'))}\n"
            '[bluetooth]\nscan = "never"\n[updates]\ncheck = false\n'
            '[compat]\ntool_index_url = "http://127.0.0.1:9/nothing.json"\n',
            encoding="utf-8",
        )
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "run", "--headless", "--json"),
            env={**os.environ, "MOORING_HOME": str(self.home)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        url = json.loads(await self._process.stdout.readline())["url"]
        self.port = int(url.rstrip("/").rpartition(":")[2])

    async def kill(self) -> None:
        """End it without giving it a chance to say so."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
