"""The modem of an nRF91 board for one short piece of work, with a lease of its own.

What it gives is an attestation token or the store of credentials, for own pages and programs alone.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from agent.sessions.nrf import BAUD, open_first

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.boards.board import Board
    from agent.bridge.services import Boards
    from agent.sessions.nrf import NrfSession


class Modem(NamedTuple):
    """A board and the session on that of its ports which answered."""

    board: Board
    session: NrfSession


@asynccontextmanager
async def open_modem(boards: Boards, query: str, holder: str) -> AsyncIterator[Modem]:
    """Hold the board while the block lasts; ``holder`` is what others are told meanwhile.

    A pause of the agent waits for it: it takes seconds, and a store is not left half written.
    Raises what the list of boards, the port or :func:`agent.sessions.nrf.open_first` raises.
    """
    found = boards.find(query)
    async with boards.lease(found.id, holder, via="usb") as lease:
        session = await open_first(await lease.open_all(BAUD))
        try:
            yield Modem(lease.board, session)
        finally:
            await session.close()
