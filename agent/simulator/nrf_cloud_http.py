"""HTTP of the simulated nRF Cloud: what all of its calls share.

Keys and roles, a body's limit, errors as ``{"message": …}``, faults on request, and a limit of
requests if one is asked for. Source: cloud-nrf, sections 1 and 8.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import JSONResponse, Response

from agent.simulator.cloud_http import cut_route, read_limited, wait_gone
from agent.simulator.nrf_cloud_commands import TooLarge, WrongCommand
from agent.simulator.nrf_cloud_state import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import Route

    from agent.simulator.nrf_cloud_faults import Fault, Faults, Operation, Record
    from agent.simulator.nrf_cloud_state import Key, NrfCloudState

BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes; a thousand rows with certificates have one megabyte."""
WINDOW_S: Final = 1.0
PAGE: Final = 100
"""Of lists; that of claims is not published."""


class Around:
    """What the calls have in common."""

    def __init__(
        self,
        state: NrfCloudState,
        faults: Faults,
        record: Record,
        now: Callable[[], float],
        cut: Callable[[Any], None],
    ) -> None:
        """``cut`` ends the connection of an ASGI client without another byte."""
        self.state = state
        self.faults = faults
        self.record = record
        self.now = now
        self.cut = cut
        self.rate_per_s: int | None = None
        """More requests than these within a second of the clock are answered 429."""
        self._seen: deque[float] = deque()

    def too_fast(self) -> bool:
        """Whether this request is one too many."""
        now = self.now()
        while self._seen and self._seen[0] <= now - WINDOW_S:
            self._seen.popleft()
        self._seen.append(now)
        return self.rate_per_s is not None and len(self._seen) > self.rate_per_s

    def route(
        self,
        method: str,
        path: str,
        operation: Operation,
        handle: Callable[[Request], Awaitable[Response]],
    ) -> Route:
        """One call."""

        async def answer(request: Request) -> Response | None:
            response = await self._with_faults(operation, handle, request)
            status = response.status_code if response is not None else 0
            self.record.add(operation, method, self.now(), status)
            return response

        return cut_route(method, path, answer, self.cut)

    def key(self, request: Request, *, writes: bool) -> Key:
        """Who asks; :class:`Refused` for nobody, and for a viewer who would change something."""
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        key = self.state.key(bearer) if kind == "Bearer" else None
        if key is None:
            raise Refused(401, "Unauthorized")
        if writes and key.role == "viewer":
            raise Refused(403, "User does not have the required role")
        return key

    async def _with_faults(
        self,
        operation: Operation,
        handle: Callable[[Request], Awaitable[Response]],
        request: Request,
    ) -> Response | None:
        """The answer, or None where the connection is to be cut."""
        fault = self.faults.take(operation)
        if fault is not None and fault.act == "hang":
            await wait_gone(request)
        if fault is not None and fault.act in {"hang", "close"}:
            return None
        if fault is not None and fault.act == "status":
            return _status(fault)
        if self.too_fast():
            return error(429, "Too many requests", {"Retry-After": "1"})
        response = await _answer(handle, request)
        if fault is None:
            return response
        if fault.act == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.act == "text":
            return Response(fault.text, response.status_code, media_type="application/json")
        return None if fault.act == "lose" else response


async def read_body(request: Request) -> bytes:
    """The whole body; :class:`Refused` above the limit."""
    body = await read_limited(request, BODY_LIMIT)
    if body is None:
        raise Refused(413, "Payload too large")
    return body


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; :class:`Refused` if it is none."""
    try:
        return msgspec.json.decode(await read_body(request), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "Invalid request body") from None


def page(request: Request, items: list[dict[str, Any]]) -> Response:
    """A part of a list, as long as ``pageLimit`` wants it, and what to ask for the next one with."""
    at = _number(request, "pageNextToken", 0)
    size = min(max(_number(request, "pageLimit", PAGE), 1), PAGE)
    answer: dict[str, Any] = {"items": items[at : at + size], "total": len(items)}
    if at + size < len(items):
        answer["pageNextToken"] = str(at + size)
    return JSONResponse(answer)


def _number(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else usual


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error as the service words it."""
    return JSONResponse({"message": message}, status, headers=headers)


async def _answer(handle: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    try:
        return await handle(request)
    except Refused as refused:
        return error(refused.status, str(refused))
    except TooLarge as wrong:
        return error(413, str(wrong))
    except WrongCommand as wrong:
        return error(422, str(wrong))


def _status(fault: Fault) -> Response:
    headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else None
    message = fault.text if fault.text != "{" else "refused on request"
    return error(fault.status, message, headers)
