"""What the HTTP calls of all simulated clouds share: bodies with a limit, and answers that never come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request


def cut_route(
    method: str,
    path: str,
    answer: Callable[[Request], Awaitable[Response | None]],
    cut: Callable[[Any], None],
) -> Route:
    """One call. Where ``answer`` gives None, ``cut`` ends the client's connection.

    ``cut`` gets what ASGI calls the client, and ends its connection without another byte.
    """

    async def endpoint(request: Request) -> Response:
        response = await answer(request)
        if response is not None:
            return response
        cut(request.scope["client"])
        # What is sent before the server has seen the end would still be an answer.
        await wait_gone(request)
        return Response()

    # Starlette adds HEAD to GET.
    return Route(path, endpoint, methods=[method])


async def wait_gone(request: Request) -> None:
    """Wait until the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def read_limited(request: Request, limit: int) -> bytes | None:
    """The whole body; None above the limit, in bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
