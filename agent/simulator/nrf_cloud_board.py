"""The device's calls at the simulated nRF Cloud, for a board in another process.

As over CoAP, ``p/cmd`` gives what is to be done and ``p/rsp`` takes what came of it, with JSON for CBOR.
``p/shadow`` stands for the board's looks at its shadow, and exists in the simulation alone: it takes the
number of the last command and answers when there is another, or after a while with 0.
See ``nrf_cloud_service`` for how a device proves itself. Source: cloud-nrf, section 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import JSONResponse, Response

from agent.simulator.nrf_cloud_http import read_body, read_object
from agent.simulator.nrf_cloud_service import CloudService
from agent.simulator.nrf_cloud_state import Refused
from agent.simulator.nrf_orders import Result, ServiceAwayError

if TYPE_CHECKING:
    from starlette.requests import Request

    from agent.simulator.nrf_cloud_http import Around


class BoardCalls:
    """One method per call; the bearer is a fresh attestation token."""

    def __init__(self, around: Around) -> None:
        self._service = CloudService(around.state)
        route = around.route
        self.routes = [
            route("POST", "/p/cmd", "board", self._fetch),
            route("POST", "/p/rsp", "board", self._respond),
            route("POST", "/p/shadow", "listen", self._listen),
        ]

    async def _fetch(self, request: Request) -> Response:
        orders = await self._service.fetch(_token(request))
        if orders is None:
            raise Refused(403, "not claimed")
        return Response(msgspec.json.encode(orders), media_type="application/json")

    async def _respond(self, request: Request) -> Response:
        body = await read_body(request)
        try:
            results = msgspec.json.decode(body, type=list[Result])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Refused(400, "Invalid results") from None
        await self._service.respond(_token(request), results)
        return Response(status_code=204)

    async def _listen(self, request: Request) -> Response:
        last = (await read_object(request)).get("command", 0)
        if not isinstance(last, int):
            raise Refused(400, "command must be a number")
        try:
            number = await self._service.hear(_token(request), last)
        except ServiceAwayError:
            raise Refused(404, "Device not found") from None
        return JSONResponse({"command": number})


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")
