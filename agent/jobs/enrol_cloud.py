"""States in which a device is made in its cloud.

What is sent is in the vault before it is sent, so that neither a lost answer nor a kill loses it.
A device that was made stays: with its credentials in the vault it is worth more than undone, and the
provision key gives no right to delete it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from agent.errors import (
    AdminConflict,
    AdminForbidden,
    AdminMissing,
    AdminRefused,
    DeviceAbsent,
    EnrolError,
    EnrolNameTaken,
    EnrolNotPrepared,
    EnrolRefused,
    EnrolUnusable,
    EnrolUsedUp,
    InputError,
    JournalFailed,
    MooringError,
    NotSignedIn,
    NotSupported,
    Unreachable,
)
from agent.jobs import enrol_facts, enrol_questions, enrol_refused, questions
from agent.jobs.effects import (
    Advanced,
    Answered,
    Done,
    Entered,
    Event,
    Failed,
    LimitReached,
    TimerFired,
)
from agent.jobs.enrol_effects import (
    Enrol,
    FreeDevice,
    TakeOver,
    TakeStored,
    TryOut,
)
from agent.jobs.enrol_vault import VaultPart
from agent.jobs.machine import LIMIT, Rule
from agent.jobs.remove_effects import EntriesOf
from agent.jobs.states import (
    ANSWER_LIMIT_S,
    ENROL_LIMIT_S,
    FIND_LIMIT_S,
    State,
)

if TYPE_CHECKING:
    from agent.settings.credentials import CloudSettings

FIND_TRIES: Final = 3
"""Each with the client's own repetitions; after them a person is asked."""
NONE_AGAIN_S: Final = 3.0
"""Pause before “it was not made” is believed: the lost request may still be running."""

_ASKABLE = (EnrolNameTaken, EnrolUsedUp, EnrolNotPrepared, EnrolRefused)
"""Refusals after which a person can choose another way."""
_ADMIN = (AdminConflict, AdminForbidden, AdminMissing, AdminRefused, DeviceAbsent)
"""Refusals of what only an administrator may do: nothing was changed."""
_UNSENT = (InputError, JournalFailed, NotSignedIn, NotSupported)


def nothing_made(error: MooringError) -> bool:
    """Whether the cloud has certainly made nothing because of this request."""
    if isinstance(error, Unreachable):
        return error.facts.get("sent") is False
    if isinstance(error, EnrolError):
        return error.facts.get("maybe_done") is False
    return isinstance(error, (*_UNSENT, *_ADMIN))


class CloudPart(VaultPart):
    """The cloud's side."""

    _tries = 0
    _busy = False
    """The server said that it is, and is asked again after a pause."""
    _exists = False
    """The administrator has seen a device of this name."""
    _admin_way: Literal["", "free", "read", "replace"] = ""
    """What the administrator does with it."""

    def cloud_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module."""
        wait = self._wait
        return {
            State.ENROLLING: Rule(self._enrolling, ENROL_LIMIT_S, self._lost, self._stop_waiting),
            State.FINDING: Rule(self._finding, FIND_LIMIT_S, self._unknown, wait),
            State.REFUSED: Rule(
                self._refused, ANSWER_LIMIT_S, self._give_up_asking, self._give_up_asking
            ),
            State.FREEING: Rule(self._freeing, ENROL_LIMIT_S, self._lost, wait),
        }

    # The cloud -----------------------------------------------------------------------------------

    def _enrolling(self, event: Event) -> bool:
        match event:
            case Entered():
                self._busy = False
                self._note_intent()
                self._do(Enrol(self._own))
            case Advanced(message=said) if said:
                # The cloud pauses before it asks again; the limit is for each of its attempts.
                self._busy = True
                self._say(said)
                self._timer(LIMIT, ENROL_LIMIT_S)
            case Done(Enrol(), settings):
                self._given(settings)
            case Failed(Enrol(), error):
                self._was_refused(error)
            case LimitReached():
                self._lost(self._no_answer())
            case _:
                return False
        return True

    def _stop_waiting(self) -> None:
        """A cancel while the server is busy, which may last for minutes; else the answer comes soon."""
        if self._busy:
            self._lost(None)

    def _freeing(self, event: Event) -> bool:
        match event:
            case Entered() if self._admin_way == "replace":
                self._say("The administrator gives the device new credentials")
                self._note_intent()
                self._do(TakeOver(self._own))
            case Entered() if self._admin_way == "read":
                self._say("The administrator reads the credentials of the device")
                self._do(TakeStored(self._own))
            case Entered():
                self._say("The administrator frees the device")
                self._do(FreeDevice(self.name))
            case Done(TakeOver(), settings):
                self._given(settings)
            case Failed(TakeOver(), error):
                self._was_refused(error)
            case Done(TakeStored()) if self.stopped:
                self._give_up_asking()
            case Done(TakeStored(), settings):
                self._note_intent()
                self._given(settings)
            case Failed(TakeStored(), error):
                # Nothing was changed by looking.
                self._decide(error)
            case Done(FreeDevice()) if self.stopped:
                self._give_up_asking()
            case Done(FreeDevice()):
                self._go(State.ENROLLING)
            case Failed(FreeDevice(), error):
                # To free it once more does no harm, so nothing is open.
                self._decide(error)
            case LimitReached() if self._admin_way != "replace":
                self._decide(self._no_answer())
            case LimitReached():
                self._lost(self._no_answer())
            case _:
                return False
        return True

    def _note_intent(self) -> None:
        self._record(enrol_facts.ASKING, cloud=self.order.cloud, name=self.name, entry=self.entry)

    def _was_refused(self, error: MooringError) -> None:
        self._exists = self._exists or isinstance(error, EnrolNameTaken)
        if not nothing_made(error) and not isinstance(error, EnrolUnusable):
            self._lost(error)
        elif self.unsure and isinstance(error, EnrolNameTaken | EnrolRefused | EnrolUsedUp):
            # Perhaps by ourselves, with the answer that was lost.
            self._lost(error)
        else:
            self._decide(error)

    def _decide(self, error: MooringError) -> None:
        self.problem = error
        if not self.unsure:
            self._settle("refused")
        if self.stopped:
            self._give_up_asking()
        elif isinstance(error, (*_ASKABLE, *_ADMIN)) or self.unsure or self._admin_way:
            self._go(State.REFUSED)
        else:
            self._drop(lambda: self._fail(error))

    def _lost(self, error: MooringError | None) -> None:
        self.problem, self._tries, self.unsure = error, 0, True
        self._go(State.FINDING)

    def _finding(self, event: Event) -> bool:
        match event:
            case Entered():
                why = "Stopping" if self.stopped else "The answer was lost"
                self._say(f"{why}; looking whether the device was made")
                self._do(TryOut(self._own))
            case TimerFired():
                self._do(TryOut(self._own))
            case Done(TryOut(), True):
                self._given(self._own)
            case Done(TryOut(), None):
                self._unknown(self.problem)
            case Done(TryOut()) if self._tries == 0:
                self._tries += 1
                self._timer("again", NONE_AGAIN_S)
            case Done(TryOut()):
                # Not with what we sent; a prepared device would have credentials of its own.
                self._unknown(self.problem)
            case Failed(TryOut()) if self._tries + 1 < FIND_TRIES:
                self._tries += 1
                self._timer("again", 2.0 ** (self._tries - 1))
            case Failed(TryOut()) | LimitReached():
                self._unknown(self.problem)
            case _:
                return False
        return True

    def _unknown(self, error: MooringError | None) -> None:
        if self.stopped:
            self._give_up(error)
        else:
            self.problem = error or self._no_answer()
            self._go(State.REFUSED)

    def _refused(self, event: Event) -> bool:
        match event:
            case Entered() if self._exists and self.order.administrator:
                # Before a board gets what another one uses.
                self._do(EntriesOf(self.name))
            case Entered() | Failed(EntriesOf()):
                self._ask_refused("")
            case Done(EntriesOf(), entries):
                hardware_id = self.way.hardware.hardware_id if self.way is not None else ""
                self._ask_refused(enrol_refused.other_holder(entries, hardware_id))
            case Answered(enrol_questions.NAME, text=name):
                self.name, self._exists, self._admin_way = name or "", False, ""
                self._drop(lambda: self._go(State.NAMING))
            case Answered(enrol_refused.ADMINISTRATOR):
                self._admin_way = "read" if self._exists else "free"
                self._go(State.FREEING)
            case Answered(enrol_refused.REPLACE):
                self._admin_way = "replace"
                self._go(State.FREEING)
            case Answered(questions.RETRY):
                by_admin = self._admin_way in {"read", "replace"}
                self._go(State.FREEING if by_admin else State.ENROLLING)
            case Answered() | LimitReached():
                self._give_up_asking(self.problem if not self.attended else None)
            case _:
                return False
        return True

    def _ask_refused(self, reason: str) -> None:
        self._ask(
            enrol_refused.refused(
                self.problem or self._no_answer(),
                name=self.name,
                administrator=self.order.administrator,
                exists=self._exists,
                unsure=self.unsure,
                safe=self._refused_safe,
                reason=reason,
            )
        )

    @property
    def _refused_safe(self) -> str:
        if self.unsure:
            return f"What was sent for {self.name} is in the vault, entry {self.entry}."
        return "Nothing was changed on the board, and the cloud has made nothing."

    def _give_up_asking(self, error: MooringError | None = None) -> None:
        """The person stops, or nobody is there; nothing was made, or that is not known."""
        if self.unsure:
            self._give_up(error or self.problem)
            return
        self._drop(lambda: self._close(error=error))

    def _given(self, settings: CloudSettings) -> None:
        self.settings, self.unsure, self.problem = settings, False, None
        self._go(State.KEEPING)
