"""The machines of Socket.IO on the real wires of an ASGI server.

What wires tell goes into the machine with the time; its effects are performed in their order, those
that come up meanwhile after them. One timer fires at the earliest deadline. What clients do is told
to a :class:`Listener`; who they are, and what is said to them, is its affair.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from agent.compat import exchange
from agent.compat.answer import Answer as HttpAnswer
from agent.protocols.engineio import Accept, Answer, Frames, HangUp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from agent.compat.visitors import Visitor
    from agent.protocols import socketio

    News: TypeAlias = socketio.Connected | socketio.Event | socketio.Ignored | socketio.Disconnected

CLOSE_S: Final = 0.5
"""For a WebSocket that is let go to take what it was given before, then it is cut."""


class Listener(Protocol):
    """Who is told what clients do."""

    def admit(self, query: dict[str, str], visitor: Visitor) -> HttpAnswer | None:
        """Look at a request before the machine does; an answer turns it away."""

    def hear(self, news: News, visitor: Visitor | None) -> None:
        """A client did something; ``visitor`` is whose request told it, where one did."""


class _Wire:
    """One HTTP request that waits, or one WebSocket."""

    def __init__(self) -> None:
        self.first: asyncio.Future[Answer | Accept] = asyncio.get_running_loop().create_future()
        """What decides about the request."""
        self.later: asyncio.Queue[Frames | HangUp] = asyncio.Queue()
        """What goes to the WebSocket; the machine gives one, waits until it is sent, and hangs up."""
        self.writer: asyncio.Task[None] | None = None
        self.hung_up = False

    def cut_later(self) -> None:
        """Stop writing soon: the peer may not read at all."""
        if self.hung_up and self.writer is not None:
            asyncio.get_running_loop().call_later(CLOSE_S, self.writer.cancel)


class Driver:
    """All wires of one endpoint."""

    def __init__(self, server: socketio.Server, body_bytes: int, listener: Listener) -> None:
        """``body_bytes``: where the machine's limit of one body is."""
        self._server = server
        self._body_bytes = body_bytes
        self._listener = listener
        self._numbers = itertools.count()
        self._wires: dict[int, _Wire] = {}
        self._pending: deque[tuple[socketio.Effect, Visitor | None]] = deque()
        self._performing = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def wires(self) -> int:
        """Requests that wait, and WebSockets."""
        return len(self._wires)

    def emit(self, sid: str, name: str, *arguments: object) -> None:
        """Send an event to one client; nothing happens if it is not there."""
        self._perform(self._server.emit(sid, name, *arguments, now=self._now()))

    def acknowledge(self, sid: str, number: int, *arguments: object) -> None:
        """Answer an event that asked for it."""
        self._perform(self._server.acknowledge(sid, number, *arguments, now=self._now()))

    def close(self, sid: str) -> None:
        """End the session of a client."""
        self._perform(self._server.close(sid, self._now()))
        self._arm()

    def stop(self) -> None:
        """Stop the clock: nothing follows."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Wires ------------------------------------------------------------------------------------

    async def http(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor) -> None:
        """One request."""
        method = scope["method"]
        limit = self._body_bytes if method == "POST" else 0
        try:
            body = await exchange.read_body(receive, limit)
        except TimeoutError:
            await exchange.send_answer(send, exchange.TOO_SLOW, visitor.headers, close=True)
            return
        if body is None:
            return
        if method != "POST" and body:
            await exchange.send_answer(send, exchange.TOO_LARGE, visitor.headers, close=True)
            return
        query = exchange.query_of(scope)
        refused = self._listener.admit(query, visitor)
        if refused is not None:
            await exchange.send_answer(send, refused, visitor.headers)
            return
        number, wire = next(self._numbers), _Wire()
        self._wires[number] = wire
        leaving: asyncio.Future[None] | None = None
        try:
            self._perform(self._server.http(number, method, query, body, self._now()), visitor)
            self._arm()
            while self._server.is_posting(number):
                await asyncio.sleep(0)  # a POST may have thousands of packets: as for frames
                self._perform(self._server.resume(number, self._now()), visitor)
            if not wire.first.done():
                leaving = asyncio.ensure_future(exchange.until_gone(receive))
                waiting: set[asyncio.Future[Any]] = {wire.first, leaving}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._wires[number]
            if leaving is not None:
                leaving.cancel()
            if not wire.first.done():
                self._perform(self._server.lost(number, self._now()))
        if wire.first.done():
            close = len(body) > limit
            answer = _answer(wire.first.result())
            await exchange.send_answer(send, answer, visitor.headers, close=close)

    async def websocket(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor) -> None:
        """One WebSocket, from its handshake to its end."""
        await receive()
        query = exchange.query_of(scope)
        refused = self._listener.admit(query, visitor)
        if refused is not None:
            await exchange.deny(send, refused, visitor.headers)
            return
        number, wire = next(self._numbers), _Wire()
        self._wires[number] = wire
        reader: asyncio.Task[None] | None = None
        try:
            self._perform(self._server.websocket(number, query, self._now()), visitor)
            self._arm()
            first = await wire.first
            if isinstance(first, Answer):
                await exchange.deny(send, _answer(first), visitor.headers)
                return
            await send({"type": "websocket.accept", "headers": list(visitor.headers)})
            reader = asyncio.create_task(self._read(number, receive))
            wire.writer = asyncio.create_task(self._write(number, wire, send))
            wire.cut_later()
            tasks = {reader, wire.writer}
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            return
        finally:
            del self._wires[number]
            tasks = {task for task in (reader, wire.writer) if task is not None}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._perform(self._server.lost(number, self._now()))
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await send({"type": "websocket.close", "code": 1000})

    async def _read(self, number: int, receive: Receive) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            data = message["bytes"] if text is None else text
            self._perform(self._server.frame(number, data, self._now()))
            await asyncio.sleep(0)  # thousands may have come at once: leave room to other pages

    async def _write(self, number: int, wire: _Wire, send: Send) -> None:
        with contextlib.suppress(OSError):
            while isinstance(effect := await wire.later.get(), Frames):
                for frame in effect.frames:
                    await send({"type": "websocket.send", "text": frame})
                self._perform(self._server.sent(number, self._now()))

    # Effects ----------------------------------------------------------------------------------

    def _perform(self, effects: Iterable[socketio.Effect], visitor: Visitor | None = None) -> None:
        """Do what the machine says; ``visitor`` is whose request said it."""
        self._pending.extend((effect, visitor) for effect in effects)
        if self._performing:
            return
        self._performing = True
        try:
            while self._pending:
                self._do(*self._pending.popleft())
        finally:
            self._performing = False

    def _do(self, effect: socketio.Effect, visitor: Visitor | None) -> None:
        match effect:
            case Answer() | Accept():
                wire = self._wires.get(effect.wire)
                if wire is not None and not wire.first.done():
                    wire.first.set_result(effect)
            case Frames() | HangUp():
                wire = self._wires.get(effect.wire)
                if wire is not None:
                    wire.later.put_nowait(effect)
                    wire.hung_up = isinstance(effect, HangUp)
                    wire.cut_later()
            case _:
                self._listener.hear(effect, visitor)

    # Time -------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Have the timer fire at the earliest deadline.

        What is said and heard only moves deadlines away; then it fires early and is armed again.
        """
        due = self._server.next_deadline
        if self._timer is not None:
            if due is not None and self._timer.when() <= due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = asyncio.get_running_loop().call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._perform(self._server.tick(self._now()))
        self._arm()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _answer(answer: Answer | Accept) -> HttpAnswer:
    if isinstance(answer, Accept):
        msg = "a request over HTTP is answered"
        raise TypeError(msg)
    return HttpAnswer(answer.status, answer.body, answer.media_type)
