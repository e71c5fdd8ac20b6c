"""Start: a board that is in its bootloader starts the sketch that is on it; nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.jobs.effects import Done, Entered, Event
from agent.jobs.flash_effects import StartSketch
from agent.jobs.flash_steps import SHOWS_S
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import ENTER_LIMIT_S, State

if TYPE_CHECKING:
    from agent.jobs.effects import Effect


class Start(Machine):
    """Result: ``{started, seconds}``; ``started`` is false for a sketch that ran already."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.state = State.STARTING
        self.rules: dict[State, Rule] = {
            State.STARTING: Rule(self._starting, ENTER_LIMIT_S, self._fail, self._stop),
            State.CLOSING: self._closing_rule(),
        }
        self._began = 0.0

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [("restart", "Start the sketch")]

    def start(self, now: float) -> list[Effect]:
        """See the base class."""
        self._began = now
        return super().start(now)

    def _starting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("restart", "Start the sketch")
                self._do(StartSketch(SHOWS_S))
            case Done(StartSketch(), started):
                self._complete("its sketch runs" if started else "its sketch ran already")
                seconds = round(self.now - self._began, 3)
                self._close(result={"started": started, "seconds": seconds})
            case _:
                return False
        return True
