"""States that deal with a claim: making it, finding it again, waiting for it, undoing it.

The claim is in the journal before the cloud is asked (intent) and after it answered (id). It is
settled when the board is online, when the cloud refused, or when it is undone; a claim that cannot
be settled stays open in the journal, and ``leftovers.py`` goes on trying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import (
    ClaimOpen,
    ClaimRefused,
    InputError,
    JournalFailed,
    KeyMismatch,
    MooringError,
    NotAuthorised,
    NotOnline,
    NotSignedIn,
    NotSupported,
    PortError,
    QuotaReached,
    Unreachable,
)
from agent.jobs import facts, questions
from agent.jobs.effects import (
    Answered,
    ClaimBoard,
    CloseSession,
    Done,
    Entered,
    Event,
    Failed,
    FindClaims,
    LimitReached,
    TimerFired,
    Unclaim,
    WaitEnded,
)
from agent.jobs.job import Action
from agent.jobs.machine import LIMIT, Machine, Rule
from agent.jobs.states import (
    CLAIM_LIMIT_S,
    FIND_LIMIT_S,
    ONLINE_LIMIT_S,
    UNDO_LIMIT_S,
    State,
)

if TYPE_CHECKING:
    from agent.clouds.cloud import Claim, ClaimRequest

FIND_TRIES = 3
"""Each with the client's own repetitions; after them the claim is pursued in the background."""
NONE_AGAIN_S = 3.0
"""Pause before “there is no such claim” is believed: the lost request may still be running."""
POLL_S = 10.0
"""Between looks for the device id (cloud-arduino, 4)."""
POLL_AFTER_END_S = 1.0
"""First pause after the board said that it has its certificate; doubles up to ``POLL_S``."""
UNDO_TRIES = 3
"""As FIND_TRIES."""

REFUSALS = (
    ClaimRefused,
    InputError,
    JournalFailed,
    KeyMismatch,
    NotAuthorised,
    NotSignedIn,
    NotSupported,
    QuotaReached,
)
"""Answers after which no claim was made."""


def certainly_refused(error: MooringError) -> bool:
    """Whether no claim was made; if not, one has to look. ``sent``: whether a request left."""
    unsent = isinstance(error, Unreachable) and error.facts.get("sent") is False
    return unsent or isinstance(error, REFUSALS)


UNDO = Action(id=questions.UNDO, label="Stop and undo the claim")


class ClaimSteps(Machine):
    """A procedure that has a claim to look after."""

    cloud_title = "the cloud"
    claim: facts.OpenClaim
    """Known from CLAIMING on."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.cause: MooringError | None = None
        """Why the claim is undone; None: somebody stopped the job."""
        self._cloud_problem: MooringError | None = None
        self._tries = 0
        self._poll_s = POLL_S

    def claim_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module."""
        # A request to the cloud is not cut off: its answer says what there is to undo.
        return {
            State.CLAIMING: Rule(self._claiming, CLAIM_LIMIT_S, self._lost, self._wait),
            State.FINDING: Rule(self._finding, FIND_LIMIT_S, self._leave_open, self._wait),
            State.ONLINE: Rule(self._online, ONLINE_LIMIT_S, self._undo, self._keep_or_undo),
            State.UNDOING: Rule(self._undoing, UNDO_LIMIT_S, self._leave_open, self._wait),
        }

    # What a procedure decides ----------------------------------------------------------------

    def _claim_request(self) -> ClaimRequest:
        """What the cloud is asked."""
        raise NotImplementedError

    def _claimed(self) -> None:
        """Where to go when the claim's id is known and nobody wants to stop."""
        raise NotImplementedError

    def _never_made(self, error: MooringError) -> None:
        """Where to go when a lost answer turned out to be no claim."""
        raise NotImplementedError

    def _is_online(self, device_id: str) -> None:
        """What to do when the cloud has seen the board."""
        raise NotImplementedError

    def _undone(self) -> None:
        """Where to go when the claim is undone."""
        self._close(error=self.cause)

    @property
    def _claim_safe(self) -> str:
        return f"Nothing is lost: the claim of {self.claim.name} stays while you decide."

    # The states ------------------------------------------------------------------------------

    def _claiming(self, event: Event) -> bool:
        match event:
            case Entered():
                request = self._claim_request()
                self._record(
                    facts.INTENT,
                    cloud=self.claim.cloud,
                    uhwid=request.uhwid,
                    name=request.name,
                    connection_type=request.connection_type,
                    known=list(self.claim.known),
                )
                self._do(ClaimBoard(request))
            case Done(ClaimBoard(), claim):
                self._has_id(claim)
            case Failed(ClaimBoard(), error) if certainly_refused(error):
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
                self._say("The answer was lost; looking whether the board is claimed")
                self._do(FindClaims(self.claim.uhwid))
            case TimerFired():
                self._do(FindClaims(self.claim.uhwid))
            case Done(FindClaims(), claims):
                self._tries += 1
                ours = facts.find_ours(claims, self.claim)
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
            case Failed(FindClaims(), error) if self._tries + 1 < FIND_TRIES:
                self._tries += 1
                self._cloud_problem = error
                self._timer("again", 2.0 ** (self._tries - 1))
            case LimitReached():
                self._leave_open(self._cloud_problem or self._no_answer())
            case _:
                return False
        return True

    def _has_id(self, claim: str) -> None:
        self._record(facts.CLAIMED, claim=claim)
        self.claim = facts.with_id(self.claim, claim)
        self._cloud_problem = None
        if self.stopped:
            self._undo()
        else:
            self._claimed()

    def _online(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("online", "Come online", "The board fetches its certificate")
                self._poll_s = POLL_S
                self._do(WaitEnded())
                self._timer("poll", POLL_S)
            case Done(WaitEnded()):
                self._poll_s = POLL_AFTER_END_S
                self._do(CloseSession())
                self._poll()
            case TimerFired() | Answered(questions.WAIT):
                self._poll()
                if isinstance(event, Answered):
                    self._timer(LIMIT, ONLINE_LIMIT_S)
            case Done(FindClaims(), claims):
                self._look(claims)
            case Failed(FindClaims(), error):
                self._cloud_problem = error
                self._say(error.report().title)
                self._again()
            case Failed(WaitEnded(), error):
                # A board that has joined goes on by itself wherever it gets power.
                self._do(CloseSession())
                self._poll()
                if self.attended and isinstance(error, PortError):
                    self._ask(questions.plug_in_again(error, safe=self._claim_safe, give_up=UNDO))
            case LimitReached() if self._cloud_problem and not self.attended:
                # Nobody knows whether the board is online; undoing might break what works.
                self.cause = self._cloud_problem
                self._leave_open(self._cloud_problem)
            case LimitReached():
                self.cause = self._cloud_problem or NotOnline(
                    cloud=self.cloud_title, seconds=round(ONLINE_LIMIT_S)
                )
                self._ask(questions.not_online(self.cause, safe=self._claim_safe, give_up=UNDO))
            case Answered():
                self._undo(self.cause)
            case _:
                pass
        return True

    def _poll(self) -> None:
        look = FindClaims(self.claim.uhwid)
        if look not in self._waiting:
            self._do(look)

    def _look(self, claims: list[Claim]) -> None:
        self._cloud_problem = None
        if not self._seen_online(claims):
            self._again()

    def _seen_online(self, claims: list[Claim]) -> bool:
        """Settle the claim and go on if the cloud has seen the board."""
        for claim in claims:
            if claim.id == self.claim.claim and claim.device_id:
                self._settle("online", device_id=claim.device_id)
                self._complete(f"online as {self.claim.name}")
                self._is_online(claim.device_id)
                return True
        return False

    def _again(self) -> None:
        self._timer("poll", self._poll_s)
        self._poll_s = min(self._poll_s * 2, POLL_S)

    def _keep_or_undo(self) -> None:
        """Cancelled while joined: the end of the agent does not undo what works by itself."""
        if self.stopped and self.stopped.interrupted:
            self._left = "The board has joined; the next start looks whether it came online."
            self._close()
        else:
            self._undo()

    def _undo(self, error: MooringError | None = None) -> None:
        self.cause = error
        self._complete_because(error)
        self._tries = 0
        self._go(State.UNDOING)

    def _undoing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("undo", "Undo the claim")
                self._unclaim()
            case TimerFired():
                self._unclaim()
            case Done(Unclaim()):
                self._settle("undone")
                self._complete(f"{self.claim.name} is no longer claimed")
                self._undone()
            case Failed(Unclaim(), Unreachable() | QuotaReached()) if self._tries + 1 < UNDO_TRIES:
                self._say("The cloud does not answer; trying again")
                self._timer("again", 2.0**self._tries)
                self._tries += 1
            case LimitReached():
                self._leave_open(self._no_answer())
            case _:
                return False
        return True

    def _unclaim(self) -> None:
        if self.claim.claim:
            self._do(Unclaim(self.claim.claim))
        else:
            # No cloud knows an empty id, so its answer would count as undone.
            self._leave_open(self._no_answer())

    def _leave_open(self, error: MooringError) -> None:
        """The claim stays open in the journal, and the person is told."""
        cause = self.cause.report().title if self.cause else "The job was stopped."
        self._close(
            error=ClaimOpen(
                name=self.claim.name,
                cloud=self.cloud_title,
                cause=cause,
                detail=error.report().title,
                claim=self.claim.claim or "(id unknown)",
                uhwid=self.claim.uhwid,
            )
        )

    def _settle(self, how: str, **more: str) -> None:
        self._record(facts.SETTLED, how=how, **more)

    def _no_answer(self) -> Unreachable:
        return Unreachable(cloud=self.cloud_title, detail="It did not answer in time.")

    def _wait(self) -> None:
        """A cancel changes nothing now: what runs has its own end and looks at ``stopped``."""
