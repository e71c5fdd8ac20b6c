"""Drives a machine with lists of events and holds what it asked for; no I/O, no time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from agent.errors import PortGone
from agent.jobs import effects as fx
from agent.jobs.facts import Fact, open_claim
from agent.jobs.job import Job, JobKind, JobState, Question
from agent.jobs.progress import apply, planned

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.facts import OpenClaim
    from agent.jobs.machine import Machine

R = TypeVar("R", bound=fx.Request)


class Drive:
    """A machine on the bench: requests it waits for, timers, the question, facts, the end."""

    def __init__(self, machine: Machine, now: float = 1_000_000.0) -> None:
        self.machine = machine
        self.now = now
        self.waiting: list[fx.Request] = []
        self.timers: dict[str, float] = {}
        """Seconds that each timer was started with."""
        self.due: dict[str, float] = {}
        self.question: Question | None = None
        self.facts: list[Fact] = []
        self.finish: fx.Finish | None = None
        self.asked: list[fx.Request] = []
        """All requests so far."""
        self.job = Job(
            id="1",
            kind=JobKind.PROVISION,
            board="b",
            title="t",
            created_at=now,
            steps=planned(machine.plan),
        )
        self._take(machine.start(now))

    # Events ----------------------------------------------------------------------------------

    def done(self, kind: type[fx.Request], value: Any = None) -> Drive:
        return self.give(fx.Done(self._pop(kind), value))

    def fail(self, kind: type[fx.Request], error: MooringError) -> Drive:
        return self.give(fx.Failed(self._pop(kind), error))

    def fire(self, timer: str) -> Drive:
        del self.timers[timer]
        self.now = max(self.now, self.due.pop(timer))
        return self.give(fx.TimerFired(timer))

    def answer(self, action: str, **values: Any) -> Drive:
        assert self.question, "nothing is asked"
        assert action in {a.id for a in self.question.actions}
        return self.give(fx.Answered(action, **values))

    def cancel(self, *, interrupted: bool = False) -> Drive:
        return self.give(fx.Cancelled(interrupted=interrupted))

    def lose_session(self) -> Drive:
        return self.give(fx.SessionLost(PortGone(port="/dev/ttyACM0")))

    def give(self, event: fx.Event) -> Drive:
        self._take(self.machine.handle(event, self.now))
        return self

    # What is -----------------------------------------------------------------------------------

    def waits_for(self, kind: type[R]) -> R | None:
        return next((r for r in self.waiting if isinstance(r, kind)), None)

    @property
    def open_claim(self) -> OpenClaim | None:
        return open_claim(self.facts)

    @property
    def state(self) -> JobState:
        assert self.finish, f"not finished; waits for {self.waiting}, {self.timers}"
        return self.finish.state

    @property
    def error(self) -> str | None:
        assert self.finish
        return self.finish.error.code if self.finish.error else None

    def steps(self) -> dict[str, str]:
        return {step.id: step.state.value for step in self.job.steps}

    # Inside ------------------------------------------------------------------------------------

    def _pop(self, kind: type[fx.Request]) -> fx.Request:
        request = self.waits_for(kind)
        assert request, f"does not wait for {kind.__name__}, but for {self.waiting}"
        self.waiting.remove(request)
        return request

    def _take(self, wanted: list[fx.Effect]) -> None:
        for effect in wanted:
            assert self.finish is None, f"{effect} after the end"
            self.job = apply(self.job, effect, self.now)
            match effect:
                case fx.Request():
                    self.waiting.append(effect)
                    self.asked.append(effect)
                case fx.Abandon(request=request):
                    assert request in self.waiting
                    self.waiting.remove(request)
                case fx.Timer(id=name, seconds=seconds):
                    assert seconds > 0
                    self.timers[name] = seconds
                    self.due[name] = self.now + seconds
                case fx.StopTimer(id=name):
                    self.timers.pop(name, None)
                    self.due.pop(name, None)
                case fx.Ask(question=question):
                    assert self.machine.attended, "nobody is there to be asked"
                    self.question = question
                case fx.Withdraw():
                    self.question = None
                case fx.Record(kind=kind, data=data):
                    self.facts.append(Fact(kind=kind, data=data, at=self.now))
                case fx.Finish():
                    self.finish = effect
        if self.finish:
            assert not self.waiting, f"still waits for {self.waiting}"
            assert not self.timers, f"timers run on: {self.timers}"
            assert self.question is None
        else:
            assert self.timers, "a state without a limit"
