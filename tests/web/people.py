"""What people do on the page, as steps that the tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.rig import PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.rig import Agent

EVIDENCE_MS = 30_000
"""Longest wait for something to appear; on a busy machine a start of a process takes seconds."""


async def open_page(page: Page, agent: Agent, place: str = "") -> None:
    """Go to the agent's page and wait until it knows the boards."""
    await page.goto(agent.url + place)
    await expect(page.locator(".counts")).not_to_be_empty()


def row(page: Page, name: str) -> Locator:
    """A board in the list."""
    return page.locator(".boards li", has_text=name)


async def choose_board(page: Page, name: str = "UNO R4 WiFi") -> None:
    """Open a board and wait until its networks are listed."""
    await row(page, name).click()
    await expect(page.get_by_text("networks just now")).to_be_visible()


async def choose_network(page: Page, name: str, password: str = PASSWORD) -> None:
    """Choose one of the networks that the board sees, and type the password."""
    await page.locator(".networks label", has_text=name).click()
    await page.get_by_label("Password", exact=True).filter(visible=True).fill(password)


async def sign_in(page: Page, agent: Agent) -> None:
    """Enter the account of the simulated cloud where the page asks for it."""
    await page.get_by_label("Client ID").fill(agent.cloud.client_id)
    secret = page.get_by_label("Client secret", exact=True)
    await secret.fill(agent.cloud.client_secret.reveal())
    await secret.press("Enter")
    await expect(page.locator("sign-in")).to_have_count(0)


async def without_cloud(page: Page) -> None:
    """Choose to put the board on the network only."""
    await page.locator(".choices label", has_text="No cloud:").click()


def set_up(page: Page) -> Locator:
    """The button at the end of the form."""
    return page.get_by_role("button", name="Set up")


def question(page: Page) -> Locator:
    """What a job asks."""
    return page.locator(".ask")
