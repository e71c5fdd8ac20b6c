"""Looking what a board runs of which nothing is known, then going on as the procedure for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import ImprovSilent
from agent.jobs.effects import Done, Effect, Entered, Event, Learn
from agent.jobs.flash_effects import AskBoard
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import LOOK_LIMIT_S, State
from agent.sessions.improv import OPEN_LIMIT_S

if TYPE_CHECKING:
    from agent.jobs.which import BoardSays

PATIENCE_S: Final = 5.0
"""For a first word in 2.0, as in a migration. A sketch that scans just now may be missed: it is
asked again, and for longer, if nothing else answers."""


class LookFirst(Machine):
    """Becomes one of two machines: for a device of Improv Wi-Fi, or for ``other`` boards.

    Without ``other`` the board is asked in Improv Wi-Fi only. With it, in 2.0 and 1.0 before, so
    that boards which speak these are never sent anything that they do not know.
    """

    def __init__(self, improv: Machine, other: Machine | None, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.state = State.LOOKING
        self.rules = {
            State.LOOKING: Rule(self._looking, LOOK_LIMIT_S, self._fail, self._stop),
            State.CLOSING: self._closing_rule(),
        }
        self.improv = improv
        self.other = other
        self._then: Machine | None = None

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [("look", "Look what the board runs"), *(self.other or self.improv).plan]

    def handle(self, event: Event, now: float) -> list[Effect]:
        """See the base class."""
        if self._then is None:
            return super().handle(event, now)
        effects = self._then.handle(event, now)
        self.finished = self._then.finished
        return effects

    def _looking(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("look", "Look what the board runs", self._how)
                asks = AskBoard(PATIENCE_S, "last") if self.other else AskBoard(0.0, "only")
                self._do(asks)
            case Done(AskBoard(), says):
                self._heard(says)
            case _:
                return False
        return True

    @property
    def _how(self) -> str:
        restarts = "opening its port restarts many boards with an ESP chip"
        if self.other:
            return f"In provisioning 2.0 and 1.0, then in Improv Wi-Fi; {restarts}"
        return f"In Improv Wi-Fi, for up to {OPEN_LIMIT_S:g} s; {restarts}"

    def _heard(self, says: BoardSays) -> None:
        if says.answer == "improv":
            self._effects.append(Learn(installed="improv"))
            self._become(self.improv, "it speaks Improv Wi-Fi")
        elif self.other:
            self._become(self.other, "it does not speak Improv Wi-Fi")
        else:
            self._fail(
                ImprovSilent(
                    seconds=round(OPEN_LIMIT_S),
                    why="Its firmware does not speak Improv Wi-Fi, or has it switched off.",
                )
            )

    def _become(self, machine: Machine, because: str) -> None:
        self._complete(because)
        machine.via = self.via
        self._then = machine
        # Its first state has a limit of its own, which takes the place of this one's.
        self._effects += machine.start(self.now)
