"""A Starlette application that drives the machines, and does no more: all it takes on real wires."""

from __future__ import annotations

import asyncio
import itertools
import socket
from typing import TYPE_CHECKING, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from agent.protocols import engineio
from agent.protocols.engineio import Accept, Answer, Frames, HangUp
from agent.protocols.socketio import Connected, Disconnected, Effect, Event, Ignored, Server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.websockets import WebSocket

_News = TypeVar("_News", Connected, Event, Ignored, Disconnected)
LIMIT_S = 30.0
"""For what takes milliseconds, on a busy machine."""
NAME = "command"


class Endpoint:
    """``/socket.io/`` on a loopback port; what clients do is in ``news``."""

    def __init__(
        self, limits: engineio.Limits | None = None, *, websockets: bool = True, hello: int = 1
    ) -> None:
        """``hello``: messages for each new client. Without ``websockets`` they are all refused."""
        numbers = itertools.count()
        self.server = Server(engineio.Server(lambda: f"sid{next(numbers)}", limits))
        self.news: asyncio.Queue[Connected | Event | Ignored | Disconnected] = asyncio.Queue()
        self.polls = 0
        self.port = 0
        self._websockets = websockets
        self._hello = hello
        self._wires = itertools.count()
        self._first: dict[int, asyncio.Future[Answer | Accept]] = {}
        """What decides about a request."""
        self._later: dict[int, asyncio.Queue[Frames | HangUp]] = {}
        """What goes to a WebSocket."""
        self._changed = asyncio.Event()
        self._app = Starlette(
            routes=[
                Route("/socket.io/", self._http, methods=["GET", "POST"]),
                WebSocketRoute("/socket.io/", self._websocket),
            ]
        )

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Endpoint:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False
        )
        config.load()
        self._uvicorn = uvicorn.Server(config)
        self._uvicorn.lifespan = config.lifespan_class(config)
        self._listeners = [listener]
        await self._uvicorn.startup(sockets=self._listeners)
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._ticking.cancel()
        self._uvicorn.force_exit = True
        await self._uvicorn.shutdown(sockets=self._listeners)

    async def hear(self, kind: type[_News]) -> _News:
        """The next news of that kind; others are passed over."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                if isinstance(news := await self.news.get(), kind):
                    return news

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what a machine says, in order."""
        for effect in effects:
            if isinstance(effect, Answer | Accept):
                future = self._first.pop(effect.wire, None)
                if future is not None and not future.done():
                    future.set_result(effect)
            elif isinstance(effect, Frames | HangUp):
                self._later[effect.wire].put_nowait(effect)
            else:
                self.news.put_nowait(effect)
                self._greet(effect)
        self._changed.set()

    def _greet(self, effect: Effect) -> None:
        """Say hello, repeat a command, and acknowledge it if that is wanted."""
        if isinstance(effect, Connected):
            for number in range(self._hello):
                self.emit(effect.sid, f"hello {number}")
        elif isinstance(effect, Event) and effect.name == NAME:
            self.emit(effect.sid, *effect.arguments)
            if effect.id is not None:
                answer = self.server.acknowledge(effect.sid, effect.id, "done", now=self.now)
                self.perform(answer)

    def emit(self, sid: str, *arguments: object) -> None:
        self.perform(self.server.emit(sid, "message", *arguments, now=self.now))

    async def _tick(self) -> None:
        while True:
            due = self.server.next_deadline
            try:
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
            except TimeoutError:
                self.perform(self.server.tick(self.now))
            self._changed.clear()

    async def _http(self, request: Request) -> Response:
        body = await request.body()
        self.polls += request.method == "GET"
        wire = next(self._wires)
        decided = self._first[wire] = asyncio.get_running_loop().create_future()
        query = request.query_params
        self.perform(self.server.http(wire, request.method, query, body, self.now))
        leaving = asyncio.ensure_future(request.receive())
        await asyncio.wait({decided, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not decided.done():
            self._first.pop(wire)
            self.perform(self.server.lost(wire, self.now))
            return Response()
        answer = decided.result()
        assert isinstance(answer, Answer)
        return _response(answer)

    async def _websocket(self, websocket: WebSocket) -> None:
        if not self._websockets:
            await websocket.send_denial_response(Response(status_code=400))
            return
        wire = next(self._wires)
        decided = self._first[wire] = asyncio.get_running_loop().create_future()
        self._later[wire] = asyncio.Queue()
        self.perform(self.server.websocket(wire, websocket.query_params, self.now))
        answer = await decided
        if isinstance(answer, Answer):
            await websocket.send_denial_response(_response(answer))
            return
        await websocket.accept()
        writing = asyncio.create_task(self._write(wire, websocket))
        while (message := await websocket.receive())["type"] == "websocket.receive":
            data = message.get("text")
            frame = message["bytes"] if data is None else data
            self.perform(self.server.frame(wire, frame, self.now))
        writing.cancel()
        self.perform(self.server.lost(wire, self.now))

    async def _write(self, wire: int, websocket: WebSocket) -> None:
        while isinstance(effect := await self._later[wire].get(), Frames):
            for frame in effect.frames:
                await websocket.send_text(frame)
            self.perform(self.server.sent(wire, self.now))
        await websocket.close()


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type=answer.media_type)
