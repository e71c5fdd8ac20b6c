"""States that deal with a claim: making it, waiting until the board is online, undoing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.errors import ClaimOpen, MooringError, NotOnline, PortError
from agent.jobs import facts, questions
from agent.jobs.cloud_steps import CloudSteps
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
from agent.jobs.machine import LIMIT, Rule
from agent.jobs.states import ONLINE_LIMIT_S, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.cloud import Claim, ClaimRequest

POLL_S = 10.0
"""Between looks for the device id (cloud-arduino, 4)."""
POLL_AFTER_END_S = 1.0
"""First pause after the board said that it has its certificate; doubles up to ``POLL_S``."""

UNDO = Action(id=questions.UNDO, label="Stop and undo the claim")


class ClaimSteps(CloudSteps):
    """A procedure that has a claim to look after."""

    looking = "The answer was lost; looking whether the board is claimed"
    undoing = "Undo the claim"

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self._poll_s = POLL_S

    def claim_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module and of :class:`CloudSteps`."""
        return self.cloud_rules() | {
            State.ONLINE: Rule(self._online, ONLINE_LIMIT_S, self._undo, self._keep_or_undo),
        }

    # What a procedure decides ----------------------------------------------------------------

    def _claim_request(self) -> ClaimRequest:
        """What the cloud is asked."""
        raise NotImplementedError

    def _is_online(self, device_id: str) -> None:
        """What to do when the cloud has seen the board."""
        raise NotImplementedError

    @property
    def _claim_safe(self) -> str:
        return f"Nothing is lost: the claim of {self.claim.name} stays while you decide."

    # What makes it a claim -------------------------------------------------------------------

    def _making(self) -> tuple[ClaimBoard, dict[str, Any]]:
        request = self._claim_request()
        return ClaimBoard(request), {
            "cloud": self.claim.cloud,
            "uhwid": request.uhwid,
            "name": request.name,
            "connection_type": request.connection_type,
            "known": list(self.claim.known),
        }

    def _look(self) -> FindClaims:
        return FindClaims(self.claim.uhwid)

    def _take_back(self, made: str) -> Unclaim:
        return Unclaim(made)

    def _ours(self, found: Sequence[Claim]) -> Sequence[Claim]:
        return facts.find_ours(found, self.claim)

    def _still_there(self, cause: str, error: MooringError) -> MooringError:
        return ClaimOpen(
            name=self.claim.name,
            cloud=self.cloud_title,
            cause=cause,
            detail=error.report().title,
            claim=self.claim.claim or "(id unknown)",
            uhwid=self.claim.uhwid,
        )

    # Waiting until it is online --------------------------------------------------------------

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
                self._judge(claims)
            case Failed(FindClaims(), error):
                self._cloud_problem = error
                self._say(error.report().title)
                self._again()
            case Failed(WaitEnded(), error):
                # A board that has joined goes on by itself wherever it gets power.
                self._do(CloseSession())
                self._poll()
                # In the air it hangs up when it goes online: that is what was waited for.
                if self.attended and self.via == "usb" and isinstance(error, PortError):
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
        look = self._look()
        if look not in self._waiting:
            self._do(look)

    def _judge(self, claims: list[Claim]) -> None:
        self._cloud_problem = None
        if not self._seen_online(claims):
            self._again()

    def _seen_online(self, claims: list[Claim]) -> bool:
        """Settle the claim and go on if the cloud has seen the board."""
        device_id = self._completed(claims)
        if device_id is None:
            return False
        self._settle("online", device_id=device_id, **self._how_online())
        self._tell_online()
        self._is_online(device_id)
        return True

    def _completed(self, claims: list[Claim]) -> str | None:
        """Id of the device that our claim has become."""
        ours = (claim for claim in claims if claim.id == self.claim.claim)
        return next((claim.device_id for claim in ours if claim.device_id), None)

    def _how_online(self) -> dict[str, str]:
        """What the journal keeps besides: ``network`` and ``note`` of the result."""
        return {}

    def _tell_online(self) -> None:
        """End the step that runs."""
        self._complete(f"online as {self.claim.name}")

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
