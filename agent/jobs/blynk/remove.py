"""Removing a Blynk device: the board forgets it, the cloud deletes it, the vault forgets its token.

In this order, because each part can be done again without harm; what is known of the device goes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import BlynkNotThere, InputError, MooringError, RemovalLeft
from agent.jobs import questions
from agent.jobs.blynk import facts
from agent.jobs.blynk.effects import (
    DeleteDevice,
    Erase,
    FindDevice,
    FindKept,
    ForgetTokens,
    Kept,
)
from agent.jobs.blynk.order import CLOUD
from agent.jobs.blynk.questions import remove
from agent.jobs.blynk.steps import READ, BlynkSteps
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, Learn
from agent.jobs.job import StepState
from agent.jobs.machine import Rule
from agent.jobs.remove_facts import command_word
from agent.jobs.states import (
    ANSWER_LIMIT_S,
    ENROL_LIMIT_S,
    VAULT_LIMIT_S,
    State,
)
from agent.settings import Secret

if TYPE_CHECKING:
    from agent.jobs.blynk.order import BlynkOrder
    from agent.protocols.blynk.platform import Device

ERASE: Final = ("erase", "Erase its settings")
DELETE: Final = "delete"
FORGET: Final = "forget"
STOPPED: Final = "The job was stopped."


class RemoveBlynk(BlynkSteps):
    """Result: ``{device, device_id, cloud, erased, deleted, forgotten, procedure, notes}``.

    ``deleted`` is false where there was none; without an OAuth client a person deletes it.
    """

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.name = order.name
        self._device: Device | None = None
        self._kept: Kept | None = None
        self._erased = self._deleted = False
        fail, stop, left = self._fail, self._stop, self._left_so
        if not order.has_board:
            self.state = State.NAMING
        self.rules |= {
            State.NAMING: Rule(self._naming, VAULT_LIMIT_S, fail, stop),
            State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
            State.RESETTING: Rule(self._resetting, self._erase_s, left, self._after_it),
            State.UNDOING: Rule(self._undoing, ENROL_LIMIT_S, left, lambda: None),
            State.DROPPING: Rule(
                self._dropping, VAULT_LIMIT_S, lambda error: self._removed([], error), lambda: None
            ),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        board = [*self.departing, READ, ERASE] if self.order.has_board else []
        return [
            *board,
            (DELETE, f"Delete it in {self.order.cloud}"),
            (FORGET, "Forget its token"),
        ]

    def _was_read(self) -> None:
        self._home_first(lambda: self._to_cloud(self._name_it, otherwise=self._stop))

    def _name_it(self) -> None:
        self._go(State.NAMING)

    # Which device --------------------------------------------------------------------------------

    def _naming(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(FindKept(self.order.name, self._said))
            case Done(FindKept(), kept):
                self._kept = kept
                self._find()
            case Failed(FindKept()):
                self._find()
            case Done(FindDevice(), device):
                self._device = device
                self._known()
            case Failed(FindDevice(), error):
                self._fail(error)
            case _:
                return False
        return True

    def _find(self) -> None:
        if not self.order.platform:
            self._known()
        elif self._token or self.order.name:
            self._do(FindDevice(self._token, self.order.name))
        else:
            self._known()

    @property
    def _said(self) -> tuple[str, ...]:
        return self.found.board.own_marks if self.found is not None else ()

    @property
    def _token(self) -> Secret:
        """Of the device; empty: not known."""
        if self._kept is not None:
            return self._kept.token
        return (self._device.token if self._device is not None else None) or Secret()

    def _known(self) -> None:
        device, kept = self._device, self._kept
        self.name = device.name if device else kept.name if kept else self.order.name
        if device is None and kept is None and not self.order.has_board:
            detail = f"There is not exactly one device with the name {self.order.name}."
            action = "remove a device"
            self._fail(BlynkNotThere(cloud=self.order.cloud, action=action, detail=detail))
        elif self.order.confirmed:
            self._erase_or_delete()
        else:
            self._go(State.CONFIRMING)

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered():
                inquiry = remove(
                    self.name or self.order.board,
                    self.order.cloud,
                    in_cloud=self._device is not None,
                    board=self.order.has_board,
                    vault=self._kept is not None,
                )
                self._ask(inquiry)
            case Answered(questions.CONTINUE):
                self._erase_or_delete()
            case Answered() if self.attended:
                self._stop()
            case Answered():
                problem = f"must be true when nobody can be asked: {self.name} is deleted for good"
                self._fail(InputError(field="confirmed", problem=problem))
            case _:
                return False
        return True

    # What is done --------------------------------------------------------------------------------

    def _erase_or_delete(self) -> None:
        self._record(facts.REMOVING, name=self.name)
        self._go(State.RESETTING if self.order.has_board else State.UNDOING)

    def _resetting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(*ERASE)
                self._erase()
            case Done(Erase()):
                self._erased = True
                self._complete("it waits for settings")
                self._home_first(self._is_erased, anyway=True)
            case Answered():
                self._stop()
            case _:
                return False
        return True

    def _after_it(self) -> None:
        """A cancel counts when the board has answered; a person who has not joined is not waited for."""
        if self._asking:
            self._stop()

    def _is_erased(self) -> None:
        """A cancel that came meanwhile counts now: the rest can be done another day."""
        if self.stopped:
            self._left_off()
        else:
            self._to_cloud(lambda: self._go(State.UNDOING), otherwise=self._left_off)

    def _left_off(self) -> None:
        self._leave(STOPPED)

    @property
    def _safe_away(self) -> str:
        return "The board is erased." if self._erased else super()._safe_away

    def _undoing(self, event: Event) -> bool:
        match event:
            case Entered() if self._device is None:
                self._begin(DELETE, f"Delete it in {self.order.cloud}")
                if not self.order.platform:
                    self.notes.append(f"Delete the device in the console of {self.order.cloud}.")
                self._complete("there is none that Mooring sees", StepState.SKIPPED)
                self._go(State.DROPPING)
            case Entered():
                self._begin(DELETE, f"Delete {self.name} in {self.order.cloud}")
                self._do(DeleteDevice(self._device.id if self._device else 0))
            case Done(DeleteDevice()):
                self._deleted = True
                self._complete("it is gone")
                self._go(State.DROPPING)
            case _:
                return False
        return True

    def _dropping(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(FORGET, "Forget its token")
                kept = self._kept.name if self._kept is not None else self.name
                names = tuple(dict.fromkeys((self.name, kept)))
                self._do(ForgetTokens(names, self._token, self._said))
            case Done(ForgetTokens(), gone):
                self._removed(gone, None)
            case _:
                return False
        return True

    def _removed(self, gone: list[str], error: MooringError | None) -> None:
        if error is not None:
            self.notes.append(f"The vault still has its token: {error.report().title}")
        self._complete(f"{len(gone)} forgotten")
        if self._erased:
            self._learn(Learn(name=""))
        result: dict[str, Any] = {
            "device": self.name,
            "device_id": self._device.id if self._device else None,
            "cloud": CLOUD,
            "erased": self._erased,
            "deleted": self._deleted,
            "forgotten": gone,
            "procedure": "remove",
            "notes": self.notes,
        }
        self._record(facts.REMOVED, **result)
        self._close(result=result)

    def _left_so(self, error: MooringError) -> None:
        """Something was done, and something was not."""
        report = error.report()
        self._leave(f"{report.title} {report.meaning} {report.remedy}")

    def _leave(self, cause: str) -> None:
        state = "The board is erased." if self._erased else "The board has what it had."
        left = [f"The device is still in {self.order.cloud}."] if self._device or self._kept else []
        left += ["Its token is still in the vault."] if self._kept else []
        state = " ".join([state, *left])
        name = self.name or self.order.board
        named = {"name": name, "what": command_word(name), "cloud": CLOUD}
        self._close(error=RemovalLeft(**named, state=state, cause=cause))
