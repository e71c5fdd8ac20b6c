"""States for a board that gets a sketch of provisioning 1.0: it answers, fails, comes back.

Such a sketch has no way back from a lost answer but a restart: nothing more is sent to it until
then (protocol-v1, section 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import (
    AnswerMissing,
    MooringError,
    NetworkModuleFailed,
    PortError,
    PortGone,
    SketchHalted,
    SketchInTheWay,
)
from agent.jobs import questions
from agent.jobs.device_steps import DeviceSteps
from agent.jobs.effects import (
    Answered,
    CloseSession,
    Done,
    Entered,
    Event,
    Failed,
    LimitReached,
    SessionLost,
    TimerFired,
    WaitRestart,
)
from agent.jobs.flash_effects import Source
from agent.jobs.flash_steps import FLASH_STEPS, FlashSteps
from agent.jobs.job import StepState
from agent.jobs.machine import Rule
from agent.jobs.return_steps import ReturnSteps
from agent.jobs.states import ANSWER_LIMIT_S, LISTEN_LIMIT_S, State

if TYPE_CHECKING:
    from agent.flash.sketch import SketchKind
    from agent.jobs.device_effects import DeviceRequest
    from agent.jobs.device_steps import DeviceOrder

LOOK = "Decide how to set it up"
REOPENS_MAX = 3
"""How often a port that another program holds is tried again with nobody there."""
REOPEN_S = 5.0
"""Before that: programs that look for modems let a new port go after some seconds."""
HALTS_MAX = 2
"""A sketch that says nothing at its start is restarted once, then it is final."""


class V1BoardSteps(DeviceSteps, FlashSteps, ReturnSteps):
    """A procedure that writes a sketch of 1.0 and then speaks with it."""

    installed = "1.0"
    sketch: SketchKind = "provisioning-1.0"
    listening = "Wait for the provisioning sketch"
    heard = "it answers"

    def __init__(self, order: DeviceOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.source = Source(kind=self.sketch)
        self.state = State.CONFIRMING
        self._midway = False
        self._reopens = self._halts = 0
        fail, stop = self._fail, self._stop
        trouble, give_up = self._board_trouble, self._give_up
        self.rules = (
            self.device_rules()
            | self.flash_rules()
            | self.return_rules()
            | {
                State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
                State.LISTENING: Rule(self._listening, LISTEN_LIMIT_S, trouble, give_up),
                State.TROUBLED: Rule(self._troubled, ANSWER_LIMIT_S, give_up, give_up),
            }
        )

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        device = ("device", f"Make the device in {self.cloud_title}")
        return [("look", LOOK), *FLASH_STEPS, ("listen", self.listening), device]

    # What a procedure decides ----------------------------------------------------------------

    def _first_words(self) -> DeviceRequest:
        """What shows that the sketch runs."""
        raise NotImplementedError

    def _has_answered(self, value: object) -> None:
        """Take what :meth:`_first_words` brought."""

    def _ready(self) -> None:
        """Where to go when the sketch answers and there is a device already."""
        raise NotImplementedError

    def _agreed(self) -> None:
        """Where to go when the person knows what is lost."""
        self._go(State.FETCHING)

    # Writing the sketch ----------------------------------------------------------------------

    def _confirming(self, event: Event) -> bool:
        decision = self.order.decision
        match event:
            case Entered():
                self._begin("look", LOOK, decision.reason)
                if self.order.confirmed:
                    self._complete(decision.reason)
                    self._agreed()
                else:
                    self._ask(questions.overwrite(decision))
            case Answered(questions.CONTINUE):
                self._complete(decision.reason)
                self._agreed()
            case Answered() if self.attended:
                self._stop()
            case Answered():
                self._fail(SketchInTheWay(reason=decision.reason))
            case _:
                return False
        return True

    def _flashed(self) -> None:
        self._left = "The board runs the sketch of provisioning 1.0. Nothing else was left."
        self._go(State.LISTENING)

    # Speaking with it ------------------------------------------------------------------------

    def _listening(self, event: Event) -> bool:
        match event:
            case Entered():
                self._complete(state=StepState.SKIPPED)
                self._begin("listen", self.listening)
                self._do(self._first_words())
            case Done(_, value):
                self._has_answered(value)
                self._complete(self.heard)
                if self.has_device:
                    self._ready()
                else:
                    self._go(State.PREPARING)
            case LimitReached():
                why = "Another sketch runs on it, or it is stuck."
                self._board_trouble(SketchHalted(seconds=round(LISTEN_LIMIT_S), why=why))
            case _:
                return False
        return True

    def _board_trouble(self, error: MooringError) -> None:
        """Every failure of the board: what a restart or some patience can mend is tried again."""
        self.trouble = error
        self._midway = self.state is not State.LISTENING
        if isinstance(error, PortGone):
            self._go(State.RETURNING)
        elif isinstance(error, AnswerMissing | SketchHalted | NetworkModuleFailed | PortError):
            self._halts += isinstance(error, SketchHalted | NetworkModuleFailed)
            self._go(State.TROUBLED)
        else:
            self._give_up(error)

    def _troubled(self, event: Event) -> bool:
        match event:
            case Entered() if self._halts >= HALTS_MAX or not (self.attended or self._may_reopen):
                self._give_up(self.trouble)
            case Entered() if not self.attended:
                self._reopens += 1
                self._do(CloseSession())
                self._timer("again", REOPEN_S)
            case TimerFired():
                self._go(State.LISTENING)
            case Entered() if self.trouble:
                # The port must be free, or the system gives the board another name.
                self._do(CloseSession(), WaitRestart(ANSWER_LIMIT_S))
                self._ask(
                    questions.board_trouble(
                        self.trouble, safe=self._safe, give_up=self._give_up_action
                    )
                )
            case Done(WaitRestart()) | Answered(questions.RETRY):
                self._go(State.LISTENING)
            case Answered():
                self._give_up(self.trouble)
            case Done() | Failed() | SessionLost():
                # Not every board vanishes when it restarts; the person says when it is done.
                pass
            case _:
                return False
        return True

    @property
    def _may_reopen(self) -> bool:
        """Opening the port once more may help, and no command waits for its answer."""
        may = isinstance(self.trouble, SketchHalted | PortError) and not self._midway
        return may and self._reopens < REOPENS_MAX

    def _returned(self) -> None:
        self._go(State.LISTENING)
