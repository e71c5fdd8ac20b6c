"""WebKitGTK, the engine of Safari, driven by its own WebDriver on a screen that nobody sees."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANSWER_S: Final = 30.0
"""Of the browser to one command; loading a page takes seconds on a busy machine."""

_BROWSERS: Final = "*/webkit2gtk-4.*/MiniBrowser"
"""Debian keeps it outside of the PATH, below /usr/lib."""


class WebKit:
    """A running MiniBrowser with one page."""

    def __init__(self, client: httpx.AsyncClient, session: str) -> None:
        self._client = client
        self._session = session

    async def command(self, path: str, **body: Any) -> Any:
        """One command of WebDriver."""
        answer = await self._client.post(f"/session/{self._session}/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()["value"]

    async def go(self, url: str) -> None:
        """Load a page."""
        await self.command("url", url=url)

    async def run(self, script: str) -> Any:
        """The result of an expression."""
        return await self.command("execute/sync", script=f"return {script}", args=[])

    async def until(self, condition: str) -> None:
        """Wait until an expression is true."""
        script = f"""const done = arguments[0];
            const look = () => ({condition}) ? done() : setTimeout(look, 30);
            look();"""
        await self.command("execute/async", script=script, args=[])

    async def click(self, selector: str) -> None:
        """Press something, as a person does."""
        found = await self.command("element", using="css selector", value=selector)
        (element,) = found.values()
        await self.command(f"element/{element}/click")


@contextlib.asynccontextmanager
async def webkit(folder: Path) -> AsyncIterator[WebKit]:
    """Start it with a profile of its own."""
    async with contextlib.AsyncExitStack() as stack:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environ = {
            **os.environ,
            "DISPLAY": await _screen(stack),
            "HOME": str(folder),
            "GDK_BACKEND": "x11",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            # No desktop is here that could read pages aloud.
            "NO_AT_BRIDGE": "1",
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        }
        if sys.platform != "win32" and os.geteuid() == 0:
            environ["WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"] = "1"
        driver = await asyncio.create_subprocess_exec(
            *("WebKitWebDriver", f"--port={port}"),
            env=environ,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        stack.push_async_callback(_end, driver)
        base = f"http://127.0.0.1:{port}"
        client = httpx.AsyncClient(base_url=base, timeout=ANSWER_S, trust_env=False)
        await stack.enter_async_context(client)
        await _answers(client)
        browser = {"binary": str(_browser()), "args": ["--automation"]}
        wanted = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": browser}
        made = await client.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
        session = made.json()["value"]["sessionId"]
        try:
            yield WebKit(client, session)
        finally:
            await client.delete(f"/session/{session}")


def _browser() -> Path:
    return min(Path("/usr/lib").glob(_BROWSERS))


async def _answers(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(ANSWER_S):
        while True:
            try:
                await client.get("/status")
            except httpx.TransportError:
                await asyncio.sleep(0.05)  # It tells nobody that it has started.
            else:
                return


async def _screen(stack: contextlib.AsyncExitStack) -> str:
    """Start Xvfb on a display that is free, and see it answer."""
    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *("Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24"),
        *("-nolisten", "tcp", "-noreset"),
        pass_fds=[write],
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(write)
    stack.push_async_callback(_end, process)
    with os.fdopen(read) as answer:
        number = await asyncio.wait_for(asyncio.to_thread(answer.readline), ANSWER_S)
    return f":{number.strip()}"


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()
