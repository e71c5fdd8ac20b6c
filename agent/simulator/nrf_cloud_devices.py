"""Device management of the simulated nRF Cloud: account, devices, shadow, onboarding by file.

Source: cloud-nrf, sections 6, 7 and 8.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import JSONResponse, Response

from agent.protocols.nrf.bodies import ID_CHARS
from agent.protocols.nrf.csv import FIRMWARE_TYPES
from agent.simulator.nrf_cloud_http import page, read_body, read_object
from agent.simulator.nrf_cloud_state import Device, Refused

if TYPE_CHECKING:
    from starlette.requests import Request

    from agent.simulator.nrf_cloud_bulk import Bulks
    from agent.simulator.nrf_cloud_http import Around

ROWS_MAX: Final = 1000
COLUMNS: Final = 5
NAME_CHARS: Final = 256
_ID: Final = re.compile(r"[A-Za-z0-9:_.-]+")


class DeviceCalls:
    """One method per call."""

    def __init__(self, around: Around, bulks: Bulks) -> None:
        self._around = around
        self._state = around.state
        self._bulks = bulks
        route, one = around.route, "/v1/devices/{id}"
        self.routes = [
            route("GET", "/v1/account", "account", self._account),
            route("POST", "/v1/devices", "onboard", self._onboard),
            route("GET", "/v1/devices", "records", self._list),
            route("GET", one, "record", self._record),
            route("DELETE", one, "delete", self._delete),
            route("PUT", f"{one}/name", "rename", self._rename),
            route("PATCH", f"{one}/state", "shadow", self._shadow),
        ]

    async def _account(self, request: Request) -> Response:
        key = self._around.key(request, writes=False)
        team = {"id": key.team, "name": key.team, "tenantId": key.team}
        return JSONResponse({"team": team, "role": key.role, "plan": {"name": "DEVELOPER"}})

    async def _list(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        mine = [each.as_json() for each in self._state.devices.values() if each.team == team]
        return page(request, mine)

    async def _record(self, request: Request) -> Response:
        team = self._around.key(request, writes=False).team
        return JSONResponse(self._state.device(team, request.path_params["id"]).as_json())

    async def _delete(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        del self._state.devices[self._state.device(team, request.path_params["id"]).id]
        return Response(status_code=204)

    async def _rename(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        device = self._state.device(team, request.path_params["id"])
        try:
            (name,) = msgspec.json.decode(await read_body(request), type=tuple[str])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Refused(400, "The body must be a list of one name") from None
        if not 0 < len(name) <= NAME_CHARS:
            raise Refused(422, f"A name has 1 to {NAME_CHARS} characters")
        device.name = name
        return Response(status_code=202)

    async def _shadow(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        device = self._state.device(team, request.path_params["id"])
        self._state.patch_shadow(device, await read_object(request))
        return Response(status_code=202)

    async def _onboard(self, request: Request) -> Response:
        team = self._around.key(request, writes=True).team
        try:
            rows = list(csv.reader(io.StringIO((await read_body(request)).decode()), strict=True))
        except (csv.Error, UnicodeDecodeError):
            raise Refused(400, "Invalid CSV") from None
        rows = [row for row in rows if row]
        if not 0 < len(rows) <= ROWS_MAX:
            raise Refused(400, f"A file must have 1 to {ROWS_MAX} rows")
        errors: dict[int, str] = {}
        for number, row in enumerate(rows):
            problem = self._add(team, row)
            if problem:
                errors[number] = problem
        return self._bulks.answer(team, errors)

    def _add(self, team: str, row: list[str]) -> str:
        """Add the device of a row; what is wrong with it, or nothing."""
        if len(row) != COLUMNS:
            return f"{len(row)} columns instead of {COLUMNS}"
        device_id, sub_type, tags, types, certificate = row
        if not _ID.fullmatch(device_id) or len(device_id) > ID_CHARS:
            return f"Invalid device id, must have 1 to {ID_CHARS} characters"
        if device_id in self._state.devices:
            return "Device already exists"
        supported = tuple(filter(None, types.split("|")))
        if set(supported) - set(FIRMWARE_TYPES):
            return "Unknown firmware type"
        if not _is_certificate(certificate):
            return "Invalid certificate"
        device = Device(device_id, team, sub_type=sub_type, certificate=certificate)
        device.tags = tuple(filter(None, tags.split("|")))
        device.firmware_types = supported
        self._state.devices[device_id] = device
        return ""


def _is_certificate(text: str) -> bool:
    from cryptography import x509

    try:
        x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        return False
    return True
