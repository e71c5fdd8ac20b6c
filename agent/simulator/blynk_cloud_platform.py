"""The platform interface of the simulated Blynk.Cloud, with its checks and their sentences.

Sources: cloud-blynk, section 5.1; documentation of the platform interface.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response

from agent.simulator.blynk_cloud_http import Answer, error_response, read_json
from agent.simulator.blynk_cloud_oauth import OAuthError
from agent.simulator.blynk_cloud_state import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import Route

    from agent.simulator.blynk_cloud_http import Surroundings
    from agent.simulator.blynk_cloud_oauth import Client, Clients
    from agent.simulator.blynk_cloud_state import BlynkState, Device, Prepared

ROOT: Final = "/api/v1/organization"
PAGE_MAX: Final = 1000
PAGE: Final = 50
NO_PLAN: Final = "Platform API is not available in your plan."
NO_RIGHT: Final = "You don't have permission for this action."
_NAME: Final = re.compile(r"[\w '-]{1,50}")


class PlatformCalls:
    """All calls with a client's token. ``plan`` False: the organisation's plan has none of it."""

    def __init__(self, around: Surroundings, state: BlynkState, clients: Clients) -> None:
        self._around = around
        self._state = state
        self._clients = clients
        self.plan = True
        view = ("ORG_DEVICES_VIEW", "OWN_DEVICES_VIEW")
        make = ("PROVISION_DEVICES",)
        static = ("MANAGE_STATIC_TOKENS",)
        self.routes: list[Route] = [
            around.route("POST", "/oauth2/token", "oauth", self._token),
            self._call("POST", "/device/provision/token", make, self._provision),
            self._call("POST", "/device/provision/reconfigure", make, self._reconfigure),
            self._call("POST", "/device/provision/reprovision/token", make, self._reprovision),
            self._call("POST", "/device/create", ("ORG_DEVICES_CREATE",), self._create),
            self._call("GET", "/devices", ("ORG_DEVICES_VIEW",), self._devices),
            self._call("GET", "/device", view, self._device),
            self._call("PUT", "/device", ("ORG_DEVICES_EDIT",), self._change),
            self._call("DELETE", "/device", ("ORG_DEVICES_DELETE",), self._delete),
            self._call("GET", "/device/online", view, self._online),
            self._call("DELETE", "/device/clear", ("ORG_DEVICES_EDIT",), self._clear),
            self._call("GET", "/static-tokens", static, self._static),
            self._call("POST", "/static-tokens/claim", ("ORG_DEVICES_CREATE",), self._claim),
            self._call("POST", "/static-tokens/unclaim", static, self._unclaim),
            self._call("GET", "/profile", (), self._profile),
        ]

    def _call(
        self,
        method: str,
        path: str,
        permissions: tuple[str, ...],
        handle: Callable[[Request, Client], Awaitable[Response]],
    ) -> Route:
        async def checked(request: Request) -> Response:
            client = self._clients.of(request.headers)
            if client is None:
                return error_response(401, "Access token is not valid or expired.")
            if not self.plan:
                raise Answer(403, NO_PLAN)
            if permissions and not client.permissions & set(permissions):
                raise Answer(403, NO_RIGHT)
            return await handle(request, client)

        return self._around.route(method, ROOT + path, "platform", checked)

    async def _token(self, request: Request) -> Response:
        try:
            return JSONResponse(self._clients.issue(request.headers, request.query_params))
        except OAuthError as error:
            said = {"error": error.error, "error_description": str(error)}
            return JSONResponse(said, error.status)

    async def _provision(self, request: Request, client: Client) -> Response:
        said = await read_json(request)
        org_id, owner_id = self._whose(said, client)
        device = self._state.provision(org_id, owner_id)
        return JSONResponse({"token": device.token, "deviceId": device.id})

    async def _reconfigure(self, request: Request, client: Client) -> Response:
        device = self._named(await read_json(request), client)
        offline = not device.links
        for link in device.links[:]:
            link.reconfigure()
        return JSONResponse({"deviceIsOffline": offline})

    async def _reprovision(self, request: Request, client: Client) -> Response:
        device = self._named(await read_json(request), client)
        self._state.reprovision(device)
        return JSONResponse({"token": device.token, "deviceId": device.id})

    async def _create(self, request: Request, client: Client) -> Response:
        said = await read_json(request)
        template = said.get("templateId")
        if template not in self._state.templates:
            raise Answer(404, "Template is not found.")
        org_id, owner_id = self._whose(said, client)
        device = self._state.create(str(template), _name(said), org_id, owner_id)
        return JSONResponse(shown(device), 201)

    async def _devices(self, request: Request, client: Client) -> Response:
        devices = [shown(each) for each in self._state.listed(client.org_id)]
        return _page(request, devices)

    async def _device(self, request: Request, client: Client) -> Response:
        return JSONResponse(shown(self._asked(request, client)))

    async def _change(self, request: Request, client: Client) -> Response:
        device = self._asked(request, client)
        device.name = _name(await read_json(request))
        return JSONResponse(shown(device))

    async def _delete(self, request: Request, client: Client) -> Response:
        self._state.delete(self._asked(request, client))
        return Response(status_code=204)

    async def _online(self, request: Request, client: Client) -> Response:
        return JSONResponse({"connected": bool(self._asked(request, client).links)})

    async def _clear(self, request: Request, client: Client) -> Response:
        self._asked(request, client).data = 0
        return Response(status_code=204)

    async def _static(self, request: Request, client: Client) -> Response:
        mine = [each for each in self._state.prepared if each.org_id == client.org_id]
        return _page(request, [_static_shown(each) for each in mine])

    async def _claim(self, request: Request, client: Client) -> Response:
        said = await read_json(request)
        prepared = self._state.find_prepared(str(said.get("token", "")))
        if prepared is None:
            raise Answer(404, "Static token is not found.")
        if prepared.device_id:
            raise Answer(400, "Static token is already claimed.")
        user = said.get("userId")
        if not isinstance(user, int) or self._state.users.get(user) != client.org_id:
            raise Answer(404, "User is not found or you don't have access to him.")
        return JSONResponse(shown(self._state.claim(prepared, user)))

    async def _unclaim(self, request: Request, client: Client) -> Response:
        said = await read_json(request)
        prepared = self._state.find_prepared(str(said.get("token", "")))
        if prepared is None or prepared.org_id != client.org_id:
            raise Answer(404, "Static token is not found.")
        if not prepared.device_id:
            raise Answer(400, "Static token is not claimed.")
        self._state.delete(self._state.devices[prepared.device_id])
        return Response(status_code=204)

    async def _profile(self, _request: Request, client: Client) -> Response:
        name = self._state.organizations[client.org_id]
        return JSONResponse({"id": client.org_id, "name": name, "isActive": True})

    def _whose(self, said: dict[str, Any], client: Client) -> tuple[int, int]:
        org_id, owner_id = said.get("orgId", client.org_id), said.get("ownerId")
        if org_id != client.org_id:
            raise Answer(404, "Organization is not found or you don't have access to it.")
        if not isinstance(owner_id, int) or self._state.users.get(owner_id) != org_id:
            raise Answer(404, "User is not found or you don't have access to him.")
        return int(org_id), owner_id

    def _asked(self, request: Request, client: Client) -> Device:
        text = request.query_params.get("deviceId", "")
        if not (text.isascii() and text.isdigit()):
            raise Answer(400, "Query parameter deviceId is not valid.")
        return self._there(int(text), client)

    def _named(self, said: dict[str, Any], client: Client) -> Device:
        number = said.get("deviceId")
        if not isinstance(number, int):
            raise Answer(400, "Field deviceId is not valid.")
        return self._there(number, client)

    def _there(self, number: int, client: Client) -> Device:
        device = self._state.devices.get(number)
        if device is None or not device.listed or device.org_id != client.org_id:
            said = (
                f"Device with identifier {number} is not found or belong to another organization."
            )
            raise Answer(404, said)
        return device


def _name(said: dict[str, Any]) -> str:
    name = said.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Answer(400, "Device name is not valid.")
    return name


def _page(request: Request, entries: list[dict[str, Any]]) -> Response:
    texts = request.query_params
    try:
        page, size = int(texts.get("page", "0")), int(texts.get("size", str(PAGE)))
    except ValueError:
        raise Answer(400, "Query parameter page or size is not valid.") from None
    if page < 0 or not 1 <= size <= PAGE_MAX:
        raise Answer(400, "Query parameter page or size is not valid.")
    content = entries[page * size : (page + 1) * size]
    return JSONResponse({"content": content, "totalElements": len(entries)})


def _static_shown(prepared: Prepared) -> dict[str, Any]:
    return {
        "token": prepared.token,
        "orgId": prepared.org_id,
        "productId": 525,
        "deviceToken": prepared.device_token,
        "status": "CLAIMED" if prepared.device_id else "UNCLAIMED",
        "ownerId": prepared.owner_id,
        "deviceId": prepared.device_id,
    }
