"""What every procedure for a Blynk board begins with, and what it does when the board is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import OtherBoard
from agent.jobs import questions
from agent.jobs.blynk import questions as questions_of_blynk
from agent.jobs.blynk.effects import Found, Reach
from agent.jobs.blynk.order import INSTALLED
from agent.jobs.blynk.point_steps import PointSteps
from agent.jobs.effects import Answered, Done, Entered, Event, Learn
from agent.jobs.job import Action
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, RESET_LIMIT_S, State

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.blynk.order import BlynkOrder
    from agent.protocols.blynk.config import Way
    from agent.protocols.blynk.info import BoardInfo

READ: Final = ("read", "Read the board")
REACH_LIMIT_S: Final = 60.0
"""A port that is slow to open, 12 s for the first answer and some for the others; a link in the air
takes three attempts."""
REACH_POINT_LIMIT_S: Final = 330.0
"""A person has 5 minutes to join by hand; by itself a computer takes two scans and 45 s."""
WAYS: Final[dict[Way, str]] = {
    "console": "its console",
    "ble": "Bluetooth",
    "http": "its access point",
}


class BlynkSteps(PointSteps):
    """READING, and the way back to the board."""

    _resume = State.READING
    """Where the job goes on when the board is back."""

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.found: Found | None = None
        self.began = 0.0
        fail, give_up = self._unread, self._give_up
        self.rules |= self.return_rules() | {
            State.READING: Rule(self._reading, self._reach_s, fail, self._stop),
            State.TROUBLED: Rule(self._troubled, ANSWER_LIMIT_S, give_up, give_up),
            State.REOPENING: Rule(self._reopening, self._reach_s, self._trouble, give_up),
            State.CLOSING: self._closing_rule(),
        }

    @property
    def _reach_s(self) -> float:
        return REACH_POINT_LIMIT_S if self.order.access_point else REACH_LIMIT_S

    @property
    def _erase_s(self) -> float:
        """A board's network is joined once more for it."""
        return RESET_LIMIT_S + (REACH_POINT_LIMIT_S if self.order.access_point else 0.0)

    @property
    def board(self) -> BoardInfo:
        """What the board said; known after READING."""
        return self._reached.board

    @property
    def _reached(self) -> Found:
        if self.found is None:
            msg = "the board was not read"
            raise LookupError(msg)
        return self.found

    # What a procedure decides ----------------------------------------------------------------

    def _was_read(self) -> None:
        """Where to go with a board that answered."""
        raise NotImplementedError

    def _unread(self, error: MooringError) -> None:
        """What to do with one that did not."""
        self._fail(error)

    def _give_up(self, error: MooringError | None = None) -> None:
        self._close(error=error)

    # The states --------------------------------------------------------------------------------

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self.began = self.began or self.now
                if self._step is None:
                    self._begin(*READ, self._how)
                self._reach()
            case Done(Reach(), found):
                self.found = found
                self._learn(Learn(installed=INSTALLED))
                self._complete(describe(found))
                self._was_read()
            case Answered():
                self._stop()
            case _:
                return False
        return True

    def _troubled(self, event: Event) -> bool:
        match event:
            case Entered() if self.trouble:
                safe, give_up = self._safe, self._give_up_action
                inquiry = questions.board_trouble(self.trouble, safe=safe, give_up=give_up)
                if self.found is None and self.via == "usb":
                    inquiry = questions_of_blynk.without_console(inquiry)
                self._ask(inquiry)
            case Answered(questions.RETRY):
                self._returns = 0
                self._returned()
            case Answered():
                self._give_up(self.trouble)
            case _:
                return False
        return True

    def _reopening(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say("Asking the board again")
                self._reach()
            case Done(Reach(), found) if self._is_another(found):
                names = {"expected_board": self.board.name, "found_board": found.board.name}
                self._trouble(OtherBoard(**names))
            case Done(Reach(), found):
                self.found = found
                self._go(self._resume)
            case Answered():
                self._give_up()
            case _:
                return False
        return True

    def _learn(self, what: Learn) -> None:
        if self.order.listed:
            self._effects.append(what)

    def _reach(self) -> None:
        point = self.order.access_point
        self._in_point = bool(point) and not self._by_hand
        self._do(Reach(point, self._by_hand))
        if self._by_hand:
            self._visiting = True
            self._ask(questions_of_blynk.join_by_hand(point))

    def _is_another(self, found: Found) -> bool:
        """Its name has a part that is made of its chip's id."""
        return self.found is not None and self.found.board.name != found.board.name

    def _returned(self) -> None:
        self._go(State.READING if self.found is None else State.REOPENING)

    def _trouble(self, error: MooringError) -> None:
        """The board failed, or is gone: it is waited for, or the person decides."""
        self.trouble = error
        if not self.attended:
            self._give_up(error)
        elif self._is_away(error):
            self._go(State.RETURNING)
        else:
            self._home_first(lambda: self._go(State.TROUBLED))

    def _is_away(self, error: MooringError) -> bool:
        """A network of its own comes back or does not: nobody is told of it."""
        return not self.order.access_point and super()._is_away(error)

    @property
    def _safe(self) -> str:
        return "Nothing was changed on the board."

    @property
    def _give_up_action(self) -> Action:
        return Action(id=questions.STOP, label="Stop")


def describe(found: Found) -> str:
    """A line about a board that answered."""
    board = found.board
    parts = [board.name or "it has no name", f"firmware {board.firmware_version or '?'}"]
    return ", ".join([*parts, f"over {WAYS[found.way]}"])
