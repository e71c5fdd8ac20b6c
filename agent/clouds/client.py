"""The library's client on the route of now: another route gets another client."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.clouds.trust import client_context, proxy_argument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from agent.clouds.route import Route, Routes


class _Opened:
    def __init__(self, route: Route, client: httpx.AsyncClient) -> None:
        self.route = route
        self.client = client
        self.uses = 0


class Clients:
    """One client at a time; it keeps connections open between requests."""

    def __init__(self, base_url: str, routes: Routes, *, connect_s: float, answer_s: float) -> None:
        self._base_url = base_url
        self._routes = routes
        self._connect_s = connect_s
        self._answer_s = answer_s
        self._opened: _Opened | None = None

    @asynccontextmanager
    async def get(self, route: Route) -> AsyncIterator[httpx.AsyncClient]:
        """The client for ``route``. One of an earlier route ends with its last request."""
        opened = self._opened
        if opened is None or opened.route != route:
            before, opened = opened, _Opened(route, self._make(route))
            self._opened = opened
            if before is not None and not before.uses:
                await before.client.aclose()
        opened.uses += 1
        try:
            yield opened.client
        finally:
            opened.uses -= 1
            if opened is not self._opened and not opened.uses:
                await opened.client.aclose()

    async def close(self) -> None:
        """Release the connections, also those in use."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.client.aclose()

    def route(self) -> Route:
        """The route of now."""
        return self._routes.to(self._base_url)

    def _make(self, route: Route) -> httpx.AsyncClient:
        import httpx

        context = (
            client_context(route.certificates, route.authorities)
            if urlsplit(self._base_url).scheme == "https"
            # Never used on http: it trusts nobody, and unlike the default costs nothing to make.
            else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        return httpx.AsyncClient(
            verify=context,
            timeout=httpx.Timeout(self._answer_s, connect=self._connect_s),
            follow_redirects=False,
            proxy=proxy_argument(route.proxy, context),
            # The route is decided already, and accounts of other programs are not ours to send.
            trust_env=False,
        )
