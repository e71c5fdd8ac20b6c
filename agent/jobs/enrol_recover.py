"""Recovery: where the credentials of a board are that a killed agent was giving it.

The board is not spoken to: who starts the job again goes on from what the vault has. What the
agent itself can find out, it does: whether the server takes what was sent, whether the board was
seen meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import CredentialsKept, CredentialsUnkept, CredentialsUnsure, Interrupted
from agent.jobs import enrol_facts
from agent.jobs.effects import Cancelled, Done, Entered, Event, Failed, LimitReached
from agent.jobs.enrol_base import HOLDS, Holds
from agent.jobs.enrol_effects import FILES, OpenEntry, ProveEntry, SeenBy, TryOut
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import FIND_LIMIT_S, State

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.enrol_facts import OpenEnrolment, Stage

_HOLDS: dict[Stage, Holds] = {"asking": "old", "given": "old", "putting": "maybe", "put": "new"}


class RecoverEnrolment(Machine):
    """Done only if the board is seen to be connected; else interrupted, and says what is where."""

    def __init__(self, open_: OpenEnrolment, cloud_title: str) -> None:
        super().__init__(attended=False)
        self.open = open_
        self.cloud_title = cloud_title
        self.state = State.FINDING
        self.stopped = Cancelled(interrupted=True)
        end = self._tell
        self.rules = {
            State.FINDING: Rule(self._finding, FIND_LIMIT_S, lambda _: end(), end),
            State.CLOSING: self._closing_rule(),
        }

    def _finding(self, event: Event) -> bool:
        match event:
            case Entered() if self.open.stage == "asking":
                self._do(OpenEntry(self.open.entry))
            case Entered() if self.open.stage == "put":
                self._do(SeenBy(self.open.name, self.open.since))
            case Done(OpenEntry(), settings) if settings is not None:
                self._do(TryOut(settings))
            case Done(TryOut(), True):
                self._record(enrol_facts.GIVEN, name=self.open.name, kept=True)
                self._tell(given=True)
            case Done(SeenBy(), True) if self.open.kept:
                self._do(ProveEntry(self.open.entry))
            case Done(ProveEntry()) | Failed(ProveEntry()):
                self._connected()
            case Entered() | Done() | Failed() | LimitReached():
                self._tell()
            case _:
                return False
        return True

    def _connected(self) -> None:
        self._record(enrol_facts.ENDED, how="connected", connected="server")
        self._close(result=enrol_facts.result_of(self.open, connected="server"))

    def _tell(self, *, given: bool = False) -> None:
        open_ = self.open
        names = {"name": open_.name, "cloud": self.cloud_title}
        cause = Interrupted(what="").report().title
        if open_.stage == "asking" and not given:
            where = f"What was sent is in the vault (entry {open_.entry})."
            self._close(error=CredentialsUnsure(where=where, cause=cause, **names))
            return
        is_file = open_.way in FILES
        where = enrol_facts.FILE_GONE if is_file else HOLDS[_HOLDS[open_.stage]]
        left: MooringError = CredentialsUnkept(where=where, cause=cause, **names)
        if open_.kept:
            left = CredentialsKept(entry=open_.entry, where=where, cause=cause, **names)
        self._close(error=left)
