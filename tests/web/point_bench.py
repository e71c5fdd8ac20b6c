"""The page before a Blynk board in a Wi-Fi network of its own: everything real but the radio."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from agent.boards.monitor import Monitors
from agent.bridge.consent_service import Consent
from agent.bridge.origins import Origins
from agent.bridge.pages import Pages
from agent.bridge.server import BridgeServer
from agent.bridge.services import About, Services
from agent.catalog import Catalog
from agent.clouds.none import NoCloud
from agent.errors import Examination
from agent.flash.store import SketchStore
from agent.settings import Secret
from agent.settings.config import BridgeConfig, Config
from agent.settings.file import SettingsFile
from agent.settings.live import LiveConfig
from agent.settings.service import SettingsService
from tests.bridge.running import free_port
from tests.flash.toolstore.rig import toolbox_in
from tests.jobs.blynk.blynk_bench import BlynkBench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class PointBench(BlynkBench):
    """A board without a cable; it answers where the computer would be only after :meth:`join`."""

    url: str
    _door: asyncio.Server

    async def open_door(self) -> None:
        """The address is there, and nobody answers at it."""
        self._door = await asyncio.start_server(self._lead, "127.0.0.1", 0, start_serving=False)
        self.http_port = self._door.sockets[0].getsockname()[1]
        self._always.push_async_callback(self._close_door)

    async def join(self) -> None:
        """The computer is in the board's network, by whatever way."""
        await self._door.start_serving()

    async def _close_door(self) -> None:
        self._door.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self.simulated.http_port)
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(4096):
            target.write(data)
            await target.drain()
    target.close()


@contextlib.asynccontextmanager
async def point_bench(folder: Path) -> AsyncIterator[PointBench]:
    """With a board that is known by its network alone, and the page at ``url``."""
    bench = PointBench(folder, Catalog.load())
    await bench.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(bench.stop)
        # A newer one gives up waiting after ten minutes, which are three seconds of the bench.
        await bench.plug(generation=1)
        assert bench._file is not None
        bench._file.unlink()
        await bench.open_door()
        await bench.start_agent()
        server = _server(bench, folder)
        await server.start()
        stack.push_async_callback(server.stop)
        bench.url = f"http://127.0.0.1:{server.port}/"
        yield bench


def _server(bench: PointBench, folder: Path) -> BridgeServer:
    async def nothing() -> tuple[str, str]:
        return "", ""

    async def fine(_fix: bool, _looked: object) -> Examination:
        return Examination(findings=[], fixed=[])

    origins = Origins(folder / "origins.json", folder / "origins.lock")
    about = About(version="0", platform=sys.platform, simulated=True, capabilities=("provision",))
    file = SettingsFile(folder / "config.toml", folder / "settings.lock")
    services = Services(
        about=about,
        boards=bench.boards,
        monitors=Monitors(bench.boards),
        jobs=bench.jobs,
        clouds={"none": NoCloud(), "blynk": bench.client},
        catalog=bench.catalog,
        sketches=SketchStore(folder / "sketches"),
        tools=toolbox_in(folder),
        origins=origins,
        consent=Consent(origins),
        vault=bench.vault,
        settings=SettingsService(file, LiveConfig(Config()), environ={}),
        flash_urls=list,
        quit=lambda: None,
        examine=fine,
        report=nothing,
        show=lambda _place: False,
        wifi=bench.points,
        bluetooth=None,
    )
    first = free_port()
    config = BridgeConfig(first_port=first, last_port=min(first + 20, 65535))
    return BridgeServer(services, token=Secret("of-this-test"), config=config, web=Pages())
