"""A simulated ThingsBoard: HTTP, MQTT and CoAP on loopback ports, exact in what it refuses.

One tenant whose profiles hold the provision keys. Start here: :class:`SimulatedThingsBoard`.
As a program: ``mooring simulate thingsboard``.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette

from agent.settings import Secret
from agent.simulator.cloud_servers import CloudServers
from agent.simulator.loopback_server import LoopbackServer
from agent.simulator.thingsboard_coap import CoapCalls
from agent.simulator.thingsboard_devices import Device, Profile, Strategy, random_text
from agent.simulator.thingsboard_faults import Faults, Record
from agent.simulator.thingsboard_http import Calls, DeviceCalls
from agent.simulator.thingsboard_limits import SessionLimits
from agent.simulator.thingsboard_mqtt import MqttServer
from agent.simulator.thingsboard_page import DevicePages
from agent.simulator.thingsboard_rest import AdminCalls
from agent.simulator.thingsboard_rest_values import RPC_LEAST_MS, ValueCalls
from agent.simulator.thingsboard_session import Surroundings
from agent.simulator.thingsboard_state import ThingsBoardState
from agent.simulator.thingsboard_users import User, Users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.simulator.thingsboard_devices import Json

CREATE_PROFILE: Final = "boards"
CHECK_PROFILE: Final = "prepared boards"
ADMINISTRATOR: Final = "tenant@thingsboard.invalid"
CALL_LIMIT_S: Final = 10.0
"""The server's own limit for a call to a device."""


class NotConnectedError(Exception):
    """The device has no session that can be asked."""


class SimulatedThingsBoard(CloudServers):
    """A ThingsBoard of one's own; an asynchronous context manager.

    It begins with a profile for each of the two strategies and an administrator. ``faults`` makes
    things go wrong, ``record`` and ``state`` say what happened, ``certificates.kind`` is what
    clients of TLS are shown, ``clock_ahead_s`` moves its clock.
    """

    def __init__(
        self,
        *,
        ports: Mapping[str, int] | None = None,
        tls: bool = True,
        coap: bool = True,
        max_devices: int = 0,
        limits: SessionLimits | None = None,
        rpc_least_ms: float = RPC_LEAST_MS,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``ports``: by name of :attr:`addresses`; those that are not given are free ones."""
        super().__init__(now, tls=tls)
        self.faults, self.record = Faults(), Record()
        self.state = ThingsBoardState(now=self.now, max_devices=max_devices)
        around = Surroundings(
            self.state, self.now, self.faults, self.record, limits or SessionLimits()
        )
        self.users = Users(self.now)
        self.administrator = self.users.add(User(ADMINISTRATOR))
        wanted = dict(ports or {})
        app = self._app(around, rpc_least_ms)
        self._servers |= {
            "http": LoopbackServer(app, port=wanted.get("http", 0)),
            "mqtt": MqttServer(around, port=wanted.get("mqtt", 0)),
        }
        if self.certificates is not None:
            context = self.certificates.switching_context()
            https = LoopbackServer(app, port=wanted.get("https", 0), context=context)
            mqtts = MqttServer(around, self.certificates, port=wanted.get("mqtts", 0))
            self._servers |= {"https": https, "mqtts": mqtts}
        if coap:
            calls = CoapCalls(around)
            self._servers["coap"] = calls.server(wanted.get("coap", 0))
            if self.certificates is not None:
                coaps = calls.coaps_server(self.certificates, wanted.get("coaps", 0))
                self._servers["coaps"] = coaps
        self.create = self._profile(CREATE_PROFILE, Strategy.CREATE)
        self.check = self._profile(CHECK_PROFILE, Strategy.CHECK)

    def prepare(self, name: str, profile: Profile | None = None) -> Device:
        """A device that waits for a board, in the profile that checks unless another is given."""
        return self.state.add_device(name, profile or self.check)

    async def call(
        self, name: str, method: str, params: Json = None, *, limit_s: float = CALL_LIMIT_S
    ) -> Json:
        """Ask a device over MQTT and wait for what it says.

        :class:`NotConnectedError` if nobody there can be asked, ``TimeoutError`` without an answer.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        number = self.state.call(self.state.devices[name], method, params, answer.set_result)
        if not number:
            raise NotConnectedError(name)
        try:
            async with asyncio.timeout(limit_s):
                return await answer
        finally:
            self.state.forget_call(number)

    def _profile(self, name: str, strategy: Strategy) -> Profile:
        secret = Secret(random_text())
        return self.state.add_profile(Profile(name, strategy, random_text().lower(), secret))

    def _app(self, around: Surroundings, rpc_least_ms: float) -> Starlette:
        calls = Calls(around, self._cut)
        people = AdminCalls(calls, self.users)
        values = ValueCalls(calls, self.users, rpc_least_ms)
        pages = DevicePages(self.state, self.now)
        parts = (DeviceCalls(calls), people, values, pages)
        return Starlette(routes=[route for part in parts for route in part.routes])
