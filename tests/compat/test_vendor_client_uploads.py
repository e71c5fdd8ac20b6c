"""The published client of the Create Agent writes a sketch: tools, upload, progress, stop, errors."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from agent.catalog import Catalog
from agent.jobs.job import JobState
from tests.compat.upload_bench import BOSSAC, MKR, REAL_BOSSAC, sign
from tests.compat.vendor import LIMIT_S, visit
from tests.compat.vendor_room import TOOLS, Room, agent_for
from tests.flash.toolstore.archives import tar
from tests.jobs.bench import Bench
from tests.jobs.flashing import running, sketch, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

    from agent.simulator.device import SimulatedDevice
    from tests.compat.vendor import Site, VendorPage

pytestmark = [
    pytest.mark.needs("chromium", "create-agent-client", "bossac"),
    pytest.mark.system("linux"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]
DONE_S = 45.0
"""The client waits ten seconds after our last word."""


class Desk:
    """An agent with a simulated SAMD21, and what the boards service says of it."""

    def __init__(self, room: Room, bench: Bench, device: SimulatedDevice, site: Site) -> None:
        self.room = room
        self.bench = bench
        self.device = device
        self._site = site

    @property
    def port(self) -> str:
        """Where the board is now."""
        (board,) = self.room.app.boards.list()
        return board.ports[0].address

    def say(self, line: str, *tools: dict[str, str], **fields: Any) -> None:
        """How the boards service has such a board written."""
        options = {"wait_for_upload_port": True, "use_1200bps_touch": "true"}
        usual = {"commandline": line, "signature": sign(line), "options": options}
        self._site.compute["answer"] = usual | {"tools": list(tools)} | fields

    def tool(self, name: str, version: str, program: bytes) -> dict[str, str]:
        """A tool that the service has the page install, at a signed address."""
        data = tar({f"t/{name}!": program})
        url = self.room.tools.publish(
            "other", name, version, host="any", file=f"{name}.tar.gz", data=data
        )
        checksum = f"SHA-256:{hashlib.sha256(data).hexdigest()}"
        known = {"name": name, "version": version, "packager": "other"}
        return known | {"url": url, "checksum": checksum, "signature": sign(url)}

    async def upload(self, page: VendorPage, data: bytes) -> None:
        """Press "upload" in the page."""
        target = {"board": MKR, "port": self.port}
        compiled = {"bin": base64.b64encode(data).decode()}
        await page.do("uploadSerial", target, "blink", compiled)

    def sketch(self, size: int = 20_000) -> bytes:
        """A program for the board."""
        data: bytes = sketch(self.bench, "mkr_wifi_1010", size=size).data
        return data


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(served: Site, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One agent and one board for all tests."""
    folder = tmp_path_factory.mktemp("uploads")
    bench = Bench(folder, Catalog.load())
    await bench.start()
    try:
        device = await bench.plug(model="mkr_wifi_1010", sketch="other")
        bossac = Path(shutil.which("bossac") or "").read_bytes()
        home = folder / "home"
        async with agent_for(home, served.origin, ports=bench.ports, bossac=bossac) as room:
            yield Desk(room, bench, device, served)
    finally:
        await bench.stop()


async def listed(page: VendorPage, desk: Desk) -> None:
    """The page lists the board where it is now."""
    async with asyncio.timeout(LIMIT_S):
        while not any(board.ports for board in desk.room.app.boards.list()):
            await asyncio.sleep(0.01)
    there = "(port) => String(daemon.devicesList.getValue().serial.map((p) => p.Name)) === port"
    await page.page.wait_for_function(there, arg=desk.port, timeout=LIMIT_S * 1000)


async def ready(page: VendorPage, desk: Desk) -> None:
    """The page lists the board, and the tools that it always asks for are there."""
    await page.connected()
    await page.see("agentV2Found", "v === true")
    await listed(page, desk)
    for _ in TOOLS:
        await page.see("downloading", "v.status === 'DOWNLOAD_DONE'")


async def test_a_page_installs_the_tool_uploads_with_it_and_finds_the_board_again(
    chrome: Browser, served: Site, desk: Desk
) -> None:
    bossac = Path(shutil.which("bossac") or "").read_bytes()
    desk.say(
        REAL_BOSSAC.replace("bossac.path", "bossac-1.9.1.path"),
        desk.tool("bossac", "1.9.1", bossac),
    )
    async with visit(chrome, served.origin) as page, visit(chrome, served.origin) as second:
        await ready(page, desk)
        await ready(second, desk)
        port = desk.port
        # Its monitor is open: the client closes it, and waits until it is closed.
        await page.do("openSerialMonitor", port, 115200)
        await page.see("serialMonitorOpened", "v === true")
        await page.see("devicesList", "v.serial.some((p) => p.IsOpen)")
        await page.forget()
        await desk.upload(page, desk.sketch())
        await page.see("uploading", "v.msg === 'Programming with: Serial'")
        await page.see("uploading", "v.msg?.includes('Verify successful')", DONE_S)
        await page.see("appMessages", "v.ProgrammerStatus === 'Done' && v.Flash === 'Ok'", DONE_S)
        assert f"POST {desk.room.url}/upload" in page.requests
        assert f"POST {desk.room.url}/v2/pkgs/tools/installed" in page.requests
        assert served.compute["asked"] == {
            "board": MKR,
            "action": "upload",
            "verbose": True,
            "os": await page.page.evaluate("daemon.agentInfo.os"),
        }
        await running(desk.device, "application")
        # While the client waits, the other page sees the same, and its list is alive.
        await second.see("uploading", "v.msg?.includes('Verify successful')")
        await page.see("uploading", "v.status === 'UPLOAD_DONE'", DONE_S)
        after = await page.see("boardPortAfterUpload", "true", DONE_S)
        assert after in ({"hasChanged": False}, {"hasChanged": True, "newPort": desk.port})
        await page.see("devicesList", "v.serial.length === 1 && !v.serial[0].IsOpen")
        assert not [each for each in await page.all("uploading") if "ERROR" in each["status"]]
    (job, *_) = await desk.room.app.services.jobs.list(10)
    assert job.state is JobState.DONE


async def test_an_upload_is_stopped_and_the_next_one_goes(
    chrome: Browser, served: Site, desk: Desk
) -> None:
    desk.say(REAL_BOSSAC)
    async with visit(chrome, served.origin) as page:
        await ready(page, desk)
        await desk.upload(page, bytes(200_000))
        # The tool runs; its board has left the port that the page named.
        await page.see("uploading", "v.msg?.startsWith('Flashing with command')")
        await page.do("stopUpload")
        await page.see("uploading", "v.err === 'upload stopped'")
        await page.see("appMessages", "v.uploadStatus === 'Killed'")
        await page.see("uploading", "v.err === 'terminated by user'")
        # Our own method this time; the board may still be in its bootloader.
        desk.say(BOSSAC)
        await page.forget()
        await listed(page, desk)
        await desk.upload(page, desk.sketch())
        await page.see("appMessages", "v.ProgrammerStatus === 'Done' && v.Flash === 'Ok'", DONE_S)
        await running(desk.device, "application")


async def test_a_page_whose_board_was_pulled_with_the_monitor_open_can_upload(
    chrome: Browser, served: Site, desk: Desk
) -> None:
    desk.say(BOSSAC)
    async with visit(chrome, served.origin) as page:
        await ready(page, desk)
        await page.do("openSerialMonitor", desk.port, 9600)
        await page.see("serialMonitorOpened", "v === true")
        await page.forget()
        desk.device.unplug()
        await page.see("serialMonitorOpened", "v === false")
        await page.see("devicesList", "v.serial.length === 0")
        await desk.device.plug()
        await listed(page, desk)
        before = len(told(desk.bench))
        await desk.upload(page, desk.sketch())
        await page.see("appMessages", "v.ProgrammerStatus === 'Done' && v.Flash === 'Ok'", DONE_S)
        assert "touch" in told(desk.bench)[before:]


async def test_what_cannot_be_written_is_an_error_of_the_upload_and_the_page_goes_on(
    chrome: Browser, served: Site, desk: Desk
) -> None:
    async with visit(chrome, served.origin) as page:
        await ready(page, desk)
        # Not signed by the owner of the key: refused over HTTP, of which the client says the reason.
        desk.say(BOSSAC, signature=sign("something else"))
        await desk.upload(page, desk.sketch())
        assert (await page.see("uploading", "v.status === 'UPLOAD_ERROR'"))["err"] == "Bad Request"
        # A tool that nobody has: told on the socket.
        desk.say(BOSSAC.replace("bossac", "avrdude"))
        await desk.upload(page, desk.sketch())
        told = await page.see("uploading", "v.status === 'UPLOAD_ERROR'")
        assert "avrdude is not installed" in told["err"]
        # A tool that fails says so itself.
        desk.say(REAL_BOSSAC.replace("-e -w", "-r"))
        await desk.upload(page, desk.sketch())
        await page.see("uploading", "v.status === 'UPLOAD_ERROR'", DONE_S)
        # Tools: each refusal is JSON that the client can read.
        tool = desk.tool("thing", "1.0.0", b"program")
        install = "(tool) => daemon.v2.installTool(tool).catch((error) => error)"
        for wrong, status, name in (
            ({"checksum": f"SHA-256:{'0' * 64}"}, 500, "fault"),
            ({"signature": sign("another address")}, 500, "fault"),
            ({"url": None, "signature": None, "checksum": None}, 400, "not_found"),
            ({"name": None}, 400, "missing_field"),
        ):
            asked = {k: v for k, v in (tool | wrong).items() if v is not None}
            error = await page.page.evaluate(install, asked)
            assert (error["status"], error["name"]) == (status, name), error
        assert await page.page.evaluate(install, tool) == {"status": "ok"}
        installed = await page.page.evaluate("daemon.v2.installedTools()")
        assert {"name": "thing", "version": "1.0.0", "packager": "other"} in installed
        await listed(page, desk)
