"""An account in use: the server that is asked, and what it can be asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.clouds.blynk.device import DeviceInterface
from agent.clouds.blynk.platform import Platform
from agent.clouds.blynk.regional import Regional

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.clouds.blynk.account import Account
    from agent.clouds.clock import Clock
    from agent.clouds.route import Routes


class Opened:
    """Connections are made when they are first needed; ``moved`` is called with another region."""

    def __init__(
        self,
        account: Account,
        *,
        title: str,
        routes: Routes,
        clock: Clock,
        moved: Callable[[Opened], Awaitable[None]],
    ) -> None:
        self.account = account
        self._moved = moved
        self.http = Regional(
            account.base_url, title=title, clock=clock, routes=routes, moved=self._move
        )
        self.device = DeviceInterface(self.http)
        self.platform: Platform | None = None
        if account.has_client:
            self.platform = Platform(self.http, account, clock)

    async def close(self) -> None:
        """Release connections."""
        await self.http.close()

    async def _move(self, base_url: str) -> None:
        self.account = replace(self.account, region=base_url)
        await self._moved(self)
