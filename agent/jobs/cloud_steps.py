"""States that deal with what a cloud makes, a claim or a device: making, finding, undoing it.

It is in the journal before the cloud is asked (intent) and after it answered (id). It is settled
when the procedure is complete, when the cloud refused, or when it is undone; what cannot be settled
stays open in the journal, and ``leftovers.py`` goes on trying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.errors import (
    ClaimRefused,
    DeviceRefused,
    InputError,
    JournalFailed,
    KeyMismatch,
    MooringError,
    NotAuthorised,
    NotSignedIn,
    NotSupported,
    QuotaReached,
    Unreachable,
)
from agent.jobs import facts
from agent.jobs.effects import (
    Done,
    Entered,
    Event,
    Failed,
    LimitReached,
    Look,
    Make,
    TakeBack,
    TimerFired,
)
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import CLAIM_LIMIT_S, FIND_LIMIT_S, UNDO_LIMIT_S, State

if TYPE_CHECKING:
    from collections.abc import Sequence

FIND_TRIES = 3
"""Each with the client's own repetitions; after them it is pursued in the background."""
NONE_AGAIN_S = 3.0
"""Pause before “there is none” is believed: the lost request may still be running."""
UNDO_TRIES = 3
"""As FIND_TRIES."""

REFUSALS = (
    ClaimRefused,
    DeviceRefused,
    InputError,
    JournalFailed,
    KeyMismatch,
    NotAuthorised,
    NotSignedIn,
    NotSupported,
    QuotaReached,
)
"""Answers after which nothing was made."""


def certainly_refused(error: MooringError) -> bool:
    """Whether nothing was made; if not, one has to look. ``sent``: whether a request left."""
    unsent = isinstance(error, Unreachable) and error.facts.get("sent") is False
    return unsent or isinstance(error, REFUSALS)


class CloudSteps(Machine):
    """A procedure that has a claim or a device to look after."""

    cloud_title = "the cloud"
    claim: facts.OpenClaim
    """Known from CLAIMING on."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.cause: MooringError | None = None
        """Why it is undone; None: somebody stopped the job."""
        self._cloud_problem: MooringError | None = None
        self._tries = 0

    def cloud_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module."""
        # A request to the cloud is not cut off: its answer says what there is to undo.
        return {
            State.CLAIMING: Rule(self._claiming, CLAIM_LIMIT_S, self._lost, self._wait),
            State.FINDING: Rule(self._finding, FIND_LIMIT_S, self._leave_open, self._wait),
            State.UNDOING: Rule(self._undoing, UNDO_LIMIT_S, self._leave_open, self._wait),
        }

    # What a claim and a device differ in -----------------------------------------------------

    looking = "The answer was lost; looking whether the cloud has carried it out"
    undoing = "Undo what was made in the cloud"

    def _making(self) -> tuple[Make, dict[str, Any]]:
        """What the cloud is asked, and what the journal keeps of it."""
        raise NotImplementedError

    def _look(self) -> Look:
        """What finds it again."""
        raise NotImplementedError

    def _take_back(self, made: str) -> TakeBack:
        """What undoes it; ``made`` is its id."""
        raise NotImplementedError

    def _id_of(self, made: Any) -> str:  # noqa: ANN401 - the value of a request, see effects.py
        """The id in the answer of the cloud."""
        return str(made)

    def _ours(self, found: Sequence[Any]) -> Sequence[Any]:
        """What of this can have been made by the request with the lost answer; likeliest first."""
        raise NotImplementedError

    def _still_there(self, cause: str, error: MooringError) -> MooringError:
        """What to tell when it cannot be undone; ``cause`` is why it should have been."""
        raise NotImplementedError

    # What a procedure decides ----------------------------------------------------------------

    def _claimed(self) -> None:
        """Where to go when the id is known and nobody wants to stop."""
        raise NotImplementedError

    def _never_made(self, error: MooringError) -> None:
        """Where to go when a lost answer turned out to have made nothing."""
        raise NotImplementedError

    def _undone(self) -> None:
        """Where to go when it is undone."""
        self._close(error=self.cause)

    # The states ------------------------------------------------------------------------------

    def _claiming(self, event: Event) -> bool:
        match event:
            case Entered():
                request, intent = self._making()
                self._record(facts.INTENT, **intent)
                self._do(request)
            case Done(Make(), made):
                self._has_id(self._id_of(made))
            case Failed(Make(), error) if certainly_refused(error):
                self._settle("refused")
                self._fail(error)
            case LimitReached():
                self._lost(self._no_answer())
            case _:
                return False
        return True

    def _lost(self, error: MooringError) -> None:
        self._cloud_problem = error
        self._tries = 0
        self._go(State.FINDING)

    def _finding(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say(self.looking)
                self._do(self._look())
            case TimerFired():
                self._do(self._look())
            case Done(Look(), found):
                self._tries += 1
                ours = self._ours(found)
                if ours:
                    self._has_id(ours[0].id)
                elif self._tries == 1:
                    self._timer("again", NONE_AGAIN_S)
                else:
                    self._settle("none")
                    if self.stopped:
                        self._stop()
                    else:
                        self._never_made(self._cloud_problem or self._no_answer())
            case Failed(Look(), error) if self._tries + 1 < FIND_TRIES:
                self._tries += 1
                self._cloud_problem = error
                self._timer("again", 2.0 ** (self._tries - 1))
            case LimitReached():
                self._leave_open(self._cloud_problem or self._no_answer())
            case _:
                return False
        return True

    def _has_id(self, made: str) -> None:
        self._record(facts.CLAIMED, claim=made)
        self.claim = facts.with_id(self.claim, made)
        self._cloud_problem = None
        if self.stopped:
            self._undo()
        else:
            self._claimed()

    def _undo(self, error: MooringError | None = None) -> None:
        self.cause = error
        self._complete_because(error)
        self._tries = 0
        self._go(State.UNDOING)

    def _undoing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("undo", self.undoing)
                self._unmake()
            case TimerFired():
                self._unmake()
            case Done(TakeBack()):
                self._settle("undone")
                self._complete(f"{self.claim.name} is no longer in {self.cloud_title}")
                self._undone()
            case Failed(TakeBack(), Unreachable() | QuotaReached()) if self._tries + 1 < UNDO_TRIES:
                self._say("The cloud does not answer; trying again")
                self._timer("again", 2.0**self._tries)
                self._tries += 1
            case LimitReached():
                self._leave_open(self._no_answer())
            case _:
                return False
        return True

    def _unmake(self) -> None:
        if self.claim.claim:
            self._do(self._take_back(self.claim.claim))
        else:
            # No cloud knows an empty id, so its answer would count as undone.
            self._leave_open(self._no_answer())

    def _leave_open(self, error: MooringError) -> None:
        """It stays open in the journal, and the person is told."""
        cause = self.cause.report().title if self.cause else "The job was stopped."
        self._close(error=self._still_there(cause, error))

    def _settle(self, how: str, **more: str) -> None:
        self._record(facts.SETTLED, how=how, **more)

    def _no_answer(self) -> Unreachable:
        return Unreachable(cloud=self.cloud_title, detail="It did not answer in time.")

    def _wait(self) -> None:
        """A cancel changes nothing now: what runs has its own end and looks at ``stopped``."""
