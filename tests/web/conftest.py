"""A real Chromium for the tests of the page, and a plain server for its modules."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

import dev
from agent.bridge.pages import WEB_FOLDER, security_headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests; each test has pages and storage of its own."""
    (names,) = dev.PARTS["chromium"].programs
    path = next(found for found in map(shutil.which, names) if found)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()


class _Files(SimpleHTTPRequestHandler):
    """The page's files with the headers that the agent gives them, and an empty document."""

    def do_GET(self) -> None:
        if self.path == "/empty":
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>empty</title>")
            return
        super().do_GET()

    def end_headers(self) -> None:
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
