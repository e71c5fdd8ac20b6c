"""What the agent says of itself above the page: one banner, the most important first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.web.fake import Refusal
from tests.web.faults import faults_of

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.fake import FakeAgent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

UPDATE = {"version": "9.8.7", "url": "https://example.com/mooring"}


def notice(code: str = "journal") -> dict[str, Any]:
    words = {"meaning": "No job is written down.", "remedy": "Make room on the disk."}
    return {"code": code, "title": f"The {code} cannot be used.", "retryable": True} | words


def banners(page: Page) -> Locator:
    return page.locator("agent-notices").locator("error-card, .banner").filter(visible=True)


async def start(page: Page, files: str) -> None:
    await page.goto(files)
    await expect(page.locator(".counts")).not_to_be_empty()


async def test_notices_come_and_go_while_the_page_is_open(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await start(page, files)
    await expect(banners(page)).to_have_count(0)
    fake.becomes(notices=[notice()])
    await expect(banners(page)).to_contain_text("The journal cannot be used.")
    await expect(banners(page).get_by_role("link", name="Ask the doctor")).to_be_visible()
    fake.becomes(notices=[])
    await expect(banners(page)).to_have_count(0)


async def test_the_most_important_stands_there_and_the_rest_is_a_click_away(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.info = {"notices": [notice(), notice("folder")], "paused": True, "update": UPDATE}
    await start(page, files)
    await expect(banners(page)).to_have_count(1)
    await expect(banners(page)).to_contain_text("The journal cannot be used.")
    await page.get_by_role(
        "button", name="Show 3 more: The folder cannot be used. Mooring is paused."
    ).click()
    await expect(banners(page)).to_have_count(4)
    await expect(banners(page).last).to_contain_text("Version 9.8.7 of Mooring is there.")
    assert await faults_of(page) == []
    fake.becomes(notices=[])
    await expect(banners(page)).to_have_count(2)
    await page.get_by_role("button", name="Show only the first").click()
    await expect(banners(page)).to_contain_text("Mooring is paused.")


async def test_a_paused_agent_says_so_and_goes_on_when_asked_to(
    page: Page, fake: FakeAgent, files: str
) -> None:
    await start(page, files)
    fake.becomes(paused=True, pausing=2)
    await expect(banners(page)).to_contain_text("2 boards in use by running jobs follow")
    fake.becomes(paused=True, pausing=0)
    await expect(banners(page)).not_to_contain_text("running jobs")
    await banners(page).get_by_role("button", name="Resume").click()
    await expect(banners(page)).to_have_count(0)
    assert fake.called("agent.resume") == [{}]


async def test_boards_are_not_called_ready_while_the_agent_is_paused(
    page: Page, fake: FakeAgent, files: str
) -> None:
    board = fake.board()
    await page.goto(f"{files}/#/board/{board.id}")
    chips = page.locator(".chip", has_text="not used now")
    await expect(page.locator("board-view .chip")).to_be_visible()
    await expect(chips).to_have_count(0)
    fake.becomes(paused=True)
    await expect(chips).to_have_count(2)
    fake.becomes(paused=False)
    await expect(chips).to_have_count(0)


async def test_a_resume_that_fails_says_why(page: Page, fake: FakeAgent, files: str) -> None:
    def refuse(_params: dict[str, Any]) -> Any:
        raise Refusal("internal", "Mooring made a mistake.")

    fake.info = {"paused": True}
    fake.answer["agent.resume"] = refuse
    await start(page, files)
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator("agent-notices error-card")).to_contain_text("made a mistake")


async def test_a_newer_version_is_told_until_it_is_waved_away_and_only_that_one(
    page: Page, fake: FakeAgent, files: str
) -> None:
    fake.info = {"update": UPDATE}
    await start(page, files)
    link = banners(page).get_by_role("link")
    assert await link.get_attribute("href") == UPDATE["url"]
    assert await link.get_attribute("rel") == "noopener noreferrer"
    await page.get_by_role("button", name="Not this version").click()
    await expect(banners(page)).to_have_count(0)
    await page.reload()
    await expect(page.locator(".counts")).not_to_be_empty()
    await expect(banners(page)).to_have_count(0)
    fake.becomes(update={"version": "9.9.0", "url": "javascript:alert(1)"})
    await expect(banners(page)).to_contain_text("Version 9.9.0 of Mooring is there.")
    await expect(banners(page).get_by_role("link")).to_have_count(0)


@pytest.mark.parametrize("width", [375, 640])
async def test_banners_fit_where_there_is_little_room(
    page: Page, fake: FakeAgent, files: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 700})
    long = "/home/" + "x" * 200
    fake.info = {"notices": [notice(long)], "paused": True, "update": UPDATE}
    await start(page, files)
    await page.get_by_role("button", name="Show 2 more: Mooring is paused.").click()
    root = "document.documentElement"
    assert not await page.evaluate(f"{root}.scrollWidth > {root}.clientWidth")


async def test_each_message_is_said_once(page: Page, fake: FakeAgent, files: str) -> None:
    await start(page, files)
    fake.becomes(paused=True, pausing=1)
    await expect(banners(page)).to_have_count(1)
    fake.becomes(pausing=0)
    await expect(banners(page)).not_to_contain_text("running jobs")
    said = page.locator("mooring-shell > .spoken[aria-live] p")
    await expect(said.filter(has_text="Mooring is paused.")).to_have_count(1)
