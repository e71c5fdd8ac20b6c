"""The interface of the Arduino Create Agent as a guest of the bridge's server.

Start at :class:`DropIn`. It decides who may ask, reads bodies within their bounds, and hands each
request to the route of its path, or to the sockets.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.compat import exchange
from agent.compat.answer import NOT_FOUND, TEXT, Answer, Asked
from agent.compat.endpoint import Endpoint
from agent.compat.visitors import PREFLIGHT, Refused, visitor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.types import Receive, Scope, Send

    from agent.compat.answer import Route
    from agent.compat.hub import Hub
    from agent.compat.visitors import Gate, Visitor

SOCKETS: Final = "/socket.io/"
BODY_BYTES: Final = 1 << 16
"""Of a request whose route says nothing else."""
LARGE_BYTES: Final = 1 << 20
"""A route that takes more than this in one body takes large ones."""
LARGE_BODIES: Final = 4
"""Large bodies that are read or worked on at the same time: they wait in memory."""
_REFUSED: Final = Answer(403, b"", TEXT)
_BUSY: Final = Answer(503, b"Too much is sent at once. Try again.", TEXT)
_FAILED: Final = Answer(500, b"The request failed; the log of the agent says why.", TEXT)

_log = logging.getLogger(__name__)


class _Entry(NamedTuple):
    route: Route
    methods: frozenset[str]
    body_bytes: int


class DropIn:
    """All of the interface; :meth:`add_route` and ``hub.commands`` fill it."""

    def __init__(self, hub: Hub, gate: Gate, enabled: Callable[[], bool] = lambda: True) -> None:
        """``enabled`` is asked at each request: whether the person wants the interface at all."""
        self.hub = hub
        self._gate = gate
        self._enabled = enabled
        self._endpoint = Endpoint(hub, gate)
        self._exact: dict[str, _Entry] = {}
        self._below: dict[str, _Entry] = {}
        self._ends: list[Callable[[], Awaitable[None] | None]] = []
        self._large = 0
        self._stopped = False

    @property
    def wires(self) -> int:
        """Requests of sockets that wait, and WebSockets."""
        return self._endpoint.wires

    def add_route(
        self, path: str, methods: Iterable[str], route: Route, body_bytes: int = BODY_BYTES
    ) -> None:
        """Have ``route`` answer these methods at ``path``; ``/v2/*`` is all that begins so."""
        entry = _Entry(route, frozenset(methods), body_bytes)
        if path.endswith("*"):
            self._below[path[:-1]] = entry
        else:
            self._exact[path] = entry

    def when_stopped(self, callback: Callable[[], Awaitable[None] | None]) -> None:
        """Call ``callback`` once the server lets everybody go, and wait for it."""
        self._ends.append(callback)

    def takes(self, path: str) -> bool:
        """See :class:`agent.bridge.guest.Guest`."""
        if self._stopped or not self._enabled():
            return False
        return path == SOCKETS or self._find(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket whose ``Host`` was checked."""
        is_socket = scope["type"] == "websocket"
        try:
            who = visitor(scope["headers"], self._gate)
        except Refused as refused:
            if refused.origin is not None:
                self._gate.refused(refused.origin)
            if is_socket:
                await exchange.deny(send, _REFUSED)
            else:
                await exchange.send_answer(send, _REFUSED, close=_has_body(scope))
            return
        if is_socket:
            await self._socket(scope, receive, send, who)
        elif scope["method"] == "OPTIONS" and who.headers:
            await exchange.send_answer(send, Answer(204), [*who.headers, *PREFLIGHT])
        elif scope["path"] == SOCKETS:
            await self._endpoint.http(scope, receive, send, who)
        else:
            await self._route(scope, receive, send, who)

    def revoked(self, origin: str) -> None:
        """The person took something from an origin: its pages come back with what is left."""
        self._endpoint.close_pages_of(origin)

    def settings_changed(self) -> None:
        """Let everybody go if the interface is not wanted any more."""
        if not self._enabled():
            self._endpoint.close_all()

    async def stop(self) -> None:
        """See :class:`agent.bridge.guest.Guest`."""
        self._stopped = True
        self._endpoint.stop()
        await self.hub.stop()
        while self._ends:
            ended = self._ends.pop()()
            if ended is not None:
                await ended

    def _find(self, path: str) -> _Entry | None:
        if path in self._exact:
            return self._exact[path]
        return next((self._below[each] for each in self._below if path.startswith(each)), None)

    async def _socket(self, scope: Scope, receive: Receive, send: Send, who: Visitor) -> None:
        if scope["path"] == SOCKETS:
            await self._endpoint.websocket(scope, receive, send, who)
        else:
            await exchange.deny(send, NOT_FOUND, who.headers)

    async def _route(self, scope: Scope, receive: Receive, send: Send, who: Visitor) -> None:
        path, method = scope["path"], scope["method"]
        entry = self._find(path)
        if entry is None or method not in entry.methods:
            await exchange.send_answer(send, NOT_FOUND, who.headers, close=_has_body(scope))
            return
        is_large = entry.body_bytes > LARGE_BYTES
        if is_large and self._large >= LARGE_BODIES:
            await exchange.send_answer(send, _BUSY, who.headers, close=_has_body(scope))
            return
        self._large += is_large
        try:
            await self._serve(entry, scope, receive, send, who)
        finally:
            self._large -= is_large

    async def _serve(
        self, entry: _Entry, scope: Scope, receive: Receive, send: Send, who: Visitor
    ) -> None:
        try:
            body = await exchange.read_body(receive, entry.body_bytes)
        except TimeoutError:
            await exchange.send_answer(send, exchange.TOO_SLOW, who.headers, close=True)
            return
        if body is None:
            return
        if len(body) > entry.body_bytes:
            await exchange.send_answer(send, exchange.TOO_LARGE, who.headers, close=True)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        method, path = scope["method"], scope["path"]
        try:
            answer = await entry.route(Asked(method, path, body, who.origin, who.may, host))
        except Exception:  # noqa: BLE001 - the page must get an answer that it may read
            _log.error("%s %s failed", method, path, exc_info=True)
            answer = _FAILED
        await exchange.send_answer(send, answer, who.headers)


def _has_body(scope: Scope) -> bool:
    names = {name for name, value in scope["headers"] if value != b"0"}
    return not names.isdisjoint({b"content-length", b"transfer-encoding"})
