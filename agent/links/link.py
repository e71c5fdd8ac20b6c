"""The interface of a link: an open connection to a port that carries bytes."""

from __future__ import annotations

from typing import Protocol


class Link(Protocol):
    """A byte pipe to a board. It knows nothing of frames.

    Errors are those of ``agent.errors``: :class:`PortGone` when the board vanished,
    :class:`PortBusy` and :class:`NoPermission` at opening.
    """

    @property
    def address(self) -> str:
        """The port this link is open on."""

    async def write(self, data: bytes) -> None:
        """Hand all of ``data`` to the port with one call; :class:`PortGone` if it vanished."""

    async def receive(self) -> bytes:
        """Wait for at least one byte; :class:`PortGone` when the port vanished or was closed."""

    async def close(self) -> None:
        """Release the port. May be called more than once; never raises."""


class LinkOpener(Protocol):
    """Opens links; the one seam between boards and the operating system."""

    async def __call__(self, address: str, baud: int) -> Link:
        """Open the port ``address``; raises :class:`PortError`."""
