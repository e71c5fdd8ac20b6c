"""The example in Firefox and in WebKit: what each of them says of connections to this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.firefox import firefox
from tests.web.public import PublicSite, public_site
from tests.web.webkit import webkit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.web.firefox import Tab
    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(120),
    pytest.mark.slow,
]

STATE = "`${agent.state} ${agent.reason}`.trim()"
PRESS = "document.querySelector('#go').click()"
ALLOW = """(() => {
  const button = document.querySelector("ask-card button[aria-disabled=false]");
  button?.click();
  return button;
})()"""


@pytest.fixture
def site(tmp_path: Path, agent: Agent) -> Iterator[PublicSite]:
    """The example on the public Internet; both browsers find names below localhost here."""
    with public_site(tmp_path / "public", "app.localhost") as served:
        served.look_for(agent)
        yield served


async def asked_and_allowed(page: Tab, own: Tab) -> None:
    await page.until(f"{STATE} === 'refused origin'")
    await page.run(PRESS, click=True)
    await own.until(ALLOW)
    await page.until(f"{STATE} === 'connected'")


@pytest.mark.needs("firefox")
async def test_firefox_lets_pages_through_and_is_not_asked_again(
    tmp_path: Path, site: PublicSite, agent: Agent
) -> None:
    async with firefox(tmp_path / "firefox") as browser:
        page = await browser.tab(site.url("app.localhost"))
        await page.until(f"{STATE} === 'refused unasked'")
        await page.run(PRESS, click=True)
        own = await browser.tab(agent.url)
        await asked_and_allowed(page, own)
        # At the next visit nobody has to press anything.
        await page.go(site.url("app.localhost"))
        await page.until(f"{STATE} === 'connected'")


@pytest.mark.needs("firefox")
async def test_firefox_that_enforces_its_permission_waits_for_the_person(
    tmp_path: Path, site: PublicSite, agent: Agent
) -> None:
    enforced = {
        "network__lna__enabled": True,
        "network__lna__blocking": True,
        "network__lna__websocket__enabled": True,
        "network__lna__address_space__public__override": f"127.0.0.1:{site.port}",
    }
    async with firefox(tmp_path / "firefox", **enforced) as browser:
        page = await browser.tab(site.url("app.localhost"))
        await page.until(f"{STATE} === 'refused unasked'")
        await page.run(PRESS, click=True)
        await page.until(f"{STATE} === 'connecting'")
        await browser.permit(site.origin("app.localhost"), "denied")
        await page.until(f"{STATE} === 'refused permission'")
        await browser.permit(site.origin("app.localhost"), "granted")
        own = await browser.tab(agent.url)
        await asked_and_allowed(page, own)


@pytest.mark.needs("webkit")
async def test_webkit_cannot_and_the_agents_own_page_works(
    tmp_path: Path, site: PublicSite, agent: Agent
) -> None:
    async with webkit(tmp_path) as browser:
        await browser.go(site.url("app.localhost"))
        await browser.until(f"window.agent && {STATE} === 'refused browser'")
        assert "Use the agent's own page" in await browser.run("document.body.innerText")
        assert await browser.run("document.querySelector('#own').href") == agent.url
        await browser.go(agent.url)
        await browser.until("document.querySelector('.counts')?.textContent")
