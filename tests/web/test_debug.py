"""The console for pages that are made for the Arduino Create Agent, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]


async def test_a_person_sees_what_a_page_hears_and_says_something(page: Page, agent: Agent) -> None:
    await page.goto(f"{agent.url}debug")
    log = page.get_by_role("log", name="What a page hears")
    await expect(page.get_by_role("status")).to_have_text("Connected.")
    await expect(log).to_contain_text('< {"Version" : "1.7.1-rc1"}')
    line = page.get_by_label("Command")
    await line.fill("list")
    await line.press("Enter")
    await expect(log).to_contain_text('"Ports": []')
    await line.fill("opne")
    await page.get_by_role("button", name="Send").click()
    await expect(log).to_contain_text("Could not understand command.")
    await line.press("ArrowUp")
    await line.press("ArrowUp")
    await expect(line).to_have_value("list")
    await page.get_by_role("button", name="Clear").click()
    await expect(log).to_have_text("")
    await agent.kill()
    await expect(page.get_by_role("status")).to_contain_text("Not connected")
    await agent.start()
    await expect(page.get_by_role("status")).to_have_text("Connected.")
