"""Opens the right kind of link for an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.links.serial import check_baud, open_serial
from agent.links.tcp import open_tcp

if TYPE_CHECKING:
    from agent.links.link import Link


async def open_link(address: str, baud: int) -> Link:
    """A link to ``address``: ``tcp://127.0.0.1:PORT``, else a serial port at ``baud``.

    Raises :class:`agent.errors.PortError`, or :class:`agent.errors.InputError` for an address or
    a rate that must not be used.
    """
    check_baud(baud)
    if address.startswith("tcp://"):
        return await open_tcp(address)
    return await open_serial(address, baud)
