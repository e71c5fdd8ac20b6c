"""States in which credentials go into the vault: before they are sent, and when the cloud replied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import Unreachable
from agent.jobs import enrol_facts, enrol_questions, questions
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, LimitReached
from agent.jobs.enrol_base import STEP_ENROL, EnrolBase
from agent.jobs.enrol_effects import (
    AddEntry,
    DropEntry,
    Kept,
    LookInVault,
    MakeOwn,
    ReplaceEntry,
    TryOut,
)
from agent.jobs.machine import Rule
from agent.jobs.states import VAULT_LIMIT_S, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import MooringError
    from agent.settings.credentials import CloudSettings


class VaultPart(EnrolBase):
    """The vault's side."""

    problem: MooringError | None = None
    """Why the cloud made nothing or did not say, or why the vault cannot be written."""
    _kept_state = ""
    _after_drop: Callable[[], None]

    def vault_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module."""
        wait = self._wait
        return {
            State.VAULTING: Rule(self._vaulting, VAULT_LIMIT_S, self._fail, self._stop_vaulting),
            State.KEEPING: Rule(self._keeping, VAULT_LIMIT_S, self._not_kept, self._stop_keeping),
            State.DROPPING: Rule(self._dropping, VAULT_LIMIT_S, lambda _: self._dropped(), wait),
        }

    # What the procedure decides ----------------------------------------------------------------

    def _has_credentials(self) -> None:
        """Where to go when the credentials are in the vault."""
        raise NotImplementedError

    # Before the cloud is asked -----------------------------------------------------------------

    def _vaulting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_ENROL, f"Register {self.name} in {self.order.cloud_title}")
                self._do(MakeOwn(self.name, self.order.kind))
            case Done(MakeOwn(), own):
                self.own = own
                self._do(LookInVault(self.name, self._found_id))
            case Done(LookInVault(), None):
                self._add()
            case Done(LookInVault(), kept):
                self._try_kept(kept)
            case Done(TryOut(settings=settings), works):
                if works:
                    self._say("The vault has its credentials already, and the server takes them")
                    self.settings = settings
                    self._record(
                        enrol_facts.ASKING,
                        cloud=self.order.cloud,
                        name=self.name,
                        entry=self.entry,
                    )
                    self._kept()
                else:
                    self._use_kept(settings)
            case Done(AddEntry(), entry):
                self.entry = entry
                if self.stopped:
                    self._drop(self._stop)
                else:
                    self._go(State.ENROLLING)
            case _:
                return False
        return True

    def _try_kept(self, kept: Kept) -> None:
        self.entry, self._kept_state = kept.entry, kept.state
        if _same_place(kept.settings, self.own):
            self._say("Looking whether the credentials in the vault still count")
            self._do(TryOut(kept.settings))
        else:
            self._add()

    def _use_kept(self, settings: CloudSettings) -> None:
        """They do not count (yet): the same are sent where they were never proven."""
        if self._kept_state == "pending" and _same_kind(settings, self.own):
            self.own = settings
            self._go(State.ENROLLING)
        else:
            self._add()

    def _add(self) -> None:
        self.entry = ""
        if self.own is not None:
            self._do(AddEntry(self.own, self._found_id))

    def _stop_vaulting(self) -> None:
        if not any(isinstance(each, AddEntry) for each in self._waiting):
            self._stop()

    # The vault -----------------------------------------------------------------------------------

    def _keeping(self, event: Event) -> bool:
        match event:
            case Entered() if self.settings == self.own:
                self._kept()
            case Entered() if self.settings is not None:
                self._do(ReplaceEntry(self.entry, self.settings))
            case Answered(questions.RETRY):
                self._go(State.KEEPING)
            case Done(ReplaceEntry()):
                self._kept()
            case Answered(questions.CONTINUE):
                self.unkept = True
                who = "file" if self.file else "board"
                self.notes.append(
                    f"The vault could not be written: only the {who} has the credentials of {self.name}."
                )
                self._kept()
            case Answered():
                self.unkept = True
                self._give_up(self.problem)
            case LimitReached():
                self._not_kept(self._no_answer())
            case _:
                return False
        return True

    def _not_kept(self, error: MooringError) -> None:
        self.problem = error
        if self.stopped:
            self.unkept = True
            self._give_up(error)
        else:
            self._ask(enrol_questions.not_kept(error, name=self.name))

    def _stop_keeping(self) -> None:
        if self._asking:
            self.unkept = True
            self._give_up(self.problem)

    def _kept(self) -> None:
        self._record(enrol_facts.GIVEN, name=self.name, kept=not self.unkept)
        if self.stopped:
            self._give_up()
            return
        self._complete(f"{self.name} is in {self.order.cloud_title}")
        self._has_credentials()

    def _drop(self, then: Callable[[], None]) -> None:
        """Remove the entry of an attempt that came to nothing, if it is one that was never used."""
        self._after_drop = then
        if self.entry:
            self._go(State.DROPPING)
        else:
            then()

    def _dropping(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(DropEntry(self.entry))
            case Done() | Failed() | LimitReached():
                self._dropped()
        return True

    def _dropped(self) -> None:
        self.entry = ""
        if self.stopped:
            self._close()
        else:
            self._after_drop()

    @property
    def _own(self) -> CloudSettings:
        if self.own is None:
            msg = "no credentials were made"
            raise LookupError(msg)
        return self.own

    def _no_answer(self) -> Unreachable:
        return Unreachable(cloud=self.order.cloud_title, detail="It did not answer in time.")


def _same_place(kept: CloudSettings, own: CloudSettings | None) -> bool:
    """They are for the server and transport that the account names now."""
    return own is not None and (kept.scheme, kept.host, kept.port) == (
        own.scheme,
        own.host,
        own.port,
    )


def _same_kind(kept: CloudSettings, own: CloudSettings | None) -> bool:
    return own is not None and type(kept.credentials) is type(own.credentials)
