"""A simulated nRF Cloud: the provisioning service and device management on one loopback port.

It checks the signature of every token and of every key, applies rules when a device comes online,
and lets a callback carry out the commands. Start here: :class:`SimulatedNrfCloud`.
As a program: ``mooring simulate nrf-cloud``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette

from agent.simulator.cloud_servers import CloudServers
from agent.simulator.loopback_server import LoopbackServer
from agent.simulator.nrf_cloud_board import BoardCalls
from agent.simulator.nrf_cloud_bulk import Bulks
from agent.simulator.nrf_cloud_claims import ClaimCalls
from agent.simulator.nrf_cloud_devices import DeviceCalls
from agent.simulator.nrf_cloud_faults import Faults, Record
from agent.simulator.nrf_cloud_http import Around
from agent.simulator.nrf_cloud_proxy import ConnectProxy
from agent.simulator.nrf_cloud_state import NrfCloudState

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTS: Final = ("api.nrfcloud.com", "api.provisioning.nrfcloud.com", "localhost", "127.0.0.1")


class SimulatedNrfCloud(CloudServers):
    """An nRF Cloud of one's own; an asynchronous context manager.

    ``faults`` makes things go wrong, ``record`` and ``state`` say what happened. With ``tls`` there
    are also a TLS server under the real names and a proxy that leads every name to it.
    """

    def __init__(
        self, *, port: int = 0, tls: bool = False, now: Callable[[], float] = time.time
    ) -> None:
        """``now`` gives Unix seconds."""
        super().__init__(now, tls=tls, names=HOSTS)
        self.faults, self.record = Faults(), Record()
        self.state = NrfCloudState(self.now)
        self.key = self.state.add_key()
        self.around = Around(self.state, self.faults, self.record, self.now, self._cut)
        self.bulks = Bulks(self.around)
        self.claims = ClaimCalls(self.around, self.bulks)
        parts = (
            self.claims,
            DeviceCalls(self.around, self.bulks),
            self.bulks,
            BoardCalls(self.around),
        )
        app = Starlette(routes=[route for part in parts for route in part.routes])
        self._servers["http"] = LoopbackServer(app, port=port)
        if self.certificates is not None:
            context = self.certificates.switching_context()
            self._servers["https"] = LoopbackServer(app, context=context)
        self.proxy = ConnectProxy(0)

    @property
    def addresses(self) -> dict[str, str]:
        """URL by name; with ``tls`` also that of the ``proxy``."""
        proxy = {"proxy": self.proxy.url} if "https" in self._servers else {}
        return super().addresses | proxy

    @property
    def https_url(self) -> str:
        """Where both hosts are with encryption; empty without ``tls``."""
        return self.addresses.get("https", "")

    async def _start(self) -> None:
        await super()._start()
        if "https" in self._servers:
            self.proxy.target = self._servers["https"].port
            await self._run(self.proxy)
