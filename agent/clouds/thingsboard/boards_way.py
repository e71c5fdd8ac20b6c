"""Whether somebody listens where boards are to connect; asked when an account is entered."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from agent.clouds.failures import said_of
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.clouds.thingsboard.addresses import Server

LOOK_S: Final = 4.0
"""For name and connection together: a person waits, and it is a hint only."""
DATAGRAMS: Final = ("coap", "coaps")


async def boards_warning(server: Server) -> str:
    """What to see to; empty: somebody listens there, or it cannot be told from here.

    Never a refusal: boards may be in another network than this computer, which may have no way
    there but a proxy.
    """
    why = await _why_not(server)
    if not why:
        return ""
    return (
        f"Boards are told to connect to {clean_text(server.url)}, and from this computer nobody "
        f"answers there: {why}. If boards are in another network, that may be as it should be; else "
        "enter the account again with the right “Server for boards” (board_server)."
    )


async def _why_not(server: Server) -> str:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOK_S):
            if server.scheme in DATAGRAMS:
                await loop.getaddrinfo(server.host, server.port)
                return ""
            _, writer = await asyncio.open_connection(server.host, server.port)
    except TimeoutError:
        return f"no answer within {LOOK_S:g} s"
    except OSError as error:
        said = said_of(error)
        return f"{said[:1].lower()}{said[1:]}" or type(error).__name__
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return ""
