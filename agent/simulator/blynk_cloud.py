"""A simulated Blynk.Cloud: platform, device interface and MQTT on loopback ports.

One organisation with one OAuth client that may do everything, one user and two templates. Start here:
:class:`SimulatedBlynkCloud`. As a program: ``mooring simulate blynk-cloud``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Route

from agent.simulator.blynk_cloud_device_api import DeviceCalls
from agent.simulator.blynk_cloud_faults import Faults, Record
from agent.simulator.blynk_cloud_http import Surroundings
from agent.simulator.blynk_cloud_mqtt import MqttServer
from agent.simulator.blynk_cloud_oauth import Clients
from agent.simulator.blynk_cloud_platform import PlatformCalls
from agent.simulator.blynk_cloud_state import ORGANIZATION, OWNER, BlynkState, Link
from agent.simulator.cloud_servers import CloudServers
from agent.simulator.loopback_server import HOST, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

ELSEWHERE: Final = "elsewhere"
"""The name of the port that stands for a server of another region."""
METHODS: Final = ["GET", "POST", "PUT", "DELETE"]


class SimulatedBlynkCloud(CloudServers):
    """A Blynk.Cloud of one's own; an asynchronous context manager.

    ``faults`` makes things go wrong, ``record`` and ``state`` say what happened, ``client`` is the
    account, ``platform.plan`` False takes the platform interface away, ``clock_ahead_s`` moves its
    clock, ``around.rate_per_min`` limits requests.
    """

    def __init__(
        self,
        *,
        ports: Mapping[str, int] | None = None,
        tls: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``ports``: by name of :attr:`addresses`; those that are not given are free ones."""
        super().__init__(now, tls=tls)
        self.faults, self.record = Faults(), Record()
        self.state = BlynkState(self.now)
        self.clients = Clients(self.now)
        self.client = self.clients.add(ORGANIZATION)
        self.around = Surroundings(self.faults, self.record, self.now, self._cut)
        self.platform = PlatformCalls(self.around, self.state, self.clients)
        calls = DeviceCalls(self.around, self.state)
        app = Starlette(routes=[*self.platform.routes, *calls.routes])
        other = Starlette(routes=[Route("/{path:path}", self._elsewhere, methods=METHODS)])
        wanted = dict(ports or {})
        self._servers |= {
            "http": LoopbackServer(app, port=wanted.get("http", 0)),
            "mqtt": MqttServer(self.around, self.state, port=wanted.get("mqtt", 0)),
            ELSEWHERE: LoopbackServer(other, port=wanted.get(ELSEWHERE, 0)),
        }
        if self.certificates is not None:
            context = self.certificates.switching_context()
            self._servers["https"] = LoopbackServer(
                app, port=wanted.get("https", 0), context=context
            )
            self._servers["mqtts"] = MqttServer(
                self.around, self.state, port=wanted.get("mqtts", 0), context=context
            )

    @property
    def addresses(self) -> dict[str, str]:
        """URL by name: http, mqtt, ``elsewhere`` (which sends to the first), https, mqtts."""
        there = f"http://{HOST}:{self.ports[ELSEWHERE]}"
        return {**super().addresses, ELSEWHERE: there}

    @property
    def account(self) -> dict[str, str]:
        """What a person enters, in clear."""
        return {
            "server": self.addresses["http"],
            "client_id": self.client.id,
            "client_secret": self.client.secret.reveal(),
            "owner_id": str(OWNER),
        }

    async def login(self, token: str, template: str, link: Link | None = None) -> str:
        """A board of this process logs in: empty, or why not, in the words of boards.

        With a ``link`` it stays connected until :meth:`logout`, and hears when it is cut.
        """
        return self.state.log_in(token, template, link or _Here(), {})

    def logout(self, link: Link) -> None:
        """A board of this process is gone."""
        self.state.log_out(link)

    async def _elsewhere(self, request: Request) -> RedirectResponse:
        query = f"?{request.url.query}" if request.url.query else ""
        target = f"{self.addresses['http']}{request.url.path}{query}"
        return RedirectResponse(target, 308)


class _Here:
    """A board of which only is known that it is connected."""

    def cut(self) -> None:
        """Nothing to cut."""

    def reconfigure(self) -> None:
        """Nobody hears it."""
