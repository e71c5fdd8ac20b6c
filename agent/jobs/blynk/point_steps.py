"""Leaving the computer's network for a board's own, and being back before anything else is done.

DEPARTING asks; nobody's computer leaves its network without a person who said so. HOMEWARD is back: it
is gone through before the cloud or a person is asked, and before each end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError
from agent.jobs import questions as common
from agent.jobs.blynk import questions
from agent.jobs.blynk.effects import Erase, GoBack, PlanLeaving
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.return_steps import ReturnSteps
from agent.jobs.states import ANSWER_LIMIT_S, State
from agent.links.access_point_name import access_point_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import MooringError
    from agent.jobs.blynk.order import BlynkOrder

DEPART: Final = ("point", "Join the board's network")
BACK_LIMIT_S: Final = 180.0
"""Three tries to be back, 45 s each, with pauses (access_point_machine)."""


class PointSteps(ReturnSteps):
    """The two states, for boards that are used in their own network."""

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.order = order
        self.notes: list[str] = []
        self._by_hand = False
        """A person joins the board's network; nobody can bring the computer back but he."""
        self._in_point = False
        """The computer may be in the board's network."""
        self._visiting = False
        """The person has joined it, and has not said that he is back."""
        self._then: Callable[[], None] = self._go_on
        self._not_then: Callable[[], None] = self._stop
        """Instead, where the person says no."""
        self._anyway = False
        """That is gone on with even if somebody cancelled on the way."""
        if order.access_point:
            self.state = State.DEPARTING
        self.rules = {
            State.DEPARTING: Rule(self._departing, ANSWER_LIMIT_S, self._fail, self._stop),
            State.HOMEWARD: Rule(self._homeward, BACK_LIMIT_S, self._not_back, self._stay_away),
        }

    @property
    def departing(self) -> list[tuple[str, str]]:
        """The step that only these boards have."""
        return [DEPART] if self.order.access_point else []

    def _go_on(self) -> None:
        """Where to go when the computer may join."""
        self._go(State.READING)

    @property
    def _safe_away(self) -> str:
        return "Nothing was changed on the board."

    def _departing(self, event: Event) -> bool:
        point = self.order.access_point
        match event:
            case Entered():
                self._begin(DEPART[0], f"Join {access_point_text(point)}")
                self._do(PlanLeaving(point))
            case Done(PlanLeaving()) if self.order.confirmed:
                self._agreed()
            case Done(PlanLeaving(), leaving):
                self._ask(questions.may_leave(leaving))
            case Failed(PlanLeaving(), error) if self.attended:
                self._ask(questions.cannot_join(error))
            case Answered(common.CONTINUE):
                self._agreed()
            case Answered(questions.BY_HAND):
                self._by_hand = True
                self._agreed()
            case Answered(common.RETRY):
                self._complete()
                self._go(State.DEPARTING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                problem = "must be true when nobody can be asked: this computer leaves its network"
                self._fail(InputError(field="confirmed", problem=problem))
            case _:
                return False
        return True

    def _agreed(self) -> None:
        self._complete("you do that" if self._by_hand else "for a few minutes")
        self._go_on()

    def _erase(self) -> None:
        """Let the board forget its settings; in its own network where that is the way to it."""
        self._in_point = bool(self.order.access_point) and not self._by_hand
        self._do(Erase())
        if self._by_hand:
            self._visiting = True
            self._ask(questions.join_by_hand(self.order.access_point))

    # Back ----------------------------------------------------------------------------------------

    def _home_first(self, then: Callable[[], None], *, anyway: bool = False) -> None:
        """``then``, once the computer is back in its own network; the end, if somebody cancels meanwhile.

        ``anyway``: what is begun is brought to its end all the same.
        """
        if not self._in_point:
            then()
            return
        self._then, self._anyway = then, anyway
        self._go(State.HOMEWARD)

    def _to_cloud(self, then: Callable[[], None], *, otherwise: Callable[[], None]) -> None:
        """``then``, which asks the cloud, once a person who joined by hand says that he is back."""
        if self._visiting and self.order.platform:
            self._then, self._not_then = then, otherwise
            self._go(State.HOMEWARD)
        else:
            then()

    def _stay_away(self) -> None:
        """A cancel: the computer comes back all the same, a person is not waited for."""
        if self._asking:
            self._not_then()

    def _at_home(self) -> None:
        if self.stopped and not self._anyway:
            self._give_up()
        else:
            self._then()

    def _homeward(self, event: Event) -> bool:
        match event:
            case Entered() if self._visiting:
                self._ask(questions.back_home(self.order.cloud, safe=self._safe_away))
            case Answered(common.CONTINUE):
                self._visiting = False
                self._then()
            case Answered():
                self._not_then()
            case Entered():
                self._in_point = False
                self._say("Back into the computer's own network")
                self._do(GoBack())
            case Done(GoBack()):
                self._at_home()
            case Failed(GoBack(), error):
                self._not_back(error)
            case LimitReached():
                self._at_home()
            case _:
                return False
        return True

    def _not_back(self, error: MooringError) -> None:
        """The agent goes on trying, and says so by itself; the job goes on as well as it can."""
        report = error.report()
        self.notes.append(f"{report.title} {report.remedy}")
        self._at_home()

    def _close(
        self, *, result: dict[str, Any] | None = None, error: MooringError | None = None
    ) -> None:
        def close() -> None:
            super(PointSteps, self)._close(result=result, error=error)

        if self._in_point:
            self._complete_because(error)
        self._home_first(close, anyway=True)
