"""The way into a board's access point and back, as a machine: events in, effects out.

Whatever happens, it ends at home, or stranded: then the person is told and the way back stays on
the disk for the next start. Nothing is changed before the way back is on the disk, and it is
forgotten only after the computer is back. No I/O, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

from agent.errors import MooringError, WifiNotBack
from agent.links.access_point_wifi import WayBack, choose

if TYPE_CHECKING:
    from agent.links.access_point_wifi import AccessPoint, Computer

RETURN_TRIES = 5
"""A service that restarts, or an adapter that has just lost a network, is ready within seconds."""
RETURN_PAUSE_S = 3.0
"""Between two of them; NetworkManager needs about two seconds to start and find its adapters."""


class Stage(Enum):
    """Where the computer is."""

    LOOKING = auto()
    """In its network; nothing was changed."""
    NOTING = auto()
    """The same; the way back is being written."""
    JOINING = auto()
    """On the way: the network that it was in may be left already."""
    INSIDE = auto()
    """In the access point, as far as known."""
    RETURNING = auto()
    """On the way back."""
    PAUSING = auto()
    """Not back; another try follows."""
    FORGETTING = auto()
    """Back; the note on the disk goes."""
    HOME = auto()
    """The end: back, or never away."""
    STRANDED = auto()
    """The end: not back; ``machine.stranded`` says what to do, the note stays."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the computer is in, and hears."""

    computer: Computer
    points: tuple[AccessPoint, ...]
    ours: str


@dataclass(frozen=True, slots=True)
class Done:
    """The effect that was asked for has been performed."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It has not; how far it got is not known."""

    error: MooringError


@dataclass(frozen=True, slots=True)
class Leave:
    """The work is done, failed, was cancelled or took too long: back, from wherever we are."""

    error: MooringError | None = None


Event: TypeAlias = Seen | Done | Failed | Leave


@dataclass(frozen=True, slots=True)
class Look:
    """Find out what the computer is in and hears: :class:`Seen`."""


@dataclass(frozen=True, slots=True)
class Remember:
    """Write the way back to the disk, surely."""

    way: WayBack


@dataclass(frozen=True, slots=True)
class Join:
    """Get into the access point."""

    way: WayBack
    point: AccessPoint
    limit_s: float
    """For how long it will be used at most."""


@dataclass(frozen=True, slots=True)
class Stay:
    """Let the work be done; :class:`Leave` ends it."""

    way: WayBack


@dataclass(frozen=True, slots=True)
class GoBack:
    """Undo what is ours, and return to the earlier network."""

    way: WayBack
    late: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next try."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Forget:
    """Remove the note from the disk."""


Effect: TypeAlias = Look | Remember | Join | Stay | GoBack | Pause | Forget


class Excursion:
    """Into the access point ``ssid`` for ``limit_s`` and back; with ``way``, only back from an earlier one.

    :meth:`start` gives the first effect, :meth:`handle` the next one; None: the end, or an event
    that changes nothing. One effect is under way at a time: with a new one, the one before is
    given up if it has not ended.
    """

    def __init__(
        self,
        system: str,
        ssid: bytes = b"",
        *,
        limit_s: float = 0.0,
        way: WayBack | None = None,
        tries: int = RETURN_TRIES,
        pause_s: float = RETURN_PAUSE_S,
    ) -> None:
        self.stage = Stage.LOOKING
        self.error: MooringError | None = None
        """Why it ended early; the first reason counts."""
        self.stranded: WifiNotBack | None = None
        self.way = way
        self._system = system
        self.ssid = ssid
        self._limit_s = limit_s
        self._late = way is not None
        self._tries_left = tries
        self._pause_s = pause_s
        self._point: AccessPoint | None = None

    @property
    def ended(self) -> bool:
        """Nothing follows."""
        return self.stage in {Stage.HOME, Stage.STRANDED}

    def start(self) -> Effect | None:
        """What is first."""
        return self._go_back() if self.way else Look()

    def handle(self, event: Event) -> Effect | None:
        """What follows from ``event``."""
        if isinstance(event, Leave):
            return self._leave(event)
        match self.stage:
            case Stage.LOOKING:
                return self._looked(event)
            case Stage.NOTING:
                return self._noted(event)
            case Stage.JOINING:
                return self._joined(event)
            case Stage.RETURNING:
                return self._returned(event)
            case Stage.PAUSING:
                return self._go_back()
            case Stage.FORGETTING:
                # A note that stays does no harm: at the next start the computer is found at home.
                return self._end(Stage.HOME)
            case _:
                return None

    def _looked(self, event: Event) -> Effect | None:
        if isinstance(event, Failed):
            return self._end(Stage.HOME, event.error)
        if not isinstance(event, Seen):
            return None
        try:
            choice = choose(event.computer, event.points, self.ssid)
        except MooringError as error:
            return self._end(Stage.HOME, error)
        self._point = choice.point
        self.way = WayBack(
            system=self._system,
            adapter=choice.adapter.name,
            ssid_hex=self.ssid.hex(),
            ours=event.ours,
            before=choice.adapter.network,
        )
        self.stage = Stage.NOTING
        return Remember(self.way)

    def _noted(self, event: Event) -> Effect | None:
        if isinstance(event, Failed):
            return self._forget(event.error)
        if self.way is None or self._point is None:
            return None
        self.stage = Stage.JOINING
        return Join(self.way, self._point, self._limit_s)

    def _joined(self, event: Event) -> Effect | None:
        if isinstance(event, Failed):
            return self._leave(Leave(event.error))
        if self.way is None:
            return None
        self.stage = Stage.INSIDE
        return Stay(self.way)

    def _leave(self, event: Leave) -> Effect | None:
        if self.stage is Stage.LOOKING:
            return self._end(Stage.HOME, event.error)
        if self.stage is Stage.NOTING:
            return self._forget(event.error)
        if self.stage in {Stage.JOINING, Stage.INSIDE}:
            self.error = self.error or event.error
            return self._go_back()
        return None

    def _go_back(self) -> Effect | None:
        if self.way is None:
            return self._end(Stage.HOME)
        self._tries_left -= 1
        self.stage = Stage.RETURNING
        return GoBack(self.way, self._late)

    def _returned(self, event: Event) -> Effect | None:
        if not isinstance(event, Failed):
            return self._forget()
        if self._tries_left > 0:
            self.stage = Stage.PAUSING
            return Pause(self._pause_s)
        before = self.way.before if self.way else None
        self.stranded = WifiNotBack(
            network=before.name if before else "its network", detail=_why(event.error)
        )
        return self._end(Stage.STRANDED)

    def _forget(self, error: MooringError | None = None) -> Effect:
        self.error = self.error or error
        self.stage = Stage.FORGETTING
        return Forget()

    def _end(self, stage: Stage, error: MooringError | None = None) -> Effect | None:
        self.error = self.error or error
        self.stage = stage
        return None


def _why(error: MooringError) -> str:
    return error.report().title
