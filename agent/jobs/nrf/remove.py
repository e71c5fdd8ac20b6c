"""A board is given up: READING, CONFIRMING, UNDOING. Its claim goes, and with it its device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import NrfKeyRefused, NrfRoleTooLow, NrfUnfinished, Unreachable
from agent.jobs import questions
from agent.jobs.effects import Answered, Done, Entered, Event, Learn, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.nrf import facts, words
from agent.jobs.nrf.effects import FindDevice, LookAtRemoval, UnclaimBoard
from agent.jobs.nrf.reading import STEP_READ, NrfReading
from agent.jobs.states import State

if TYPE_CHECKING:
    from agent.clouds.nrf.records import Removal
    from agent.errors import MooringError
    from agent.jobs.nrf.reading import NrfOrder

STEP_LOOK: Final = "look"
STEP_DELETE: Final = "delete"
LOOK_LIMIT_S: Final = 180.0
"""Three calls with their repetitions; a question has a limit of its own."""
UNCLAIM_LIMIT_S: Final = 120.0
"""One call with its repetitions."""


class NrfRemove(NrfReading):
    """Result: ``{device, device_id, cloud, deleted, lost, procedure, seconds, notes}``.

    ``deleted`` is ``team``, or ``device`` where it had no claim; ``lost`` are the sentences that the
    person was shown.
    """

    needs_token = False

    def __init__(self, order: NrfOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self._removal: Removal | None = None
        self.rules |= {
            State.CONFIRMING: Rule(self._confirming, LOOK_LIMIT_S, self._fail, self._stop),
            State.UNDOING: Rule(self._undoing, UNCLAIM_LIMIT_S, self._not_sure, self._waits),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        read = [(STEP_READ, self.reading)] if self.order.has_board else []
        return [
            *read,
            (STEP_LOOK, "See what is lost with it"),
            (STEP_DELETE, f"Remove it from {self.order.title}"),
        ]

    def _reading(self, event: Event) -> bool:
        if isinstance(event, Entered) and not self.order.has_board:
            self.began = self.now
            self._go(State.CONFIRMING)
            return True
        return super()._reading(event)

    def _read(self) -> None:
        self._complete(f"device id {self.device_id}")
        self._go(State.CONFIRMING)

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_LOOK, "See what is lost with it")
                self._look()
            case Done(FindDevice(), device):
                self._found(device)
                self._look()
            case Done(LookAtRemoval(), removal):
                self._removal = removal
                if self.order.confirmed:
                    self._agreed()
                else:
                    self._ask(words.give_up_board(self._shown, self.order.title, removal))
            case LimitReached():
                detail = f"There was no answer within {LOOK_LIMIT_S:.0f} s."
                self._fail(Unreachable(cloud=self.order.title, detail=detail))
            case Answered(questions.CONTINUE):
                self._agreed()
            case Answered():
                self._stop()
            case _:
                return False
        return True

    def _look(self) -> None:
        known = bool(self.device_id)
        self._do(LookAtRemoval(self.device_id) if known else FindDevice(self.order.wanted))

    def _agreed(self) -> None:
        self._complete()
        self._go(State.UNDOING)

    def _undoing(self, event: Event) -> bool:
        match event:
            case Entered() if self._removal is not None:
                self._begin(STEP_DELETE, f"Remove it from {self.order.title}")
                self._record(facts.GIVING_UP, **self._about)
                self._do(UnclaimBoard(self._removal))
            case Done(UnclaimBoard()):
                self._done()
            case _:
                return False
        return True

    def _waits(self) -> None:
        self._say("Waiting for what becomes of the removal that was sent")

    def _not_sure(self, error: MooringError) -> None:
        """To try again does no harm: what is gone already is done."""
        if isinstance(error, NrfKeyRefused | NrfRoleTooLow):
            self._record(facts.ENDED, result=None)
            self._fail(error)
            return
        report = error.report()
        self._fail(
            NrfUnfinished(
                name=self._shown,
                cloud=self.order.title,
                device=self.device_id,
                left="Whether it is removed is not known.",
                cause=" ".join(filter(None, [report.title, report.meaning, report.remedy])),
                cause_code=report.code,
            )
        )

    def _done(self) -> None:
        self._complete()
        removal = self._removal
        assert removal is not None  # noqa: S101 - there is no way here without one
        result: dict[str, Any] = {
            "device": self._shown,
            "device_id": self.device_id,
            "cloud": self.order.cloud,
            "deleted": "device" if removal.device is None else "team",
            "lost": list(removal.losses),
            "procedure": "remove",
            "seconds": self._seconds(),
            "notes": self.notes,
        }
        self._record(facts.ENDED, result=result)
        self._effects.append(Learn(installed=""))
        self._close(result=result)
