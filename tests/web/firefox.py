"""Stock Firefox, driven by WebDriver BiDi: a WebSocket with JSON, no program between."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from tests import system_parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

ANSWER_S: Final = 30.0
"""Of the browser to one command; loading a page takes seconds on a busy machine."""

_QUIET: Final = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Tab:
    """One page."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    async def go(self, url: str) -> None:
        """Load a page."""
        await self._firefox.command(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    async def run(self, script: str, *, click: bool = False) -> Any:
        """The result of an expression; ``click``: as if the person had just pressed something."""
        said = await self._firefox.command(
            "script.evaluate",
            expression=script,
            target={"context": self._context},
            awaitPromise=True,
            userActivation=click,
        )
        assert said["type"] == "success", said
        return said["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until an expression is true, looking at each frame."""
        async with asyncio.timeout(ANSWER_S):
            while not await self.run(f"Boolean({condition})"):
                await self.run("new Promise((shown) => setTimeout(() => shown(0), 30))")


class Firefox:
    """A running Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    async def command(self, method: str, **params: Any) -> Any:
        """One command of WebDriver BiDi."""
        number = next(self._ids)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        async with asyncio.timeout(ANSWER_S):
            while (answer := json.loads(await self._socket.recv())).get("id") != number:
                pass
        assert answer["type"] == "success", answer
        return answer["result"]

    async def tab(self, url: str) -> Tab:
        """A new page."""
        made = await self.command("browsingContext.create", type="tab")
        tab = Tab(self, made["context"])
        await tab.go(url)
        return tab

    async def permit(self, origin: str, state: str) -> None:
        """What the person says to the browser of connections to this computer."""
        name = {"name": "loopback-network"}
        await self.command("permissions.setPermission", descriptor=name, state=state, origin=origin)


@contextlib.asynccontextmanager
async def firefox(folder: Path, **preferences: Any) -> AsyncIterator[Firefox]:
    """Start it with a profile of its own; ``__`` in names stands for a dot."""
    from websockets.asyncio.client import connect

    profile = folder / "profile"
    profile.mkdir(parents=True)
    given = _QUIET | {name.replace("__", "."): value for name, value in preferences.items()}
    lines = (
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in given.items()
    )
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    (names,) = system_parts.PARTS["firefox"].programs
    program = next(found for found in map(shutil.which, names) if found)
    process = await asyncio.create_subprocess_exec(
        *(program, "--headless", "--no-remote", "--profile", str(profile)),
        *("--remote-debugging-port", "0"),
        env={**os.environ, "HOME": str(folder)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    told = process.stderr
    try:
        async with asyncio.timeout(ANSWER_S):
            while not (
                found := re.search(rb"listening on (ws://\S+)", line := await told.readline())
            ):
                assert line, "Firefox ended"
        reading = asyncio.ensure_future(told.read())
        async with connect(f"{found[1].decode()}/session", max_size=None) as socket:
            running = Firefox(socket)
            trusting = {"alwaysMatch": {"acceptInsecureCerts": True}}
            await running.command("session.new", capabilities=trusting)
            yield running
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    await reading
