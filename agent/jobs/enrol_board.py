"""States in which the board is asked what it takes, gets its settings, and is seen to connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import (
    BoardRefused,
    DeliveryFailed,
    DriveInTheWay,
    InputError,
    JoinFailed,
    JournalFailed,
    MooringError,
    NotConnected,
    NotSupported,
    NvsRefused,
    OtherBoard,
    PortError,
    SettingNotTaken,
    SettingsTooLong,
)
from agent.jobs import enrol_facts, enrol_questions, questions
from agent.jobs.effects import (
    Advanced,
    Answered,
    Done,
    Entered,
    Event,
    Failed,
    LimitReached,
    TimerFired,
)
from agent.jobs.enrol_base import STEP_CHECK, STEP_DELIVER, STEP_READ, EnrolBase
from agent.jobs.enrol_effects import (
    FindWays,
    HandOver,
    OpenWay,
    PutSettings,
    SeenBy,
    WaitConnected,
    Way,
)
from agent.jobs.machine import Rule
from agent.jobs.states import (
    ANSWER_LIMIT_S,
    CONNECT_S,
    FIND_WAYS_LIMIT_S,
    PUT_LIMIT_S,
    SEEN_LIMIT_S,
    State,
)
from agent.settings import clean_text
from agent.settings.credentials import BoardSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.enrol_base import Holds
    from agent.sessions.delivery import BoardHardware, CloudState, DeliveryKind

LOOK_EVERY_S: Final = 5.0
"""Between two questions to the server for a board that cannot tell; it writes the time of the last
message down within seconds."""

_UNCHANGED = (
    DeliveryFailed,
    DriveInTheWay,
    InputError,
    JournalFailed,
    NvsRefused,
    SettingNotTaken,
    SettingsTooLong,
)
"""After these the board has what it had before."""


class BoardPart(EnrolBase):
    """The board's side."""

    seen_by = ""
    """``board`` or ``server``: who says that it is connected."""
    _resume = State.DELIVERING
    """Where the job goes on when the board is back."""
    _before: Holds = "old"
    _check_problem: MooringError | None = None
    _look_until = 0.0
    _only_network = False
    """The board has its credentials; it gets another network."""

    def board_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module."""
        fail, stop, trouble, give_up = self._fail, self._stop, self._trouble, self._give_up
        return self.return_rules() | {
            State.READING: Rule(self._reading, FIND_WAYS_LIMIT_S, fail, stop),
            State.CHOOSING: Rule(self._choosing, ANSWER_LIMIT_S, fail, stop),
            State.NAMING: Rule(self._naming, ANSWER_LIMIT_S, fail, stop),
            State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
            State.DELIVERING: Rule(self._delivering, PUT_LIMIT_S, trouble, give_up),
            State.TROUBLED: Rule(self._troubled, ANSWER_LIMIT_S, give_up, give_up),
            State.REOPENING: Rule(self._reopening, FIND_WAYS_LIMIT_S, trouble, give_up),
            State.SEEING: Rule(self._seeing, SEEN_LIMIT_S, self._not_seen, give_up),
        }

    # What the procedure decides ----------------------------------------------------------------

    def _connected(self) -> None:
        """Where to go when the board is connected, or the person leaves it so."""
        raise NotImplementedError

    def _handed_over(self) -> None:
        """Where to go when the file is made."""
        raise NotImplementedError

    # Before anything is changed ----------------------------------------------------------------

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self.began = self.now
                self._begin(STEP_READ, "Read the board", "" if self.file else self._how)
                if self.file:
                    self._complete(f"its settings go into {self.file}")
                    self._go(State.NAMING)
                else:
                    self._do(FindWays(self._wanted_ways))
            case Done(FindWays(), ways):
                self._found(ways)
            case _:
                return False
        return True

    @property
    def _wanted_ways(self) -> tuple[DeliveryKind, ...]:
        way = self.order.way
        return () if way is None or way == "header" or way == "image" else (way,)

    def _found(self, ways: Sequence[Way]) -> None:
        self._ways = {way.kind: way for way in ways}
        if len(ways) > 1 and self.attended:
            self._go(State.CHOOSING)
        else:
            self._use(ways[0])

    def _choosing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._ask(enrol_questions.which_way(list(self._ways.values())))
            case Answered(questions.CHOICE, choice=choice):
                self._use(next(way for way in self._ways.values() if way.kind == choice))
            case Answered():
                self._stop()
            case _:
                return False
        return True

    def _use(self, way: Way) -> None:
        self.way = way
        if self.network is not None and not way.hardware.networks:
            self._fail(
                NotSupported(
                    model=clean_text(self.order.board),
                    what="take the settings of a network",
                    why="What runs on it has no network that can be set.",
                    action="Leave the network out.",
                )
            )
            return
        self._complete(enrol_questions.way_summary(way))
        self._go(State.NAMING)

    def _naming(self, event: Event) -> bool:
        match event:
            case Entered():
                try:
                    self.name = self.name or self._usual_name()
                    self.order.check_name(self.name)
                except InputError as error:
                    if self.attended:
                        self._ask(enrol_questions.which_name(error))
                    else:
                        self._fail(error)
                else:
                    self._named()
            case Answered(enrol_questions.NAME, text=name):
                self.name = name or ""
                self._go(State.NAMING)
            case Answered():
                self._stop()
            case _:
                return False
        return True

    def _usual_name(self) -> str:
        digits = self.way.hardware.hardware_id if self.way else self.order.serial_number
        family = self.order.model or (self.way.hardware.family if self.way else "") or "board"
        try:
            return self.order.make_name(family, digits)
        except ValueError:
            problem = "is missing, and the board tells no id to make one from"
            raise InputError(field="name", problem=problem) from None

    def _named(self) -> None:
        holds = self.way.hardware.holds if self.way else ""
        if holds and holds != self.name and not self.order.confirmed:
            self._go(State.CONFIRMING)
        else:
            self._go(State.VAULTING)

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered() if self.way is not None:
                self._ask(enrol_questions.replace_device(self.way.hardware.holds, self.name))
            case Answered(questions.OVERWRITE):
                self._go(State.VAULTING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                holds = self.way.hardware.holds if self.way else ""
                problem = f"must be true when nobody can be asked: the board is {holds} now"
                self._fail(InputError(field="confirmed", problem=problem))
            case _:
                return False
        return True

    # Delivering ----------------------------------------------------------------------------------

    def _delivering(self, event: Event) -> bool:
        match event:
            case Entered():
                self._deliver()
            case Advanced(done=done, total=total):
                self._say("", done / total if total else None)
            case Done(PutSettings()):
                self.holds = "new"
                network = self.network.label if self.network is not None else ""
                self._record(
                    enrol_facts.PUT, network=network, hardware_id=self._way.hardware.hardware_id
                )
                self._complete("the board proved that it holds them")
                self._go(State.SEEING)
            case Done(HandOver()):
                self._complete(f"{self.file} is ready")
                self._handed_over()
            case Failed(PutSettings(), error):
                if isinstance(error, _UNCHANGED):
                    self.holds = self._before
                self._trouble(error)
            case _:
                return False
        return True

    def _deliver(self) -> None:
        cloud = None if self._only_network else self.settings
        settings = BoardSettings(network=self.network, cloud=cloud)
        if self.file:
            self._begin(STEP_DELIVER, f"Get {self.file} ready")
            self._record(enrol_facts.PUTTING, way=self.order.way)
            self._do(HandOver(self.file, settings))
            return
        self._begin(
            STEP_DELIVER, "Put the settings on the board", enrol_questions.WAYS[self._way.kind]
        )
        self._record(enrol_facts.PUTTING, way=self._way.kind)
        self._before, self.put_at = self.holds, self.now
        if self.holds == "old":
            self.holds = "maybe"
        self._do(PutSettings(self._way.kind, settings))

    def _trouble(self, error: MooringError) -> None:
        self.trouble = error
        if self.state in {State.DELIVERING, State.SEEING}:
            self._resume = self.state
        self._go(State.RETURNING if self._is_away(error) else State.TROUBLED)

    def _troubled(self, event: Event) -> bool:
        match event:
            case Entered() if self.trouble:
                self._ask(
                    questions.board_trouble(
                        self.trouble, safe=self._safe, give_up=self._give_up_action
                    )
                )
            case Answered(questions.RETRY):
                self._go(State.DELIVERING if self.file else State.REOPENING)
            case Answered() | LimitReached():
                self._give_up(self.trouble)
            case _:
                return False
        return True

    def _returned(self) -> None:
        self._go(State.REOPENING)

    def _reopening(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say("Opening the board again")
                self._do(OpenWay(self._way.kind))
            case Done(OpenWay(), found):
                self._reopened(found)
            case _:
                return False
        return True

    def _reopened(self, found: BoardHardware) -> None:
        """The credentials are for the board that was read, and for no other."""
        if found.hardware_id != self._way.hardware.hardware_id:
            expected = self._way.hardware.hardware_id or "one that tells no id"
            self._trouble(OtherBoard(expected=expected, found=found.hardware_id or "none"))
            return
        if self.attended:
            self._returns = 0
        self._go(self._resume)

    # Is it seen? ---------------------------------------------------------------------------------

    def _seeing(self, event: Event) -> bool:
        match event:
            case Entered():
                name = f"See it in {self.order.cloud_title}"
                self._begin(STEP_CHECK, name, "Waiting until the board is connected")
                self._look_until = self.now + CONNECT_S
                self._do(WaitConnected(self._way.kind, CONNECT_S))
            case Done(WaitConnected(), state):
                self._board_says(state)
            case Failed(WaitConnected(), error):
                # Gone, or silent: the server may have seen it all the same.
                self._check_problem = error
                self._do(SeenBy(self.name, self.put_at))
            case Done(SeenBy(), True):
                self._seen("server")
            case Done(SeenBy(), False) if self.now < self._look_until:
                self._timer("look again", LOOK_EVERY_S)
            case TimerFired():
                self._do(SeenBy(self.name, self.put_at))
            case Done(SeenBy()) | Failed(SeenBy()):
                self._not_seen(self._check_problem)
            case Answered(questions.WAIT):
                self._go(State.SEEING)
            case Answered(questions.NETWORK, network=network) if network:
                self.network, self._only_network = network, True
                self._complete_because(self._check_problem)
                self._go(State.DELIVERING)
            case Answered(questions.KEEP):
                self.notes.append(
                    "Nobody has seen it connected yet; the vault keeps it as pending."
                )
                self._complete("not seen yet")
                self._connected()
            case Answered():
                self._give_up(self._check_problem)
            case LimitReached():
                self._not_seen(None)
            case _:
                return False
        return True

    def _board_says(self, state: CloudState) -> None:
        names = {"name": self.name, "cloud": self.order.cloud_title}
        detail = clean_text(state.detail)
        match state.outcome:
            case "connected":
                self._seen("board")
            case "network-failed":
                label = self.network.label if self.network is not None else "its network"
                why = f"The board says: {detail}" if detail else "The board could not join it."
                action = "Check name and password; the credentials stay on the board."
                self._not_seen(JoinFailed(network=label, why=why, action=action))
            case "refused":
                self._not_seen(BoardRefused(detail=detail or "It says no more.", **names))
            case _:
                says = f"It says: {detail}" if detail else ""
                self._check_problem = NotConnected(detail=says, **names)
                self._do(SeenBy(self.name, self.put_at))

    def _seen(self, who: str) -> None:
        self.seen_by = who
        says = "the board says so" if who == "board" else "the server has seen it"
        self._complete(f"connected: {says}")
        self._connected()

    def _not_seen(self, error: MooringError | None) -> None:
        names = {"name": self.name, "cloud": self.order.cloud_title}
        problem = self._check_problem = error or NotConnected(detail="", **names)
        if isinstance(problem, PortError) and self._is_away(problem):
            self._trouble(problem)
            return
        self._ask(
            enrol_questions.not_joined(
                problem, self.network, safe=self._safe, give_up=self._give_up_action
            )
        )

    @property
    def _way(self) -> Way:
        if self.way is None:
            msg = "no delivery was found"
            raise LookupError(msg)
        return self.way
