"""The whole agent with its tray, as a process on a bus where a panel is."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.desktop.tray.desktop import Desktop, desktop
from tests.desktop.tray.panel import LIMIT_S, Panel, panel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.needs("dbus")


@contextlib.asynccontextmanager
async def on_bus(
    bus: str, folder: Path, *words: str, boards: int = 1
) -> AsyncIterator[tuple[Desktop, Panel]]:
    environ = {"DBUS_SESSION_BUS_ADDRESS": bus}
    async with panel(bus) as there, desktop(environ, folder, *words, boards=boards) as here:
        yield here, there


async def test_a_board_is_chosen_and_the_page_opens_at_it(bus, tmp_path):
    async with on_bus(bus, tmp_path, boards=2) as (here, there):
        await there.registered()
        address = here.demo.boards.ports[1].address
        label = f"Arduino UNO R4 WiFi – {address.removeprefix('/dev/')}"
        line = await there.wait_line(label)
        assert line.properties["toggle-state"] == 0
        await there.click(label)
        async with asyncio.timeout(LIMIT_S):
            while (await there.line(label)).properties["toggle-state"] == 0:
                there.changed.clear()
                await there.changed.wait()
        await there.click("Open Mooring")
        page = await here.page()
        assert page.startswith("http://127.0.0.1:")
        assert "#/board/uno_r4_wifi-" in page


async def test_start_at_login_is_switched_on_and_off_from_the_menu(bus, tmp_path):
    entry = tmp_path / "autostart" / "mooring.desktop"
    async with on_bus(bus, tmp_path) as (_, there):
        await there.registered()
        for state in (1, 0):
            before = await there.wait_line("Start at Login")
            assert before.properties["toggle-state"] == 1 - state
            await there.click("Start at Login")
            async with asyncio.timeout(LIMIT_S):
                while (await there.line("Start at Login")).properties["toggle-state"] != state:
                    there.changed.clear()
                    await there.changed.wait()
            assert entry.exists() == bool(state)


async def test_it_ends_without_a_question_while_nothing_runs(bus, tmp_path):
    async with on_bus(bus, tmp_path) as (here, there):
        await there.registered()
        await there.click("Quit Mooring")
        assert await here.ended() == 0


@pytest.mark.slow
async def test_a_job_is_followed_and_cancelled_from_the_menu(bus, tmp_path):
    async with on_bus(bus, tmp_path) as (here, there):
        await there.registered()
        async with here.provisioning(here.demo.network.password.reveal()):
            await there.wait_line("Setting up kitchen", "Cancel")
            assert (await there.properties())["ToolTip"][3] == "1 job running"
            await there.click("Setting up kitchen", "Cancel")
            await there.wait_line("Arduino UNO R4 WiFi – ready")


@pytest.mark.slow
async def test_the_end_is_asked_about_while_a_job_runs_and_then_clean(bus, tmp_path):
    async with on_bus(bus, tmp_path) as (here, there):
        await there.registered()
        async with here.provisioning(here.demo.network.password.reveal()):
            await there.wait_line("Quit Mooring", "Quit All the Same")
            await there.click("Quit Mooring")
            assert here.process.returncode is None
            await there.click("Quit Mooring", "Quit All the Same")
            assert await here.ended() == 0
        claims = here.demo.cloud.state.onboardings.values()
        assert [each for each in claims if each.ended_at is None] == []


async def test_without_a_tray_nothing_is_on_the_bus(bus, tmp_path):
    async with on_bus(bus, tmp_path, "--headless") as (here, there):
        assert await here.command("boards")
        assert there.items == []
        assert "Tray" not in here.log


async def test_without_a_bus_the_agent_runs_and_one_line_says_why(tmp_path):
    environ = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
    async with desktop(environ, tmp_path) as here:
        await here.logged("no session bus")
        assert here.log.count("Tray:") == 1
