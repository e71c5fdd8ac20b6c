"""What is kept of a row of a batch, what happens to it, and what is to be done: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from agent.errors import ErrorReport

if TYPE_CHECKING:
    from agent.boards.board import Board
    from agent.jobs.batch_row import Row
    from agent.jobs.job import Job

RowState: TypeAlias = Literal["begun", "done", "failed"]


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row that was begun; no secret is in it."""

    n: int
    state: RowState = "begun"
    board: str = ""
    """Empty: it needs none."""
    socket: str = ""
    by_place: bool = False
    """The board has nothing but its socket to be known by."""
    job: str = ""
    """Empty: it is not known whether there is one."""
    since: float = 0.0
    """When the job was about to be started (Unix seconds)."""
    ended_at: float = 0.0
    device: str = ""
    hardware_id: str = ""
    link: str = ""
    seconds: float | None = None
    error: ErrorReport | None = None
    notes: list[str] = []
    files: list[str] = []
    """Made for the sketch, on this computer."""


# What happens ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BoardsSeen:
    """All boards that are there now."""

    boards: tuple[Board, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """The job of a row runs."""

    n: int
    job: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No job was started, and nothing was sent."""

    n: int
    error: ErrorReport


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of the job of an earlier run; None: there was none."""

    n: int
    job: Job | None


@dataclass(frozen=True, slots=True)
class JobMoved:
    """The job of a row, as it is now."""

    n: int
    job: Job


@dataclass(frozen=True, slots=True)
class FilesSaved:
    """The files that a job made are on this computer; or why not."""

    n: int
    files: tuple[str, ...] = ()
    error: ErrorReport | None = None
    gone: bool = False
    """The agent has them no more: it was started anew."""


@dataclass(frozen=True, slots=True)
class Woken:
    """The time of :class:`Wake` is there."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """No further board is begun."""


Happening: TypeAlias = (
    BoardsSeen | Started | Refused | Looked | JobMoved | FilesSaved | Woken | Stopped
)

# What is to be done ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """Write ``kept`` down, then start the job: answered with Started or Refused."""

    row: Row
    kept: Kept
    request: dict[str, Any]
    """Without network and file, which the row names."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Write down."""

    kept: Kept


@dataclass(frozen=True, slots=True)
class LookFor:
    """Find the job that an earlier run may have started: answered with Looked."""

    row: Row
    kept: Kept


@dataclass(frozen=True, slots=True)
class SaveFiles:
    """Fetch the files that the job made: answered with FilesSaved."""

    kept: Kept
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conclude:
    """The row has ended: write down, into the list of results, and tell."""

    row: Row
    kept: Kept


@dataclass(frozen=True, slots=True)
class Forget:
    """The row waits for a board again; nothing is written down of it any more."""

    n: int


@dataclass(frozen=True, slots=True)
class Wake:
    """Send Woken after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more will happen."""


Doing: TypeAlias = Begin | Keep | LookFor | SaveFiles | Conclude | Forget | Wake | Over
