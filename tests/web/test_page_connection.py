"""The page never lies about the agent: it says when it is gone and heals by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest
from playwright.async_api import expect

from agent.settings.paths import find_paths
from tests.web.people import choose_board, choose_network, open_page, row
from tests.web.rig import plain_boards

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]


async def test_an_agent_that_was_killed_is_missed_and_found_again(page: Page, agent: Agent) -> None:
    with plain_boards(agent.ports, 2) as boards:
        await open_page(page, agent)
        await expect(page.locator(".boards li")).to_have_count(2)
        await agent.kill()
        bar = page.locator("connection-bar")
        await expect(bar).to_contain_text("The agent is not running.")
        boards[1].unplug()
        await agent.start()
        await expect(bar).to_contain_text("Connected again.")
        await expect(page.locator(".boards li")).to_have_count(1)
        boards[1].plug()
        await expect(page.locator(".boards li")).to_have_count(2)


async def test_what_is_wrong_with_the_agent_stays_on_the_page(page: Page, agent: Agent) -> None:
    await open_page(page, agent)
    card = page.locator("agent-notices error-card")
    await expect(card).to_have_count(0)
    await agent.kill()
    journal = find_paths({"MOORING_HOME": str(agent.home)}).journal_file
    for left in journal.parent.glob(f"{journal.name}*"):
        left.unlink()
    journal.write_bytes(b"this is no journal" * 100)
    await agent.start()
    await expect(card).to_contain_text("cannot be used")
    await expect(card).to_contain_text("Check that the disk has room")
    await page.get_by_role("link", name="Settings").click()
    await expect(card).to_be_visible()


async def test_what_was_typed_survives_a_restart_of_the_agent(page: Page, agent: Agent) -> None:
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await choose_network(page, "HomeNet", "typed before")
    await page.get_by_label("Device name").fill("my-name")
    await agent.kill()
    await expect(page.locator("connection-bar")).to_contain_text("not running")
    await agent.start()
    await expect(page.locator("connection-bar")).to_contain_text("Connected again.")
    await expect(page.get_by_label("Password", exact=True)).to_have_value("typed before")
    await expect(page.get_by_label("Device name")).to_have_value("my-name")
    await expect(
        page.locator(".networks label", has_text="HomeNet").locator("input")
    ).to_be_checked()


async def test_an_agent_that_hangs_is_noticed_and_goes_on(page: Page, agent: Agent) -> None:
    with plain_boards(agent.ports, 1):
        await open_page(page, agent)
        await expect(row(page, "UNO R4 WiFi")).to_be_visible()
        process = psutil.Process(agent.pid)
        process.suspend()
        try:
            bar = page.locator("connection-bar")
            await expect(bar).to_contain_text("The agent does not answer.")
        finally:
            process.resume()
        await expect(bar).to_contain_text("Connected again.")


async def test_the_agent_can_be_stopped_from_the_page(page: Page, agent: Agent) -> None:
    await open_page(page, agent, "#/settings")
    await page.get_by_role("button", name="Stop the agent…").click()
    await page.get_by_role("button", name="Stop it").click()
    await expect(page.locator("connection-bar")).to_contain_text("The agent is not running.")
