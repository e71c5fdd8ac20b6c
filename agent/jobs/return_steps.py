"""The state in which a board is gone and expected back: by the person, or by a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.jobs import questions
from agent.jobs.effects import (
    Answered,
    CloseSession,
    Done,
    Entered,
    Event,
    Failed,
    LimitReached,
    SessionLost,
    WaitBoardBack,
)
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import ANSWER_LIMIT_S, RETURN_S, State

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.job import Action

RETURNS_MAX: Final = 3
"""How often a board may vanish with nobody there before the job gives up."""


class ReturnSteps(Machine):
    """A procedure that waits for its board when that is gone."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.trouble: MooringError | None = None
        """Why the board is being waited for, or asked about."""
        self._returns = 0

    def return_rules(self) -> dict[State, Rule]:
        """The rule of the state of this module."""
        give_up = self._give_up
        return {State.RETURNING: Rule(self._returning, ANSWER_LIMIT_S, give_up, give_up)}

    # What a procedure decides ----------------------------------------------------------------

    def _returned(self) -> None:
        """Where to go when the board is back."""
        raise NotImplementedError

    def _give_up(self, error: MooringError | None = None) -> None:
        """What to do when it does not come back, or the person stops."""
        raise NotImplementedError

    @property
    def _safe(self) -> str:
        """What is not lost while the person thinks."""
        raise NotImplementedError

    @property
    def _give_up_action(self) -> Action:
        """What the person chooses to stop."""
        raise NotImplementedError

    # The state -------------------------------------------------------------------------------

    def _returning(self, event: Event) -> bool:
        match event:
            case Entered() if self._returns >= RETURNS_MAX and not self.attended:
                self._give_up(self.trouble)
            case Entered():
                self._returns += 1
                # The port must be free, or the system gives the board another name.
                self._do(CloseSession())
                if self.attended and self.trouble:
                    self._ask(
                        questions.plug_in_again(
                            self.trouble, safe=self._safe, give_up=self._give_up_action
                        )
                    )
            case Done(CloseSession()) | Failed(CloseSession()):
                self._do(WaitBoardBack(ANSWER_LIMIT_S if self.attended else RETURN_S))
            case Done(WaitBoardBack()):
                self._returned()
            case SessionLost():
                pass
            case Failed() | Answered() | LimitReached():
                self._give_up(self.trouble)
            case _:
                return False
        return True
