"""States in which a board gets its settings, and what happens when it is gone meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from agent.errors import (
    DeliveryFailed,
    DriveInTheWay,
    InputError,
    JournalFailed,
    MooringError,
    NvsRefused,
    OtherBoard,
    SettingNotTaken,
    SettingsTooLong,
)
from agent.jobs import enrol_board_questions as asking
from agent.jobs import enrol_facts, enrol_ways, questions
from agent.jobs.effects import Advanced, Answered, Done, Entered, Event, Failed, LimitReached
from agent.jobs.enrol_base import STEP_DELIVER
from agent.jobs.enrol_effects import HandOver, OpenWay, PutSettings
from agent.jobs.enrol_read import ReadPart
from agent.jobs.enrol_seen import SeenPart
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, FIND_WAYS_LIMIT_S, PUT_LIMIT_S, State
from agent.settings.credentials import BoardSettings

if TYPE_CHECKING:
    from agent.jobs.enrol_base import Holds
    from agent.sessions.delivery import BoardHardware

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


def _is_of_network(error: MooringError | None) -> TypeGuard[MooringError]:
    """The board refused its network settings for what they are, so the same are refused again."""
    refused = isinstance(error, SettingNotTaken | SettingsTooLong)
    return refused and error is not None and error.facts.get("group") == "network"


class BoardPart(ReadPart, SeenPart):
    """The board's side."""

    _resume = State.DELIVERING
    """Where the job goes on when the board is back."""
    _before: Holds = "old"

    def board_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module."""
        trouble, give_up = self._trouble, self._give_up
        rules = self.return_rules() | self.read_rules() | self.seen_rules()
        return rules | {
            State.DELIVERING: Rule(self._delivering, PUT_LIMIT_S, trouble, give_up),
            State.TROUBLED: Rule(self._troubled, ANSWER_LIMIT_S, give_up, give_up),
            State.REOPENING: Rule(self._reopening, FIND_WAYS_LIMIT_S, trouble, give_up),
        }

    # What the procedure decides ----------------------------------------------------------------

    def _handed_over(self) -> None:
        """Where to go when the file is made."""
        raise NotImplementedError

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
                self._complete(f"{self.file_title} is ready")
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
            self._begin(STEP_DELIVER, f"Get {self.file_title} ready", self.reason)
            self._record(enrol_facts.PUTTING, way=self.order.way)
            self._do(HandOver(self.file, settings))
            return
        self._begin(
            STEP_DELIVER,
            "Put the settings on the board",
            f"{enrol_ways.LABELS[self._way.kind]}. {self.reason}",
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
            case Entered() if self.network is not None and _is_of_network(self.trouble):
                self._ask(
                    asking.network_not_taken(
                        self.trouble,
                        self.network,
                        safe=self._safe,
                        give_up=self._give_up_action,
                    )
                )
            case Entered() if self.trouble:
                self._ask(
                    questions.board_trouble(
                        self.trouble, safe=self._safe, give_up=self._give_up_action
                    )
                )
            case Answered(questions.RETRY):
                self._go(State.DELIVERING if self.file else State.REOPENING)
            case Answered(questions.NETWORK, network=network) if network:
                self.network = network
                self._go(State.REOPENING)
            case Answered(asking.WITHOUT):
                self.network = None
                if self._only_network:
                    # Nothing is left to be delivered.
                    self._resume = State.SEEING
                self._go(State.REOPENING)
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
            self._trouble(
                OtherBoard(expected_board=expected, found_board=found.hardware_id or "none")
            )
            return
        if self.attended:
            self._returns = 0
        self._go(self._resume)
