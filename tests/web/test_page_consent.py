"""Pages that ask: the question on the agent's own page, and the list in the settings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.web.fake import Refusal
from tests.web.faults import faults_of
from tests.web.people import open_page

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.fake import FakeAgent
    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

SHOP = "https://boards.example.com"
LONG = "https://login.arduino.cc." + "a-part-of-a-name." * 8 + "example.net:8443"


class Asks:
    """The questions that an agent has, as the page is told of them."""

    def __init__(self, fake: FakeAgent) -> None:
        self._fake = fake
        self.asking: list[dict[str, Any]] = []
        fake.answer["origins.subscribe"] = lambda _: self.document()
        fake.answer["origins.answer"] = self._answered

    def document(self) -> dict[str, Any]:
        """All of it."""
        return {"origins": [], "asking": self.asking, "refused": [], "turned_away": []}

    def ask(self, url: str, *wants: str, has: tuple[str, ...] = ()) -> None:
        """A page asks."""
        now = time.time()
        question = {"ask": f"q-{url}", "url": url, "wants": wants or ("boards",), "has": has}
        times = {"since": now, "until": now + 120, "quiet": False}
        self.asking = [*self.asking, question | times]
        self._fake.tell("origins.changed", self.document())

    def gone(self, url: str) -> None:
        """It no longer does."""
        self.asking = [each for each in self.asking if each["url"] != url]
        self._fake.tell("origins.changed", self.document())

    def _answered(self, params: dict[str, Any]) -> Any:
        self.asking = [each for each in self.asking if each["ask"] != params["ask"]]
        return self.document()


@pytest.fixture
def asks(fake: FakeAgent) -> Asks:
    """Nobody asks yet."""
    return Asks(fake)


def card(page: Page, url: str = SHOP) -> Locator:
    return page.locator("ask-card", has_text=url)


def button(page: Page, name: str, url: str = SHOP) -> Locator:
    return card(page, url).get_by_role("button", name=name)


async def opened(page: Page, files: str, place: str = "") -> None:
    await page.goto(f"{files}/{place}")
    await expect(page.locator(".counts")).not_to_be_empty()


async def test_a_click_that_was_meant_for_something_else_answers_nothing(
    page: Page, fake: FakeAgent, asks: Asks, files: str
) -> None:
    await opened(page, files)
    # Noted inside the page at the change itself: a look from outside may come after the rest.
    await page.evaluate(
        """() => {
          const press = () => document.querySelectorAll("ask-card button").forEach((b) => b.click());
          new MutationObserver(press).observe(document.body, { subtree: true, childList: true });
          window.resting = {};
          const note = () => document.querySelectorAll("ask-card").forEach((card) => {
            const states = (resting[card.querySelector(".origin").textContent] ??= []);
            const state = card.querySelector("[aria-disabled]").getAttribute("aria-disabled");
            if (states.at(-1) !== state) states.push(state);
          });
          const attributeFilter = ["aria-disabled"];
          const changes = { subtree: true, childList: true, attributeFilter };
          new MutationObserver(note).observe(document.body, changes);
        }"""
    )
    asks.ask(SHOP)
    await expect(button(page, "Allow always")).to_have_attribute("aria-disabled", "false")
    # Another question moves the first one: both rest again.
    asks.ask(LONG)
    await expect(button(page, "Allow always", LONG)).to_have_attribute("aria-disabled", "false")
    await expect(button(page, "Allow always")).to_have_attribute("aria-disabled", "false")
    rests = ["true", "false"]
    assert await page.evaluate("resting") == {SHOP: rests * 2, LONG: rests}
    assert fake.called("origins.answer") == []
    await button(page, "Only this time").click()
    await expect(card(page)).to_have_count(0)
    answers = [(each["ask"], each["decision"]) for each in fake.called("origins.answer")]
    assert answers == [(f"q-{SHOP}", "once")]


async def test_a_question_is_said_and_leaves_the_focus_where_it_was(
    page: Page, fake: FakeAgent, asks: Asks, files: str
) -> None:
    board = fake.board()
    await opened(page, files, f"#/board/{board.id}/write")
    heading = page.locator(".detail h1").first
    await heading.evaluate("(h1) => ((h1.tabIndex = -1), h1.focus())")
    before = await page.evaluate("document.activeElement.outerHTML")
    asks.ask(SHOP, "boards", "flash")
    spoken = page.locator("mooring-shell > .spoken[aria-live]")
    await expect(spoken).to_contain_text(
        f"{SHOP} asks whether it may see your boards and replace their programs."
    )
    assert await page.evaluate("document.activeElement.outerHTML") == before
    asks.gone(SHOP)
    await expect(page.locator("page-questions")).to_be_hidden()
    assert await page.evaluate("document.activeElement.outerHTML") == before


async def test_a_question_is_answered_with_the_keyboard_and_the_focus_goes_back(
    page: Page, fake: FakeAgent, asks: Asks, files: str
) -> None:
    await opened(page, files, "#/settings")
    asks.ask(LONG)
    asks.ask(SHOP)
    here = page.get_by_role("link", name="Settings", exact=True)
    await here.focus()
    for _ in range(10):
        await page.keyboard.press("Shift+Tab")
        if await button(page, "No").evaluate("(b) => b === document.activeElement"):
            break
    await expect(button(page, "No")).to_be_focused()
    await expect(button(page, "No")).to_have_attribute("aria-disabled", "false")
    await page.keyboard.press("Enter")
    await expect(card(page)).to_have_count(0)
    await expect(button(page, "Allow always", LONG)).to_be_focused()
    await expect(button(page, "Allow always", LONG)).to_have_attribute("aria-disabled", "false")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.locator("ask-card")).to_have_count(0)
    await expect(page.locator(".brand")).to_be_focused()
    answers = [each["decision"] for each in fake.called("origins.answer")]
    assert answers == ["no", "once"]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (640, 400), (375, 667)])
async def test_five_questions_fit_whatever_the_size_of_the_window(
    page: Page, asks: Asks, files: str, width: int, height: int
) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    await opened(page, files)
    asks.ask(LONG, "boards", "serial", "flash", "provision")
    for number in range(4):
        asks.ask(f"https://page-{number}.example.com", "boards", "serial", has=("boards",))
    await expect(page.locator("page-questions h2")).to_have_text("5 pages ask")
    wide = "(e) => e.scrollWidth > e.clientWidth"
    assert not await page.evaluate(f"({wide})(document.documentElement)")
    assert not await page.locator("page-questions").evaluate(wide)
    region = await page.locator("page-questions").bounding_box()
    assert region is not None
    assert region["x"] >= 0
    assert region["y"] >= 0
    assert region["x"] + region["width"] <= width
    assert region["y"] + region["height"] <= height
    assert await faults_of(page) == []
    # The whole name is there, and every button can be brought into view.
    await expect(card(page, LONG).locator(".origin")).to_have_text(LONG)
    last = button(page, "No", "https://page-3.example.com")
    await last.scroll_into_view_if_needed()
    await expect(last).to_be_in_viewport(ratio=1)
    await page.locator("page-questions summary").click()
    await expect(last).to_be_hidden()


async def test_an_answer_that_came_too_late_says_so(
    page: Page, fake: FakeAgent, asks: Asks, files: str
) -> None:
    def late(_params: dict[str, Any]) -> Any:
        raise Refusal("ask-gone", "This question is no longer open.")

    fake.answer["origins.answer"] = late
    await opened(page, files)
    asks.ask(SHOP)
    await expect(button(page, "Allow always")).to_have_attribute("aria-disabled", "false")
    await button(page, "Allow always").click()
    await expect(card(page)).to_contain_text("This question is no longer open.")


async def test_the_settings_lead_to_the_question(page: Page, asks: Asks, files: str) -> None:
    await opened(page, files, "#/settings")
    asks.ask(LONG)
    asks.ask(SHOP)
    await page.locator("page-questions summary").click()
    await page.get_by_role("button", name=f"Answer {SHOP}").click()
    await expect(button(page, "Allow always")).to_be_focused()


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


async def test_jobs_of_a_page_that_is_revoked_are_named(
    page: Page, fake: FakeAgent, asks: Asks, files: str
) -> None:
    allowed = {"url": SHOP, "since": time.time(), "may": ["boards"], "once": False}
    fake.answer["origins.subscribe"] = lambda _: asks.document() | {"origins": [allowed]}
    going_on = [{"job": "7", "title": "Setting up kitchen-sensor"}]
    fake.answer["origins.revoke"] = lambda _: asks.document() | {"jobs": going_on}
    await opened(page, files, "#/settings")
    await page.get_by_role("button", name=f"Revoke: {SHOP}").click()
    told = page.locator("origin-list").get_by_role("status")
    await expect(told).to_contain_text("began a job that goes on")
    await expect(told.get_by_role("link", name="Setting up kitchen-sensor")).to_be_visible()
    assert await faults_of(page) == []


@pytest.mark.parametrize(("width", "height"), [(640, 400), (375, 667)])
async def test_what_a_question_covers_is_brought_above_it(
    page: Page, fake: FakeAgent, asks: Asks, files: str, width: int, height: int
) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    fake.info = {"paused": True}
    await opened(page, files)
    asks.ask(LONG, "boards", "serial", "flash", "provision")
    await expect(card(page, LONG)).to_be_visible()
    resume = page.get_by_role("button", name="Resume")
    await resume.focus()
    on_top = """(button) => {
      const { x, y, width, height } = button.getBoundingClientRect();
      return document.elementFromPoint(x + width / 2, y + height - 2) === button;
    }"""
    assert await resume.evaluate(on_top)
    await resume.click()
    await expect(page.locator("agent-notices")).not_to_contain_text("Mooring is paused.")
