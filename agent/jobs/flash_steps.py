"""States that write a sketch: fetch and check it, enter the bootloader, write, start it.

Nothing is changed before ENTERING, which is the point of no return: most boards erase a part of
the old sketch on their way into the bootloader (flashing, section 2). From the intent in the
journal on, a run that is cut off is finished by the next start; see ``unfinished.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import (
    FlashStopped,
    JournalFailed,
    LoaderRefused,
    NoBootloader,
    OtherChip,
    PortError,
    PortGone,
    Unreachable,
)
from agent.jobs import facts, questions
from agent.jobs.effects import (
    Advanced,
    Answered,
    Done,
    Entered,
    Event,
    Failed,
    Learn,
    LimitReached,
    SessionLost,
    TimerFired,
    WaitBoardBack,
    WaitRestart,
)
from agent.jobs.flash_effects import EnterBootloader, PrepareFlash, WaitSketch, WriteFlash
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import (
    ANSWER_LIMIT_S,
    ENTER_LIMIT_S,
    FETCH_LIMIT_S,
    RETURN_S,
    START_LIMIT_S,
    WRITE_LIMIT_S,
    State,
)

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.flash.method import FlashTarget, Stage
    from agent.jobs.flash_effects import Prepared, Source

SELF_TRIES: Final = 2
"""Further attempts that are made without asking: a bad cable shows at once, a glitch goes away."""
AGAIN_S: Final = 1.0
"""Before a further attempt (protocol-v1, section 8)."""
GLANCE_S: Final = 3.0
"""How long a board may be away before the person is asked to plug it in: most restarts are over."""
SHOWS_S: Final = 15.0
"""How long a new sketch may need to show itself: 10 s and a slow hub (flashing, section 10)."""

FLASH_STEPS: Final = [
    ("fetch", "Fetch and check the sketch"),
    ("enter", "Restart into the bootloader"),
    ("write", "Write and verify the sketch"),
    ("restart", "Start the new sketch"),
]
WAITING: Final = (
    "The sketch was not written to its end. That goes on as soon as agent and board are there."
)
POINT_OF_NO_RETURN: Final = "From here the old sketch is gone."

_SHARES: Final[dict[Stage, tuple[float, float]]] = {
    "prepare": (0.0, 0.0),
    "erase": (0.0, 0.1),
    "write": (0.1, 0.8),
    "verify": (0.8, 1.0),
    "reset": (1.0, 1.0),
}
"""Parts of the bar that the stages of a run take."""
_SAYINGS: Final[dict[Stage, str]] = {
    "prepare": "Talking to the bootloader",
    "erase": "Erasing",
    "write": "Writing",
    "verify": "Verifying",
    "reset": "Starting the sketch",
}


class FlashSteps(Machine):
    """A procedure that writes a sketch."""

    prepared: Prepared
    """Known from ENTERING on."""
    source: Source
    """What is to be written; set before FETCHING."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.flash_problem: MooringError | None = None
        self._target: FlashTarget | None = None
        self._attempts = 0
        self._intended = False

    def flash_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module."""
        stop = self._stop_flash
        return {
            State.FETCHING: Rule(self._fetching, FETCH_LIMIT_S, self._fail, self._stop),
            State.ENTERING: Rule(self._entering, ENTER_LIMIT_S, self._strand, stop),
            State.WRITING: Rule(self._writing, WRITE_LIMIT_S, self._strand, stop),
            State.STARTING: Rule(self._starting, START_LIMIT_S, self._strand, self._stop_start),
            State.STRANDED: Rule(self._stranded, ANSWER_LIMIT_S, self._give_up_flash, stop),
        }

    # What a procedure decides ----------------------------------------------------------------

    def _fetched(self) -> None:
        """Where to go when the sketch passed every check; nothing was touched yet."""
        self._go(State.ENTERING)

    def _flashed(self) -> None:
        """Where to go when the new sketch runs."""
        raise NotImplementedError

    # The states ------------------------------------------------------------------------------

    def _fetching(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("fetch", "Fetch and check the sketch")
                self._do(PrepareFlash(self.source))
            case Done(PrepareFlash(), prepared):
                self.prepared = prepared
                self._complete(self._described())
                self._fetched()
            case LimitReached():
                detail = f"Nothing came within {FETCH_LIMIT_S:.0f} s."
                self._fail(Unreachable(cloud="The source of the sketch", detail=detail))
            case _:
                return False
        return True

    def _described(self) -> str:
        sketch = self.prepared
        version = f" {sketch.version}" if sketch.version else ""
        size = f"{max(1, round(sketch.size / 1000))} kB"
        return " · ".join([f"{sketch.name}{version}", size, *sketch.notes])

    def _entering(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("enter", "Restart into the bootloader", POINT_OF_NO_RETURN)
                if not self._intended:
                    self._intended = True
                    sketch = self.prepared
                    self._record(
                        facts.FLASHING,
                        sha256=sketch.sha256,
                        model=sketch.plan.model,
                        place=sketch.place,
                        sketch=sketch.name,
                        version=sketch.version,
                        bytes=sketch.size,
                    )
                self._do(EnterBootloader())
            case Done(EnterBootloader(), target):
                self._target = target
                self._complete("the bootloader answers for the sketch from now on")
                self._go(State.WRITING)
            case Failed(EnterBootloader(), error) if not self._attempts and isinstance(
                error, PortError | JournalFailed | LoaderRefused
            ):
                # The board could not even be spoken to, or the intent is not on the disk.
                self._settle_flash("untouched")
                self._fail(error)
            case _:
                return False
        return True

    def _writing(self, event: Event) -> bool:
        match event:
            case Entered() if self._target:
                self._begin("write", "Write and verify the sketch")
                self._do(WriteFlash(self.prepared, self._target))
            case Advanced(stage=stage, done=done, total=total):
                self._say(*_progress(stage, done, total))
            case Done(WriteFlash()):
                self._complete(f"{self.prepared.size} bytes")
                self._go(State.STARTING)
            case Failed(WriteFlash(), OtherChip() as error) if not self._attempts:
                self._settle_flash("untouched")
                self._fail(error)
            case _:
                return False
        return True

    def _starting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("restart", "Start the new sketch")
                self._do(WaitSketch(SHOWS_S))
            case Done(WaitSketch()):
                self._complete("the board is back")
                self._runs()
            case _:
                return False
        return True

    def _runs(self) -> None:
        self._settle_flash("written")
        self._flashed()

    def _strand(self, error: MooringError) -> None:
        self.flash_problem = error
        self._complete_because(error)
        self._go(State.STRANDED)

    def _stranded(self, event: Event) -> bool:
        match event:
            case Entered():
                self._attempts += 1
                if self._attempts <= SELF_TRIES and not self._needs_hand:
                    self._timer("again", AGAIN_S)
                else:
                    self._ask_flash()
            case TimerFired():
                self._do(WaitBoardBack(GLANCE_S if self.attended else RETURN_S))
            case Done(WaitBoardBack() | WaitRestart()) | Answered(questions.RETRY):
                self._go(State.ENTERING)
            case Failed(WaitBoardBack(), error) if not self._asking:
                self._ask_flash(error)
            case Failed() | SessionLost():
                pass
            case LimitReached() | Answered():
                self._give_up_flash(self.flash_problem)
            case _:
                return False
        return True

    @property
    def _needs_hand(self) -> bool:
        """A bootloader that did not come after two touches comes when somebody presses reset."""
        return self.attended and isinstance(self.flash_problem, NoBootloader)

    def _ask_flash(self, gone: MooringError | None = None) -> None:
        """The person decides; a board that is plugged in again is an answer, too."""
        error = self.flash_problem or PortGone(port="the board")
        if self.attended:
            self._do(WaitRestart(ANSWER_LIMIT_S) if gone is None else WaitBoardBack(ANSWER_LIMIT_S))
        self._ask(questions.flash_failed(error, away=gone is not None))

    def _give_up_flash(self, error: MooringError | None) -> None:
        self._settle_flash("given up")
        self._close(error=error)

    def _stop_flash(self) -> None:
        """Cancelled behind the point of no return: the board is left in its bootloader."""
        if self.stopped and self.stopped.interrupted:
            self._left = WAITING
            self._close()
        else:
            self._settle_flash("stopped")
            self._close(error=FlashStopped())

    def _stop_start(self) -> None:
        """Cancelled while the new sketch starts: it was written to its end."""
        self._left = "The new sketch was written to the board."
        self._settle_flash("written")
        self._close()

    def _settle_flash(self, how: str) -> None:
        self._record(facts.FLASHED, how=how)
        if how != "untouched":
            # What was known of the old sketch is no longer true.
            self._effects.append(Learn(installed=""))


def _progress(stage: Stage, done: int, total: int) -> tuple[str, float | None]:
    """What to say, and how far the whole run is."""
    start, end = _SHARES[stage]
    share = start + (end - start) * (min(1.0, done / total) if total else 0.0)
    said = _SAYINGS[stage]
    if total:
        said += f" · {done / 1000:.0f} of {total / 1000:.0f} kB"
    return said, share
