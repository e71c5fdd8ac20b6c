"""``/socket.io/``: the clients of the protocol as pages of the hub."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Final

from agent.compat.answer import Answer
from agent.compat.driver import Driver
from agent.compat.page import Page
from agent.protocols import engineio, socketio

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from agent.compat.driver import News
    from agent.compat.hub import Hub
    from agent.compat.visitors import Gate, Visitor

SID_BYTES: Final = 18
"""Of chance in the id of a session: all that a request shows to belong to it."""
SESSIONS_PER_PARTY: Final = 100
"""Sockets of one origin, or of all programs, at the same time: no page locks the others out."""
FULL: Final = Answer(503, b'{"code":3,"message":"Too many sessions"}')
EVENT: Final = "message"
COMMAND: Final = "command"
NO_SESSION: Final = "?"
"""An id that no session has."""
_ODD: Final = frozenset(
    {engineio.Reason.SLOW, engineio.Reason.MALFORMED, engineio.Reason.TOO_LARGE}
)
"""Ends that a person may want to know of."""

_log = logging.getLogger(__name__)


class Endpoint:
    """All sockets of the interface."""

    def __init__(self, hub: Hub, gate: Gate) -> None:
        self._hub = hub
        self._gate = gate
        limits = engineio.Limits()
        engine = engineio.Server(lambda: secrets.token_urlsafe(SID_BYTES), limits)
        self._server = socketio.Server(engine)
        self._driver = Driver(self._server, limits.body_bytes, self)
        self._pages: dict[str, Page] = {}

    @property
    def wires(self) -> int:
        """Requests that wait, and WebSockets."""
        return self._driver.wires

    async def http(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor) -> None:
        """One request."""
        await self._driver.http(scope, receive, send, visitor)

    async def websocket(self, scope: Scope, receive: Receive, send: Send, visitor: Visitor) -> None:
        """One WebSocket, from its handshake to its end."""
        await self._driver.websocket(scope, receive, send, visitor)

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
        """Disconnect everybody for good."""
        self.close_all()
        self._driver.stop()

    # What the page needs (agent.compat.page.Outlet) -------------------------------------------

    def emit(self, sid: str, text: str) -> None:
        """Queue a ``message``."""
        self._driver.emit(sid, EVENT, text)

    def waiting(self, sid: str) -> int:
        """What is not sent yet."""
        return self._server.waiting_chars(sid)

    def close(self, sid: str) -> None:
        """End the connection."""
        self._driver.close(sid)

    # What the driver tells (agent.compat.driver.Listener) -------------------------------------

    def admit(self, query: dict[str, str], visitor: Visitor) -> Answer | None:
        """A session of somebody else is none that is known; nobody begins too many."""
        sid = query.get("sid")
        if not sid:
            here = sum(page.origin == visitor.origin for page in self._pages.values())
            return FULL if here >= SESSIONS_PER_PARTY else None
        page = self._pages.get(sid)
        if page is not None and page.origin != visitor.origin:
            query["sid"] = NO_SESSION
        return None

    def hear(self, news: News, visitor: Visitor | None) -> None:
        """A client came, said something, or went."""
        match news:
            case socketio.Connected(sid):
                if visitor is not None:
                    self._enter(sid, visitor)
            case socketio.Event():
                self._event(news)
            case socketio.Ignored(_, reason):
                _log.debug("a page sent something that is not read: %s", reason)
            case socketio.Disconnected(sid, reason):
                if reason in _ODD:
                    _log.warning("a page is disconnected: %s", reason.value)
                page = self._pages.pop(sid, None)
                if page is not None:
                    self._hub.leave(page)

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
            self._driver.acknowledge(event.sid, event.id)
