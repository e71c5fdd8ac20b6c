"""Makes the calls that a board makes at its cloud, over plain sockets: no proxy is ever used."""

from __future__ import annotations

import asyncio
import http.client
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 5.0
"""As the firmware waits for an answer (CSRHandler)."""
ANSWER_BYTES: Final = 64 * 1024
"""A certificate answer is some 250 bytes."""


async def post(base: str, path: str, body: bytes, token: str) -> tuple[int | None, bytes]:
    """Status and body of the answer; status None if there was none."""
    return await asyncio.to_thread(_post, base, path, body, token)


async def post_patiently(
    base: str, path: str, body: bytes, token: str, limit_s: float
) -> tuple[int | None, bytes]:
    """The same for an answer that may take long: no thread waits, and whoever stops stops at once."""
    try:
        async with asyncio.timeout(limit_s):
            return await _exchange(base, path, body, token)
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None, b""


async def _exchange(base: str, path: str, body: bytes, token: str) -> tuple[int, bytes]:
    parts = urlsplit(base)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure or None)
    try:
        head = (
            f"POST {parts.path.rstrip('/')}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        said = b""
        while len(said) < ANSWER_BYTES and (more := await reader.read(ANSWER_BYTES)):
            said += more
        return int(answer.split(None, 2)[1]), said
    finally:
        writer.close()


def _post(base: str, path: str, body: bytes, token: str) -> tuple[int | None, bytes]:
    parts = urlsplit(base)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    headers = {
        "Authorization": f"Bearer {token}",
        "Connection": "close",
        "Content-Type": "application/json;charset=UTF-8",
    }
    try:
        connection.request("POST", parts.path.rstrip("/") + path, body, headers)
        response = connection.getresponse()
        return response.status, response.read(ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return None, b""
    finally:
        connection.close()
