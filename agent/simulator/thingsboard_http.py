"""HTTP of the simulated ThingsBoard: the device's interface, and what all of its answers share.

Source: cloud-thingsboard, sections 2, 5 and 6; DeviceApiController, ThingsboardErrorResponseHandler.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response

from agent.simulator.cloud_http import cut_route, read_limited, wait_gone
from agent.simulator.thingsboard_devices import Device, InternalError, TooManyDevicesError
from agent.simulator.thingsboard_requests import (
    NotJsonError,
    UnreadableError,
    read_json,
    read_request,
)
from agent.simulator.thingsboard_users import NotSignedInError
from agent.simulator.thingsboard_values import add_telemetry, attributes_of, set_client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.routing import Route

    from agent.simulator.thingsboard_devices import Json
    from agent.simulator.thingsboard_faults import Fault, Operation
    from agent.simulator.thingsboard_session import Surroundings

BODY_LIMIT: Final = 16 * 1024 * 1024
"""Bytes that the server reads of one request."""
GENERAL, AUTHENTICATION, PERMISSION = 2, 10, 20
BAD_REQUEST, NOT_FOUND, TOO_MANY, ENTITY_LIMIT = 31, 32, 33, 41
_CODES: Final = {
    400: BAD_REQUEST,
    401: AUTHENTICATION,
    403: PERMISSION,
    404: NOT_FOUND,
    405: BAD_REQUEST,
    413: BAD_REQUEST,
    429: TOO_MANY,
}


class Answer(Exception):
    """An error that the server answers in its common form."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        self.status = status
        self.code = _CODES.get(status, GENERAL) if code is None else code
        super().__init__(message)


class PlainAnswer(Exception):
    """An error that the server answers with a text alone."""

    def __init__(self, status: int, text: str = "") -> None:
        self.status = status
        super().__init__(text)


class ProvisionReply(JSONResponse):
    """A refusal has status 200 as well: only the body says what was decided."""

    def __init__(self, reply: dict[str, Any]) -> None:
        super().__init__(reply)
        self.outcome = str(reply["status"])


class Calls:
    """Turns handlers into routes that meet faults and answer errors as the server does."""

    def __init__(self, around: Surroundings, cut: Callable[[Any], None]) -> None:
        """``cut`` ends the connection of an ASGI client without another byte."""
        self.around = around
        self._cut = cut

    def route(
        self,
        method: str,
        path: str,
        operation: Operation,
        handle: Callable[[Request], Awaitable[Response]],
    ) -> Route:
        """One call."""

        async def answer(request: Request) -> Response | None:
            return await self._with_faults(operation, handle, request)

        return cut_route(method, path, answer, self._cut)

    async def _with_faults(
        self,
        operation: Operation,
        handle: Callable[[Request], Awaitable[Response]],
        request: Request,
    ) -> Response | None:
        """The answer, or None where the connection is to be cut."""
        fault = self.around.faults.take(operation, "http")
        if fault is not None and fault.act == "hang":
            self._note(operation, "hang")
            await wait_gone(request)
        if fault is not None and fault.act in {"hang", "close"}:
            self._note(operation, "closed")
            return None
        if fault is not None and fault.act == "status":
            response = self._status(fault)
        else:
            response = await self._answer(handle, request)
        if fault is not None and fault.act == "lose":
            self._note(operation, "closed")
            return None
        if fault is not None and fault.act == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.act == "text":
            response = Response(fault.text, media_type="application/json")
        status = str(response.status_code)
        self._note(operation, response.outcome if isinstance(response, ProvisionReply) else status)
        return response

    async def _answer(
        self, handle: Callable[[Request], Awaitable[Response]], request: Request
    ) -> Response:
        try:
            return await handle(request)
        except Answer as answer:
            return self.error(answer.status, str(answer), answer.code)
        except PlainAnswer as answer:
            return Response(str(answer), answer.status)
        except NotSignedInError as error:
            return self.error(401, str(error), error.code)
        except TooManyDevicesError:
            return self.error(403, "Devices limit reached", ENTITY_LIMIT)
        except InternalError:
            return Response(status_code=500)
        except (NotJsonError, UnreadableError) as error:
            return self.error(500, str(error), GENERAL)
        except ValueError as error:
            return self.error(400, str(error), BAD_REQUEST)

    def error(self, status: int, message: str, code: int) -> Response:
        """An error in the server's common form."""
        moment = int(self.around.now() * 1000)
        body = {"status": status, "message": message, "errorCode": code, "timestamp": moment}
        return JSONResponse(body, status)

    def _status(self, fault: Fault) -> Response:
        text = "Too many requests for current tenant!" if fault.status == 429 else "on request"
        response = Response(status_code=fault.status)
        if fault.text:
            response = self.error(fault.status, text, _CODES.get(fault.status, GENERAL))
        if fault.retry_after is not None:
            response.headers["Retry-After"] = fault.retry_after
        return response

    def _note(self, operation: Operation, outcome: str) -> None:
        self.around.record.add("http", operation, self.around.now(), outcome)


class DeviceCalls:
    """What boards call: provisioning without anything, the rest with their token in the path."""

    def __init__(self, calls: Calls) -> None:
        self._around = calls.around
        self._state = calls.around.state
        mine = "/api/v1/{token}"
        self.routes = [
            calls.route("POST", "/api/v1/provision", "provision", self._provision),
            calls.route("POST", f"{mine}/telemetry", "device", self._telemetry),
            calls.route("POST", f"{mine}/attributes", "device", self._set_attributes),
            calls.route("GET", f"{mine}/attributes", "device", self._attributes),
            calls.route("POST", f"{mine}/claim", "device", self._claim),
        ]

    async def _provision(self, request: Request) -> Response:
        return ProvisionReply(self._state.provision(read_request(await read_body(request))))

    async def _telemetry(self, request: Request) -> Response:
        with _as_text():
            add_telemetry(self._device(request), await read_json_body(request), self._around.now())
        return Response()

    async def _set_attributes(self, request: Request) -> Response:
        with _as_text():
            set_client(self._device(request), await read_json_body(request))
        return Response()

    async def _attributes(self, request: Request) -> Response:
        device = self._device(request)
        client, shared = (
            [name for name in request.query_params.get(field, "").split(",") if name] or None
            for field in ("clientKeys", "sharedKeys")
        )
        return JSONResponse(attributes_of(device, client, shared))

    async def _claim(self, request: Request) -> Response:
        self._device(request)
        return Response()

    def _device(self, request: Request) -> Device:
        device = self._state.by_token(request.path_params["token"])
        if device is None:
            raise PlainAnswer(401)
        self._state.seen(device)
        return device


@contextlib.contextmanager
def _as_text() -> Iterator[None]:
    """Behind the token, what is no JSON is told without the common form."""
    try:
        yield
    except NotJsonError as error:
        raise PlainAnswer(500, str(error)) from None


async def read_body(request: Request) -> bytes:
    """The whole body; 413 above the limit."""
    body = await read_limited(request, BODY_LIMIT)
    if body is None:
        raise Answer(413, "Payload size exceeds the limit")
    return body


async def read_json_body(request: Request) -> Json:
    """The body as JSON; :class:`NotJsonError`."""
    return read_json(await read_body(request))
