"""Tries a token out as a newer board does: a login over MQTT, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Final

from agent.clouds.failures import said_of, system_error
from agent.errors import Unreachable
from agent.protocols.blynk.mqtt_login import LoggedIn, Login, NotNow, TokenRefused
from agent.settings import clean_text

if TYPE_CHECKING:
    import ssl

    from agent.protocols.blynk.mqtt_login import Outcome
    from agent.settings import Secret

CONNECT_LIMIT_S: Final = 10.0
"""Name, TCP and TLS."""
ANSWER_LIMIT_S: Final = 10.0
"""For the server's decision."""
READ_BYTES: Final = 4096


async def token_works(
    host: str, port: int, token: Secret, *, title: str, tls: ssl.SSLContext | None
) -> bool:
    """Whether the server lets a board with this token in; raises :class:`Unreachable`.

    To the server this looks like the board, and it ends the board's own connection: not while the
    board runs.
    """
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    except (OSError, TimeoutError) as error:
        reason = said_of(system_error(error)) or type(error).__name__
        detail = clean_text(f"No connection to {host}:{port} over MQTT: {reason}.")
        raise Unreachable(cloud=title, detail=detail, sent=False) from error
    try:
        outcome = await _decide(reader, writer, token)
    finally:
        writer.transport.abort()
    match outcome:
        case LoggedIn():
            return True
        case TokenRefused():
            return False
        case NotNow(detail=detail):
            raise Unreachable(cloud=title, detail=detail, sent=True)


async def _decide(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: Secret
) -> Outcome:
    login = Login(token, f"mooring-{secrets.token_hex(6)}")
    outcome: Outcome | None = None
    try:
        writer.write(login.hello())
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while outcome is None:
                data = await reader.read(READ_BYTES)
                outcome = login.feed(data) if data else login.closed()
    except TimeoutError:
        return NotNow(
            f"It lets connect over MQTT, but decides nothing within {ANSWER_LIMIT_S:g} s."
        )
    except OSError:
        return login.closed()
    with contextlib.suppress(OSError):
        writer.write(b"\xe0\x00")  # DISCONNECT, so that it is no lost board
    return outcome
