"""Performs the requests of ``improv_effects.py`` with the session that is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from agent.errors import NotSupported
from agent.jobs.improv_effects import ImprovRequest, ShowWhich, WaitAuthorised

if TYPE_CHECKING:
    from agent.sessions.session import Session


@runtime_checkable
class ImprovCalls(Protocol):
    """What a session of Improv Wi-Fi has beyond others (:mod:`agent.sessions.improv`)."""

    async def identify(self) -> None:
        """Blink; :class:`NotSupported` from a device that cannot."""

    async def wait_authorised(self) -> None:
        """Return when the device takes settings."""


async def perform_improv(request: ImprovRequest, session: Session) -> None:
    """Carry ``request`` out; :class:`NotSupported` if the board speaks another protocol."""
    if not isinstance(session, ImprovCalls):
        raise NotSupported(
            model="This board",
            what="do this",
            why="It is a command of Improv Wi-Fi, which this board does not speak.",
            action="Use what provisioning offers for this board.",
        )
    match request:
        case WaitAuthorised():
            await session.wait_authorised()
        case ShowWhich():
            await session.identify()
