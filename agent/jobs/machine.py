"""The shape of a procedure: a pure machine that takes events and returns effects.

A machine performs nothing itself: no I/O, no clock, no task. Its effects and events are the values
of ``effects.py``; tests drive a machine with lists of them. Each state has one function and one
:class:`Rule`: how long it may last, what happens when something in it fails, and what a cancel does
there. Leaving a state abandons what it still waits for, so no state ever sees the answer to a
request that an earlier one made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from agent.boards.board import VIA_NAMES
from agent.errors import BoardSilent, Interrupted, MooringError
from agent.jobs.effects import (
    Abandon,
    Advanced,
    Answered,
    Ask,
    Cancelled,
    CloseSession,
    Done,
    Effect,
    Entered,
    Event,
    Failed,
    Finish,
    Learn,
    LimitReached,
    Record,
    Request,
    SessionLost,
    StepEnd,
    StepProgress,
    StepStart,
    StopTimer,
    Timer,
    TimerFired,
    Withdraw,
)
from agent.jobs.job import JobState, Question, StepState
from agent.jobs.states import ANSWER_LIMIT_S, CLOSE_LIMIT_S, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.board import Via

LIMIT = "limit"
"""Name of the timer that every state has."""


class Rule(NamedTuple):
    """One state: what it does, how long it may last, and the ways out of it."""

    act: Callable[[Event], bool]
    """The state's function; False: it does not deal with this event."""
    limit_s: float
    trouble: Callable[[MooringError], None]
    """Recovery: for every failure the function did not deal with, and for the limit."""
    cancel: Callable[[], None]


class Inquiry(NamedTuple):
    """A question, and the answer that is safest when nobody gives one."""

    question: Question
    unattended: str


class Machine:
    """Base of the procedures: keeps the rules above for all of them."""

    rules: dict[State, Rule]

    def __init__(self, *, attended: bool) -> None:
        self.attended = attended
        self.via: Via = "usb"
        """How the board is talked to."""
        self.known_as: str | None = None
        """Hardware id that the board has, as far as earlier sessions told."""
        self.ble_off = False
        """The board is done, and has switched its Bluetooth off."""
        self.state = State.READING
        self.finished = False
        self.stopped: Cancelled | None = None
        """Set once somebody cancelled."""
        self.now = 0.0
        self._effects: list[Effect] = []
        self._waiting: list[Request] = []
        self._timers: set[str] = set()
        self._asking = False
        self._default = ""
        self._questions = 0
        self._step: str | None = None
        self._left = "Nothing was left behind."
        self._end: tuple[dict[str, Any] | None, MooringError | None] = (None, None)

    @property
    def plan(self) -> list[tuple[str, str]]:
        """Id and name of each step that is expected, for people to see ahead."""
        return []

    @property
    def _how(self) -> str:
        """What the first step says."""
        return f"Over {VIA_NAMES[self.via]}"

    def start(self, now: float) -> list[Effect]:
        """The first effects; ``now`` in Unix seconds."""
        self.now = now
        self._go(self.state)
        return self._taken()

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What to do because of ``event``; nothing once the machine has finished."""
        self.now = now
        if not self.finished:
            self._take(event)
        return self._taken()

    def _taken(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    def _take(self, event: Event) -> None:
        rule = self.rules[self.state]
        match event:
            case Cancelled():
                self.stopped = self.stopped or event
                rule.cancel()
                return
            case Done(request=request) | Failed(request=request):
                if request not in self._waiting:
                    return
                self._waiting.remove(request)
            case Advanced(request=request) if request not in self._waiting:
                return
            case TimerFired(id=name):
                if name not in self._timers:
                    return
                self._timers.discard(name)
                event = LimitReached() if name == LIMIT else event
        if self._asking and isinstance(event, LimitReached):
            event = Answered(self._default)
        if isinstance(event, Answered):
            if not self._asking:
                return
            self._withdraw()
        if rule.act(event):
            return
        match event:
            case Failed(error=error):
                rule.trouble(error)
            case SessionLost(error=error) if self._asking:
                # Otherwise the next request to the board fails by itself, if there is one.
                rule.trouble(error)
            case SessionLost() if self.via == "ble":
                # That takes a while in the air, where a link is tried to be made again first.
                self._say("The board is no longer heard; looking for it")
            case LimitReached():
                rule.trouble(BoardSilent(seconds=round(rule.limit_s)))

    # What the states use ---------------------------------------------------------------------

    def _go(self, state: State) -> None:
        """Leave the state with all it waits for, and enter ``state``."""
        self._effects += [Abandon(request) for request in self._waiting]
        self._waiting.clear()
        self._effects += [StopTimer(name) for name in sorted(self._timers - {LIMIT})]
        self._timers.clear()
        self._withdraw()
        self.state = state
        self._timer(LIMIT, self.rules[state].limit_s)
        self.rules[state].act(Entered())

    def _do(self, *requests: Request) -> None:
        self._waiting += requests
        self._effects += requests

    def _timer(self, name: str, seconds: float) -> None:
        self._timers.add(name)
        self._effects.append(Timer(name, seconds))

    def _record(self, kind: str, **data: object) -> None:
        self._effects.append(Record(kind, data))

    def _begin(self, step: str, name: str, message: str = "") -> None:
        """Start a step; the one before it must have ended."""
        self._step = step
        self._effects.append(StepStart(step, name, message))

    def _say(self, message: str, progress: float | None = None) -> None:
        if self._step:
            self._effects.append(StepProgress(self._step, progress, message))

    def _complete(self, message: str = "", state: StepState = StepState.DONE) -> None:
        """End the step that runs, if one does."""
        if self._step:
            self._effects.append(StepEnd(self._step, state, message))
            self._step = None

    def _complete_because(self, error: MooringError | None) -> None:
        """End the step that runs, if one does: failed, or skipped because the job stops."""
        if error:
            self._complete(error.report().title, StepState.FAILED)
        else:
            self._complete(state=StepState.SKIPPED)

    def _ask(self, inquiry: Inquiry) -> None:
        """Ask the person, or take the safest answer at once when nobody is there.

        The last thing a state does with an event: the answer may lead to another state.
        """
        self._timer(LIMIT, ANSWER_LIMIT_S)
        self._asking, self._default = True, inquiry.unattended
        if not self.attended:
            self._take(Answered(inquiry.unattended))
            return
        self._questions += 1
        step = self._step or ""
        question = msgspec.structs.replace(inquiry.question, id=self._questions, step=step)
        self._effects.append(Ask(question))

    def _withdraw(self) -> None:
        if self._asking and self.attended:
            self._effects.append(Withdraw())
        self._asking = False

    def _close(
        self, *, result: dict[str, Any] | None = None, error: MooringError | None = None
    ) -> None:
        """Close the session and finish: done with ``result``, failed with ``error``.

        Without either the job was stopped, by a person or by the end of the agent.
        """
        self._complete_because(error)
        self._end = (result, error)
        self._go(State.CLOSING)

    def _stop(self) -> None:
        """Cancel where nothing has to be undone."""
        self._close()

    def _fail(self, error: MooringError) -> None:
        """Failure where nothing has to be undone."""
        self._close(error=error)

    def _closing(self, event: Event) -> bool:
        """The function of the last state: whatever happens, the machine finishes."""
        match event:
            case Entered():
                self._do(CloseSession())
            case Done() | Failed() | LimitReached():
                self._finish()
        return True

    def _closing_rule(self) -> Rule:
        return Rule(self._closing, CLOSE_LIMIT_S, lambda _: self._finish(), lambda: None)

    def _finish(self) -> None:
        result, error = self._end
        self._effects += [Abandon(request) for request in self._waiting]
        self._waiting.clear()
        self._effects.append(StopTimer(LIMIT))
        self._timers.clear()
        self.finished = True
        if self.ble_off:
            self._effects.append(Learn(ble_off=True))
        if result is not None:
            self._effects.append(Finish(JobState.DONE, result=result))
        elif self.stopped and self.stopped.interrupted:
            what = error.report().title if error else self._left
            self._effects.append(
                Finish(JobState.INTERRUPTED, error=Interrupted(what=what).report())
            )
        else:
            cancelled = self.stopped is not None or error is None
            state = JobState.CANCELLED if cancelled else JobState.FAILED
            self._effects.append(Finish(state, error=error.report() if error else None))
