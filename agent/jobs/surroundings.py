"""What jobs stand on, as interfaces: boards with their leases, sessions, time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.clouds.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from agent.boards.board import Board, BoardChanges, Port
    from agent.catalog import Model
    from agent.clouds.cloud import Cloud
    from agent.flash.fetch import Obtained
    from agent.flash.method import Flasher
    from agent.flash.sketch import SketchKind
    from agent.jobs.journal import Journal
    from agent.links import Link, LinkOpener
    from agent.sessions.session import Session

__all__ = ["Boards", "Clock", "Lease", "SessionOpener", "Surroundings"]


class Lease(Protocol):
    """The right to use a board; links opened through it are closed with it."""

    @property
    def board(self) -> Board:
        """The board as it is now."""

    async def open(self, baud: int) -> Link:
        """Open the board's port; raises :class:`agent.errors.PortError`."""

    async def touch(self) -> None:
        """Tell the sketch to restart into the bootloader; nothing may open the port after it."""

    async def expect_loader(self) -> None:
        """The sketch is told in another way; the link is closed."""


class Boards(Protocol):
    """The boards of this computer (``agent.boards.service``)."""

    def find(self, query: str) -> Board:
        """The one board that is meant; UnknownBoard or AmbiguousBoard."""

    def list(self) -> list[Board]:
        """All boards that are there or expected back."""

    def adopt(self, board_id: str, port: Port) -> None:
        """A job has found out that this port is that board, whatever its ids say."""

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

    async def __call__(self, link: Link, *, known: bool = False, flashed: bool = False) -> Session:
        """The session once it is ready.

        ``known``: the board has spoken before; ``flashed``: its sketch was written just now.
        """


class Flashers(Protocol):
    """The way to write a sketch to each model (``agent.flash.flashers``)."""

    async def of(self, model: Model, open_link: LinkOpener) -> Flasher:
        """Raises :class:`agent.errors.ToolMissing`."""


class Sketches(Protocol):
    """Where sketches come from (``agent.flash.fetch``); see there for what is raised."""

    async def obtain(self, fqbn: str, kind: SketchKind, *, name: str = "") -> Obtained:
        """The newest of this kind for a board."""

    async def take(self, wanted: str, fqbn: str, *, name: str, override: bool = False) -> Obtained:
        """One of the store by its id or name."""

    async def keep(self, name: str, data: bytes, fqbn: str, *, source: str = "") -> Obtained:
        """A file that is to be written; ``source`` is its address."""

    async def download(self, url: str) -> tuple[str, bytes]:
        """Name and content of the file at an address."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that procedures act on."""

    boards: Boards
    open_session: SessionOpener
    """``agent.sessions.v2.open_session``."""
    clouds: Mapping[str, Cloud]
    journal: Journal
    flashers: Flashers
    sketches: Sketches
    clock: Clock = field(default_factory=SystemClock)
