"""A small server that answers provision requests as ThingsBoard does, over all three transports.

The exact one is in ``agent.simulator``; this one is for the client's own tests: its decisions are a
dictionary, and each test may put another answer in the place of the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
from typing import TYPE_CHECKING, Any

import aiocoap
from aiocoap.resource import PathCapable, Resource, Site
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.clouds.mqtt import MqttLogin, MqttServer, connect
from agent.simulator.loopback_server import LoopbackServer
from tests.mosquitto import mosquitto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request

KEY, SECRET = "pk-demo", "ps-demo"
CREATE, PREPARED = "ALLOW_CREATE_NEW_DEVICES", "CHECK_PRE_PROVISIONED_DEVICES"
NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}
FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}


def uuid(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012x}"


class Devices:
    """Devices by name: ``{"type", "value", "state", "profile", "id", "seen"}``."""

    def __init__(self, strategy: str = CREATE) -> None:
        self.strategy = strategy
        self.devices: dict[str, dict[str, Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self.full = False
        self.instead: list[Any] = []
        """Answers for the next requests; None: decide as usual, ``lose``: decide, then be silent."""

    def prepare(self, name: str, *, profile: int = 1, **more: Any) -> dict[str, Any]:
        device = {
            "id": uuid(100 + len(self.devices)),
            "type": "ACCESS_TOKEN",
            "value": secrets.token_hex(10),
            "state": None,
            "profile": profile,
            "seen": 0,
            **more,
        }
        self.devices[name] = device
        return device

    def decide(self, body: bytes) -> Any:
        """The answer to a request: an object, bytes, or None for none at all."""
        request = json.loads(body)
        self.requests.append(request)
        instead = self.instead.pop(0) if self.instead else None
        if instead is None or instead == "lose":
            answer = self._decide(request)
            return None if instead == "lose" else answer
        return instead

    def knows(self, token: str) -> bool:
        return any(
            d["type"] == "ACCESS_TOKEN" and d["value"] == token for d in self.devices.values()
        )

    def _decide(self, request: dict[str, Any]) -> dict[str, Any]:
        assert None not in request.values()
        name = request["deviceName"]
        given = (request["provisionDeviceKey"], request["provisionDeviceSecret"])
        if given != (KEY, SECRET):
            return NOT_FOUND
        device = self.devices.get(name)
        if self.strategy == PREPARED:
            if device is None or device["profile"] != 1 or device["state"]:
                return FAILURE
        elif device is not None or len(name) > 255 or self.full:
            return FAILURE
        else:
            kind = request.get("credentialsType", "ACCESS_TOKEN")
            value: Any = request.get("token") or secrets.token_hex(10)
            if kind == "MQTT_BASIC":
                value = {
                    "clientId": request.get("clientId"),
                    "userName": request.get("username"),
                    "password": request.get("password"),
                }
            elif kind == "X509_CERTIFICATE":
                value = "".join(request["hash"].split("-----")[2].split())
            device = self.prepare(name, type=kind, value=value)
        device["state"] = "provisioned"
        return {
            "credentialsValue": device["value"],
            "credentialsType": device["type"],
            "status": "SUCCESS",
        }


# --- HTTP, and the administrator's interface ----------------------------------------------------

ADMIN, PASSWORD = "tenant@example.org", "MARKER-admin"


class HttpSide:
    """``/api/v1`` of devices, and as much of the administrator's interface as is used."""

    def __init__(self, devices: Devices) -> None:
        self.devices = devices
        self.tokens: set[str] = set()
        self.logins = 0
        self.renewals = 0
        self.refuse: dict[str, Response] = {}
        """By the beginning of a path: what is answered in the place of it."""
        every = ["GET", "POST", "DELETE"]
        self.server = LoopbackServer(
            Starlette(routes=[Route("/{rest:path}", self._answer, methods=every)])
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        for begin, response in self.refuse.items():
            if path.startswith(begin):
                return response
        body = await request.body()
        if path == "/api/v1/provision":
            return await self._provision(request, body)
        if path.startswith("/api/v1/"):
            token = path.split("/")[3]
            return JSONResponse({}) if self.devices.knows(token) else _error(401, 10)
        if path.startswith("/api/auth/"):
            return self._sign_in(path, json.loads(body))
        token = request.headers.get("x-authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return _error(401, 11)
        return self._admin(request, path, body)

    async def _provision(self, request: Request, body: bytes) -> Response:
        answer = self.devices.decide(body)
        if isinstance(answer, Response):
            return answer
        if answer is None:
            self.server.cut(request.scope["client"])
            return Response()
        return Response(answer) if isinstance(answer, bytes) else JSONResponse(answer)

    def _sign_in(self, path: str, given: dict[str, str]) -> Response:
        if path.endswith("login"):
            self.logins += 1
            right = given == {"username": ADMIN, "password": PASSWORD}
        else:
            self.renewals += 1
            right = given.get("refreshToken") in {f"r-{token}" for token in self.tokens | {"old"}}
        if not right:
            return _error(401, 10, "Invalid username or password")
        token = f"t{len(self.tokens)}-{secrets.token_hex(4)}"
        self.tokens.add(token)
        return JSONResponse({"token": token, "refreshToken": "r-old"})

    def _admin(self, request: Request, path: str, body: bytes) -> Response:
        devices = self.devices.devices
        by_id = {device["id"]: (name, device) for name, device in devices.items()}
        found = next(((n, d) for i, (n, d) in by_id.items() if i in path), None)
        if path == "/api/tenant/devices":
            name = request.query_params["deviceName"]
            return (
                JSONResponse(_device(name, devices[name])) if name in devices else _error(404, 32)
            )
        if path == "/api/deviceProfiles":
            return JSONResponse({"data": [self._profile(1)], "hasNext": False})
        if path.startswith("/api/deviceProfile/"):
            return JSONResponse(self._profile(int(path[-2:], 16)))
        if path == "/api/device/credentials":
            record = json.loads(body)
            _, device = by_id[record["deviceId"]["id"]]
            if record["version"] != device.get("version", 1):
                return _error(409, 35)
            device["type"] = record["credentialsType"]
            device["value"] = record.get("credentialsValue") or record.get("credentialsId")
            device["version"] = record["version"] + 1
            return JSONResponse(record)
        if found is None:
            return _error(404, 32)
        name, device = found
        if path.endswith("/credentials"):
            return JSONResponse(_credentials(device))
        if "attributes" in path:
            there = {"provisionState": device["state"], "lastConnectTime": device["seen"] * 1000}
            keys = request.query_params["keys"].split(",")
            values = [{"key": key, "value": there[key]} for key in keys if there.get(key)]
            return JSONResponse(values)
        if request.method == "DELETE" and path.endswith("SERVER_SCOPE"):
            device["state"] = None
        else:
            del devices[name]
        return Response()

    def _profile(self, number: int) -> dict[str, Any]:
        return {
            "id": {"id": uuid(number)},
            "name": f"profile {number}",
            "provisionType": self.devices.strategy,
            "provisionDeviceKey": KEY if number == 1 else "other",
        }


def _device(name: str, device: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": {"id": device["id"], "entityType": "DEVICE"},
        "name": name,
        "deviceProfileId": {"id": uuid(device["profile"]), "entityType": "DEVICE_PROFILE"},
    }


def _credentials(device: dict[str, Any]) -> dict[str, Any]:
    value, kind = device["value"], device["type"]
    return {
        "id": {"id": uuid(7)},
        "deviceId": {"id": device["id"], "entityType": "DEVICE"},
        "credentialsType": kind,
        "credentialsId": value if kind == "ACCESS_TOKEN" else "0" * 64,
        "credentialsValue": json.dumps(value) if isinstance(value, dict) else value,
        "version": device.get("version", 1),
    }


def _error(status: int, code: int, message: str = "said the server") -> Response:
    body = {"status": status, "message": message, "errorCode": code, "timestamp": 1}
    return JSONResponse(body, status)


@contextlib.asynccontextmanager
async def over_http(devices: Devices) -> AsyncIterator[HttpSide]:
    side = HttpSide(devices)
    await side.server.start()
    try:
        yield side
    finally:
        await side.server.stop()


# --- MQTT: answers behind a broker --------------------------------------------------------------


@contextlib.asynccontextmanager
async def over_mqtt(devices: Devices, folder: Path) -> AsyncIterator[str]:
    """mosquitto with somebody behind it who answers; topics are everybody's there."""
    login = MqttLogin(client_id="responder")
    async with (
        mosquitto(folder, "allow_anonymous true") as port,
        await connect(MqttServer(host="127.0.0.1", port=port), login) as client,
    ):
        await client.subscribe("/provision/request")
        task = asyncio.create_task(_respond(devices, client))
        try:
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            task.cancel()
            await asyncio.wait([task])


async def _respond(devices: Devices, client: Any) -> None:
    while True:
        message = await client.receive()
        answer = devices.decide(message.payload)
        if answer is not None:
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            await client.publish("/provision/response", body)


# --- CoAP ---------------------------------------------------------------------------------------


class _Provision(Resource):
    def __init__(self, devices: Devices) -> None:
        super().__init__()
        self._devices = devices

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        assert request.opt.content_format == 50
        answer = self._devices.decide(request.payload)
        if isinstance(answer, aiocoap.Message):
            return answer
        if answer is None:
            await asyncio.Event().wait()
        refused = isinstance(answer, dict) and answer["status"] != "SUCCESS"
        code = aiocoap.BAD_REQUEST if refused else aiocoap.CREATED
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return aiocoap.Message(code=code, payload=body, content_format=50)


class _Tokens(Resource, PathCapable):
    """``TOKEN/attributes``."""

    def __init__(self, devices: Devices) -> None:
        super().__init__()
        self._devices = devices

    async def render_get(self, request: aiocoap.Message) -> aiocoap.Message:
        known = self._devices.knows(request.opt.uri_path[0])
        return aiocoap.Message(code=aiocoap.NOT_FOUND if known else aiocoap.UNAUTHORIZED)


@contextlib.asynccontextmanager
async def over_coap(devices: Devices) -> AsyncIterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = Site()
    site.add_resource(["api", "v1", "provision"], _Provision(devices))
    site.add_resource(["api", "v1"], _Tokens(devices))
    context = await aiocoap.Context.create_server_context(
        site, bind=("127.0.0.1", port), transports=["simplesocketserver"]
    )
    try:
        yield f"coap://127.0.0.1:{port}"
    finally:
        await context.shutdown()
