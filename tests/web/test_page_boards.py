"""The list of boards with none, one and many, at every width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.people import (
    choose_board,
    choose_network,
    open_page,
    question,
    row,
    set_up,
    without_cloud,
)
from tests.web.rig import networks, plain_boards

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

PHONE = {"width": 375, "height": 740}
ZOOMED = {"width": 720, "height": 450}
"""What is left of 1440 by 900 at 200 % zoom."""
WIDER_THAN_WINDOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def test_without_a_board_the_page_says_how_to_plug_one_in(page: Page, agent: Agent) -> None:
    await open_page(page, agent)
    await expect(page.get_by_role("heading", name="No board yet")).to_be_visible()
    await expect(page.get_by_text("It appears here by itself")).to_be_visible()
    await expect(page.locator("code", has_text="mooring demo")).to_be_visible()
    await expect(page.locator(".counts")).to_have_text("0 simulated boards")


async def test_a_board_appears_and_vanishes_while_one_looks(page: Page, agent: Agent) -> None:
    await open_page(page, agent)
    with plain_boards(agent.ports, 1):
        await expect(row(page, "UNO R4 WiFi")).to_contain_text("just plugged in")
        await expect(page.get_by_role("status").first).to_contain_text("was plugged in")
    await expect(page.get_by_role("heading", name="No board yet")).to_be_visible()


async def test_thirty_two_boards_have_one_line_each_and_a_filter(page: Page, agent: Agent) -> None:
    with plain_boards(agent.ports, 32):
        await open_page(page, agent)
        rows = page.locator(".boards li")
        await expect(rows).to_have_count(32)
        heights = await rows.evaluate_all("(all) => all.map((li) => li.offsetHeight)")
        assert max(heights) <= 44
        await page.get_by_label("Filter boards").fill("F412FA65001")
        await expect(rows).to_have_count(16)
        await expect(page.locator(".filter")).to_contain_text("16 of 32")
        await page.get_by_label("Filter boards").fill("nothing like it")
        await expect(rows).to_have_count(0)
        await page.get_by_label("Filter boards").fill("just plugged in")
        await expect(rows).to_have_count(32)
        # The board that is opened is read, and not just plugged in any more.
        await page.get_by_label("Filter boards").fill("")
        # Beside an open board there is less room, and still enough for the name.
        await rows.first.locator("a").click()
        await expect(page.locator(".board h1")).to_be_visible()
        names = await rows.locator(".name").all()
        for name in names:
            assert await name.evaluate("(e) => e.scrollWidth <= e.clientWidth")


async def test_an_unknown_board_is_shown_with_what_it_can_do(page: Page, agent: Agent) -> None:
    with plain_boards(agent.ports, 1, vid=0x1209, pid=0x0001, product="<b>Blinker</b>"):
        await open_page(page, agent)
        await page.locator(".boards a").click()
        await expect(page.locator(".board .hint")).to_contain_text("does not know this kind")
        await expect(page.locator(".actions a")).to_have_text(
            ["Set up with ThingsBoard", "Set up with Blynk.Cloud", "Serial monitor"]
        )
        assert await page.locator("main b").count() == 0


async def test_long_names_stay_in_their_place(page: Page, agent: Agent) -> None:
    await page.set_viewport_size({"width": 375, "height": 740})
    with plain_boards(agent.ports, 3, vid=0x1209, pid=1, product="W" * 120):
        await open_page(page, agent)
        await expect(page.locator(".boards li")).to_have_count(3)
        assert not await page.evaluate(WIDER_THAN_WINDOW)


@pytest.mark.parametrize("size", [PHONE, ZOOMED], ids=["375 px", "200 % zoom"])
async def test_nothing_scrolls_sideways(page: Page, agent: Agent, size: dict[str, int]) -> None:
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await agent.plug(world=networks("HomeNet", "W" * 32, "a network with a long name"))
    await open_page(page, agent)
    await choose_board(page)
    wide = []

    async def look(place: str) -> None:
        if await page.evaluate(WIDER_THAN_WINDOW):
            wide.append(place)

    await look("set-up")
    await page.get_by_text("Another network…").click()
    await look("another network")
    await choose_network(page, "W" * 32, "wrong password")
    await without_cloud(page)
    await set_up(page).click()
    await expect(question(page)).to_be_visible()
    await look("question")
    await question(page).get_by_role("button", name="Choose another network").click()
    await look("choice")
    for place in ("Journal", "Clouds", "Settings"):
        await page.get_by_role("link", name=place, exact=True).click()
        await expect(page.get_by_role("heading", name=place, exact=True)).to_be_visible()
        await look(place)
    assert wide == []


async def test_on_a_phone_a_board_fills_the_page_and_leads_back(page: Page, agent: Agent) -> None:
    await page.set_viewport_size({"width": 375, "height": 740})
    await agent.plug()
    await open_page(page, agent)
    await choose_board(page)
    await expect(page.locator(".boards")).to_be_hidden()
    await page.get_by_role("link", name="All boards").click()
    await expect(page.locator(".boards")).to_be_visible()
