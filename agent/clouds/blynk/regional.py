"""Requests to the server of the right region: a redirect is followed once and remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agent.clouds.blynk.addresses import host_of, redirected
from agent.clouds.http import Answer, CloudHttp, Limits, Request
from agent.clouds.pacing import Rate
from agent.errors import BlynkRegion, CaptivePortal
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.clouds.clock import Clock
    from agent.clouds.route import Routes

LIMITS: Final = Limits(answer_s=20.0, body=4 * 1024 * 1024)
"""A page of devices is what is longest."""
RATE: Final = Rate(per_s=20.0, burst=20)
"""An organisation has 10 000 a minute, shared with everything else that it runs."""
HOPS: Final = 3
"""There are five regions, and one knows where a device is."""
KEEPS_METHOD: Final = frozenset({307, 308})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Regional:
    """One server, which may turn out to be another; ``moved`` is told when it does."""

    def __init__(
        self,
        base_url: str,
        *,
        title: str,
        clock: Clock,
        routes: Routes,
        moved: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.title = title
        self._clock = clock
        self._routes = routes
        self._moved = moved
        self._http = self._open(base_url)

    @property
    def base_url(self) -> str:
        """Where requests go now."""
        return self._http.base_url

    @property
    def host(self) -> str:
        """The host of it."""
        return host_of(self._http.base_url)

    async def send(self, request: Request) -> Answer:
        """As :meth:`CloudHttp.send`; also :class:`BlynkRegion` for a redirect that leads astray."""
        request = replace(request, leads_on=True)
        for _ in range(HOPS):
            answer = await self._http.send(request)
            if answer.status not in REDIRECTS:
                return answer
            await self._move(answer, request)
        detail = f"It was sent on {HOPS} times, and arrived nowhere."
        raise BlynkRegion(cloud=self.title, detail=detail, sent=False)

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()

    async def _move(self, answer: Answer, request: Request) -> None:
        target = redirected(self.base_url, request.path, answer.location or "")
        if target is None or answer.status not in KEEPS_METHOD:
            if answer.status not in KEEPS_METHOD:
                # So a network does that wants a sign-in first.
                detail = "It sends to another address, which it never does in this way."
                status = answer.status
                raise CaptivePortal(cloud=self.title, detail=detail, status=status, sent=True)
            where = clean_text(host_of(answer.location or ""), 80) or "an address that is none"
            detail = f"{self.host} names {where}, which is not one of its own."
            raise BlynkRegion(cloud=self.title, detail=detail, sent=False)
        before, self._http = self._http, self._open(target)
        await before.close()
        if self._moved is not None:
            await self._moved(target)

    def _open(self, base_url: str) -> CloudHttp:
        return CloudHttp(
            title=self.title,
            base_url=base_url,
            clock=self._clock,
            rate=RATE,
            limits=LIMITS,
            routes=self._routes,
        )
