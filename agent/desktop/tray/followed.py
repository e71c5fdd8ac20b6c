"""What the tray follows and acts on, as interfaces: the agent as seen from beside the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.settings.held import Held
from agent.settings.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.boards.board import Board, BoardChanges
    from agent.boards.pause import PauseState
    from agent.desktop.tray.asking import Asking
    from agent.desktop.tray.item import Decision
    from agent.jobs.job import Job, JobChange
    from agent.settings.notices import Update


class Boards(Protocol):
    """The list of boards."""

    def list(self) -> list[Board]:
        """All boards now."""

    def subscribe(self, callback: Callable[[BoardChanges], None]) -> Callable[[], None]:
        """Call ``callback`` at each change; returns what ends it."""


class Jobs(Protocol):
    """Jobs."""

    async def list(self, limit: int) -> list[Job]:
        """Newest first."""

    async def cancel(self, job: str) -> None:
        """Ask the job to stop."""

    def subscribe(self, callback: Callable[[JobChange], None]) -> Callable[[], None]:
        """Call ``callback`` at each change; returns what ends it."""


class Pause(Protocol):
    """The switch with which the agent lets go of every board."""

    @property
    def state(self) -> PauseState:
        """The state of now."""

    async def begin(self) -> None:
        """Let go."""

    def end(self) -> None:
        """Use boards again."""

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` at each change; returns what ends it."""


class Consent(Protocol):
    """Pages that ask whether they may use the agent."""

    @property
    def asking(self) -> Sequence[Asking]:
        """The open questions, oldest first."""

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` at each change; returns what ends it."""


class AtLogin(Protocol):
    """Whether the agent starts at login. The calls may take a moment, and run in a thread."""

    def is_on(self) -> bool | None:
        """What the system will really do; None: that cannot be said or changed here."""

    def set(self, on: bool) -> None:
        """Have the system do so; raises :class:`MooringError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One agent."""

    boards: Boards
    jobs: Jobs
    page: str
    """The address of its page."""
    open_page: Callable[[str], object]
    """Opens an address in the person's browser; may block, even for good, and runs in a thread."""
    quit_agent: Callable[[], None]
    title: str = "Mooring"
    """What it is called in its menu; a demo beside the real one needs another name."""
    notices: Notices = field(default_factory=Notices)
    """What is wrong with the agent itself."""
    update: Held[Update | None] = field(default_factory=lambda: Held(None))
    """A newer version, once one is known."""
    pause: Pause | None = None
    consent: Consent | None = None
    answer: Callable[[str, Decision], None] = lambda _ask, _decision: None
    """Answer a question of ``consent`` by its id; raises :class:`MooringError`."""
    at_login: AtLogin | None = None
    tells: Callable[[], bool] = lambda: True
    """Whether the person wants notifications (``desktop.notifications`` in the settings)."""
    is_seen: Callable[[], bool] = lambda: False
    """Whether a page of the agent is before the person's eyes, which says the same."""
