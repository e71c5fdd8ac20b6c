"""The state in which a board is gone and expected back: by the person, or by a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import NoPermission, PortBusy, PortError
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
from agent.jobs.states import ANSWER_LIMIT_S, RETURN_AIR_S, RETURN_S, State

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.guide import Guide
    from agent.jobs.job import Action
    from agent.jobs.machine import Inquiry

RETURNS_MAX: Final = 3
"""How often a board may vanish with nobody there before the job gives up. In the air also how often
one that is heard may fail to be linked to before a person is asked what to do."""


class ReturnSteps(Machine):
    """A procedure that waits for its board when that is gone."""

    guide: Guide | None = None
    """How the person brings the board's Bluetooth back, where there is a way."""

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

    @property
    def _return_s(self) -> float:
        """How long the board may be away with nobody there."""
        return RETURN_S if self.via == "usb" else RETURN_AIR_S

    def _is_away(self, error: MooringError) -> bool:
        """Whether waiting for the board may help, and would not end at once, for ever.

        A port that another program holds is there; so is a board that is heard, but not linked to
        in several attempts.
        """
        held = isinstance(error, PortBusy | NoPermission)
        tired = self.via == "ble" and self._returns >= RETURNS_MAX
        return isinstance(error, PortError) and not (self.attended and (held or tired))

    def _missing(self, error: MooringError) -> Inquiry:
        safe, give_up = self._safe, self._give_up_action
        if self.via == "usb":
            return questions.plug_in_again(error, safe=safe, give_up=give_up)
        return questions.come_back(error, self.guide, safe=safe, give_up=give_up)

    @property
    def _gives_up_at_once(self) -> bool:
        return self._returns >= RETURNS_MAX and not self.attended

    def _wait_back(self) -> None:
        self._do(WaitBoardBack(ANSWER_LIMIT_S if self.attended else self._return_s))

    # The state -------------------------------------------------------------------------------

    def _returning(self, event: Event) -> bool:
        match event:
            case Entered() if self._gives_up_at_once:
                self._give_up(self.trouble)
            case Entered():
                self._returns += 1
                # The port must be free, or the system gives the board another name.
                self._do(CloseSession())
                if self.attended and self.trouble:
                    self._ask(self._missing(self.trouble))
            case Done(CloseSession()) | Failed(CloseSession()):
                self._wait_back()
            case Done(WaitBoardBack()):
                self._returned()
            case SessionLost():
                pass
            case Failed() | Answered() | LimitReached():
                self._give_up(self.trouble)
            case _:
                return False
        return True
