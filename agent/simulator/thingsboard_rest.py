"""The administrator's calls of the simulated ThingsBoard: profiles, devices, their credentials.

Source: cloud-thingsboard, section 9; the server's controllers. Telemetry, attributes and RPC are in
``thingsboard_rest_values``, the import of lists in ``thingsboard_import``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from agent.simulator.thingsboard_credentials import token_credentials
from agent.simulator.thingsboard_devices import Profile
from agent.simulator.thingsboard_http import Answer, read_json_body
from agent.simulator.thingsboard_import import import_devices
from agent.simulator.thingsboard_json import (
    credentials_id,
    credentials_json,
    device_json,
    profile_json,
    read_credentials,
    read_profile,
    referred,
)
from agent.simulator.thingsboard_requests import NotJsonError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from agent.simulator.thingsboard_credentials import StoredCredentials
    from agent.simulator.thingsboard_devices import Device
    from agent.simulator.thingsboard_http import Calls
    from agent.simulator.thingsboard_state import ThingsBoardState
    from agent.simulator.thingsboard_users import Users

MISSING = "Requested item wasn't found!"
FORBIDDEN = "You don't have permission to perform this operation!"


class Guard:
    """Lets only people in who are signed in; what they may do depends on who they are."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def administrator(
        self, handle: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The handler behind the check."""

        async def guarded(request: Request) -> Response:
            header = request.headers.get("x-authorization") or request.headers.get("authorization")
            kind, _, token = (header or "").partition(" ")
            user = self._users.user(token if kind == "Bearer" else "")
            if user.authority != "TENANT_ADMIN":
                raise Answer(403, FORBIDDEN)
            return await handle(request)

        return guarded


class AdminCalls:
    """Sign-in, profiles, devices and credentials."""

    def __init__(self, calls: Calls, users: Users) -> None:
        self._state = calls.around.state
        self._users = users
        guard = Guard(users).administrator
        table = (
            ("POST", "/api/deviceProfile", self._save_profile),
            ("GET", "/api/deviceProfile/{id}", self._profile),
            ("DELETE", "/api/deviceProfile/{id}", self._delete_profile),
            ("GET", "/api/deviceProfiles", self._profiles),
            ("GET", "/api/tenant/devices", self._devices),
            ("POST", "/api/device", self._save_device),
            ("POST", "/api/device-with-credentials", self._save_with_credentials),
            ("POST", "/api/device/credentials", self._set_credentials),
            ("POST", "/api/device/bulk_import", self._import),
            ("GET", "/api/device/{id}", self._device),
            ("DELETE", "/api/device/{id}", self._delete),
            ("GET", "/api/device/{id}/credentials", self._credentials),
        )
        self.routes = [
            calls.route("POST", "/api/auth/login", "login", self._login),
            calls.route("POST", "/api/auth/token", "login", self._renew),
            *(calls.route(way, path, "admin", guard(handle)) for way, path, handle in table),
        ]

    # --- people ---

    async def _login(self, request: Request) -> Response:
        said = await read_object(request)
        tokens = self._users.sign_in(str(said.get("username")), str(said.get("password")))
        return JSONResponse(tokens)

    async def _renew(self, request: Request) -> Response:
        said = await read_object(request)
        return JSONResponse(self._users.renew(str(said.get("refreshToken"))))

    # --- profiles ---

    async def _save_profile(self, request: Request) -> Response:
        said = await read_object(request)
        known = referred(said.get("id"), "DEVICE_PROFILE")
        profile = self._known_profile(known) if known else Profile("")
        read_profile(said, profile)
        return JSONResponse(profile_json(self._state.add_profile(profile)))

    async def _profile(self, request: Request) -> Response:
        return JSONResponse(profile_json(self._known_profile(request.path_params["id"])))

    async def _delete_profile(self, request: Request) -> Response:
        profile = self._known_profile(request.path_params["id"])
        if any(device.profile is profile for device in self._state.devices.values()):
            raise ValueError("The device profile referenced by the devices cannot be deleted!")
        del self._state.profiles[profile.id]
        return Response()

    async def _profiles(self, request: Request) -> Response:
        return page(request, [profile_json(each) for each in self._state.profiles.values()])

    def _known_profile(self, profile_id: str) -> Profile:
        profile = self._state.profiles.get(profile_id)
        if profile is None:
            raise Answer(404, MISSING)
        return profile

    # --- devices ---

    async def _devices(self, request: Request) -> Response:
        name = request.query_params.get("deviceName")
        if name is None:
            return page(request, [device_json(each) for each in self._state.devices.values()])
        device = self._state.devices.get(name)
        if device is None:
            raise Answer(404, MISSING)
        return JSONResponse(device_json(device))

    async def _device(self, request: Request) -> Response:
        return JSONResponse(device_json(find_device(self._state, request.path_params["id"])))

    async def _delete(self, request: Request) -> Response:
        self._state.delete(find_device(self._state, request.path_params["id"]))
        return Response()

    async def _save_device(self, request: Request) -> Response:
        said, token = await read_object(request), request.query_params.get("accessToken", "")
        credentials = token_credentials(token) if token else None
        return JSONResponse(device_json(self._save(said, credentials)))

    async def _save_with_credentials(self, request: Request) -> Response:
        said = await read_object(request)
        device, credentials = said.get("device"), said.get("credentials")
        if not isinstance(device, dict) or not isinstance(credentials, dict):
            raise Answer(400, "device and credentials should be specified!")
        return JSONResponse(device_json(self._save(device, read_credentials(credentials))))

    def _save(self, said: dict[str, Any], credentials: StoredCredentials | None) -> Device:
        known = referred(said.get("id"), "DEVICE")
        name, profile_id = said.get("name"), referred(said.get("deviceProfileId"), "DEVICE_PROFILE")
        if not isinstance(name, str):
            raise Answer(400, "Device name should be specified!")
        kind = str(said.get("type") or "default")
        profile = self._known_profile(profile_id) if profile_id else self._state.profile_named(kind)
        if known:
            device = find_device(self._state, known)
            self._state.rename(device, name)
            device.profile = profile
            if credentials is not None:
                self._state.replace_credentials(device, credentials)
        else:
            device = self._state.add_device(name, profile, credentials)
        more = said.get("additionalInfo")
        device.gateway = isinstance(more, dict) and more.get("gateway") is True
        device.label = str(said.get("label") or "")
        return device

    async def _import(self, request: Request) -> Response:
        return JSONResponse(import_devices(self._state, await read_object(request)))

    # --- credentials ---

    async def _credentials(self, request: Request) -> Response:
        return JSONResponse(credentials_json(find_device(self._state, request.path_params["id"])))

    async def _set_credentials(self, request: Request) -> Response:
        said = await read_object(request)
        device = find_device(self._state, referred(said.get("deviceId"), "DEVICE"))
        if referred(said.get("id"), "DEVICE") != credentials_id(device):
            raise ValueError("Unable to update non-existent device credentials!")
        self._state.replace_credentials(device, read_credentials(said))
        return JSONResponse(credentials_json(device))


def find_device(state: ThingsBoardState, device_id: str) -> Device:
    """The device with this id; 404 without."""
    device = state.device_by_id(device_id)
    if device is None:
        raise Answer(404, MISSING)
    return device


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; what is none is answered as the server does."""
    try:
        said = await read_json_body(request)
    except NotJsonError:
        said = None
    if not isinstance(said, dict):
        raise Answer(400, "JSON parse error")
    return said


def page(request: Request, entries: list[dict[str, Any]]) -> Response:
    """One page of a list; both parameters are required."""
    try:
        size, number = (int(request.query_params[name]) for name in ("pageSize", "page"))
    except (KeyError, ValueError):
        raise Answer(400, "Required request parameter 'pageSize' is not present") from None
    if size < 1 or number < 0:
        raise ValueError("Incorrect page link")
    text = request.query_params.get("textSearch", "").lower()
    found = [entry for entry in entries if text in entry["name"].lower()]
    data = found[number * size : (number + 1) * size]
    pages = -(-len(found) // size)
    return JSONResponse(
        {
            "data": data,
            "totalPages": pages,
            "totalElements": len(found),
            "hasNext": number + 1 < pages,
        }
    )
