"""``/socket.io/``: the machines of the protocol on the real wires of an ASGI server.

What wires tell goes into the machine with the time; its effects are performed in their order, those
that come up meanwhile after them. One timer fires at the earliest deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from agent.compat import exchange
from agent.compat.answer import Answer as HttpAnswer
from agent.compat.page import Page
from agent.protocols import engineio, socketio
from agent.protocols.engineio import Accept, Answer, Frames, HangUp
from agent.protocols.engineio.server import SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from agent.compat.hub import Hub
    from agent.compat.visitors import Gate, Visitor

CLOSE_S: Final = 0.5
"""For a WebSocket that is let go to take what it was given before, then it is cut."""
SID_BYTES: Final = 18
"""Of chance in the id of a session: all that a request shows to belong to it."""
SESSIONS_PER_PARTY: Final = 100
"""Sockets of one origin, or of all programs, at the same time: no page locks the others out."""
FULL: Final = HttpAnswer(503, b'{"code":3,"message":"Too many sessions"}')
EVENT: Final = "message"
COMMAND: Final = "command"
NO_SESSION: Final = "?"
"""An id that no session has."""

_log = logging.getLogger(__name__)


class _Wire:
    """One HTTP request that waits, or one WebSocket."""

    def __init__(self) -> None:
        self.first: asyncio.Future[Answer | Accept] = asyncio.get_running_loop().create_future()
        """What decides about the request."""
        self.later: asyncio.Queue[Frames | HangUp] = asyncio.Queue()
        """What goes to the WebSocket; the machine gives one, waits until it is sent, and hangs up."""
        self.writer: asyncio.Task[None] | None = None


class Endpoint:
    """All sockets of the interface."""

    def __init__(
        self,
        hub: Hub,
        gate: Gate,
        limits: engineio.Limits | None = None,
        sessions: int = SESSIONS,
    ) -> None:
        self._hub = hub
        self._gate = gate
        self._limits = limits or engineio.Limits()
        engine = engineio.Server(lambda: secrets.token_urlsafe(SID_BYTES), self._limits, sessions)
        self._server = socketio.Server(engine)
        self._numbers = itertools.count()
        self._wires: dict[int, _Wire] = {}
        self._pages: dict[str, Page] = {}
        self._pending: deque[tuple[socketio.Effect, Visitor | None]] = deque()
        self._performing = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def wires(self) -> int:
        """Requests that wait, and WebSockets."""
        return len(self._wires)

    # What the page needs ----------------------------------------------------------------------

    def emit(self, sid: str, text: str) -> None:
        """See :class:`agent.compat.page.Outlet`."""
        self._perform(self._server.emit(sid, EVENT, text, now=self._now()))

    def waiting(self, sid: str) -> int:
        """See :class:`agent.compat.page.Outlet`."""
        return self._server.waiting_chars(sid)

    def close(self, sid: str) -> None:
        """See :class:`agent.compat.page.Outlet`."""
        self._perform(self._server.close(sid, self._now()))
        self._arm()

    def close_pages_of(self, origin: str) -> None:
        """Disconnect the pages of an origin."""
        for page in tuple(self._pages.values()):
            if page.origin == origin:
                page.close()

    def close_all(self) -> None:
        """Disconnect everybody."""
        for page in tuple(self._pages.values()):
            page.close()

    def stop(self) -> None:
        """Disconnect everybody for good, and stop the clock."""
        self.close_all()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Wires ------------------------------------------------------------------------------------

    async def http(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor) -> None:
        """One request."""
        method = scope["method"]
        limit = self._limits.body_bytes if method == "POST" else 0
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
        query = self._query(scope, visitor)
        if self._is_full(query, visitor):
            await exchange.send_answer(send, FULL, visitor.headers)
            return
        number, wire = next(self._numbers), _Wire()
        self._wires[number] = wire
        leaving: asyncio.Future[None] | None = None
        try:
            self._perform(self._server.http(number, method, query, body, self._now()), visitor)
            self._arm()
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
        query = self._query(scope, visitor)
        if self._is_full(query, visitor):
            await exchange.deny(send, FULL, visitor.headers)
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

    def _query(self, scope: Scope, visitor: Visitor) -> dict[str, str]:
        """The query; a session of somebody else is none that is known."""
        query = exchange.query_of(scope)
        page = self._pages.get(query.get("sid", ""))
        if page is not None and page.origin != visitor.origin:
            query["sid"] = NO_SESSION
        return query

    def _is_full(self, query: dict[str, str], visitor: Visitor) -> bool:
        """Whether a session begins here that is one too many of whoever wants it."""
        if query.get("sid"):
            return False
        here = sum(page.origin == visitor.origin for page in self._pages.values())
        return here >= SESSIONS_PER_PARTY

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
                self._hand_over(effect)
            case socketio.Connected(sid):
                if visitor is not None:
                    self._enter(sid, visitor)
            case socketio.Event():
                self._event(effect)
            case socketio.Ignored(_, reason):
                _log.debug("a page sent something that is not read: %s", reason)
            case socketio.Disconnected(sid, reason):
                if reason in _ODD:
                    _log.warning("a page is disconnected: %s", reason.value)
                page = self._pages.pop(sid, None)
                if page is not None:
                    self._hub.leave(page)

    def _hand_over(self, effect: Frames | HangUp) -> None:
        wire = self._wires.get(effect.wire)
        if wire is None:
            return
        wire.later.put_nowait(effect)
        if isinstance(effect, HangUp) and wire.writer is not None:
            # It may be held up by a peer that does not read.
            asyncio.get_running_loop().call_later(CLOSE_S, wire.writer.cancel)

    def _enter(self, sid: str, visitor: Visitor) -> None:
        page = Page(sid, visitor.origin, visitor.may, self)
        self._pages[sid] = page
        if visitor.consented and visitor.origin is not None:
            page.when_gone(self._gate.enter(visitor.origin))
        self._hub.enter(page)

    def _event(self, event: socketio.Event) -> None:
        page = self._pages.get(event.sid)
        if page is None:
            return
        if event.name == COMMAND and len(event.arguments) == 1:
            text = event.arguments[0]
            if isinstance(text, str):
                self._hub.take(page, text)
        if event.id is not None:
            done = self._server.acknowledge(event.sid, event.id, now=self._now())
            self._perform(done)

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


_ODD: Final = frozenset(
    {engineio.Reason.SLOW, engineio.Reason.MALFORMED, engineio.Reason.TOO_LARGE}
)
"""Ends that a person may want to know of."""


def _answer(answer: Answer | Accept) -> HttpAnswer:
    if isinstance(answer, Accept):
        msg = "a request over HTTP is answered"
        raise TypeError(msg)
    return HttpAnswer(answer.status, answer.body, answer.media_type)
