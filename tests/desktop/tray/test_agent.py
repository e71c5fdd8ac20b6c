"""The whole agent with its tray, as a process on a bus where a panel is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.desktop.tray.desktop import ROOT, Desktop, desktop
from tests.desktop.tray.panel import LIMIT_S, Panel, panel
from tests.desktop.tray.shower import shower

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
async def test_a_pause_closes_a_monitor_waits_for_a_job_and_is_undone(bus, tmp_path):
    async with on_bus(bus, tmp_path, boards=2) as (here, there), here.program() as client:
        await there.registered()
        closed: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        client.on("serial.closed", closed.set_result)
        watched = here.demo.boards.ports[1].serial_number
        await client.call("serial.open", board=watched, baud=9600)
        async with here.provisioning("not the password", attended=client):
            await there.wait_line("Setting up kitchen – needs you")
            await there.click("Pause")
            assert (await closed)["error"]["code"] == "paused"
            waits = await there.wait_line("Pausing after 1 job")
            assert waits.properties["toggle-state"] == 1
            await there.click("Pausing after 1 job")
            await there.wait_line("Pause")
            assert (await client.call("agent.info"))["paused"] is False
            await there.click("Pause")
            await there.wait_line("Pausing after 1 job")
            await there.click("Setting up kitchen", "Cancel")
            await there.wait_line("Resume")
        assert (await there.properties())["ToolTip"][3] == "Paused"
        await there.click("Resume")
        await there.wait_line("Pause")
        await client.call("serial.open", board=watched, baud=9600)


async def test_a_page_that_asks_is_told_of_and_answered_from_the_menu(bus, tmp_path):
    page = "https://app.example.com"
    async with shower(bus, "body") as notifications, on_bus(bus, tmp_path) as (here, there):
        await there.registered()
        async with here.asking(page, "boards,serial") as asks:
            told = (await notifications.next()).body
            assert told[3] == f"{page} asks to use your boards"
            await there.wait_line(f"{page} asks", "Only This Time")
            assert (await there.properties())["Status"] == "NeedsAttention"
            await there.click(f"{page} asks", "Only This Time")
            answer = await asks()
            assert (answer["state"], answer["once"]) == ("allowed", True)
            assert set(answer["may"]) == {"boards", "serial"}
            assert (await notifications.next()).member == "CloseNotification"
        async with asyncio.timeout(LIMIT_S):
            while (await there.properties())["Status"] == "NeedsAttention":
                there.changed.clear()
                await there.changed.wait()
        assert [line for line in await there.menu() if line.label.startswith(page)] == []


async def test_notifications_that_are_switched_off_are_not_shown_from_then_on(bus, tmp_path):
    async with (
        shower(bus, "body") as notifications,
        on_bus(bus, tmp_path) as (here, there),
        here.program() as client,
    ):
        await there.registered()
        await client.call("settings.set", values={"desktop.notifications": False})
        async with here.asking("https://a.example", "boards"):
            await there.wait_line("https://a.example asks", "No")
        await client.call("settings.set", values={"desktop.notifications": None})
        async with here.asking("https://b.example", "boards"):
            assert (await notifications.next()).body[3].startswith("https://b.example")


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


@pytest.mark.slow
async def test_a_demo_has_an_icon_that_says_so_and_changes_nothing_of_this_computer(bus, tmp_path):
    environ = {
        **os.environ,
        "DBUS_SESSION_BUS_ADDRESS": bus,
        "BROWSER": "true %s",
        "DISPLAY": ":not-used",
        "PYTHONPATH": str(ROOT),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    async with panel(bus) as there:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "demo", "--json"),
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await there.registered()
            await there.wait_line("Open Mooring Demo")
            await there.wait_line("Arduino MKR WiFi 1010")
            assert [line for line in await there.menu() if line.label == "Start at Login"] == []
            await there.click("Quit Mooring Demo")
            assert await asyncio.wait_for(process.wait(), LIMIT_S) == 0
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()
    assert list(tmp_path.iterdir()) == []
