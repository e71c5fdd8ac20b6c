"""What becomes of a board that went away from its job: it is expected back, opened again, compared.

One that has its settings may also come online without us: the cloud is asked for that meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import OtherBoard
from agent.jobs.board_steps import BoardSteps
from agent.jobs.claim_steps import POLL_AFTER_END_S, ClaimSteps
from agent.jobs.effects import (
    Done,
    Entered,
    Event,
    Failed,
    FindClaims,
    OpenSession,
    ReadBoard,
    TimerFired,
)
from agent.jobs.machine import Rule
from agent.jobs.return_steps import ReturnSteps
from agent.jobs.states import READ_LIMIT_S, State

if TYPE_CHECKING:
    from agent.errors import MooringError


class ReopenSteps(BoardSteps, ReturnSteps):
    """A procedure that goes on with its board when that is back."""

    def reopen_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module and of :class:`ReturnSteps`."""
        trouble, give_up = self._trouble, self._give_up
        return self.return_rules() | {
            State.REOPENING: Rule(self._reopening, READ_LIMIT_S, trouble, give_up)
        }

    # What a procedure decides ----------------------------------------------------------------

    def _trouble(self, error: MooringError) -> None:
        """What to do when the board fails once more."""
        raise NotImplementedError

    def _reopened(self) -> None:
        """Where to go when the same board was read again; ``self.facts`` are new."""
        raise NotImplementedError

    # The states ------------------------------------------------------------------------------

    def _returned(self) -> None:
        self._go(State.REOPENING)

    def _reopening(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say("Opening the board again")
                self._do(OpenSession(known=True))
            case Done(OpenSession()):
                self._do(ReadBoard())
            case Done(ReadBoard(), read) if read.uhwid != self.facts.uhwid:
                self._trouble(OtherBoard(expected=self.facts.uhwid, found=read.uhwid))
            case Done(ReadBoard(), read):
                self._note(read)
                if self.attended:
                    self._returns = 0
                self._reopened()
            case _:
                return False
        return True


class ClaimedAway(ClaimSteps, ReopenSteps):
    """The same for a board that the cloud has a claim of."""

    may_come_online = False
    """It got its settings, so that it may join, and come online, with nobody there."""

    def _returning(self, event: Event) -> bool:
        match event:
            case Entered() if self.may_come_online:
                super()._returning(event)
                if self.state is State.RETURNING:
                    self._poll_s = POLL_AFTER_END_S
                    self._again()
                return True
            case TimerFired():
                self._poll()
                return True
            case Done(FindClaims(), claims):
                if not self._seen_online(claims):
                    self._again()
                return True
            case Failed(FindClaims()):
                self._again()
                return True
        return super()._returning(event)
