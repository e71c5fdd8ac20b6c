"""A simulated nRF Cloud: the provisioning service and device management on one loopback port.

It checks the signature of every token and of every key, applies rules when a device comes online,
and lets a callback carry out the commands. Start here: :class:`SimulatedNrfCloud`.
As a program: ``mooring simulate nrf-cloud``.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette

from agent.simulator.loopback_server import HOST, LoopbackServer
from agent.simulator.nrf_cloud_board import BoardCalls
from agent.simulator.nrf_cloud_bulk import Bulks
from agent.simulator.nrf_cloud_claims import ClaimCalls
from agent.simulator.nrf_cloud_devices import DeviceCalls
from agent.simulator.nrf_cloud_faults import Faults, Record
from agent.simulator.nrf_cloud_http import Around
from agent.simulator.nrf_cloud_proxy import ConnectProxy
from agent.simulator.nrf_cloud_state import NrfCloudState
from agent.simulator.thingsboard_tls import Certificates

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

HOSTS: Final = ("api.nrfcloud.com", "api.provisioning.nrfcloud.com", "localhost", "127.0.0.1")


class SimulatedNrfCloud:
    """An nRF Cloud of one's own; an asynchronous context manager.

    ``faults`` makes things go wrong, ``record`` and ``state`` say what happened. With ``tls`` there
    are also a TLS server under the real names and a proxy that leads every name to it.
    """

    def __init__(
        self, *, port: int = 0, tls: bool = False, now: Callable[[], float] = time.time
    ) -> None:
        """``now`` gives Unix seconds."""
        self.faults, self.record = Faults(), Record()
        self.state = NrfCloudState(now)
        self.key = self.state.add_key()
        self.around = Around(self.state, self.faults, self.record, now, self._cut)
        self.bulks = Bulks(self.around)
        self.claims = ClaimCalls(self.around, self.bulks)
        parts = (
            self.claims,
            DeviceCalls(self.around, self.bulks),
            self.bulks,
            BoardCalls(self.around),
        )
        app = Starlette(routes=[route for part in parts for route in part.routes])
        self._http = LoopbackServer(app, port=port)
        self._certificates = Certificates(now, HOSTS) if tls else None
        self._https: LoopbackServer | None = None
        if self._certificates is not None:
            context = self._certificates.switching_context()
            self._https = LoopbackServer(app, context=context)
        self.proxy = ConnectProxy(0)
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._http.start()
            self._running.push_async_callback(self._http.stop)
            if self._https is not None:
                await self._https.start()
                self._running.push_async_callback(self._https.stop)
                self.proxy.target = self._https.port
                await self.proxy.start()
                self._running.push_async_callback(self.proxy.stop)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._running.aclose()
        if self._certificates is not None:
            self._certificates.close()

    @property
    def base_url(self) -> str:
        """Where both hosts are, without encryption."""
        return f"http://{HOST}:{self._http.port}"

    @property
    def https_url(self) -> str:
        """Where both are with encryption; empty without ``tls``."""
        return f"https://{HOST}:{self._https.port}" if self._https is not None else ""

    @property
    def ca(self) -> str:
        """PEM of the authority behind its certificate; empty without ``tls``."""
        return self._certificates.ca_pem if self._certificates is not None else ""

    @property
    def down(self) -> bool:
        """Whether every connection is cut."""
        return self._http.down

    @down.setter
    def down(self, value: bool) -> None:
        for server in (self._http, self._https):
            if server is not None:
                server.down = value

    def _cut(self, client: Any) -> None:  # noqa: ANN401 - whatever ASGI gives as scope["client"]
        for server in (self._http, self._https):
            if server is not None:
                server.cut(client)
