"""The device interface of the simulated Blynk.Cloud: a token is all that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response

from agent.simulator.blynk_cloud_http import Answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from agent.simulator.blynk_cloud_http import Surroundings
    from agent.simulator.blynk_cloud_state import BlynkState

INVALID: Final = "Invalid token."
_TOLD: Final = ("build", "ver", "type", "fwType", "blVer", "boType")


class DeviceCalls:
    """The two calls that provisioning needs, and one value to send."""

    def __init__(self, around: Surroundings, state: BlynkState) -> None:
        self._state = state
        self.routes: list[Route] = [
            around.route("GET", "/external/api/isHardwareConnected", "device", self._connected),
            around.route("GET", "/external/api/provision", "device", self._provision),
            around.route("GET", "/external/api/update", "device", self._update),
        ]

    async def _connected(self, request: Request) -> Response:
        device = self._state.by_token(request.query_params.get("token", ""))
        if device is None:
            raise Answer(400, INVALID)
        return PlainTextResponse("true" if device.links else "false")

    async def _provision(self, request: Request) -> Response:
        query = request.query_params
        device = self._state.by_token(query.get("token", ""), waiting=True)
        if device is None:
            raise Answer(400, INVALID)
        template = query.get("templateId", "")
        if template not in self._state.templates:
            raise Answer(400, "Template is not found.")
        told = {name: query[name] for name in _TOLD if name in query}
        self._state.activate(device, template, told)
        return Response()

    async def _update(self, request: Request) -> Response:
        device = self._state.by_token(request.query_params.get("token", ""))
        if device is None:
            raise Answer(400, INVALID)
        device.data += 1
        return Response()
