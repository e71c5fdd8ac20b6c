"""Forget: erase the stored network settings (protocol-v2, 8.5 and 9).

Over the wire only the provisioning sketch can do it, and RESET wipes the cloud identity as well.
For other sketches the person holds the reconfigure pin or button of the board, or the provisioning
sketch is written over them first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.errors import BoardError, InputError, MooringError, NotSupported, OldFirmware
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
    WaitEnded,
    WaitRestart,
)
from agent.jobs.flash_effects import Source
from agent.jobs.flash_steps import FLASH_STEPS, FlashSteps
from agent.jobs.job import StepState
from agent.jobs.machine import Rule
from agent.jobs.reach import OVER
from agent.jobs.states import ANSWER_LIMIT_S, READ_LIMIT_S, RESET_LIMIT_S, State

if TYPE_CHECKING:
    from agent.jobs.guide import Guide
    from agent.sessions.session import BoardFacts


@dataclass(frozen=True, slots=True)
class Order:
    """What erasing needs to know before it begins."""

    model_name: str
    guide: Guide | None
    """None: the model has no input for it."""
    without: str
    """For a model without such an input: what is possible instead."""
    confirmed: bool = False
    """The person knows that RESET wipes the cloud identity as well, and that without anybody to
    ask the sketch is overwritten where it has no RESET."""
    overwrites: bool = False
    """The provisioning sketch can be written to this kind of board."""
    in_bootloader: bool = False
    """No sketch runs, so nothing but writing one helps."""


READ: Final = ("read", "Read the board")
WAY: Final = ("way", "Choose the way to erase")
ERASE: Final = ("erase", "Erase the network settings")


class Forget(BoardSteps, FlashSteps):
    """Result: ``{erased: "network and identity" | "network", uhwid}``; ``sketch`` if one was written."""

    def __init__(self, order: Order, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.order = order
        self.source = Source(kind="provisioning-2.0")
        self._again = False
        self._restarted = False
        self._overwritten = False
        self._reason = ""
        if order.in_bootloader:
            self._reason = "It is in its bootloader; no sketch runs."
            self.state = State.CHOOSING
        fail, stop = self._fail, self._stop
        self.rules |= self.flash_rules() | {
            State.READING: Rule(self._reading, READ_LIMIT_S, self._unread, stop),
            State.CHOOSING: Rule(self._choosing, ANSWER_LIMIT_S, fail, stop),
            State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
            State.RESETTING: Rule(self._resetting, RESET_LIMIT_S, fail, stop),
            State.GUIDING: Rule(self._guiding, ANSWER_LIMIT_S, fail, stop),
            State.VERIFYING: Rule(self._verifying, READ_LIMIT_S, self._unverified, stop),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        if self.order.in_bootloader:
            return [WAY, *FLASH_STEPS, READ, ERASE]
        return [READ, ERASE]

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered() if self._overwritten:
                self._begin(*READ, "Its first start takes some seconds")
                self._do(OpenSession(flashed=True))
                return True
        return super()._reading(event)

    def _was_read(self) -> None:
        if not self.facts.application_sketch:
            self._go(State.RESETTING if self._overwritten else State.CONFIRMING)
        elif self._overwritten:
            self._fail(self._not_over_the_wire())
        elif self.order.guide and self.attended:
            self._go(State.GUIDING)
        else:
            self._may_overwrite("Its sketch has no command for it.", self._not_over_the_wire())

    def _unread(self, error: MooringError) -> None:
        """It does not get on in 2.0; a sketch of that can still be written."""
        silent = isinstance(error, BoardError) and not isinstance(error, OldFirmware)
        if self._overwritten or not silent:
            self._fail(error)
        else:
            self._complete_because(error)
            self._may_overwrite("Its sketch does not answer.", error)

    def _may_overwrite(self, reason: str, error: MooringError) -> None:
        """Ask for it, or do it where that was confirmed and nobody can be asked."""
        if self.order.overwrites and (self.attended or self.order.confirmed):
            self._reason = reason
            self._go(State.CHOOSING)
        else:
            self._fail(error)

    def _not_over_the_wire(self) -> MooringError:
        guide = self.order.guide
        return NotSupported(
            model=self.order.model_name,
            what=f"erase its network settings {OVER[self.via]}",
            why="Its application sketch has no command for it.",
            action=guide.procedure if guide else self.order.without,
        )

    # With the provisioning sketch ------------------------------------------------------------

    def _choosing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(*WAY, self._reason)
                if self.attended:
                    self._ask(questions.overwrite_to_erase(self._reason))
                elif self.order.confirmed:
                    self._overwrite()
                else:
                    self._fail(self._unconfirmed())
            case Answered(questions.CONTINUE):
                self._overwrite()
            case Answered():
                self._stop()
            case _:
                return False
        return True

    def _overwrite(self) -> None:
        self._complete("the provisioning sketch is written first")
        self._overwritten = True
        self._go(State.FETCHING)

    def _flashed(self) -> None:
        self._left = "The board runs the provisioning sketch; its settings were not erased yet."
        self._go(State.READING)

    # Over the wire ---------------------------------------------------------------------------

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(*ERASE)
                if self.order.confirmed:
                    self._go(State.RESETTING)
                else:
                    self._ask(questions.wipe_identity())
            case Answered(questions.CONTINUE):
                self._go(State.RESETTING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                self._fail(self._unconfirmed())
            case _:
                return False
        return True

    def _unconfirmed(self) -> InputError:
        problem = "must be true when nobody can be asked: erasing also wipes the identity"
        return InputError(field="confirmed", problem=problem)

    def _resetting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(*ERASE)
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
                    self._begin(*ERASE)
                if self.via == "ble":
                    # Too short a silence to be seen; but the link falls when the board restarts.
                    self._do(WaitEnded())
                else:
                    self._do(CloseSession(), WaitRestart(ANSWER_LIMIT_S))
                if self.order.guide:
                    overwrite = self.order.overwrites
                    self._ask(
                        questions.hold_pin(self.order.guide, again=self._again, overwrite=overwrite)
                    )
            case Done(WaitRestart()):
                self._restarted = True
                self._go(State.VERIFYING)
            case Done(WaitEnded()) | Answered(questions.DONE):
                self._go(State.VERIFYING)
            case Answered(questions.OVERWRITE):
                self._complete(state=StepState.SKIPPED)
                self._reason = "Its sketch has no command for it."
                self._go(State.CHOOSING)
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
        wrote = {"sketch": self.prepared.name} if self._overwritten else {}
        self._close(result={"erased": what, "uhwid": self.facts.uhwid} | wrote)
