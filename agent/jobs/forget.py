"""Forget: erase the stored network settings (protocol-v2, 8.5 and 9).

Over the wire only the provisioning sketch can do it, and RESET wipes the cloud identity as well.
For other sketches the person holds the reconfigure pin or button of the board.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent.errors import InputError, MooringError, NotSupported
from agent.jobs import questions
from agent.jobs.board_steps import BoardSteps
from agent.jobs.effects import (
    Answered,
    CloseSession,
    Done,
    Entered,
    Event,
    Failed,
    OpenSession,
    ReadBoard,
    ResetBoard,
    SessionLost,
    WaitRestart,
)
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, READ_LIMIT_S, RESET_LIMIT_S, State

if TYPE_CHECKING:
    from agent.sessions.session import BoardFacts


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """How a model erases its settings by itself, from the catalogue."""

    pin: str
    """``2``, ``PA_13``, ``BTN_USER``."""
    hold_seconds: float
    procedure: str
    drawing: str
    led: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What erasing needs to know before it begins."""

    model_name: str
    guide: Guide | None
    """None: the model has no input for it."""
    without: str
    """For a model without such an input: what is possible instead."""
    confirmed: bool = False
    """The person knows that RESET wipes the cloud identity as well."""


class Forget(BoardSteps):
    """Result: ``{erased: "network and identity" | "network", uhwid}``."""

    def __init__(self, order: Order, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.order = order
        self._again = False
        self._restarted = False
        fail, stop = self._fail, self._stop
        self.rules |= {
            State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
            State.RESETTING: Rule(self._resetting, RESET_LIMIT_S, fail, stop),
            State.GUIDING: Rule(self._guiding, ANSWER_LIMIT_S, fail, stop),
            State.VERIFYING: Rule(self._verifying, READ_LIMIT_S, self._unverified, stop),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [("read", "Read the board"), ("erase", "Erase the network settings")]

    def _was_read(self) -> None:
        if not self.facts.application_sketch:
            self._go(State.CONFIRMING)
        elif self.order.guide and self.attended:
            self._go(State.GUIDING)
        else:
            self._fail(self._not_over_the_wire())

    def _not_over_the_wire(self) -> MooringError:
        guide = self.order.guide
        return NotSupported(
            model=self.order.model_name,
            what="erase its network settings over the cable",
            why="Its application sketch has no command for it.",
            action=guide.procedure if guide else self.order.without,
        )

    # Over the wire ---------------------------------------------------------------------------

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("erase", "Erase the network settings")
                if self.order.confirmed:
                    self._go(State.RESETTING)
                else:
                    self._ask(questions.wipe_identity())
            case Answered(questions.CONTINUE):
                self._go(State.RESETTING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                problem = "must be true when nobody can be asked: erasing also wipes the identity"
                self._fail(InputError(field="confirmed", problem=problem))
            case _:
                return False
        return True

    def _resetting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(ResetBoard())
            case Done(ResetBoard()):
                self._erased("network and identity")
            case _:
                return False
        return True

    # By hand ---------------------------------------------------------------------------------

    def _guiding(self, event: Event) -> bool:
        match event:
            case Entered():
                if not self._again:
                    self._begin("erase", "Erase the network settings")
                self._do(CloseSession(), WaitRestart(ANSWER_LIMIT_S))
                if self.order.guide:
                    self._ask(questions.hold_pin(self.order.guide, again=self._again))
            case Done(WaitRestart()) | Answered(questions.DONE):
                self._restarted = self._restarted or isinstance(event, Done)
                self._go(State.VERIFYING)
            case Answered():
                self._stop()
            case Done() | Failed() | SessionLost():
                # Not every board vanishes when it restarts; the person says when it is done.
                pass
            case _:
                return False
        return True

    def _verifying(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say("Reading the board to see whether it worked")
                self._do(OpenSession(known=True))
            case Done(OpenSession()):
                self._do(ReadBoard())
            case Done(ReadBoard(), facts) if self._looks_erased(facts):
                self._note(facts)
                self._erased("network")
            case Done(ReadBoard()):
                self._unverified()
            case _:
                return False
        return True

    def _looks_erased(self, facts: BoardFacts) -> bool:
        """A board with settings reports how its last attempt to join ended.

        A failure alone proves nothing: a board with an Ethernet socket tries that without settings.
        """
        return not facts.online and (facts.initial_status is None or self._restarted)

    def _unverified(self, _error: MooringError | None = None) -> None:
        self._again = True
        self._go(State.GUIDING)

    def _erased(self, what: str) -> None:
        self._complete(f"erased: {what}")
        self._close(result={"erased": what, "uhwid": self.facts.uhwid})
