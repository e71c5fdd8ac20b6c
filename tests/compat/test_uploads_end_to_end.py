"""An upload as a page of the vendor sees it: the whole agent, HTTP, socket, journal, a board."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.app import build
from agent.catalog import Catalog
from agent.flash.toolstore.tool import ToolId
from agent.jobs.job import JobState
from agent.settings import Secret
from agent.settings.config import BluetoothConfig, BridgeConfig, Config, PortsConfig
from agent.settings.config_compat import CompatConfig
from agent.settings.paths import find_paths
from tests.bridge.running import free_port
from tests.compat.running import LIMIT_S, VENDOR, Clients
from tests.compat.upload_bench import BOSSAC, DONE, REAL_BOSSAC, STARTING, body, public_pem
from tests.flash.toolstore.archives import tar
from tests.jobs.bench import Bench
from tests.jobs.flashing import happens, sketch, told
from tests.jobs.flashing import running as runs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.app import App
    from agent.simulator.device import SimulatedDevice
    from tests.compat.running import SocketClient

pytestmark = pytest.mark.system("linux", "darwin")


class Whole:
    """One agent with one board, and pages of the vendor."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bench = Bench(folder, Catalog.load())
        self.paths = find_paths({"MOORING_HOME": str(folder / "home")})
        self.stack = AsyncExitStack()
        self.device: SimulatedDevice
        self.app: App
        self.pages: Clients

    async def begin(self) -> None:
        self.device = await self.bench.plug(model="mkr_wifi_1010", sketch="other")
        key = self.folder / "key.pem"
        key.write_bytes(public_pem())
        self.paths.make()
        first = free_port()
        config = Config(
            bridge=BridgeConfig(first_port=first, last_port=min(first + 50, 65_535)),
            ports=PortsConfig(system=False, simulated=str(self.bench.ports)),
            bluetooth=BluetoothConfig(scan="never"),
            compat=CompatConfig(signature_key=str(key)),
        )
        self.app = build(config, self.paths)
        self.stack.push_async_callback(self.app.close)
        await self.app.start()
        server = await self.app.serve(Secret("token"))
        self.pages = Clients(f"127.0.0.1:{server.port}")

    async def end(self) -> None:
        await self.stack.aclose()
        await self.bench.stop()

    @property
    def ports(self) -> list[str]:
        return [port.address for board in self.app.boards.list() for port in board.ports]

    @property
    def port(self) -> str:
        (only,) = self.ports
        return only

    def sketch(self) -> bytes:
        data: bytes = sketch(self.bench, "mkr_wifi_1010").data
        return data

    async def post(self, asked: bytes) -> int:
        async with self.pages.http(origin=VENDOR) as http:
            sent = {"content-type": "text/plain;charset=UTF-8"}
            return (await http.post("/upload", content=asked, headers=sent)).status_code


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    made = Whole(tmp_path)
    await made.bench.start()
    try:
        await made.begin()
        yield made
    finally:
        await made.end()


async def heard(page: SocketClient, until: str = "Done") -> list[dict[str, Any]]:
    """Objects that the page is told, up to the end of the upload."""
    found: list[dict[str, Any]] = []
    while not found or found[-1].get("ProgrammerStatus") not in {until, "Error", "Killed"}:
        text = await page.message()
        with contextlib.suppress(ValueError):
            found.append(json.loads(text))
    return found


async def test_a_page_with_its_monitor_open_writes_a_sketch_and_finds_its_board_again(whole: Whole):
    async with whole.pages.socket() as page:
        await page.command(f"open {whole.port} 115200 timed")
        assert (await page.find("Cmd"))["Cmd"] == "Open"
        assert await whole.post(body(whole.port, BOSSAC, whole.sketch())) == 202
        seen = await heard(page)
        assert seen[-1] == DONE
        words = [each for each in seen if set(each) & {"Cmd", "Error", "ProgrammerStatus"}]
        assert words[0]["Cmd"] == "Close"
        assert "trying to close" in words[1]["Error"]
        assert words[2] == STARTING
        async with asyncio.timeout(LIMIT_S):
            await page.command("list")
            while not [each["Name"] for each in (await page.find("Ports"))["Ports"]]:
                await page.command("list")
    await runs(whole.device, "application")
    (job,) = await whole.app.services.jobs.list(10)
    assert job.state is JobState.DONE


async def test_a_board_that_was_unplugged_with_its_monitor_open_is_written_when_it_is_back(
    whole: Whole,
):
    async with whole.pages.socket() as page:
        await page.command(f"open {whole.port} 115200 timed")
        assert (await page.find("Cmd"))["Cmd"] == "Open"
        whole.device.unplug()
        assert "trying to close" in (await page.find("Error"))["Error"]
        await whole.device.plug()
        await happens(whole.bench, lambda: whole.ports == [whole.device.address])
        assert await whole.post(body(whole.port, BOSSAC, whole.sketch())) == 202
        assert (await heard(page))[-1] == DONE
    await runs(whole.device, "application")


@pytest.mark.needs("bossac")
async def test_the_real_bossac_of_the_store_writes_it_and_is_stopped_by_the_page(whole: Whole):
    program = Path(shutil.which("bossac") or "").read_bytes()
    tool = ToolId("arduino", "bossac", "1.9.1")
    whole.app.services.tools.store.put(tool, tar({"b/bossac!": program}), now=time.time())
    async with whole.pages.socket() as page, whole.pages.socket() as second:
        assert await whole.post(body(whole.port, REAL_BOSSAC, whole.sketch())) == 202
        assert (await heard(page))[-1] == DONE
        assert (await heard(second))[-1] == DONE
        await runs(whole.device, "application")
        assert told(whole.bench).count("touch") == 1
        large = base64.b64encode(bytes(200_000)).decode()
        assert await whole.post(body(whole.port, REAL_BOSSAC, hex=large)) == 202
        assert (await page.find("ProgrammerStatus")) == STARTING
        await page.command("killupload")
        assert (await heard(page, "Killed"))[-1] == {"ProgrammerStatus": "Killed"}
        assert (await heard(second, "Killed"))[-1] == {"ProgrammerStatus": "Killed"}
    await happens(whole.bench, lambda: not any(whole.paths.uploads_dir.iterdir()))


async def test_what_a_body_lacks_is_answered_with_text_and_another_origin_not_at_all(whole: Whole):
    async with whole.pages.http(origin=VENDOR) as http:
        answer = await http.post("/upload", content=body(whole.port, BOSSAC, hex="YQ"))
        assert (answer.status_code, answer.reason_phrase) == (400, "Bad Request")
        assert "illegal base64 data" in answer.text
        assert answer.headers["access-control-allow-origin"] == VENDOR
    async with whole.pages.http(origin="https://evil.example.net") as http:
        asked = body(whole.port, BOSSAC, whole.sketch())
        assert (await http.post("/upload", content=asked)).status_code == 403
    assert await whole.app.services.jobs.list(10) == []
