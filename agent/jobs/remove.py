"""Removing a device: the board is erased, the cloud deletes it, the vault forgets it, in this order.

READING, NAMING, CONFIRMING, DELIVERING, UNDOING, DROPPING. Each part can be done again without harm,
and what is known of the device goes last; so a job that ended early is finished by starting it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.clouds.vault_entry import server_of
from agent.errors import (
    AdminMissing,
    BoardHasNoDelivery,
    DeviceAbsent,
    InputError,
    Unreachable,
)
from agent.jobs import questions, remove_facts, remove_questions
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, Learn, LimitReached
from agent.jobs.enrol_base import STEP_DELIVER, STEP_READ
from agent.jobs.enrol_board import BoardPart
from agent.jobs.enrol_effects import FindWays, MakeOwn
from agent.jobs.machine import Rule
from agent.jobs.remove_effects import (
    DeleteDevice,
    EntriesOf,
    EraseSettings,
    ForgetDead,
    Forgotten,
    LookDevice,
)
from agent.jobs.states import ANSWER_LIMIT_S, ENROL_LIMIT_S, VAULT_LIMIT_S, State

if TYPE_CHECKING:
    from agent.clouds.enrolment import DeviceLook
    from agent.clouds.vault_view import VaultEntry
    from agent.errors import MooringError
    from agent.jobs.enrol_base import EnrolOrder
    from agent.jobs.enrol_effects import Found

STEP_DELETE: Final = "delete"
STEP_FORGET: Final = "forget"


class RemoveDevice(BoardPart):
    """Result: ``{device, cloud, erased, deleted, forgotten, kept, procedure, seconds, notes}``.

    ``deleted``: ``administrator``, ``person``, or ``absent`` if there was none.
    """

    def __init__(self, order: EnrolOrder, *, has_board: bool, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self._has_board = has_board
        self._look: DeviceLook | None = None
        self._looked = False
        self._server = ""
        """Where boards of this account connect to."""
        self._by_hand = False
        self._still = False
        self._entries: list[VaultEntry] = []
        self._erased = False
        self._last = ""
        """The last fact that was recorded."""
        self._problem: MooringError | None = None
        self._forgotten = Forgotten()
        self._by = ""
        fail, stop, give_up, wait = self._fail, self._stop, self._give_up, self._wait
        self.state = State.READING if has_board else State.NAMING
        self.rules = self.board_rules() | {
            State.NAMING: Rule(self._naming, VAULT_LIMIT_S, fail, stop),
            State.UNDOING: Rule(self._undoing, ENROL_LIMIT_S, self._not_deleted, wait),
            State.REFUSED: Rule(self._refused, ANSWER_LIMIT_S, give_up, give_up),
            State.DROPPING: Rule(self._dropping, VAULT_LIMIT_S, self._not_forgotten, wait),
            State.CLOSING: self._closing_rule(),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        board = [(STEP_READ, "Read the board"), (STEP_DELIVER, "Erase its settings")]
        return [
            *(board if self._has_board else []),
            (STEP_DELETE, f"Delete it in {self.order.cloud_title}"),
            (STEP_FORGET, "Forget its credentials"),
        ]

    # Which device --------------------------------------------------------------------------------

    def _reading(self, event: Event) -> bool:
        match event:
            case Failed(FindWays(), BoardHasNoDelivery() as error):
                # Broken, or with another sketch by now: the device can be removed all the same.
                self.notes.append(f"The board was not erased: {error.report().title}")
                self._complete("it takes no settings")
                self._go(State.NAMING)
            case _:
                return super()._reading(event)
        return True

    def _found(self, found: Found) -> None:
        self._use(found.way)

    def _naming(self, event: Event) -> bool:
        match event:
            case Entered():
                self.began = self.began or self.now
                self.name = self.name or (self.way.hardware.holds if self.way else "")
                if self.name:
                    own = MakeOwn(self.name, "access_token")
                    self._do(EntriesOf(self.name), LookDevice(self.name), own)
                else:
                    self._do(EntriesOf())
            case Done(EntriesOf(name=""), entries):
                self._name_from(entries)
            case Done(EntriesOf(), entries):
                self._entries = entries
                self._when_known()
            case Done(LookDevice(), look):
                self._look, self._looked = look, True
                self._when_known()
            case Done(MakeOwn(), draft):
                self._server = server_of(draft)
                self._when_known()
            case Failed(LookDevice(), AdminMissing()) if self.attended:
                self._by_hand = True
                self._when_known()
            case LimitReached():
                self._fail(self._no_answer())
            case _:
                return False
        return True

    def _name_from(self, entries: list[VaultEntry]) -> None:
        """The board does not say which device it is; what it was given last is it."""
        # Another one may have sat in this socket, and its device is not to go.
        known = [
            each.device
            for each in entries
            if each.state in {"proven", "pending"}
            and (not self._found_id or each.hardware_id in {"", self._found_id})
        ]
        if not known:
            problem = "is missing: neither the board nor the vault tells which device this is"
            self._fail(InputError(field="name", problem=problem))
            return
        self.name = known[0]
        self._go(State.NAMING)

    def _when_known(self) -> None:
        if self._waiting:
            return
        if self._looked and self._look is None and not self._entries and not self._erases:
            self._fail(DeviceAbsent(cloud=self.order.cloud_title, name=self.name))
        elif self._elsewhere and not self.attended:
            problem = f"is signed in to {self._server}; {self._elsewhere}"
            self._fail(InputError(field="cloud", problem=problem))
        elif self.order.confirmed and not self._elsewhere:
            self._begin_removal()
        else:
            self._go(State.CONFIRMING)

    @property
    def _elsewhere(self) -> str:
        """A sentence if what the vault has of this name is for other servers than the account's.

        A board that was moved between servers has the same name on both.
        """
        servers = sorted({each.server for each in self._entries if each.server})
        if not servers or self._server in servers:
            return ""
        return f"the vault has {self.name} for {', '.join(servers)}"

    @property
    def _erases(self) -> bool:
        """The board is this device now; one that is another device by now keeps what it has."""
        return self.way is not None and self.way.hardware.holds == self.name

    def _confirming(self, event: Event) -> bool:
        cloud = self.order.cloud_title
        match event:
            case Entered():
                told = remove_questions.fates(
                    self.name,
                    cloud,
                    self._look,
                    absent=self._looked and self._look is None,
                    erase=self._erases,
                    entries=len(self._entries),
                )
                reason = ""
                if self._elsewhere:
                    reason = f"Look twice: the account is of {self._server}, but {self._elsewhere}."
                self._ask(
                    remove_questions.remove(
                        self.name, cloud, told, by_hand=self._by_hand, reason=reason
                    )
                )
            case Answered(questions.CONTINUE):
                self._begin_removal()
            case Answered() if self.attended:
                self._stop()
            case Answered():
                problem = f"must be true when nobody can be asked: {self.name} is deleted for good"
                self._fail(InputError(field="confirmed", problem=problem))
            case _:
                return False
        return True

    def _begin_removal(self) -> None:
        order = self.order
        self._note(remove_facts.BEGUN, cloud=order.cloud, title=order.cloud_title, name=self.name)
        if self._erases:
            self._go(State.DELIVERING)
        else:
            self._note(remove_facts.ERASED, erased=False)
            self._go(State.UNDOING)

    def _note(self, kind: str, **data: object) -> None:
        self._last = kind
        self._record(kind, **data)

    # The board -----------------------------------------------------------------------------------

    def _delivering(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_DELIVER, "Erase its settings")
                self._do(EraseSettings(self._way.kind))
            case Done(EraseSettings()):
                self._erased = True
                self._note(remove_facts.ERASED, erased=True)
                self._complete("the board proved that it has none")
                if self.stopped:
                    self._give_up()
                else:
                    self._go(State.UNDOING)
            case Failed(EraseSettings(), error):
                self._trouble(error)
            case _:
                return False
        return True

    # The cloud -----------------------------------------------------------------------------------

    def _undoing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_DELETE, f"Delete {self.name} in {self.order.cloud_title}")
                if self._by_hand:
                    self._go(State.REFUSED)
                    return True
                self._note(remove_facts.DELETING)
                self._do(DeleteDevice(self.name))
            case Done(DeleteDevice()):
                absent = self._looked and self._look is None
                self._deleted("absent" if absent else "administrator")
            case Failed(DeleteDevice(), error):
                self._not_deleted(error)
            case LimitReached():
                self._not_deleted(self._no_answer())
            case _:
                return False
        return True

    def _not_deleted(self, error: MooringError) -> None:
        self._problem = error
        if self.stopped:
            self._give_up(error)
        else:
            self._go(State.REFUSED)

    def _refused(self, event: Event) -> bool:
        match event:
            case Entered() if self._problem is not None:
                self._ask(remove_questions.not_deleted(self._problem, safe=self._safe))
            case Entered():
                cloud, still = self.order.cloud_title, self._still
                self._ask(
                    remove_questions.delete_it(self.name, cloud, still=still, safe=self._safe)
                )
            case Answered(questions.RETRY):
                self._problem = None
                self._go(State.UNDOING)
            case Answered(remove_questions.DONE):
                self._deleted("person")
            case Answered() | LimitReached():
                self._give_up(self._problem)
            case _:
                return False
        return True

    def _deleted(self, how: str) -> None:
        self._by = how
        if how != "person":
            self._note(remove_facts.DELETED)
            words = {"administrator": "it is gone", "absent": "there was none of this name"}
            self._complete(words[how])
        self._go(State.DROPPING)

    # The vault -----------------------------------------------------------------------------------

    def _dropping(self, event: Event) -> bool:
        match event:
            case Entered():
                if not self._by_hand:
                    self._begin(STEP_FORGET, "Forget its credentials")
                self._do(ForgetDead(self.name, unless_alive=self._by_hand))
            case Done(ForgetDead(), forgotten):
                if self._by_hand and forgotten.alive:
                    self._still = True
                    self._go(State.REFUSED)
                else:
                    self._forgotten = forgotten
                    self._finish_removal()
            case Failed(ForgetDead(), error):
                self._not_forgotten(error)
            case LimitReached():
                self.notes.append("The vault still has its credentials: it took too long.")
                self._finish_removal()
            case _:
                return False
        return True

    def _not_forgotten(self, error: MooringError) -> None:
        self.notes.append(f"The vault still has its credentials: {error.report().title}")
        self._finish_removal()

    def _finish_removal(self) -> None:
        if self._by_hand:
            self._complete("you have deleted it")
            self._begin(STEP_FORGET, "Forget its credentials")
        gone, kept = self._forgotten.gone, self._forgotten.kept
        self.notes += [f"Entry {entry} of the vault stays: {why}" for entry, why in kept]
        self._note(remove_facts.REMOVED, forgotten=list(gone))
        self._complete(f"{len(gone)} of {len(gone) + len(kept)}")
        if self._has_board and self._erased:
            self._effects.append(Learn(name=""))
        result: dict[str, Any] = {
            "device": self.name,
            "cloud": self.order.cloud,
            "erased": self._erased,
            "deleted": self._by,
            "forgotten": list(gone),
            "kept": [entry for entry, _ in kept],
            "procedure": "remove",
            "seconds": round(self.now - self.began, 3),
            "notes": self.notes,
        }
        self._close(result=result)

    # The ends ------------------------------------------------------------------------------------

    def _give_up(self, error: MooringError | None = None) -> None:
        cause = error.report().title if error is not None else "The job was stopped."
        self._close(error=remove_facts.removal_error(self._known, self._last, cause))

    def _no_answer(self) -> Unreachable:
        return Unreachable(cloud=self.order.cloud_title, detail="It did not answer in time.")

    @property
    def _known(self) -> dict[str, Any]:
        order = self.order
        return {
            "name": self.name,
            "cloud": order.cloud,
            "title": order.cloud_title,
            "erased": self._erased,
        }

    @property
    def _safe(self) -> str:
        return remove_facts.removal_state(self._known, self._last)
