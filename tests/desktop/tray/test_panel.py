"""The icon in a real panel, clicked with a mouse and walked through with the keyboard."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.desktop.tray.desk import WIDTH, Desk, desk, visible
from tests.desktop.tray.desktop import LIMIT_S, desktop

if TYPE_CHECKING:
    from tests.desktop.tray.desktop import Desktop

pytestmark = [pytest.mark.needs("panel"), pytest.mark.slow, pytest.mark.timeout(60)]

ICON = (WIDTH - 12, 13)
"""Where xfce4-panel puts the only icon."""


async def choose(here: Desk, *keys: str) -> None:
    """Click the icon until its menu is open, then press these keys."""
    before = await visible(here)
    async with asyncio.timeout(LIMIT_S):
        while not await visible(here) - before:
            # A panel that was started just now may still arrange itself.
            await here.click(*ICON)
            await asyncio.sleep(0.3)
    await here.press(*keys)


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
