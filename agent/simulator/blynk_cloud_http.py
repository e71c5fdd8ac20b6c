"""What all HTTP answers of the simulated Blynk.Cloud share: faults, errors, the limit of requests."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import JSONResponse, Response

from agent.simulator.cloud_http import cut_route, read_limited, wait_gone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import Route

    from agent.simulator.blynk_cloud_faults import Fault, Faults, Operation, Record

BODY_LIMIT: Final = 1024 * 1024
RATE_PER_MIN: Final = 10_000
"""Requests of an organisation."""
MINUTE_S: Final = 60.0


class Answer(Exception):
    """An error in the common form."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Surroundings:
    """What every part of the server needs."""

    def __init__(
        self,
        faults: Faults,
        record: Record,
        now: Callable[[], float],
        cut: Callable[[Any], None],
    ) -> None:
        """``cut`` ends the connection of an ASGI client without another byte."""
        self.faults = faults
        self.record = record
        self.now = now
        self.rate_per_min = RATE_PER_MIN
        self._cut = cut
        self._seen: deque[float] = deque()

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

        # GET brings HEAD along, which the real one does not mind either.
        return cut_route(method, path, answer, self._cut)

    async def _with_faults(
        self,
        operation: Operation,
        handle: Callable[[Request], Awaitable[Response]],
        request: Request,
    ) -> Response | None:
        """The answer, or None where the connection is to be cut."""
        what = f"{request.method} {request.url.path}"
        fault = self.faults.take(operation, request.url.path)
        act = fault.act if fault is not None else ""
        if act in {"hang", "close"}:
            self.record.add(operation, what, "hang" if act == "hang" else "closed")
            if act == "hang":
                await wait_gone(request)
            return None
        if fault is not None and act == "status":
            response = _status(fault)
        else:
            response = await self._answer(handle, request)
        if act == "lose":
            self.record.add(operation, what, "closed")
            return None
        if fault is not None and act == "text":
            response = Response(fault.text, media_type="application/json")
        self.record.add(operation, what, str(response.status_code))
        return response

    async def _answer(
        self, handle: Callable[[Request], Awaitable[Response]], request: Request
    ) -> Response:
        try:
            self._count()
            return await handle(request)
        except Answer as answer:
            return error_response(answer.status, str(answer))

    def _count(self) -> None:
        now = self.now()
        while self._seen and self._seen[0] <= now - MINUTE_S:
            self._seen.popleft()
        if len(self._seen) >= self.rate_per_min:
            raise Answer(429, "Too many requests.")
        self._seen.append(now)


def error_response(status: int, message: str) -> Response:
    """An error in the common form."""
    return JSONResponse({"error": {"message": message}}, status)


async def read_json(request: Request) -> dict[str, Any]:
    """The body as an object; 400 else."""
    body = await read_limited(request, BODY_LIMIT)
    if body is None:
        raise Answer(413, "Body is too large.")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Answer(400, "Body is not valid.") from None


def _status(fault: Fault) -> Response:
    response = error_response(fault.status, "Simulated fault.")
    if fault.retry_after is not None:
        response.headers["Retry-After"] = fault.retry_after
    return response
