"""Pages that looked for the Create Agent and were not let in: shown in the settings, allowed there."""

from __future__ import annotations

import time
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

SHOP = "https://boards.example.com"
LONG = "https://login.arduino.cc." + "a-part-of-a-name." * 8 + "example.net:8443"


class Visitors:
    """Pages that look for the agent, as the agent tells of them: the latest first."""

    def __init__(self, fake: FakeAgent) -> None:
        self._fake = fake
        self.away: list[dict[str, Any]] = []
        self.origins: list[dict[str, Any]] = []
        fake.answer["origins.subscribe"] = lambda _: self.document()
        fake.answer["origins.allow"] = self._allow

    def document(self) -> dict[str, Any]:
        known = {"origins": self.origins, "asking": [], "refused": []}
        return known | {"turned_away": self.away}

    def look(self, url: str) -> None:
        """A page looks, and is not let in."""
        others = [each for each in self.away if each["url"] != url]
        self.away = [{"url": url, "at": time.time()}, *others]
        self._fake.tell("origins.changed", self.document())

    def _allow(self, params: dict[str, Any]) -> Any:
        self.away = [each for each in self.away if each["url"] != params["url"]]
        may = {"since": time.time(), "once": False}
        self.origins.append(params | may)
        return self.document()


@pytest.fixture
def visitors(fake: FakeAgent) -> Visitors:
    """Nobody looked yet."""
    return Visitors(fake)


async def opened(page: Page, files: str) -> None:
    await page.goto(f"{files}/#/settings")
    await expect(page.locator(".counts")).not_to_be_empty()


def line(page: Page, url: str) -> Locator:
    return page.locator("turned-away li", has_text=url)


async def test_a_page_that_was_not_let_in_is_allowed_with_one_press(
    page: Page, fake: FakeAgent, visitors: Visitors, files: str
) -> None:
    await opened(page, files)
    await expect(page.locator("turned-away")).to_be_hidden()
    visitors.look(SHOP)
    await expect(line(page, SHOP)).to_contain_text("Looked just now.")
    allow = page.get_by_role("button", name=f"Allow: {SHOP}")
    await expect(allow).to_have_attribute("aria-disabled", "false")
    await allow.click()
    await expect(page.locator("turned-away")).to_be_hidden()
    (asked,) = fake.called("origins.allow")
    assert asked == {"url": SHOP, "may": ["boards", "serial", "flash"]}
    await expect(page.locator("origin-list > .origins li", has_text=SHOP)).to_contain_text(
        "May see your boards, use their serial ports and replace their programs."
    )
    spoken = page.locator("mooring-shell > .spoken[aria-live]")
    await expect(spoken).to_contain_text(f"{SHOP} may see your boards")


async def test_a_line_that_comes_takes_no_press_that_was_meant_for_another(
    page: Page, fake: FakeAgent, visitors: Visitors, files: str
) -> None:
    await opened(page, files)
    visitors.look(SHOP)
    await expect(line(page, SHOP)).to_be_visible()
    # At the change itself, inside the page, before anybody can have read it.
    await page.evaluate(
        """() => new MutationObserver(() =>
          document.querySelectorAll("turned-away button").forEach((button) => button.click()),
        ).observe(document.querySelector("turned-away ul"), { childList: true })"""
    )
    visitors.look(LONG)
    await expect(line(page, LONG)).to_be_visible()
    assert fake.called("origins.allow") == []
    # Who looks again stays where it was; the new one is below.
    visitors.look(SHOP)
    visitors.look("https://third.example.com")
    await expect(page.locator("turned-away li")).to_have_count(3)
    shown = await page.locator("turned-away li .origin").all_text_contents()
    assert shown == [SHOP, LONG, "https://third.example.com"]


async def test_what_could_not_be_allowed_says_why(
    page: Page, fake: FakeAgent, visitors: Visitors, files: str
) -> None:
    def full(_params: dict[str, Any]) -> Any:
        raise Refusal("origins-full", "No more pages can be allowed.")

    await opened(page, files)
    visitors.look(SHOP)
    fake.answer["origins.allow"] = full
    allow = page.get_by_role("button", name=f"Allow: {SHOP}")
    await expect(allow).to_have_attribute("aria-disabled", "false")
    await allow.click()
    await expect(page.locator("turned-away")).to_contain_text("No more pages can be allowed.")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (375, 667)])
async def test_they_and_the_words_for_pages_that_find_nothing_fit_every_window(
    page: Page, visitors: Visitors, files: str, width: int, height: int
) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    await opened(page, files)
    visitors.look(SHOP)
    visitors.look(LONG)
    await page.get_by_text("A page does not find Mooring").click()
    await expect(page.locator("ul.cases li").first).to_be_visible()
    await expect(line(page, LONG).locator(".origin")).to_have_text(LONG)
    assert await faults_of(page) == []
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await page.evaluate(wide)
