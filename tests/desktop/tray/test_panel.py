"""The icon in a real panel, clicked with a mouse and walked through with the keyboard."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.desktop.tray.desk import WIDTH, Desk, desk, menu_open
from tests.desktop.tray.desktop import LIMIT_S, desktop

if TYPE_CHECKING:
    from tests.desktop.tray.desktop import Desktop

# An X server, a panel, an agent and a person, one after the other, on a busy computer.
pytestmark = [pytest.mark.needs("panel"), pytest.mark.slow, pytest.mark.timeout(180)]

ICON = (WIDTH - 12, 13)
"""Where xfce4-panel puts the only icon."""

PANEL_S = 4.0
"""From a click to the menu; it is some tenths of a second on a quiet machine. A second click too soon
would close it again."""


async def choose(here: Desk, *keys: str) -> None:
    """Open the menu of the icon with a click, then press these keys."""
    async with asyncio.timeout(LIMIT_S):
        while not await opened(here):
            # A panel that was started just now may still have arranged itself.
            pass
    await here.press(*keys)


async def opened(here: Desk) -> bool:
    """Click the icon; whether a menu opens within the time that a busy panel takes."""
    await here.click(*ICON)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PANEL_S):
            while not await menu_open(here):
                await asyncio.sleep(0.02)
            return True
    return False


async def chosen(agent: Desktop, mark: bytes) -> None:
    file = agent.demo.paths.tray_file
    async with asyncio.timeout(LIMIT_S):
        while not file.exists() or mark not in file.read_bytes():
            await asyncio.sleep(0.02)


async def test_a_person_chooses_a_board_opens_the_page_there_and_quits(tmp_path):
    async with (
        desk() as here,
        desktop(here.environ | {"XDG_CONFIG_HOME": str(tmp_path)}, tmp_path, boards=2) as agent,
    ):
        await agent.logged("no place for an icon")
        await here.start_panel()
        await agent.logged("the icon is shown")
        await choose(here, "Down", "Down", "Down", "Return")
        await chosen(agent, b'"chosen":"uno_r4_wifi-')
        await choose(here, "Down", "Return")
        assert "#/board/uno_r4_wifi-" in await agent.page()

        await here.kill_panel()
        await agent.logged("no place for an icon", 2)
        await here.start_panel()
        await agent.logged("the icon is shown", 2)
        await choose(here, "Up", "Return")
        assert await agent.ended() == 0


async def test_a_person_lets_a_page_use_the_boards_and_pauses(tmp_path):
    async with (
        desk() as here,
        desktop(here.environ | {"XDG_CONFIG_HOME": str(tmp_path)}, tmp_path) as agent,
        agent.program() as client,
    ):
        await here.start_panel()
        await agent.logged("the icon is shown")
        async with agent.asking("https://app.example.com", "boards,serial") as told:
            # The lines that only say what the page wants are passed over.
            await choose(here, "Down", "Down", "Right", "Down", "Down", "Return")
            assert (await told())["once"] is True
        assert (await client.call("agent.subscribe"))["paused"] is False
        paused = asyncio.Event()
        client.on("agent.changed", lambda _: paused.set())
        await choose(here, "Up", "Up", "Up", "Return")
        await asyncio.wait_for(paused.wait(), LIMIT_S)
        assert (await client.call("agent.info"))["paused"] is True
