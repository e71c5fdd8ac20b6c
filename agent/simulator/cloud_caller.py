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
