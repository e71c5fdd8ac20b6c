"""A real Chromium for the tests of the page, and a plain server for its modules."""

from __future__ import annotations

import re
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from agent.bridge.pages import WEB_FOLDER, security_headers
from tests import system_parts
from tests.web.fake import FakeAgent
from tests.web.people import EVIDENCE_MS
from tests.web.rig import Agent, running_agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser, Page

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=EVIDENCE_MS)


def chromium_program(*parts: str) -> str:
    """The first program of these parts of the system that is there."""
    names = [
        name for part in parts for group in system_parts.PARTS[part].programs for name in group
    ]
    return next(found for found in map(shutil.which, names) if found)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests; each test has pages and storage of its own.

    Its headless shell shows pages in the same way and has no windows, which take half of the time.
    """
    path = chromium_program("chromium-headless-shell", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()


class _Files(SimpleHTTPRequestHandler):
    """The page's files with the headers of the agent, and an empty document that may do everything."""

    def do_GET(self) -> None:
        if self.path == "/empty":
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>empty</title>")
            return
        super().do_GET()

    def end_headers(self) -> None:
        if self.path != "/empty":
            for name, value in security_headers(self.headers["host"]).items():
                self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
        """Say nothing."""


@pytest.fixture(scope="session")
def files() -> Iterator[str]:
    """Origin of a server that has the page's files, and no agent."""
    handler = partial(_Files, directory=str(WEB_FOLDER))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def modules(browser: Browser, files: str) -> AsyncIterator[Page]:
    """An empty document that can import the page's modules; shared, for what keeps no state."""
    page = await browser.new_page()
    await page.goto(f"{files}/empty")
    yield page
    await page.close()


@pytest_asyncio.fixture(loop_scope="session")
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    """The agent as people start it, with a simulated cloud and no board yet."""
    async with running_agent(tmp_path / "home") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def stocked(tmp_path: Path) -> AsyncIterator[Agent]:
    """The same, with sketches in the cloud and in the list of 1.0 sketches."""
    async with running_agent(tmp_path / "home", stocked=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def fake(page: Page) -> FakeAgent:
    """An agent that does as the test says, behind the page at the origin ``files``."""
    agent = FakeAgent()
    await agent.serve(page)
    return agent


ALLOWED_COMPLAINTS = re.compile(
    # What a browser says while the agent is away, and while an origin is refused.
    r"net::ERR_(CONNECTION_(REFUSED|RESET)|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)|WebSocket connection"
)

WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty tab of desktop size; the test fails if the page complains or breaks its policy."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    await context.add_init_script(WATCH_POLICY)
    page = await context.new_page()
    page.set_default_timeout(EVIDENCE_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    yield page
    violations = await page.evaluate("window.violations ?? []")
    await context.close()
    assert violations == []
    assert [said for said in complaints if not ALLOWED_COMPLAINTS.search(said)] == []
