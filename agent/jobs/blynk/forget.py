"""Letting a Blynk board forget its settings; its device in the cloud stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import InputError
from agent.jobs import questions
from agent.jobs.blynk.effects import Erase
from agent.jobs.blynk.questions import erase
from agent.jobs.blynk.steps import READ, BlynkSteps
from agent.jobs.effects import Answered, Done, Entered, Event
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, State

if TYPE_CHECKING:
    from agent.jobs.blynk.order import BlynkOrder

ERASE = ("erase", "Erase its settings")


class ForgetBlynk(BlynkSteps):
    """Result: ``{erased: "network and identity" | "network", name}``."""

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        fail, stop = self._fail, self._stop
        self.rules |= {
            State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
            State.RESETTING: Rule(self._resetting, self._erase_s, fail, stop),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [*self.departing, READ, ERASE]

    def _was_read(self) -> None:
        if self.order.confirmed:
            self._begin(*ERASE)
            self._go(State.RESETTING)
        else:
            self._home_first(lambda: self._go(State.CONFIRMING))

    @property
    def _all(self) -> bool:
        """Firmware of generation 2 forgets only its networks, unless its console is told to."""
        return self.board.generation == 1 or self._reached.way == "console"

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(*ERASE)
                self._ask(erase(self.order.cloud, everything=self._all))
            case Answered(questions.CONTINUE):
                self._go(State.RESETTING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                problem = "must be true when nobody can be asked: the board leaves its cloud"
                self._fail(InputError(field="confirmed", problem=problem))
            case _:
                return False
        return True

    def _resetting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._erase()
            case Answered():
                self._stop()
            case Done(Erase()):
                self._complete("it waits for settings")
                erased = "network and identity" if self._all else "network"
                self._close(result={"erased": erased, "name": self.board.name, "uhwid": None})
            case _:
                return False
        return True
