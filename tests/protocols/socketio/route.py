"""The machines behind the driver that the agent has for them, and no pages: all it takes on real wires."""

from __future__ import annotations

import asyncio
import itertools
import socket
from typing import TYPE_CHECKING, TypeVar

import uvicorn

from agent.compat import exchange
from agent.compat.answer import NOT_FOUND
from agent.compat.driver import Driver
from agent.compat.visitors import Visitor
from agent.protocols import engineio
from agent.protocols.socketio import Connected, Disconnected, Event, Ignored, Server

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_News = TypeVar("_News", Connected, Event, Ignored, Disconnected)
LIMIT_S = 15.0
"""For what takes milliseconds, on a busy machine."""
NAME = "command"
ANYBODY = Visitor(None, lambda _scope: True)


class Endpoint:
    """``/socket.io/`` on a loopback port; what clients do is in ``news``."""

    def __init__(
        self, limits: engineio.Limits | None = None, *, websockets: bool = True, hello: int = 1
    ) -> None:
        """``hello``: messages for each new client. Without ``websockets`` they are all refused."""
        numbers = itertools.count()
        limits = limits or engineio.Limits()
        self.server = Server(engineio.Server(lambda: f"sid{next(numbers)}", limits))
        self.driver = Driver(self.server, limits.body_bytes, self)
        self.news: asyncio.Queue[Connected | Event | Ignored | Disconnected] = asyncio.Queue()
        self.polls = 0
        self.port = 0
        self._websockets = websockets
        self._hello = hello

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Endpoint:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._serve,
            ws="websockets-sansio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
        )
        config.load()
        self._uvicorn = uvicorn.Server(config)
        self._uvicorn.lifespan = config.lifespan_class(config)
        self._listeners = [listener]
        await self._uvicorn.startup(sockets=self._listeners)
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.driver.stop()
        self._uvicorn.force_exit = True
        await self._uvicorn.shutdown(sockets=self._listeners)

    async def next(self, kind: type[_News]) -> _News:
        """The next news of that kind; others are passed over."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                if isinstance(news := await self.news.get(), kind):
                    return news

    def emit(self, sid: str, *arguments: object) -> None:
        self.driver.emit(sid, "message", *arguments)

    # What the driver tells ----------------------------------------------------------------------

    def admit(self, query: dict[str, str], visitor: Visitor) -> None:
        """Everybody."""

    def hear(
        self, news: Connected | Event | Ignored | Disconnected, visitor: Visitor | None
    ) -> None:
        """Say hello, repeat a command, and acknowledge it if that is wanted."""
        self.news.put_nowait(news)
        if isinstance(news, Connected):
            for number in range(self._hello):
                self.emit(news.sid, f"hello {number}")
        elif isinstance(news, Event) and news.name == NAME:
            self.emit(news.sid, *news.arguments)
            if news.id is not None:
                self.driver.acknowledge(news.sid, news.id, "done")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.polls += scope["method"] == "GET"
            await self.driver.http(scope, receive, send, ANYBODY)
        elif self._websockets:
            await self.driver.websocket(scope, receive, send, ANYBODY)
        else:
            await exchange.deny(send, NOT_FOUND)
