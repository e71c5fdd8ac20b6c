"""An account in use: the transport that asks, the administrator, and where boards connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.clouds.http import CloudHttp, Limits
from agent.clouds.pacing import Rate
from agent.clouds.thingsboard.addresses import WEB
from agent.clouds.thingsboard.admin import Administrator
from agent.clouds.thingsboard.over_coap import CoapCarrier
from agent.clouds.thingsboard.over_http import LIMITS, HttpCarrier
from agent.clouds.thingsboard.over_mqtt import MqttCarrier
from agent.clouds.thingsboard.proof import prove
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings.credentials import CloudSettings

if TYPE_CHECKING:
    from agent.clouds.clock import Clock
    from agent.clouds.enrolment import EnrolRequest
    from agent.clouds.route import Routes
    from agent.clouds.thingsboard.account import Account
    from agent.clouds.thingsboard.addresses import Server
    from agent.clouds.thingsboard.carrier import Carrier
    from agent.settings.credentials import Credentials

ADMIN_BODY: int = 4 * 1024 * 1024
"""Bytes; a page of 100 profiles with their rules and alarms."""
RATE: Final = Rate.of(20.0)
"""A server limits requests only where its operator says so, and then answers 429, which is obeyed."""


class Opened:
    """Connections are made when they are first needed."""

    def __init__(
        self, account: Account, *, cloud: str, title: str, routes: Routes, clock: Clock
    ) -> None:
        self.account = account
        self.cloud = cloud
        self.title = title
        self.clock = clock
        self._routes = routes.trusting(account.ca)
        self._http: list[CloudHttp] = []
        self.carrier: Carrier = self._carrier(account.server)
        self.admin: Administrator | None = None
        if account.admin_server is not None:
            http = self._client(account.admin_server, Limits(body=ADMIN_BODY))
            self.admin = Administrator(http, account.admin_user, account.admin_password)

    def request(self, request: EnrolRequest) -> ProvisionRequest:
        """What is asked of the server."""
        return ProvisionRequest(
            name=request.name,
            key=self.account.provision_key,
            secret=self.account.provision_secret,
            own=request.own,
            gateway=request.gateway,
        )

    def settings(self, name: str, credentials: Credentials) -> CloudSettings:
        """What a board needs to connect with these; not yet checked."""
        server = self.account.board_server
        return CloudSettings(
            cloud=self.cloud,
            name=name,
            host=server.host,
            port=server.port,
            scheme=server.scheme,
            credentials=credentials,
            ca=self.account.ca if server.encrypted else "",
        )

    async def prove(self, settings: CloudSettings) -> bool:
        """See :meth:`agent.clouds.enrolment.EnrolCloud.prove`."""
        return await prove(settings, self._routes, title=self.title, clock=self.clock)

    async def close(self) -> None:
        """Release connections; a later call opens them again."""
        for http in self._http:
            await http.close()

    def _carrier(self, server: Server) -> Carrier:
        if server.scheme in WEB:
            return HttpCarrier(self._client(server, LIMITS))
        if server.scheme in {"coap", "coaps"}:
            return CoapCarrier(server, self._routes, title=self.title)
        return MqttCarrier(server, self._routes, title=self.title)

    def _client(self, server: Server, limits: Limits) -> CloudHttp:
        http = CloudHttp(
            title=self.title,
            base_url=server.url,
            clock=self.clock,
            rate=RATE,
            limits=limits,
            routes=self._routes,
        )
        self._http.append(http)
        return http
