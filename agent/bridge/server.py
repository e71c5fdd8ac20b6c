"""The server: the page, the client, the document, and the WebSocket, on the loopback interface.

Start at :class:`BridgeServer`. The checks of ``access.py`` run before anything else looks at a
request; a refused WebSocket is refused before it opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import msgspec

from agent.bridge import access, limits, pages
from agent.bridge.ask import WANTS, Ask
from agent.bridge.connection import GONE, RESTART, REVOKED, Close, Connection
from agent.bridge.listen import bind
from agent.bridge.methods import build_dispatcher
from agent.bridge.neighbours import is_other_user
from agent.bridge.openrpc import describe
from agent.bridge.peer import Peer
from agent.bridge.refusals import Refusals
from agent.bridge.relay import Relay
from agent.bridge.uploads import Uploads
from agent.errors import BridgeError, OtherUser, RateExceeded

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    import uvicorn
    from starlette.requests import HTTPConnection
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket

    from agent.bridge.guest import Guest
    from agent.bridge.services import Services
    from agent.settings import Secret
    from agent.settings.config import BridgeConfig

_MISDIRECTED = 421
_REFUSED = 403
_TOO_MANY = 429

_logger = logging.getLogger(__name__)


class BridgeServer:
    """One server; :meth:`start`, then :attr:`port`, then :meth:`stop`."""

    def __init__(
        self,
        services: Services,
        *,
        token: Secret,
        config: BridgeConfig,
        web: pages.Pages | None = None,
        guest: Guest | None = None,
    ) -> None:
        """``token`` is what programs of this user show; ``web`` replaces the page's files.

        ``guest`` serves its own paths on the same port.
        """
        self.port = 0
        """The port, once started."""
        self.relay = Relay(services.monitors)
        self.uploads = Uploads()
        self.dispatcher = build_dispatcher(services, self.relay, self.uploads)
        self._services = services
        self._token = token
        self._config = config
        self._pages = web or pages.Pages()
        self._guest = guest
        self._document = msgspec.json.encode(describe(self.dispatcher))
        self._live: set[Connection] = set()
        self._asking: set[Ask] = set()
        self._refusals = Refusals()
        self._sockets: list[socket.socket] = []
        self._server: uvicorn.Server | None = None
        services.origins.when_revoked(self._revoke)

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def connections(self) -> int:
        """Open WebSockets."""
        return len(self._live)

    async def start(self) -> int:
        """Take the first free port and answer on it; raises :class:`NoFreePort`."""
        import uvicorn

        from agent.bridge.transport import HttpProtocol, WebSocketProtocol

        self._sockets = bind(self._config.first_port, self._config.last_port)
        self.port = self._sockets[0].getsockname()[1]
        config = uvicorn.Config(
            self._serve,
            http=HttpProtocol,
            ws=WebSocketProtocol,
            ws_max_size=limits.MESSAGE_BYTES,
            ws_per_message_deflate=False,  # loopback has bandwidth, and a bomb cannot unfold
            ws_ping_interval=limits.PING_INTERVAL_S,
            ws_ping_timeout=limits.PING_TIMEOUT_S,
            h11_max_incomplete_event_size=limits.HEADER_BYTES,
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="warning",  # its other lines hold the query, and that may hold the token
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=limits.SHUTDOWN_S,
        )
        config.load()
        server = uvicorn.Server(config)
        # Its own main loop takes over the signals and wakes ten times a second; neither is wanted.
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=self._sockets)
        self._server = server
        _logger.info("the bridge listens on port %d", self.port)
        return self.port

    async def stop(self) -> None:
        """Close all connections and the port, in less than two seconds; may be called again."""
        server, self._server = self._server, None
        if server is None:
            return
        for connection in list(self._live):
            connection.close(RESTART)
        for ask in list(self._asking):
            ask.close(RESTART)
        if self._guest is not None:
            await self._guest.stop()
        await self._services.monitors.stop(limits.SHUTDOWN_S)
        await server.shutdown(sockets=self._sockets)

    # Requests ---------------------------------------------------------------------------------

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
            return
        from starlette.requests import Request

        request = Request(scope)
        guest = self._guest_for(scope)
        response = self._turned_away(request, guest is not None)
        if response is None:
            if guest is not None:
                await guest(scope, receive, send)
                return
            response = self._respond(request)
        await response(scope, receive, send)

    def _guest_for(self, scope: Scope) -> Guest | None:
        """Whose request it is, unless it is ours."""
        guest = self._guest
        return guest if guest is not None and guest.takes(scope["path"]) else None

    def _turned_away(self, request: HTTPConnection, is_guests: bool) -> Response | None:
        """The answer to a request that nobody here serves; None: it is served."""
        scope = request.scope
        if _header_bytes(scope) > limits.HEADER_BYTES:
            return _plain(431, "The request is too large.", {"connection": "close"})
        if not access.host_is_ours(request.headers.getlist("host"), self.port):
            return _plain(_MISDIRECTED, "This is not the address of the agent.")
        if (is_guests or scope["path"] == "/") and _of_other_user(scope):
            return _plain(_REFUSED, _words(OtherUser()))
        return None

    def _respond(self, request: HTTPConnection) -> Response:
        from starlette.responses import PlainTextResponse, Response

        scope = request.scope
        headers = pages.security_headers(request.headers["host"].lower())
        if scope["method"] not in {"GET", "HEAD"}:
            return _plain(405, "Only GET and HEAD.", {**headers, "allow": "GET, HEAD"})
        if _has_body(request):
            return _plain(413, "A body is not expected.", {**headers, "connection": "close"})
        if scope["path"] == "/openrpc.json":
            return Response(self._document, 200, headers, "application/json")
        page = self._pages.find(scope["path"])
        if page is None:
            return PlainTextResponse("There is nothing here.", 404, headers)
        headers["etag"] = page.etag
        if page.shared:
            headers["vary"] = "Origin"
            origin = request.headers.get("origin")
            if origin is not None and origin in self._services.origins:
                headers["access-control-allow-origin"] = origin
        if pages.not_modified(request.headers, page.etag):
            return Response(None, 304, headers)
        return Response(page.body, 200, {**headers, "content-type": page.content_type})

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.websockets import WebSocket

        web = WebSocket(scope, receive, send)
        guest = self._guest_for(scope)
        try:
            self._check_way(web, guest is not None)
            if guest is not None:
                await guest(scope, receive, send)
                return
            await (self._serve_peer if web.scope["path"] == "/rpc" else self._serve_asker)(web)
        except _Turned as turned:
            await web.send_denial_response(_plain(turned.status, turned.text))
        except BridgeError as error:
            self._refusals.tell(str(error))
            await web.send_denial_response(_plain(_REFUSED, str(error)))

    async def _serve_peer(self, web: WebSocket) -> None:
        visitor = self._admit(web)
        origin, origins = visitor.origin, self._services.origins
        foreign = None if visitor.own else origin
        peer = Peer(
            origin=origin,
            own=visitor.own,
            may=lambda: origins.may(foreign) if foreign else frozenset(),
        )
        connection = Connection(self.dispatcher, peer, self.relay.take_data)
        self._live.add(connection)
        leave = self._services.consent.enter(foreign) if foreign else None
        try:
            await web.accept()
            why = await connection.serve(_receiver(web), _sender(web))
        finally:
            self._live.discard(connection)
            if leave is not None:
                leave()
        await _close(web, why)

    async def _serve_asker(self, web: WebSocket) -> None:
        visitor = access.admit_asker(origins=web.headers.getlist("origin"), port=self.port)
        # Not counted: only five questions of four windows wait, all others are told and closed.
        ask = Ask(self._services.consent, visitor.origin or "", own=visitor.own)
        self._asking.add(ask)
        try:
            await web.accept()
            wants = web.query_params.getlist(WANTS)
            why = await ask.serve(wants, _receiver(web), _sender(web))
            await _close(web, why)
        finally:
            self._asking.discard(ask)

    def _check_way(self, web: WebSocket, is_guests: bool) -> None:
        if _header_bytes(web.scope) > limits.HEADER_BYTES:
            raise _Turned(431, "The request is too large.")
        if not access.host_is_ours(web.headers.getlist("host"), self.port):
            raise _Turned(_MISDIRECTED, "This is not the address of the agent.")
        if not is_guests and web.scope["path"] not in {"/rpc", "/ask"}:
            raise _Turned(404, "There is nothing here.")
        if _of_other_user(web.scope):
            raise _Turned(_REFUSED, _words(OtherUser()))

    def _admit(self, web: WebSocket) -> access.Visitor:
        tokens = access.bearer_tokens(web.headers.getlist("authorization"))
        visitor = access.admit(
            origins=web.headers.getlist("origin"),
            tokens=tokens + web.query_params.getlist("token"),
            port=self.port,
            allowed=self._services.origins,
            token=self._token,
        )
        party = sum(live.peer.origin == visitor.origin for live in self._live)
        if len(self._live) >= limits.CONNECTIONS:
            raise _too_many("connections", limits.CONNECTIONS)
        if not visitor.own and party >= limits.CONNECTIONS_PER_PARTY:
            raise _too_many("connections of this page", limits.CONNECTIONS_PER_PARTY)
        return visitor

    def _revoke(self, origin: str) -> None:
        for connection in list(self._live):
            if not connection.peer.own and connection.peer.origin == origin:
                connection.close(REVOKED)


class _Turned(Exception):
    """A WebSocket that is not opened."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text


def _too_many(what: str, limit: int) -> _Turned:
    return _Turned(_TOO_MANY, str(RateExceeded(what=what, limit=limit)))


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    from starlette.responses import PlainTextResponse

    common = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    return PlainTextResponse(text + "\n", status, {**common, **(headers or {})})


def _header_bytes(scope: Scope) -> int:
    """Size of a request; the HTTP library measures only what does not arrive at once."""
    lines = sum(len(name) + len(value) for name, value in scope["headers"])
    return lines + len(scope["raw_path"]) + len(scope["query_string"])


def _of_other_user(scope: Scope) -> bool:
    """Whether somebody else who uses this computer is at the other end; asked once for a connection.

    Where a system has many connections the answer takes milliseconds, and a page polls.
    """
    near, far = scope.get("server"), scope.get("client")
    if near is None or far is None:
        return False
    known: dict[str, bool] = scope["state"]["connection"]
    if "other" not in known:
        known["other"] = is_other_user(tuple(near), tuple(far))
    return known["other"]


def _words(error: BridgeError) -> str:
    report = error.report()
    return f"{report.title} {report.meaning} {report.remedy}"


def _has_body(request: HTTPConnection) -> bool:
    length = request.headers.get("content-length", "0")
    return length != "0" or "transfer-encoding" in request.headers


def _receiver(web: WebSocket) -> Callable[[], Awaitable[str | bytes | None]]:
    async def receive() -> str | bytes | None:
        message = await web.receive()
        if message["type"] != "websocket.receive":
            return None
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"])

    return receive


def _sender(web: WebSocket) -> Callable[[str | bytes], Awaitable[None]]:
    from starlette.websockets import WebSocketDisconnect

    async def send(message: str | bytes) -> None:
        try:
            if isinstance(message, str):
                await web.send_text(message)
            else:
                await web.send_bytes(message)
        except WebSocketDisconnect as error:
            raise ConnectionResetError(error.reason) from None

    return send


async def _close(web: WebSocket, why: Close) -> None:
    """Say goodbye to a peer that may no longer read or be there; the transport cuts it soon."""
    from starlette.websockets import WebSocketDisconnect

    if why is GONE:
        return
    with contextlib.suppress(WebSocketDisconnect, TimeoutError):
        async with asyncio.timeout(limits.CLOSE_S):
            await web.close(why.code, why.reason)
