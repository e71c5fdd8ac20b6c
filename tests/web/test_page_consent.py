"""Pages that ask: the question on the agent's own page, and the list in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.people import open_page

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]


async def test_pages_are_allowed_and_revoked_in_the_settings(page: Page, agent: Agent) -> None:
    await open_page(page, agent, "#/settings")
    await page.get_by_text("Allow a page before it asks").click()
    address = page.get_by_label("Address of the page")
    await address.fill("not an address")
    await page.get_by_role("button", name="Allow this page").click()
    await expect(page.locator(".field-error").first).to_be_visible()
    await address.fill("https://app.example.com")
    await page.get_by_label("Replace the program on them").uncheck()
    await page.get_by_role("button", name="Allow this page").click()
    entry = page.locator(".origins li", has_text="https://app.example.com")
    await expect(entry).to_contain_text(
        "May see your boards, use their serial ports and set them up."
    )
    await expect(entry).to_contain_text("Allowed just now.")
    await entry.get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("No other page may use this agent.")).to_be_visible()
