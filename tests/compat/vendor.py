"""Pages with the published client of the Create Agent, in Chromium, and the two hosts they ask.

``site()`` serves a page and both hosts on this computer; ``visit`` opens it. Chromium is told where
the hosts are and that there are no others; no request is intercepted, for who intercepts requests
also answers the questions that browsers ask before them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from playwright.async_api import async_playwright

from tests import system_parts
from tests.internet import Authority
from tests.web.conftest import CHROMIUM_ARGUMENTS, chromium_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser, BrowserContext, Page

LIMIT_S: Final = 15.0
"""For what takes milliseconds, on a busy machine."""
VERSIONS: Final = "downloads.arduino.cc"
"""Where the client asks which version of the agent is the newest."""
NEWEST: Final = "1.6.1"
PUBLIC: Final = "app.example.test"
"""A page on the public Internet."""
DOCUMENT: Final = (
    b'<!doctype html><meta charset="utf-8"><title>page</title><script src="page.js"></script>'
)
PAGE: Final = system_parts.ROOT / "tests" / "judges" / "create_agent_client" / "page.js"


def bundle() -> bytes:
    """One file of the client and what it needs; made once for each lock file and page."""
    judge = system_parts.PARTS["create-agent-client"].judge
    assert isinstance(judge, system_parts.NodeJudge)
    home = judge.home / judge.name
    lock = home / "installed"
    made_of = hashlib.sha256(lock.read_bytes() + PAGE.read_bytes()).hexdigest()
    made = home / f"page-{made_of[:16]}.js"
    if not made.exists():
        draft = home / f"page-{os.getpid()}.draft"
        subprocess.run(
            [
                *("node", str(judge.modules / "esbuild-wasm" / "bin" / "esbuild"), str(PAGE)),
                *("--bundle", "--format=iife", "--log-level=error", f"--outfile={draft}"),
            ],
            env={**os.environ, "NODE_PATH": str(judge.modules)},
            check=True,
        )
        draft.replace(made)
    return made.read_bytes()


class _Handler(BaseHTTPRequestHandler):
    """The page, the service that knows how boards are written, and the list of versions."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, script: bytes, compute: dict[str, Any]) -> None:
        self._script = script
        self._compute = compute
        super().__init__(*args)

    def do_GET(self) -> None:
        if self.path == "/":
            self._say("text/html", DOCUMENT)
        elif self.path == "/page.js":
            self._say("text/javascript", self._script)
        elif self.path == "/agent-metadata/agent-version.json":
            self._say("application/json", json.dumps({"Version": NEWEST}).encode())
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        board = self.path.removeprefix("/boards/").removesuffix("/compute")
        self._compute["asked"] = {"board": board, **asked}
        self._say("application/json", json.dumps(self._compute["answer"]).encode())

    def _say(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.send_header("access-control-allow-origin", "*")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
        """Say nothing."""


@dataclass
class Site:
    """What serves pages, over http on this computer and over https in the world."""

    port: int
    secure_port: int
    compute: dict[str, Any]
    """``answer``: how a board is written; ``asked``: what a page asked last."""

    @property
    def origin(self) -> str:
        """A page of this computer, which no browser hinders."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def public_origin(self) -> str:
        """The same page in the world."""
        return f"https://{PUBLIC}:{self.secure_port}"

    def chromium_arguments(self) -> list[str]:
        """So that nothing leaves this computer."""
        hosts = f"MAP {VERSIONS} 127.0.0.1:{self.secure_port}, MAP {PUBLIC} 127.0.0.1"
        return [
            f"--host-resolver-rules={hosts}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            f"--ip-address-space-overrides=127.0.0.1:{self.secure_port}=public",
            "--ignore-certificate-errors",
        ]


@contextlib.contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Serve until the end of the block."""
    compute: dict[str, Any] = {}
    handler = partial(_Handler, script=bundle(), compute=compute)
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    context = Authority(folder, "Example").context(VERSIONS, PUBLIC)
    servers[1].socket = context.wrap_socket(
        servers[1].socket, server_side=True, do_handshake_on_connect=False
    )
    threads = [threading.Thread(target=each.serve_forever, daemon=True) for each in servers]
    for thread in threads:
        thread.start()
    try:
        yield Site(servers[0].server_port, servers[1].server_port, compute)
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()


@contextlib.asynccontextmanager
async def chromium(served: Site, *parts: str) -> AsyncIterator[Browser]:
    """A browser for pages of the site; of its headless shell unless ``parts`` says otherwise."""
    path = chromium_program(*(parts or ("chromium-headless-shell", "chromium")))
    arguments = [*CHROMIUM_ARGUMENTS, *served.chromium_arguments()]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


@dataclass
class VendorPage:
    """One page; what its client says is kept from the beginning."""

    page: Page
    requests: list[str] = field(default_factory=list)
    """``METHOD url`` of all that it asked over HTTP."""
    sockets: list[str] = field(default_factory=list)
    """WebSockets that it opened."""
    broken: list[str] = field(default_factory=list)
    """Exceptions that nobody caught."""

    async def see(self, stream: str, test: str = "true", limit_s: float = LIMIT_S) -> Any:
        """The next value of a stream of the client for which ``test``, of ``v``, holds."""
        script = "([name, test]) => see(name, new Function('v', `return ${test}`))"
        try:
            async with asyncio.timeout(limit_s):
                return await self.page.evaluate(script, [stream, test])
        except TimeoutError:
            last = await self.page.evaluate("last()")
            msg = f"{stream} never was {test}; last: {last}"[:4000]
            raise AssertionError(msg) from None

    async def do(self, call: str, *arguments: object) -> Any:
        """Call a method of the client."""
        return await self.page.evaluate(f"([...given]) => void daemon.{call}(...given)", arguments)

    async def command(self, text: str) -> None:
        """What a page says to the agent without its client's help."""
        await self.page.evaluate("(text) => void daemon.socket.emit('command', text)", text)

    async def forget(self) -> None:
        """What was said so far does not count any more."""
        await self.page.evaluate("forget()")

    async def all(self, stream: str) -> list[Any]:
        """Everything that was said on a stream."""
        said: list[Any] = await self.page.evaluate("(name) => all(name)", stream)
        return said

    async def connected(self) -> None:
        """The client has found the agent and may speak with it."""
        await self.see("agentFound", "v === true")
        await self.see("channelOpenStatus", "v === true")

    async def ports(self, *names: str) -> list[dict[str, Any]]:
        """Wait until the client lists exactly these ports; what it knows of them."""
        wanted = json.dumps(",".join(sorted(names)))
        seen = await self.see(
            "devicesList", f"String(v.serial.map((p) => p.Name).sort()) === {wanted}"
        )
        ports: list[dict[str, Any]] = seen["serial"]
        return ports


@contextlib.asynccontextmanager
async def visit(
    browser: Browser | BrowserContext, url: str, *, websockets: bool = True, **context: Any
) -> AsyncIterator[VendorPage]:
    """Open a page until the end of the block; it fails if an exception was left alone in it.

    ``context``: what makes a profile of its own another one than usual.
    """
    own = await browser.new_context(**context) if hasattr(browser, "new_context") else None
    page = await (own or browser).new_page()
    seen = VendorPage(page)
    page.on("request", lambda asked: seen.requests.append(f"{asked.method} {asked.url}"))
    page.on("websocket", lambda opened: seen.sockets.append(opened.url))
    page.on("pageerror", lambda error: seen.broken.append(str(error)))
    if not websockets:
        await page.add_init_script("delete window.WebSocket")
    try:
        await page.goto(url)
        yield seen
    finally:
        await (own or page).close()
    assert not seen.broken, seen.broken
