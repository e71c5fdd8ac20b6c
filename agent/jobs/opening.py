"""Starting a session with a board: over its cable or through the air, in what it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import PortGone

if TYPE_CHECKING:
    from agent.boards.board import Board, Service
    from agent.jobs.surroundings import Lease
    from agent.links import Link
    from agent.sessions.ble import Opener
    from agent.sessions.session import Session

BAUD: Final = 9600
"""The rate of every sketch with provisioning 2.0 (protocol-v2, 2). Means nothing in the air."""


async def open_board_session(
    lease: Lease, *, known: bool = False, flashed: bool = False
) -> Session:
    """A session with the board of ``lease``, once it is ready; it closes its link.

    ``known``: the board has spoken before; ``flashed``: its sketch was written just now. Raises
    what the link and the session raise; nothing is left open then.
    """
    if lease.via == "ble":
        return await _open_in_the_air(lease, known=known)
    if lease.board.provisioning.installed == "improv":
        from agent.sessions.improv import BAUD as IMPROV_BAUD
        from agent.sessions.improv import open_improv_session

        return await open_improv_session(await lease.open(IMPROV_BAUD))
    return await open_by_cable(lease, known=known, flashed=flashed)


async def open_by_cable(lease: Lease, *, known: bool = False, flashed: bool = False) -> Session:
    """The same in provisioning 2.0 on the serial port, whatever is known of the board."""
    from agent.sessions.v2 import open_session

    return await open_session(await lease.open(BAUD), known=known, flashed=flashed)


def air_service(board: Board) -> Service | None:
    """What the board advertises that it is provisioned with; None: it is not in the air."""
    return next((port.service for port in board.ports if port.via == "ble"), None)


async def _open_in_the_air(lease: Lease, *, known: bool) -> Session:
    if air_service(lease.board) == "improv":
        from agent.sessions.improv import open_improv_ble_session
        from agent.sessions.improv_wires import IMPROV

        return await open_improv_ble_session(await lease.open_gatt(IMPROV))
    from agent.sessions.ble import open_ble_session

    return await open_ble_session(at_one_address(lambda: lease.open(BAUD)), known=known)


def at_one_address(opener: Opener) -> Opener:
    """``opener`` as long as it leads to the address that it led to first.

    A session makes a lost link again by itself, and sends the settings again. Another address may be
    another device that advertises as this board: :class:`PortGone` ends the session then, and its
    owner reads who is there before it goes on.
    """
    first: str | None = None

    async def open_again() -> Link:
        nonlocal first
        link = await opener()
        first = first or link.address
        if link.address == first:
            return link
        await link.close()
        raise PortGone(port=first)

    return open_again
