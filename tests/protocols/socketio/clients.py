"""socket.io-client 2.3.0 as it is, which pages have: clients in one child that runs Node.js."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from tests.protocols.node_judge import command
from tests.protocols.socketio.route import LIMIT_S, NAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Addressed(Protocol):
    """A server that clients can be sent to."""

    @property
    def url(self) -> str:
        """Without a slash at its end."""


class Pages:
    """Pages in one child; what each sees waits until it is asked for."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._seen: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        self._more = asyncio.Event()

    async def read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            page, what, value = json.loads(line)
            self._seen[page].append((what, value))
            self._more.set()

    def tell(self, **told: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")

    def open(self, page: str, endpoint: Addressed, *transports: str) -> None:
        options = {"transports": transports} if transports else {}
        self.tell(open=page, url=endpoint.url, options=options)

    def say(self, page: str, *arguments: object, ack: bool = False) -> None:
        self.tell(emit=page, arguments=[NAME, *arguments], ack=ack)

    async def see(self, page: str, *whats: str) -> tuple[str, Any]:
        """The first thing of these kinds that the page saw; the others stay."""
        seen = self._seen[page]
        async with asyncio.timeout(LIMIT_S):
            while not (found := [each for each in seen if each[0] in whats]):
                self._more.clear()
                await self._more.wait()
        seen.remove(found[0])
        return found[0]

    async def messages(self, page: str, number: int) -> list[Any]:
        return [(await self.see(page, "message"))[1] for _ in range(number)]


@asynccontextmanager
async def open_pages() -> AsyncIterator[Pages]:
    arguments, environ = command("pages.js")
    process = await asyncio.create_subprocess_exec(
        *arguments,
        env=environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    pages = Pages(process)
    reading = asyncio.create_task(pages.read())
    try:
        yield pages
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await reading
