"""One HTTP request and its answer, on ASGI: a body with a bound and a limit of time, no framework."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from agent.compat.answer import TEXT, Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

BODY_S: Final = 30.0
"""For a whole body: 100 MB over the loopback interface take a second, on a busy machine ten."""
TOO_LARGE: Final = Answer(413, b"The request is too large.", TEXT)
TOO_SLOW: Final = Answer(408, b"The request did not arrive.", TEXT)
QUERY_FIELDS: Final = 20
"""The client sends five."""


async def read_body(receive: Receive, limit: int, limit_s: float = BODY_S) -> bytes | None:
    """The body, or as much of a larger one as makes it one byte too large; None: the peer left.

    Raises TimeoutError.
    """
    body = bytearray()
    async with asyncio.timeout(limit_s):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > limit:
                return bytes(body[: limit + 1])
            if not message.get("more_body", False):
                return bytes(body)


async def until_gone(receive: Receive) -> None:
    """Return when the peer has left; its body was read before."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_answer(
    send: Send, answer: Answer, headers: Iterable[tuple[bytes, bytes]] = (), *, close: bool = False
) -> None:
    """Send it; ``close``: what was not read of the request is not waited for."""
    lines = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *headers,
    ]
    if close:
        lines.append((b"connection", b"close"))
    if answer.status == 204:
        del lines[:2]
    with contextlib.suppress(OSError):
        await send({"type": "http.response.start", "status": answer.status, "headers": lines})
        await send({"type": "http.response.body", "body": answer.body})


async def deny(send: Send, answer: Answer, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Refuse a WebSocket before it opens, with an answer of HTTP."""
    lines = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *headers,
    ]
    with contextlib.suppress(OSError):
        start = {"type": "websocket.http.response.start", "status": answer.status, "headers": lines}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": answer.body})


def query_of(scope: Scope) -> dict[str, str]:
    """The query; a field that stands there twice counts as it stands first. Empty if it is none."""
    text = scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))
