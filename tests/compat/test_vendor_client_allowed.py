"""The published client of the Create Agent in pages that nobody allowed yet, and that browsers hinder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.compat.vendor import LIMIT_S, visit
from tests.compat.vendor_room import Room, agent_for
from tests.web.rig import plain_boards

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Locator, Page

    from tests.compat.vendor import Site

pytestmark = [
    pytest.mark.needs("chromium", "create-agent-client"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

expect.set_options(timeout=LIMIT_S * 1000)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    """One agent, which lets nobody in."""
    async with agent_for(tmp_path_factory.mktemp("agent") / "home") as there:
        yield there


@pytest_asyncio.fixture(loop_scope="session")
async def own(chrome: Browser, room: Room) -> AsyncIterator[Page]:
    """The agent's own page, where it says who may use the boards."""
    context = await chrome.new_context()
    context.set_default_timeout(LIMIT_S * 1000)
    page = await context.new_page()
    await page.goto(f"{room.url}/#/settings")
    yield page
    await context.close()


def line(own: Page, origin: str) -> Locator:
    """A page that was not let in, as the own page shows it."""
    return own.locator("turned-away li", has_text=origin)


async def allow(own: Page, origin: str) -> None:
    """Press the button beside it."""
    button = own.get_by_role("button", name=f"Allow: {origin}")
    await expect(button).to_have_attribute("aria-disabled", "false")
    await button.click()
    await expect(line(own, origin)).to_have_count(0)


async def test_a_page_that_was_not_let_in_connects_by_itself_once_a_person_allows_it(
    chrome: Browser, served: Site, room: Room, own: Page
) -> None:
    async with visit(chrome, served.origin) as page:
        await page.see("channelOpenStatus", "v === false")
        await expect(line(own, served.origin)).to_be_visible()
        await allow(own, served.origin)
        await page.connected()
        await page.see("agentV2Found", "v === true")
        with plain_boards(room.ports, 1) as (board,):
            await page.ports(board.address)
            # What is taken back ends at once; the page looks again, and is listed again.
            await page.forget()
            revoke = own.get_by_role("button", name=f"Revoke: {served.origin}")
            await revoke.click()
            await page.see("channelOpenStatus", "v === false")
            await page.ports()
            await expect(line(own, served.origin)).to_be_visible()


async def test_a_page_on_the_internet_needs_the_leave_of_the_browser_and_of_the_person(
    chrome: Browser, served: Site, room: Room, own: Page
) -> None:
    origin = served.public_origin
    context = await chrome.new_context()
    try:
        async with visit(context, origin) as page:
            await page.see("channelOpenStatus", "v === false")
            asked = "navigator.permissions.query({ name: 'loopback-network' }).then((p) => p.state)"
            assert await page.page.evaluate(asked) == "prompt"
            # Nothing of it came to the agent, so there is nothing to be shown.
            assert origin not in {each.url for each in room.app.services.refused_pages.list.value}
            await context.grant_permissions(["local-network-access"])
            await expect(line(own, origin)).to_be_visible()
            await allow(own, origin)
            await page.connected()
            with plain_boards(room.ports, 1) as (board,):
                await page.ports(board.address)
            await page.page.wait_for_function(
                "daemon.socket.io.engine.transport.name === 'websocket'", timeout=LIMIT_S * 1000
            )
    finally:
        await context.close()
