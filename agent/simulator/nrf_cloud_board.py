"""The device's side of the simulated provisioning service, for a modem in another process.

The same three calls as over CoAP, with JSON for CBOR, and with a fresh attestation token in the place
of the web token that only the modem's own firmware makes: both are signed by the identity key.
Source: cloud-nrf, section 6.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response

from agent.protocols.nrf.cose import Damaged
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_cloud_commands import WrongCommand, device_commands
from agent.simulator.nrf_cloud_http import read_body, read_object
from agent.simulator.nrf_cloud_state import NotClaimed, Refused
from agent.simulator.nrf_identity import genuine

if TYPE_CHECKING:
    from starlette.requests import Request

    from agent.simulator.nrf_cloud_commands import DeviceCommand
    from agent.simulator.nrf_cloud_http import Around
    from agent.simulator.nrf_cloud_state import Claimed

SESSIONS_MAX: Final = 1000


class BoardCalls:
    """``auth``, then ``cmd`` and ``rsp`` in turn, until there is nothing more."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._state = around.state
        self._sessions: dict[str, str] = {}
        route = around.route
        self.routes = [
            route("POST", "/p/auth", "board", self._auth),
            route("GET", "/p/cmd", "board", self._next),
            route("POST", "/p/rsp", "board", self._report),
            route("GET", "/p/shadow", "board", self._shadow),
        ]

    async def _auth(self, request: Request) -> Response:
        """Body: the token. 201 with a session, 403 for a device that nobody has claimed."""
        text = (await read_body(request)).decode("ascii", "replace")
        try:
            device_id = parse_token(text).device_id
        except Damaged as damaged:
            raise Refused(401, f"not authenticated: {damaged}") from None
        if not genuine(text):
            raise Refused(401, "not authenticated")
        try:
            self._state.apply_rules(device_id)
        except NotClaimed:
            raise Refused(403, "not claimed") from None
        session = secrets.token_urlsafe()
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[session] = device_id
        return JSONResponse({"session": session}, 201)

    async def _next(self, request: Request) -> Response:
        """The next command as what the device does for it; 204: nothing to do."""
        claimed = self._claimed(request)
        command = self._state.next_command(claimed)
        if command is None:
            return Response(status_code=204)
        self._state.start(command)
        return JSONResponse(
            {"id": command.id, "do": [*map(_as_json, device_commands(command.request))]}
        )

    async def _report(self, request: Request) -> Response:
        """``{"id": …, "text": …}`` or ``{"id": …, "cme": …}``."""
        claimed = self._claimed(request)
        said = await read_object(request)
        command = next((c for c in claimed.commands if c.id == said.get("id")), None)
        if command is None:
            raise Refused(404, "no such command")
        if said.get("cme"):
            self._state.fail(command, f"+CME ERROR: {said['cme']}")
        else:
            try:
                self._state.finish(claimed, command, str(said.get("text", "")))
            except WrongCommand as wrong:
                self._state.fail(command, str(wrong))
        return Response(status_code=204)

    async def _shadow(self, request: Request) -> Response:
        """What is wanted of the device; 204 if it is none of device management."""
        device = self._state.devices.get(self._claimed(request).id)
        if device is None:
            return Response(status_code=204)
        return JSONResponse(device.state["desired"])

    def _claimed(self, request: Request) -> Claimed:
        kind, _, session = request.headers.get("authorization", "").partition(" ")
        device_id = self._sessions.get(session) if kind == "Bearer" else None
        if device_id is None:
            raise Refused(401, "not authenticated")
        claimed = self._state.claims.get(device_id)
        if claimed is None:
            raise Refused(403, "not claimed")
        return claimed


def _as_json(part: DeviceCommand) -> dict[str, Any]:
    if part.finished:
        return {"finished": True}
    if part.settings is not None:
        return {"settings": dict(part.settings)}
    return {"at": part.name, "parameters": part.parameters, "ignored": list(part.ignored)}
