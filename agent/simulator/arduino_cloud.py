"""A simulated Arduino Cloud: behaves like the real one, on a loopback port, without the Internet.

It verifies each board's token against the registered key, signs real certificates, and lets a
claim become a device only when the board itself has asked for its certificate.
Start here: :class:`SimulatedArduinoCloud`. As a program: ``python -m agent.simulator.arduino_cloud``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse

from agent.catalog import Catalog
from agent.settings import Secret
from agent.simulator.arduino_answers import (
    WrongBody,
    answer_of,
    error_answer,
    read_bearer,
    read_body,
    read_object,
    refusal,
)
from agent.simulator.arduino_device_calls import DeviceCalls
from agent.simulator.arduino_devices import IotRefused, SimulatedDevices
from agent.simulator.arduino_faults import Faults, Operation, Record, SeenRequest
from agent.simulator.arduino_state import CloudState, KnownBoard, Refused, Signer
from agent.simulator.cloud_http import cut_route
from agent.simulator.loopback_server import LoopbackServer
from agent.simulator.loopback_servers import LoopbackServers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

TOKEN_LIFETIME_S: Final = 300.0
"""As the real cloud (cloud-arduino, section 1)."""
AUDIENCE: Final = "https://api2.arduino.cc/iot"
"""What a client must ask its token for, whatever the address (cloud-arduino, section 1)."""
MIN_SKETCH: Final = "0.6.0"
"""Minimum version of the provisioning sketch; the real number is not documented."""


class _Unauthorised(Exception):
    """No bearer token of this cloud."""


class SimulatedArduinoCloud(LoopbackServers):
    """An Arduino Cloud of one's own; an asynchronous context manager.

    ``faults`` makes things go wrong, ``record`` and ``state`` say what happened.
    """

    def __init__(
        self,
        *,
        catalog: Catalog | None = None,
        port: int = 0,
        organizations: Iterable[str] = (),
        token_lifetime_s: float = TOKEN_LIFETIME_S,
        min_sketch: str | None = MIN_SKETCH,
        min_wifi_firmware: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``min_wifi_firmware`` stands in for the catalogue's; ``now`` gives Unix seconds."""
        super().__init__()
        self.faults = Faults()
        self.record = Record()
        self.state = CloudState(record=self.record, now=now, token_lifetime_s=token_lifetime_s)
        self.client_id = secrets.token_hex(16)
        self.client_secret = Secret(secrets.token_urlsafe(48))
        self.state.keys[self.client_id] = (self.client_secret, frozenset(organizations))
        self._catalog = catalog or Catalog.load()
        self._min_sketch = min_sketch
        self._min_wifi_firmware = min_wifi_firmware
        self._now = now
        self.devices = SimulatedDevices(self.state.authority, now)
        self._binaries: dict[str, tuple[str, bytes]] = {}
        self._servers["http"] = LoopbackServer(self._app(), port=port)

    @property
    def account(self) -> dict[str, str | Secret]:
        """The account to sign in with."""
        return {"client_id": self.client_id, "client_secret": self.client_secret}

    def know_board(
        self, uhwid: str, public_key: str | None = None, *, legacy: bool = False
    ) -> None:
        """Make a board known as if it had been registered, or only known from 1.0."""
        self.state.boards[uhwid] = KnownBoard(public_key, legacy)

    def give_binary(self, fqbn: str, filename: str, data: bytes) -> None:
        """Offer a provisioning sketch for a kind of board."""
        self._binaries[fqbn] = (filename, data)

    # --- HTTP ---

    def _app(self) -> Starlette:
        console = "/provisioning/v1"
        return Starlette(
            routes=[
                self._route("POST", "/iot/v1/clients/token", "token", self._token),
                self._route("GET", "/iot/v1/supported/devices", "supported", self._supported),
                self._route("GET", "/iot/v2/binaries/provisioningv2", "binary", self._binary),
                self._route("POST", f"{console}/boards/register", "register", self._register),
                self._route("POST", f"{console}/onboarding/claim", "claim", self._claim),
                self._route("GET", f"{console}/onboarding", "list", self._list),
                self._route("DELETE", f"{console}/onboarding/{{id}}", "unclaim", self._unclaim),
                self._route("POST", f"{console}/onboarding/provision/csr", "csr", self._csr),
                self._route(
                    "POST", f"{console}/onboarding/provision/complete", "complete", self._complete
                ),
                *(self._route(*call) for call in DeviceCalls(self.devices, self._signer).calls),
            ]
        )

    def _route(
        self,
        method: str,
        path: str,
        operation: Operation,
        handle: Callable[[Request], Awaitable[Response]],
    ) -> Route:
        async def answer(request: Request) -> Response | None:
            at = self._now()
            response = await self._with_faults(operation, handle, request)
            status = response.status_code if response is not None else None
            self.record.requests.append(SeenRequest(operation, at, status))
            return response

        return cut_route(method, path, answer, self._cut)

    async def _with_faults(
        self,
        operation: Operation,
        handle: Callable[[Request], Awaitable[Response]],
        request: Request,
    ) -> Response | None:
        """The answer, or None where the connection is to be cut."""
        fault = self.faults.take(operation)
        if fault is None:
            return await self._answer(operation, handle, request)
        await asyncio.sleep(fault.delay_s)
        if fault.drop == "before":
            return None
        if fault.status is not None or fault.err_code is not None:
            return answer_of(operation, fault)
        response = await self._answer(operation, handle, request)
        return None if fault.drop == "after" else response

    async def _answer(
        self,
        operation: Operation,
        handle: Callable[[Request], Awaitable[Response]],
        request: Request,
    ) -> Response:
        try:
            return await handle(request)
        except Refused as refused:
            return refusal(refused.status, refused.err, refused.code)
        except IotRefused as refused:
            code = refused.status.phrase.lower().replace(" ", "_")
            return error_answer(operation, refused.status, code, refused.detail)
        except _Unauthorised:
            text = "token is missing or has ended"
            return error_answer(operation, HTTPStatus.UNAUTHORIZED, "unauthorized", text)
        except WrongBody:
            text = "the body is not valid"
            return error_answer(operation, HTTPStatus.BAD_REQUEST, "invalid_request", text)

    # --- one method per call ---

    async def _token(self, request: Request) -> Response:
        text = (await read_body(request)).decode("ascii", errors="replace")
        form = {name: values[0] for name, values in parse_qs(text).items()}
        expected = {"grant_type": "client_credentials", "audience": AUDIENCE}
        if any(form.get(name) != value for name, value in expected.items()):
            wrong = "grant_type or audience is wrong"
            return error_answer("token", HTTPStatus.BAD_REQUEST, "invalid_request", wrong)
        try:
            token, lifetime_s = self.state.sign_in(
                form.get("client_id", ""),
                form.get("client_secret", ""),
                form.get("organization_id", ""),
            )
        except PermissionError:
            return error_answer("token", HTTPStatus.UNAUTHORIZED, "access_denied", "Unauthorized")
        return JSONResponse(
            {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime_s)}
        )

    async def _supported(self, request: Request) -> Response:
        self._signer(request)
        return JSONResponse(
            [
                {
                    "fqbn": model.fqbn,
                    "label": model.name,
                    "type": model.fqbn.split(":")[2],
                    "vendor": model.fqbn.split(":")[0],
                    "tags": [],
                    "ota_available": True,
                    **(
                        self._minimum(model.min_wifi_firmware)
                        if "2.0" in model.provisioning
                        else {}
                    ),
                }
                for model in self._catalog.models
                if model.fqbn is not None and model.provisioning
            ]
        )

    def _minimum(self, wifi_firmware: str | None) -> dict[str, str]:
        minimum = {"provisioning": "v2"}
        if self._min_sketch is not None:
            minimum["min_provisioning_sketch_version"] = self._min_sketch
        if wifi := self._min_wifi_firmware or wifi_firmware:
            minimum["min_provisioning_wifi_version"] = wifi
        return minimum

    async def _binary(self, request: Request) -> Response:
        self._signer(request)
        fqbn = request.query_params.get("fqbn", "")
        if fqbn not in self._binaries:
            text = "no binary for this board"
            return error_answer("binary", HTTPStatus.NOT_FOUND, "not_found", text)
        filename, data = self._binaries[fqbn]
        return JSONResponse(
            {
                "bin": base64.b64encode(data).decode(),
                "filename": filename,
                "fqbn": fqbn,
                "name": "Provisioning_2.0",
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        )

    async def _register(self, request: Request) -> Response:
        self._signer(request)
        self.state.register(await read_object(request))
        return JSONResponse({})

    async def _claim(self, request: Request) -> Response:
        owner = self._signer(request)
        return JSONResponse({"id": self.state.claim(await read_object(request), owner).id})

    async def _list(self, request: Request) -> Response:
        entries = self.state.of_owner(self._signer(request))
        if request.query_params.get("all") != "true":
            entries = [entry for entry in entries if entry.ended_at is None]
        return JSONResponse({"onboardings": [entry.as_json() for entry in entries]})

    async def _unclaim(self, request: Request) -> Response:
        self.state.unclaim(request.path_params["id"], self._signer(request))
        return JSONResponse({})

    async def _csr(self, request: Request) -> Response:
        token = read_bearer(request)
        body = await read_object(request)
        return PlainTextResponse(self.state.certify(token, str(body.get("csr", ""))).compressed)

    async def _complete(self, request: Request) -> Response:
        token = read_bearer(request)
        await read_object(request)
        self.state.complete(token)
        return JSONResponse({})

    def _signer(self, request: Request) -> Signer:
        signer = self.state.signer(read_bearer(request))
        if signer is None or request.headers.get("x-organization", "") != signer.organization:
            raise _Unauthorised
        return signer


if __name__ == "__main__":
    from agent.simulator.arduino_process import main

    main()
