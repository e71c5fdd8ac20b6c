"""What machines want done (effects) and what happens to them (events), as values.

*Requests* are answered with :class:`Done` or :class:`Failed`; all other effects are reports that
are not answered. ``runner.py`` performs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from agent.jobs.job import JobState, Question, StepState

if TYPE_CHECKING:
    from agent.clouds.cloud import ClaimRequest
    from agent.errors import ErrorReport, MooringError
    from agent.flash.method import Stage
    from agent.settings import Secret
    from agent.settings.network import NetworkSetting


# --- effects ---------------------------------------------------------------------------------


class Effect:
    """What a machine wants done."""

    __slots__ = ()


class Request(Effect):
    """An effect that is answered with :class:`Done` or :class:`Failed`."""

    __slots__ = ()

    let_go_s: ClassVar[float] = 2.0
    """How long it may take to let go once abandoned; most only have to notice that."""


class Make(Request):
    """Make something in a cloud: a claim or a device. A lost answer is not repeated."""

    __slots__ = ()


class Look(Request):
    """List what the cloud has of a board."""

    __slots__ = ()


class TakeBack(Request):
    """Undo a :class:`Make`; what is gone already is not an error."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OpenSession(Request):
    """Open the board's port and start a session. Value: None."""

    known: bool = False
    """The board spoke provisioning 2.0 in this job already: more patience with its silence."""
    flashed: bool = False
    """The sketch was written just now: its first start takes longer."""


@dataclass(frozen=True, slots=True)
class CloseSession(Request):
    """End the session if there is one. Value: None."""


@dataclass(frozen=True, slots=True)
class ReadBoard(Request):
    """Value: :class:`agent.sessions.session.BoardFacts`."""


@dataclass(frozen=True, slots=True)
class Scan(Request):
    """Value: list of :class:`agent.sessions.session.NetworkOption`."""


@dataclass(frozen=True, slots=True)
class ReadIdentity(Request):
    """Value: :class:`agent.sessions.session.BoardIdentity` with a token signed at ``now``."""

    now: int


@dataclass(frozen=True, slots=True)
class ResetBoard(Request):
    """Wipe network settings and cloud identity of the board. Value: None."""


@dataclass(frozen=True, slots=True)
class Configure(Request):
    """Send the settings and join. Value: where a person goes on with a device that says so."""

    settings: NetworkSetting


@dataclass(frozen=True, slots=True)
class WaitEnded(Request):
    """Done when the board itself ends the session. Value: None."""


@dataclass(frozen=True, slots=True)
class WaitBoardBack(Request):
    """Done when the board is there again. Value: None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WaitRestart(Request):
    """Done when the board vanished and is there again. Value: None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CloudRequirements(Request):
    """Value: :class:`agent.clouds.cloud.Requirements`."""

    fqbn: str


@dataclass(frozen=True, slots=True)
class ClaimBoard(Make):
    """Value: id of the claim."""

    claim: ClaimRequest


@dataclass(frozen=True, slots=True)
class FindClaims(Look):
    """Value: list of :class:`agent.clouds.cloud.Claim`."""

    uhwid: str


@dataclass(frozen=True, slots=True)
class Unclaim(TakeBack):
    """Value: None."""

    claim: str


@dataclass(frozen=True, slots=True)
class SettleLeftovers(Request):
    """Undo the claims and devices that earlier jobs could not undo for this board.

    Value: ids of those that the journal knows from the time that matters for a lost answer.
    """

    uhwid: str = ""
    """Empty where the board does not tell it."""


@dataclass(frozen=True, slots=True)
class Abandon(Effect):
    """The answer to ``request`` is no longer wanted; none is delivered."""

    request: Request


@dataclass(frozen=True, slots=True)
class Timer(Effect):
    """Deliver ``TimerFired(id)`` after ``seconds``; replaces a timer of the same id."""

    id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer(Effect):
    """Forget the timer ``id``."""

    id: str


@dataclass(frozen=True, slots=True)
class Ask(Effect):
    """Put a question to the person; the answer arrives as :class:`Answered`."""

    question: Question


@dataclass(frozen=True, slots=True)
class Withdraw(Effect):
    """The question is answered or has become pointless."""


@dataclass(frozen=True, slots=True)
class StepStart(Effect):
    """A step begins, or begins again under this name."""

    id: str
    name: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class StepProgress(Effect):
    """How far a step is (0 to 1, None if unknown), and one line about it."""

    id: str
    progress: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class StepEnd(Effect):
    """A step is over."""

    id: str
    state: StepState = StepState.DONE
    message: str = ""


@dataclass(frozen=True, slots=True)
class Record(Effect):
    """Write a fact to the journal; what follows in the list waits until it is safe on disk."""

    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Learn(Effect):
    """Tell the list of boards what was found out about this one; an empty text clears."""

    name: str | None = None
    uhwid: str | None = None
    installed: str | None = None
    ble_address: str | None = None
    ble_off: bool = False
    """It has switched its Bluetooth off."""


@dataclass(frozen=True, slots=True)
class Finish(Effect):
    """The end, once. ``result`` for done, ``error`` for failed."""

    state: JobState
    result: dict[str, Any] | None = None
    error: ErrorReport | None = None


# --- events ----------------------------------------------------------------------------------


class Event:
    """What happened to a machine."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Entered(Event):
    """The state was entered just now."""


@dataclass(frozen=True, slots=True)
class Done(Event):
    """A request succeeded."""

    request: Request
    value: Any = None


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """A request failed."""

    request: Request
    error: MooringError


@dataclass(frozen=True, slots=True)
class Advanced(Event):
    """A request that takes long is ``done`` of ``total`` through a part of it (total 0: unknown)."""

    request: Request
    stage: Stage
    done: int
    total: int
    message: str = ""
    """What it waits for, where it says that."""


@dataclass(frozen=True, slots=True)
class TimerFired(Event):
    """A timer ran out."""

    id: str


@dataclass(frozen=True, slots=True)
class LimitReached(Event):
    """The state lasted as long as it may."""


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """The person chose ``action`` of the open question; the service has checked the values."""

    action: str
    password: Secret | None = None
    network: NetworkSetting | None = None
    choice: str | None = None
    text: str | None = None
    """The name that was typed."""
    token: Secret | None = None
    """What was pasted in the place of a token."""


@dataclass(frozen=True, slots=True)
class Cancelled(Event):
    """Somebody wants the job to stop; ``interrupted``: because the agent ends."""

    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class SessionLost(Event):
    """The board vanished while no request to it was running."""

    error: MooringError
