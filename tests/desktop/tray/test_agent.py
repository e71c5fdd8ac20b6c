"""The whole agent with its tray, as a process on a bus where a panel is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.cli.demo import Demo, demo_surroundings
from tests.desktop.tray.panel import LIMIT_S, Panel, panel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.needs("dbus"), pytest.mark.system("linux")]

ROOT = Path(__file__).parents[3]
SPEED = 2.0
"""How much faster the simulated boards are; a whole procedure takes two seconds."""


@dataclass
class Desktop:
    """A person's desktop: a panel, a browser, an agent, and boards."""

    demo: Demo
    met: Panel | None
    environ: dict[str, str]
    process: asyncio.subprocess.Process
    opened: Path

    @property
    def panel(self) -> Panel:
        assert self.met is not None
        return self.met

    async def pages(self, number: int = 1) -> list[str]:
        """The addresses that the browser was given, once there are so many."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                if self.opened.exists():
                    found = self.opened.read_text().split()
                    if len(found) >= number:
                        return found
                await asyncio.sleep(0.01)

    async def command(self, *words: str, stdin: str = "") -> Any:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *words, "--json"),
            env=self.environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate(stdin.encode())
        return [json.loads(line) for line in out.splitlines()]

    async def ended(self) -> int:
        """The exit status of the agent, once it is gone."""
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)


@contextlib.asynccontextmanager
async def desktop(
    bus: str, tmp_path: Path, *words: str, boards: int = 1, there: bool = True
) -> AsyncIterator[Desktop]:
    """The desktop with its agent; ``words`` go to ``mooring run``. ``there``: the bus is there."""
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> "{opened}"\n')
    browser.chmod(0o700)
    async with contextlib.AsyncExitStack() as stack:
        demo = await stack.enter_async_context(demo_surroundings(boards=boards, speed=SPEED))
        here = await stack.enter_async_context(panel(bus)) if there else None
        home = demo.paths.config_dir
        port = 20_000 + os.getpid() % 20_000
        home.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 40}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(demo.config.ports.simulated)}\n"
            f"[arduino]\nbase_url = {json.dumps(demo.cloud.base_url)}\n"
            '[bluetooth]\nscan = "never"\n'
        )
        environ = os.environ | {
            "BROWSER": f"{browser} %s",
            "DBUS_SESSION_BUS_ADDRESS": bus,
            "DISPLAY": ":not-used",
            "MOORING_HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": str(tmp_path),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "run", "--json", *words),
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["url"]
        try:
            yield Desktop(demo, here, environ, process, opened)
        finally:
            if process.returncode is None:
                process.terminate()
            _, err = await process.communicate()
            assert b"Traceback" not in err


async def test_a_board_is_chosen_and_the_page_opens_at_it(bus, tmp_path):
    async with desktop(bus, tmp_path, boards=2) as here:
        await here.panel.registered()
        address = here.demo.boards.ports[1].address
        label = f"Arduino UNO R4 WiFi – {address.rpartition('/')[2]}"
        line = await here.panel.wait_line(label)
        assert line.properties["toggle-state"] == 0
        await here.panel.click(label)
        await here.panel.until(lambda: here.panel.signals)
        async with asyncio.timeout(LIMIT_S):
            while (await here.panel.line(label)).properties["toggle-state"] == 0:
                await here.panel.until(lambda: True)
        await here.panel.click("Open Mooring")
        (page,) = await here.pages()
        assert "#/board/uno_r4_wifi-" in page
        assert page.startswith("http://127.0.0.1:")


async def test_it_ends_without_a_question_while_nothing_runs(bus, tmp_path):
    async with desktop(bus, tmp_path) as here:
        await here.panel.registered()
        await here.panel.click("Quit Mooring")
        assert await here.ended() == 0


@contextlib.asynccontextmanager
async def provisioning(here: Desktop, password: str) -> AsyncIterator[None]:
    """A person sets a board up meanwhile, on the command line."""
    await here.command(
        *("cloud", "login", "arduino", "--set", f"client_id={here.demo.cloud.client_id}"),
        "--password-stdin",
        stdin=here.demo.cloud.client_secret.reveal() + "\n",
    )
    task = asyncio.create_task(
        here.command(
            *("provision", here.demo.boards.ports[0].serial_number, "--cloud", "arduino"),
            *("--name", "kitchen", "--ssid", here.demo.network.ssid, "--password-stdin"),
            stdin=password + "\n",
        )
    )
    try:
        yield
    finally:
        await asyncio.wait({task})


@pytest.mark.slow
async def test_a_job_is_followed_and_cancelled_from_the_menu(bus, tmp_path):
    async with desktop(bus, tmp_path) as here:
        await here.panel.registered()
        async with provisioning(here, here.demo.network.password.reveal()):
            await here.panel.wait_line("Setting up kitchen", "Cancel")
            assert (await here.panel.properties())["ToolTip"][3] == "1 job running"
            await here.panel.click("Setting up kitchen", "Cancel")
            await here.panel.wait_line("Arduino UNO R4 WiFi – ready")


@pytest.mark.slow
async def test_the_end_is_asked_about_while_a_job_runs_and_then_clean(bus, tmp_path):
    async with desktop(bus, tmp_path) as here:
        await here.panel.registered()
        async with provisioning(here, here.demo.network.password.reveal()):
            await here.panel.wait_line("Quit Mooring", "Quit All the Same")
            await here.panel.click("Quit Mooring")
            assert here.process.returncode is None
            await here.panel.click("Quit Mooring", "Quit All the Same")
            assert await here.ended() == 0
        claims = here.demo.cloud.state.onboardings.values()
        assert [each for each in claims if each.ended_at is None] == []


async def test_without_a_tray_nothing_is_on_the_bus(bus, tmp_path):
    async with desktop(bus, tmp_path, "--headless") as here:
        assert await here.command("boards")
        assert here.panel.items == []


async def test_without_a_bus_the_agent_runs_and_one_line_says_why(tmp_path):
    async with desktop("unix:path=/nowhere", tmp_path, there=False) as here:
        log = here.demo.paths.log_file
        async with asyncio.timeout(LIMIT_S):
            while "no session bus" not in log.read_text():
                await asyncio.sleep(0.01)
        assert log.read_text().count("Tray:") == 1
