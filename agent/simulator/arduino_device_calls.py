"""HTTP of the simulated Arduino Cloud's devices: one method per call."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, Response

from agent.simulator.arduino_answers import read_object
from agent.simulator.arduino_devices import PLANS, SimulatedDevices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from agent.simulator.arduino_faults import Operation

Call = tuple[str, str, "Operation", "Callable[[Request], Awaitable[Response]]"]
"""Method, path, name and handler."""

_DEVICES: Final = "/iot/v2/devices"


class DeviceCalls:
    """The calls; ``owner_of`` says who signed a request and refuses where nobody did."""

    def __init__(self, devices: SimulatedDevices, owner_of: Callable[[Request], object]) -> None:
        self._devices = devices
        self._owner_of = owner_of

    @property
    def calls(self) -> list[Call]:
        """All of them."""
        one = f"{_DEVICES}/{{id}}"
        return [
            ("PUT", _DEVICES, "device_create", self._create),
            ("GET", _DEVICES, "device_list", self._list),
            ("GET", one, "device_show", self._show),
            ("DELETE", one, "device_delete", self._delete),
            ("PUT", f"{one}/certs", "device_certify", self._certify),
            ("GET", f"{one}/pass", "pass_suggest", self._suggest),
            ("PUT", f"{one}/pass", "pass_set", self._set_password),
            ("PUT", "/iot/v1/lora-devices/", "lora_create", self._create_lora),
            ("GET", "/iot/v1/lora-freq-plans/", "lora_plans", self._plans),
        ]

    async def _create(self, request: Request) -> Response:
        owner = self._owner_of(request)
        device = self._devices.create(await read_object(request), owner)
        return JSONResponse(device.as_json(), HTTPStatus.CREATED)

    async def _list(self, request: Request) -> Response:
        owner = self._owner_of(request)
        devices = self._devices.of_owner(owner, request.query_params.get("serial"))
        return JSONResponse([device.as_json() for device in devices])

    async def _show(self, request: Request) -> Response:
        device = self._devices.get(request.path_params["id"], self._owner_of(request))
        return JSONResponse(device.as_json())

    async def _delete(self, request: Request) -> Response:
        self._devices.delete(request.path_params["id"], self._owner_of(request))
        return Response()

    async def _certify(self, request: Request) -> Response:
        owner = self._owner_of(request)
        body = await read_object(request)
        issued = self._devices.certify(request.path_params["id"], body, owner)
        return JSONResponse(issued, HTTPStatus.CREATED)

    async def _suggest(self, request: Request) -> Response:
        device = self._devices.get(request.path_params["id"], self._owner_of(request))
        answer: dict[str, object] = {"set": device.password is not None}
        if request.query_params.get("suggested_password") == "true":
            answer["suggested_password"] = secrets.token_urlsafe(24)
        return JSONResponse(answer)

    async def _set_password(self, request: Request) -> Response:
        owner = self._owner_of(request)
        body = await read_object(request)
        self._devices.set_password(request.path_params["id"], body, owner)
        return JSONResponse({"set": True})

    async def _create_lora(self, request: Request) -> Response:
        owner = self._owner_of(request)
        device = self._devices.create_lora(await read_object(request), owner)
        return JSONResponse(device.lora, HTTPStatus.CREATED)

    async def _plans(self, request: Request) -> Response:
        self._owner_of(request)
        return JSONResponse({"frequency_plans": list(PLANS)})
