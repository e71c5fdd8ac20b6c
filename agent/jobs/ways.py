"""The deliveries that boards answer to, and how each is opened on the lease of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.jobs.surroundings import DeliveryOpener, Lease
    from agent.sessions.delivery import Delivery, DeliveryKind


async def open_console_way(lease: Lease) -> Delivery:
    """The serial console of a sketch."""
    from agent.sessions.console import BAUD, open_console

    return await open_console(await lease.open(BAUD))


async def open_repl_way(lease: Lease) -> Delivery:
    """A file on a board with MicroPython or CircuitPython; its program is stopped meanwhile."""
    from agent.sessions.repl import BAUD, open_repl

    return await open_repl(await lease.open(BAUD))


WAYS: Final[dict[DeliveryKind, DeliveryOpener]] = {
    "console": open_console_way,
    "repl": open_repl_way,
}
"""The one that changes the least first."""
