"""Attributes, telemetry and RPC as an administrator reads and sets them.

Source: cloud-thingsboard, section 9; TelemetryController and RpcV1Controller of the server.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response

from agent.simulator.thingsboard_devices import SCOPES
from agent.simulator.thingsboard_http import Answer, PlainAnswer, read_json_body
from agent.simulator.thingsboard_requests import NotJsonError
from agent.simulator.thingsboard_rest import Guard, find_device, read_object

if TYPE_CHECKING:
    from starlette.requests import Request

    from agent.simulator.thingsboard_devices import Device, Scope
    from agent.simulator.thingsboard_http import Calls
    from agent.simulator.thingsboard_users import Users

RPC_DEFAULT_MS: Final = 10_000.0
RPC_LEAST_MS: Final = 5_000.0
"""The server waits at least so long, whatever it is asked for."""


class ValueCalls:
    """What belongs to one device. ``rpc_least_ms`` may be made shorter where nobody should wait."""

    def __init__(self, calls: Calls, users: Users, rpc_least_ms: float = RPC_LEAST_MS) -> None:
        self._state = calls.around.state
        self._now = calls.around.now
        self._rpc_least_ms = rpc_least_ms
        guard = Guard(users).administrator
        base = "/api/plugins/telemetry"
        table = (
            ("GET", f"{base}/DEVICE/{{id}}/values/attributes", self._attributes),
            ("GET", f"{base}/DEVICE/{{id}}/values/attributes/{{scope}}", self._attributes),
            ("GET", f"{base}/DEVICE/{{id}}/values/timeseries", self._telemetry),
            ("POST", f"{base}/DEVICE/{{id}}/attributes/{{scope}}", self._set_attributes),
            ("POST", f"{base}/DEVICE/{{id}}/{{scope}}", self._set_attributes),
            ("POST", f"{base}/{{id}}/{{scope}}", self._set_attributes),
            ("DELETE", f"{base}/DEVICE/{{id}}/{{scope}}", self._delete_attributes),
            ("DELETE", f"{base}/{{id}}/{{scope}}", self._delete_attributes),
            ("POST", "/api/rpc/{way}/{id}", self._call),
            ("POST", "/api/plugins/rpc/{way}/{id}", self._call),
        )
        self.routes = [
            calls.route(way, path, "admin", guard(handle)) for way, path, handle in table
        ]

    async def _attributes(self, request: Request) -> Response:
        device, keys = self._device(request), _keys(request)
        scopes = [_scope(request)] if "scope" in request.path_params else list(SCOPES)
        moment = int(self._now() * 1000)
        return JSONResponse(
            [
                {"lastUpdateTs": moment, "key": key, "value": value}
                for scope in scopes
                for key, value in device.attributes[scope].items()
                if not keys or key in keys
            ]
        )

    async def _set_attributes(self, request: Request) -> Response:
        device, scope = self._device(request), _scope(request)
        if scope == "CLIENT_SCOPE":
            raise PlainAnswer(400, f"Invalid scope: {scope}")
        try:
            said = await read_json_body(request)
        except NotJsonError:
            raise PlainAnswer(400, "Invalid JSON") from None
        if not isinstance(said, dict):
            raise PlainAnswer(400, "Request is not a JSON object")
        if not said:
            raise PlainAnswer(400, "No attributes data found in request body!")
        if scope == "SHARED_SCOPE":
            self._state.set_shared(device, said)
        else:
            device.attributes[scope].update(said)
        return Response()

    async def _delete_attributes(self, request: Request) -> Response:
        device, scope, keys = self._device(request), _scope(request), _keys(request)
        if not keys:
            raise PlainAnswer(400, "Empty keys: []")
        self._state.delete_attributes(device, scope, keys)
        return Response()

    async def _telemetry(self, request: Request) -> Response:
        """The latest value of each key; values are texts unless asked for otherwise."""
        device, keys = self._device(request), _keys(request)
        strict = request.query_params.get("useStrictDataTypes") == "true"
        latest: dict[str, list[dict[str, Any]]] = {}
        for at, values in sorted(device.telemetry, key=lambda entry: entry[0]):
            for key, value in values.items():
                if not keys or key in keys:
                    shown = value if strict or value is None else _shown(value)
                    latest[key] = [{"ts": int(at * 1000), "value": shown}]
        return JSONResponse(latest)

    async def _call(self, request: Request) -> Response:
        device, said = self._device(request), await read_object(request)
        if not isinstance(said.get("method"), str):
            raise Answer(400, "Invalid request body")
        limit_ms = max(self._rpc_least_ms, float(said.get("timeout", RPC_DEFAULT_MS)))
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        number = self._state.call(device, said["method"], said.get("params"), answer.set_result)
        if not number:
            return Response(status_code=409)
        if request.path_params["way"] == "oneway":
            self._state.forget_call(number)
            return Response()
        try:
            async with asyncio.timeout(limit_ms / 1000):
                return JSONResponse(await answer)
        except TimeoutError:
            return Response(status_code=408)
        finally:
            self._state.forget_call(number)

    def _device(self, request: Request) -> Device:
        return find_device(self._state, request.path_params["id"])


def _scope(request: Request) -> Scope:
    for scope in SCOPES:
        if scope == request.path_params["scope"]:
            return scope
    raise ValueError("Invalid attribute scope")


def _keys(request: Request) -> list[str]:
    several = request.query_params.getlist("key")
    return several or [key for key in request.query_params.get("keys", "").split(",") if key]


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
