"""``tcp://127.0.0.1:PORT``: ports of simulated boards where there are no pseudo-terminals."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.errors import InputError, PortGone
from agent.links.failures import port_error
from agent.links.stream import StreamLink

if TYPE_CHECKING:
    from agent.links.link import Link

SCHEME: Final = "tcp"
CONNECT_LIMIT_S: Final = 2.0
"""On the loopback interface an answer comes within a millisecond."""


async def open_tcp(address: str) -> Link:
    """Connect to ``tcp://127.0.0.1:PORT``; :class:`PortGone` if nobody listens there.

    Addresses of other computers are refused with :class:`InputError`.
    """
    host, port = _loopback(address)
    link = StreamLink(address)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            await loop.create_connection(lambda: link, host, port)
    except TimeoutError:
        raise PortGone(port=address) from None
    except OSError as error:
        raise port_error(error, address) from error
    return link


def _loopback(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    try:
        host, port = parts.hostname or "", parts.port
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        host, port, local = "", None, False
    if parts.scheme != SCHEME or not local or not port or parts.path or parts.query:
        raise InputError(field="port", problem="is not tcp://127.0.0.1:PORT of this computer")
    return host, port
