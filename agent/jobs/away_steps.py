"""What becomes of a board that went away from its job: it is expected back, opened again, compared.

One that is claimed may also come online without us, with the settings that it got or with those that
it had stored before: the cloud is asked for that meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import OtherBoard
from agent.jobs.board_steps import BoardSteps
from agent.jobs.claim_steps import POLL_AFTER_END_S, ClaimSteps
from agent.jobs.effects import (
    CloseSession,
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

FIRST_LOOK: Final = "first look"
FIRST_LOOK_S: Final = 5.0
"""How long a person is not asked because the cloud is; its answer takes about one second."""


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
                self._trouble(OtherBoard(expected_board=self.facts.uhwid, found_board=read.uhwid))
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

    _sent = False
    """It has the settings of this job, as far as we know, and nothing else."""
    _looking_first = False

    def _may_come_online(self) -> bool:
        """Whether there is a claim that the board would complete by itself."""
        raise NotImplementedError

    def _returning(self, event: Event) -> bool:
        if not self._may_come_online():
            return super()._returning(event)
        match event:
            case Entered() if self._sent or self._gives_up_at_once:
                self._looking_first = False
                super()._returning(event)
                if self.state is State.RETURNING:
                    self._poll_s = POLL_AFTER_END_S
                    self._again()
            case Entered():
                # What it had stored may do: then it hung up because it is online.
                self._returns += 1
                self._do(CloseSession())
                self._look_first()
            case Done(CloseSession()) | Failed(CloseSession()):
                self._await_back()
            case TimerFired() | Done(FindClaims()) | Failed(FindClaims()):
                if self._looked(event):
                    self._await_back()
                    if self.attended and self.trouble:
                        self._ask(self._missing(self.trouble))
            case _:
                return super()._returning(event)
        return True

    def _await_back(self) -> None:
        """Once the link is closed and the cloud has been asked."""
        if not self._looking_first and CloseSession() not in self._waiting:
            self._wait_back()

    # Asking the cloud, before and while a person is asked ------------------------------------

    def _look_first(self) -> None:
        self._looking_first = True
        self._say(f"Looking whether the board is online in {self.cloud_title}")
        self._timer(FIRST_LOOK, FIRST_LOOK_S)
        self._poll_s = POLL_AFTER_END_S
        self._poll()

    def _looked(self, event: Event) -> bool:
        """Deal with an answer of the cloud or a timer; True once, when the person may be asked.

        If the cloud has seen the board, the state was left.
        """
        match event:
            case Done(FindClaims(), claims) if self._seen_online(claims):
                return False
            case Done(FindClaims()) | Failed(FindClaims()):
                self._again()
            case TimerFired(id=name) if name != FIRST_LOOK:
                self._poll()
                return False
        first, self._looking_first = self._looking_first, False
        return first
