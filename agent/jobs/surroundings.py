"""What jobs stand on, as interfaces: boards with their leases, sessions, time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.clouds.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from agent.boards.board import Board, BoardChanges
    from agent.clouds.cloud import Cloud
    from agent.jobs.journal import Journal
    from agent.links import Link
    from agent.sessions.session import Session

__all__ = ["Boards", "Clock", "Lease", "SessionOpener", "Surroundings"]


class Lease(Protocol):
    """The right to use a board; links opened through it are closed with it."""

    async def open(self, baud: int) -> Link:
        """Open the board's port; raises :class:`agent.errors.PortError`."""


class Boards(Protocol):
    """The boards of this computer (``agent.boards.service``)."""

    def find(self, query: str) -> Board:
        """The one board that is meant; UnknownBoard or AmbiguousBoard."""

    def subscribe(self, callback: Callable[[BoardChanges], None]) -> Callable[[], None]:
        """Call ``callback`` after each change; the result ends that."""

    def lease(self, board_id: str, holder: str) -> AbstractAsyncContextManager[Lease]:
        """Use the board alone; PortBusy names the holder."""

    def learn(
        self,
        board_id: str,
        *,
        name: str | None = None,
        uhwid: str | None = None,
        installed: str | None = None,
    ) -> None:
        """Take over what a job found out."""

    async def wait_back(self, board_id: str, timeout_s: float) -> Board:
        """The board once it is there again; PortGone after ``timeout_s``."""


class SessionOpener(Protocol):
    """Starts a session on a link, which belongs to the session from then on."""

    async def __call__(self, link: Link, *, known: bool = False) -> Session:
        """The session once it is ready; ``known``: the board has spoken before."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that procedures act on."""

    boards: Boards
    open_session: SessionOpener
    """``agent.sessions.v2.open_session``."""
    clouds: Mapping[str, Cloud]
    journal: Journal
    clock: Clock = field(default_factory=SystemClock)
