"""States in which a board is asked what it takes, and its device gets a name; nothing is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.errors import BoardHasNoDelivery, InputError, NotSupported
from agent.jobs import enrol_board_questions as asking
from agent.jobs import enrol_questions, enrol_ways, questions
from agent.jobs.effects import Advanced, Answered, Done, Entered, Event, Failed
from agent.jobs.enrol_base import HARDWARE_ID, STEP_READ, EnrolBase
from agent.jobs.enrol_effects import FindWays
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, FIND_WAYS_LIMIT_S, State
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.enrol_effects import Found, Way
    from agent.sessions.delivery import DeliveryKind


class ReadPart(EnrolBase):
    """Which board, which way to it, and which name."""

    found: Found | None = None
    """What the board takes; None where it was not asked."""
    reason = ""
    """Why it gets its settings in this way; one sentence."""
    _nothing: MooringError | None = None
    """Nothing on the board takes settings."""

    def read_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module."""
        fail, stop = self._fail, self._stop
        return {
            State.READING: Rule(self._reading, FIND_WAYS_LIMIT_S, fail, stop),
            State.CHOOSING: Rule(self._choosing, ANSWER_LIMIT_S, fail, stop),
            State.NAMING: Rule(self._naming, ANSWER_LIMIT_S, fail, stop),
            State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
        }

    # What the procedure decides ----------------------------------------------------------------

    def _settled(self) -> None:
        """Where to go when board, way and name are known."""
        raise NotImplementedError

    # The states --------------------------------------------------------------------------------

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self.began = self.now
                self._begin(STEP_READ, self.reading, "" if self.file else self._how)
                if self.file:
                    self.reason = enrol_ways.ASKED_FOR
                    self._use_file()
                else:
                    self._do(FindWays(self._wanted_ways))
            case Advanced(message=asking_for) if asking_for:
                self._say(asking_for)
            case Done(FindWays(), found):
                self._found(found)
            case Failed(FindWays(), BoardHasNoDelivery() as error) if self.attended:
                self._nothing = error
                self._go(State.CHOOSING)
            case _:
                return False
        return True

    @property
    def _wanted_ways(self) -> tuple[DeliveryKind, ...]:
        way = self.order.way
        return () if way is None or way == "header" or way == "image" else (way,)

    def _found(self, found: Found) -> None:
        self.found = found
        asked_for = self.order.way is not None
        if self.attended and not asked_for and enrol_ways.is_unsure(found.way):
            self._go(State.CHOOSING)
            return
        self.reason = enrol_ways.reason_of(found.way, asked_for=asked_for)
        self._use(found.way)

    def _choosing(self, event: Event) -> bool:
        match event:
            case Entered() if self._nothing is not None:
                self._ask(asking.no_way(self._nothing))
            case Entered() if self.found is not None:
                self._ask(asking.which_way(self.found.way))
            case Answered(questions.CHOICE, choice="header") | Answered(asking.HEADER):
                self.order = replace(self.order, way="header")
                # Its id still names the device.
                self.way = self.found.way if self.found is not None else None
                self.reason = enrol_ways.CHOSEN
                self._use_file()
            case Answered(questions.CHOICE) if self.found is not None:
                self.reason = enrol_ways.CHOSEN
                self._use(self.found.way)
            case Answered(questions.RETRY):
                self._nothing = None
                self._complete_because(None)
                self._go(State.READING)
            case Answered():
                # With nobody there for an hour: nothing was made yet.
                self._close(error=None if self.attended else self._nothing)
            case _:
                return False
        return True

    def _use_file(self) -> None:
        self._complete(f"its settings go into {self.file_title}")
        self._go(State.NAMING)

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
        self._complete(f"{asking.way_summary(way)}. {self.reason}")
        self._go(State.NAMING)

    def _naming(self, event: Event) -> bool:
        match event:
            case Entered():
                try:
                    self.name = self._complete_name()
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

    @property
    def _hardware_id(self) -> str:
        return self.way.hardware.hardware_id if self.way else self.order.serial_number

    def _complete_name(self) -> str:
        """The name as asked for, its ``{hardware_id}`` filled in; for none the usual one."""
        if HARDWARE_ID not in self.name:
            return self.name or self._usual_name()
        digits = clean_text(self._hardware_id.replace(":", "").lower())
        if not digits:
            problem = f"has {HARDWARE_ID} in it, and the board tells none"
            raise InputError(field="name", problem=problem)
        return self.name.replace(HARDWARE_ID, digits)

    def _usual_name(self) -> str:
        digits = self._hardware_id
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
            self._settled()

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered() if self.way is not None:
                self._ask(enrol_questions.replace_device(self.way.hardware.holds, self.name))
            case Answered(questions.OVERWRITE):
                self._settled()
            case Answered() if self.attended:
                self._stop()
            case Answered():
                holds = self.way.hardware.holds if self.way else ""
                problem = (
                    f"must be true (--yes) where nobody can be asked: the board is {holds} now"
                )
                self._fail(InputError(field="confirmed", problem=problem))
            case _:
                return False
        return True
