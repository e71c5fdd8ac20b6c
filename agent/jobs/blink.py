"""Blink: a device shows which one it is; nothing on it changes."""

from __future__ import annotations

from agent.jobs.effects import Done, Entered, Event, OpenSession
from agent.jobs.improv_effects import ShowWhich
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import SCAN_LIMIT_S, State


class Blink(Machine):
    """Result: ``{blinks: true}``. Devices blink for some seconds, or make a sound."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.rules = {
            State.READING: Rule(self._reading, SCAN_LIMIT_S, self._fail, self._stop),
            State.CLOSING: self._closing_rule(),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [("blink", "Make it blink")]

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("blink", "Make it blink", "Over Bluetooth")
                self._do(OpenSession())
            case Done(OpenSession()):
                self._do(ShowWhich())
            case Done(ShowWhich()):
                self._complete("it blinks for some seconds, or makes a sound")
                self._close(result={"blinks": True})
            case _:
                return False
        return True
