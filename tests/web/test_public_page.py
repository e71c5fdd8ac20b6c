"""The example for page authors as a public https page: what the browser, the agent and the person say."""

from __future__ import annotations

import contextlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.web.conftest import CHROMIUM_ARGUMENTS, chromium_program
from tests.web.people import EVIDENCE_MS, open_page
from tests.web.public import PublicSite, public_site
from tests.web.rig import plain_boards

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser, BrowserContext, Locator, Page, WebSocketRoute

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicSite]:
    """The example on the public Internet."""
    with public_site(tmp_path_factory.mktemp("public")) as served:
        yield served


@contextlib.asynccontextmanager
async def chromium(site: PublicSite, path: str | None = None) -> AsyncIterator[Browser]:
    """A Chromium for which the example is a public page; whole, for it asks and has policies."""
    arguments = [*CHROMIUM_ARGUMENTS, *site.chromium_arguments()]
    path = path or chromium_program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def internet(site: PublicSite) -> AsyncIterator[Browser]:
    """One for all tests."""
    async with chromium(site) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def context(internet: Browser) -> AsyncIterator[BrowserContext]:
    """A profile of its own."""
    context = await internet.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(EVIDENCE_MS)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def willing(context: BrowserContext) -> BrowserContext:
    """The same, and the person told the browser to let pages connect to this computer."""
    await context.grant_permissions(["local-network-access"])
    return context


async def visit(
    context: BrowserContext, site: PublicSite, agent: Agent | None, name: str = "app"
) -> Page:
    """Open the example."""
    site.look_for(agent)
    page = await context.new_page()
    await page.goto(site.url(f"{name}.example.test"))
    return page


async def own_page(context: BrowserContext, agent: Agent, place: str = "") -> Page:
    """Open the agent's own page in the same browser."""
    page = await context.new_page()
    await open_page(page, agent, place)
    return page


async def state(page: Page, wanted: str) -> None:
    await page.wait_for_function(
        "(wanted) => `${agent.state} ${agent.reason}`.trim() === wanted", arg=wanted
    )


def said(page: Page) -> Locator:
    return page.locator("#said")


def cards(own: Page) -> Locator:
    return own.locator("ask-card")


async def press(own: Page, answer: str) -> None:
    """Answer the one question that there is."""
    await expect(cards(own)).to_have_count(1)
    button = cards(own).get_by_role("button", name=answer)
    await expect(button).to_have_attribute("aria-disabled", "false")
    await button.click()
    await expect(cards(own)).to_have_count(0)


async def test_the_browser_asks_only_after_a_click_and_a_no_is_not_taken_for_an_absent_agent(
    context: BrowserContext, site: PublicSite, agent: Agent
) -> None:
    page = await visit(context, site, agent)
    await state(page, "refused unasked")
    await expect(said(page)).to_contain_text("may ask whether this page may connect")
    # A headless browser answers its own question with no.
    await page.get_by_role("button", name="Connect").click()
    await state(page, "refused permission")
    await expect(said(page)).to_contain_text("Whether Mooring is running cannot be seen.")
    assert await page.evaluate("agent.problem.code") == "browser-refused"
    # A plain link works all the same.
    link = page.get_by_role("link", name="Open Mooring")
    await expect(link).to_have_attribute("href", agent.url)
    async with context.expect_page() as opened:
        await link.click()
    own = await opened.value
    await expect(own.locator(".counts")).not_to_be_empty()


async def test_a_page_asks_is_allowed_works_is_revoked_and_asks_again(
    willing: BrowserContext, site: PublicSite, agent: Agent
) -> None:
    with plain_boards(agent.ports, 1):
        own = await own_page(willing, agent, "#/settings")
        page = await visit(willing, site, agent)
        await state(page, "refused origin")
        await expect(said(page)).to_contain_text("Nobody has allowed this page")
        await page.get_by_role("button", name="Ask to use my boards").click()
        await expect(said(page)).to_contain_text("Mooring asks you now")
        await expect(cards(own)).to_contain_text(site.origin())
        await expect(cards(own)).to_contain_text("See your boards")
        await expect(cards(own)).not_to_contain_text("Replace the program")
        await press(own, "Allow always")
        await state(page, "connected")
        await expect(page.get_by_role("listitem")).to_contain_text("UNO R4 WiFi")
        entry = own.locator(".origins li", has_text=site.origin())
        await expect(entry).to_contain_text("May see your boards.")
        await entry.get_by_role("button", name="Revoke").click()
        await state(page, "refused revoked")
        await expect(said(page)).to_contain_text("This page may no longer use your boards.")
        await page.get_by_role("button", name="Ask again").click()
        await press(own, "Only this time")
        await state(page, "connected")
        await expect(entry).to_contain_text("Only this time")


async def test_a_no_is_kept_for_a_day_unless_the_person_lifts_it(
    willing: BrowserContext, site: PublicSite, agent: Agent
) -> None:
    own = await own_page(willing, agent, "#/settings")
    page = await visit(willing, site, agent)
    button = page.get_by_role("button", name="Ask to use my boards")
    await button.click()
    await press(own, "No")
    await page.wait_for_function("agent.consent?.state === 'refused'")
    await expect(said(page)).to_contain_text("said no")
    await button.click()
    await page.wait_for_function("agent.consent?.state === 'silenced'")
    consent = await page.evaluate("({ ...agent.consent, code: agent.consent.error.code })")
    assert consent["code"] == "origin-silenced"
    assert consent["until"] > await page.evaluate("Date.now() / 1000 + 80_000")
    await expect(cards(own)).to_have_count(0)
    refused = own.locator(".origins li", has_text=site.origin())
    await expect(refused).to_contain_text("Cannot ask until")
    await refused.get_by_role("button", name="Let it ask again").click()
    await expect(refused).to_have_count(0)
    await button.click()
    await press(own, "Allow always")
    await state(page, "connected")


async def test_a_page_that_may_see_boards_asks_before_it_reads_what_they_print(
    willing: BrowserContext, site: PublicSite, agent: Agent
) -> None:
    with plain_boards(agent.ports, 1) as boards:
        own = await own_page(willing, agent)
        page = await visit(willing, site, agent)
        await page.get_by_role("button", name="Ask to use my boards").click()
        await press(own, "Allow always")
        listen = page.get_by_role("button", name="Listen")
        await listen.click()
        await expect(cards(own)).to_contain_text("It may see your boards already.")
        await expect(cards(own).locator(".scopes li")).to_have_count(1)
        await press(own, "No")
        await expect(said(page)).to_contain_text("said no")
        await state(page, "connected")
        # What it had it still has, and it may ask for that and get it at once.
        assert (await page.evaluate("agent.ask({ wants: ['boards'] })"))["may"] == ["boards"]
        await own.evaluate("location.hash = '#/settings'")
        await own.get_by_role("button", name="Let it ask again").click()
        await state(page, "refused revoked")
        await page.get_by_role("button", name="Ask again").click()
        await press(own, "Allow always")
        await listen.click()
        await press(own, "Allow always")
        await boards[0].opened()
        await boards[0].send(b"21.5 degrees")
        await expect(page.locator("#log")).to_have_text("21.5 degrees")
        assert await page.evaluate("agent.info.may") == ["boards", "serial"]


MANAGED = """#!/bin/sh
exec unshare --user --map-root-user --mount \
  sh -c 'mount --bind {folder} /etc/chromium && exec {chromium} "$@"' sh "$@"
"""
"""Chromium reads the policies of a computer at one place only; this one sees another there."""


@pytest.mark.needs("policy")
async def test_an_administrator_can_grant_the_permission_for_one_page(
    tmp_path: Path, site: PublicSite, agent: Agent
) -> None:
    folder = tmp_path / "chromium"
    (folder / "policies" / "managed").mkdir(parents=True)
    policy = {"LoopbackNetworkAllowedForUrls": [site.origin()]}
    (folder / "policies" / "managed" / "mooring.json").write_text(json.dumps(policy))
    managed = tmp_path / "managed"
    managed.write_text(MANAGED.format(folder=folder, chromium=shutil.which("chromium")))
    managed.chmod(0o700)
    async with chromium(site, str(managed)) as browser:
        context = await browser.new_context()
        await state(await visit(context, site, agent), "refused origin")
        await state(await visit(context, site, agent, "other"), "refused unasked")


async def test_an_agent_that_is_not_there_is_said_to_be_absent(
    willing: BrowserContext, site: PublicSite, agent: Agent
) -> None:
    await agent.kill()
    page = await visit(willing, site, agent)
    await state(page, "absent")
    await expect(said(page)).to_contain_text("Mooring is not running on this computer.")
    assert await page.evaluate("agent.ask().catch(({ code }) => code)") == "agent-absent"
    await agent.start()
    await state(page, "refused origin")


async def test_another_program_at_the_place_of_the_agent_is_no_agent(
    willing: BrowserContext, site: PublicSite, agent: Agent, files: str
) -> None:
    await agent.kill()
    agent.port = int(files.rpartition(":")[2])
    page = await visit(willing, site, agent)
    await state(page, "absent")


async def test_a_question_goes_when_its_page_goes(
    willing: BrowserContext, site: PublicSite, agent: Agent
) -> None:
    own = await own_page(willing, agent)
    page = await visit(willing, site, agent)
    await page.get_by_role("button", name="Ask to use my boards").click()
    await expect(cards(own)).to_have_count(1)
    await page.close()
    await expect(cards(own)).to_have_count(0)
    await expect(own.locator("page-questions")).to_be_hidden()


@pytest.mark.parametrize(
    ("code", "wanted"), [("ask-expired", "expired"), ("ask-busy", "busy"), ("input", "failed")]
)
async def test_other_ends_of_a_question_are_told_apart(
    willing: BrowserContext, site: PublicSite, agent: Agent, code: str, wanted: str
) -> None:
    page = await visit(willing, site, agent)
    await state(page, "refused origin")

    def end(route: WebSocketRoute) -> None:
        error = f'{{"code": "{code}", "title": "So it ended.", "meaning": "", "remedy": "Again."}}'
        server = route.connect_to_server()
        server.on_message(lambda _: route.send(f'{{"state": "refused", "error": {error}}}'))

    await page.route_web_socket("**/ask?wants=boards", end)
    await page.get_by_role("button", name="Ask to use my boards").click()
    await expect(said(page)).to_contain_text("So it ended.")
    assert await page.evaluate("agent.consent.state") == wanted


async def test_a_question_is_taken_back_by_its_page(
    willing: BrowserContext, site: PublicSite, agent: Agent
) -> None:
    own = await own_page(willing, agent)
    page = await visit(willing, site, agent)
    await state(page, "refused origin")
    await page.evaluate(
        """() => {
          window.over = new AbortController();
          window.end = agent.ask({ signal: over.signal }).catch(({ code }) => code);
        }"""
    )
    await expect(cards(own)).to_have_count(1)
    await page.evaluate("over.abort()")
    assert await page.evaluate("end") == "abandoned"
    await expect(cards(own)).to_have_count(0)
