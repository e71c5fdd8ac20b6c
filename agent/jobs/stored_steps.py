"""A claimed board that comes online with what it had stored, before it got the settings of the job.

One that was in a network already asks for its certificate again and again. Once it is claimed it may
get it before RESET reaches it; then it closes the link and switches its Bluetooth off. Its link may
also fall, and it joins the network that it has (protocol-v2, 7.2 and 7.3). It is set up then. Only
its network may be another one than the person asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import MooringError, OnlineAnyway
from agent.jobs import facts, questions
from agent.jobs.away_steps import ClaimedAway
from agent.jobs.board_steps import NetworkSteps
from agent.jobs.effects import (
    Answered,
    CloseSession,
    Done,
    Entered,
    Event,
    Failed,
    FindClaims,
    LimitReached,
    OpenSession,
    ReadBoard,
    SessionLost,
    TimerFired,
    WaitBoardBack,
    WaitEnded,
)
from agent.jobs.guide import stored_note
from agent.jobs.job import JobKind, JobState, StepState
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, FIND_LIMIT_S, PARTING_S, State

if TYPE_CHECKING:
    from typing import Any

    from agent.jobs.journal import Journal
    from agent.jobs.machine import Inquiry
    from agent.settings.network import NetworkSetting

HEARD_AGAIN_S: Final = 2.0
"""Pause after a board that was heard could not be read, or still is as it was."""

STORED_JOBS: Final = 20
"""How far back the jobs of a board are asked for its network: reading and scanning do not change it."""
_CHANGING: Final = frozenset(
    {JobKind.PROVISION, JobKind.CONFIGURE, JobKind.MIGRATE, JobKind.FORGET, JobKind.FLASH}
)


async def stored_network(journal: Journal, board: str) -> str:
    """The network that a board was given by the newest of its jobs; empty: not known."""
    jobs = await journal.list(STORED_JOBS, board)
    last = next((job for job in jobs if job.kind in _CHANGING), None)
    if last is None or last.state is not JobState.DONE or not last.result:
        return ""
    return str(last.result.get("network") or "")


class StoredSteps(NetworkSteps, ClaimedAway):
    """A procedure whose claim may be completed by the board alone."""

    stored = ""
    """The network that it was given last, as far as the journal knows."""

    def __init__(self, network: NetworkSetting | None, *, confirmed: bool, attended: bool) -> None:
        super().__init__(network, confirmed=confirmed, attended=attended)
        self._away = False
        """It was out of our sight since it was claimed."""
        self._woken = False
        """Its claim is complete; its network was erased by hand to give it another one."""
        self._device: dict[str, Any] = {}
        self.rules |= {
            State.LEAVING: Rule(self._leaving, FIND_LIMIT_S, self._leave, self._wait),
            State.STORED: Rule(self._staying, ANSWER_LIMIT_S, self._over, self._stay),
            State.WAKING: Rule(self._waking, ANSWER_LIMIT_S, self._over, self._stay),
            State.PARTING: Rule(self._parting, PARTING_S, self._over, self._parted),
        }

    # What a procedure decides ----------------------------------------------------------------

    def _succeed(self, claim: dict[str, Any]) -> None:
        """End well, with this in the result."""
        raise NotImplementedError

    @property
    def _notes(self) -> list[str]:
        """What the result says at the end of such a job in any case."""
        raise NotImplementedError

    # The cloud has seen the board ------------------------------------------------------------

    def _how_online(self) -> dict[str, str]:
        notes = [self._note_stored, *self._notes]
        return {} if self._sent else {"network": self.stored, "note": " ".join(notes)}

    def _tell_online(self) -> None:
        if self._sent:
            super()._tell_online()
            return
        self._complete("not needed", StepState.SKIPPED)
        self._begin("online", "Come online")
        where = self.stored or "the network that it had stored"
        self._complete(f"online as {self.claim.name}, in {where}")

    def _is_online(self, device_id: str) -> None:
        self._device = {"device_id": device_id, "claim": self.claim.claim}
        if self._sent:
            self._succeed(self._device)
        elif self.stopped:
            name, cloud = self.claim.name, self.cloud_title
            self._close(error=OnlineAnyway(name=name, cloud=cloud, device=device_id))
        elif self._choice:
            self._go(State.STORED)
        else:
            self._stay()

    @property
    def _choice(self) -> Inquiry | None:
        """The question whether it stays, if it makes sense and somebody is there."""
        reachable = self.via == "ble" and self.guide is not None
        if not (self.attended and reachable) or self.guide is None:
            return None
        if self.stored == self.network.label:
            return None
        name, cloud = self.claim.name, self.cloud_title
        return questions.stays_online(name, cloud, self.stored, self.network, self.guide)

    @property
    def _note_stored(self) -> str:
        in_the_air = self.via == "ble"
        return stored_note(self.network.label, self.stored, self.guide, in_the_air=in_the_air)

    def _stay(self) -> None:
        notes = [self._note_stored, *self._notes]
        self._succeed(self._device | facts.as_stored(self.stored, notes))

    def _over(self, _error: MooringError) -> None:
        if self._woken:
            self._parted()
        else:
            self._stay()

    # Whether its claim may be undone ---------------------------------------------------------

    @property
    def _unsure(self) -> bool:
        """It may be online with what it had stored, for all we know."""
        return self._may_come_online() and not self._sent and (self._away or self.facts.online)

    def _undo(self, error: MooringError | None = None) -> None:
        if self._unsure:
            self.cause = error
            self._go(State.LEAVING)
        else:
            self._undo_at_once(error)

    def _undo_at_once(self, error: MooringError | None = None) -> None:
        super()._undo(error)

    def _leaving(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say(f"Looking whether the board is online in {self.cloud_title}")
                self._do(self._look())
            case Done(FindClaims(), claims):
                if not self._seen_online(claims):
                    self._undo_at_once(self.cause)
            case Failed(FindClaims()) | LimitReached():
                # If the claim cannot be undone either, it is looked for again in the background.
                self._undo_at_once(self.cause)
            case _:
                return False
        return True

    def _leave(self, _error: MooringError) -> None:
        self._undo_at_once(self.cause)

    # Another network for it, all the same ----------------------------------------------------

    def _staying(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(CloseSession())
                if self._choice:
                    self._ask(self._choice)
            case Answered(questions.CONTINUE):
                self._go(State.WAKING)
            case Answered():
                self._stay()
            case Done() | Failed() | SessionLost():
                pass
            case _:
                return False
        return True

    def _waking(self, event: Event) -> bool:
        match event:
            case Entered() if self.guide:
                self._begin("wake", "Bring its Bluetooth back")
                self._do(WaitBoardBack(ANSWER_LIMIT_S))
                self._ask(questions.wake_it(self.guide, self.network))
            case TimerFired():
                self._do(WaitBoardBack(ANSWER_LIMIT_S))
            case Done(WaitBoardBack()):
                self._do(OpenSession(known=True))
            case Done(OpenSession()):
                self._do(ReadBoard())
            case Done(ReadBoard(), read) if read.uhwid == self.facts.uhwid and not read.online:
                self._note(read)
                self._woken = True
                self._returns = 0
                self._settle("woken")
                self._left = facts.without_network(self.claim.name, self.cloud_title)
                self._complete("heard again, without a network")
                self._go(State.JOINING)
            case Done(ReadBoard()):
                self._say("The network of the board was not erased yet")
                self._do(CloseSession())
            case Failed(CloseSession()) | Done(CloseSession()):
                self._timer("again", HEARD_AGAIN_S)
            case Failed():
                self._timer("again", HEARD_AGAIN_S)
            case Answered():
                self._complete(state=StepState.SKIPPED)
                self._stay()
            case SessionLost():
                pass
            case _:
                return False
        return True

    def _parting(self, event: Event) -> bool:
        """It has joined, and goes to its cloud by itself: it has its certificate."""
        match event:
            case Entered():
                self._do(WaitEnded())
            case Done(WaitEnded()) | Failed(WaitEnded()) | LimitReached():
                self._parted()
            case _:
                return False
        return True

    def _parted(self) -> None:
        self._succeed(self._device)
