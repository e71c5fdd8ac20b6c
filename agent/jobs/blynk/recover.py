"""Recovery: what became of a Blynk board whose job was killed. One look at the cloud, nothing undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.jobs.blynk import facts
from agent.jobs.blynk.effects import CheckToken, OpenKept, Prove, Rename
from agent.jobs.effects import Cancelled, Done, Entered, Event, Failed, LimitReached
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import FIND_LIMIT_S, State
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.facts import Fact


def recovery(known: Sequence[Fact]) -> Machine | None:
    """What looks after a job with these facts; None: it left nothing of a Blynk board."""
    left = facts.blynk_left(known)
    return None if left is None else BlynkRecover(known, left)


class BlynkRecover(Machine):
    """Done if the board is online with what it was given; else interrupted, and says what is left."""

    def __init__(self, known: Sequence[Fact], left: str) -> None:
        super().__init__(attended=False)
        self.state = State.FINDING
        self.stopped = Cancelled(interrupted=True)
        self._left = left
        self._entry = facts.sent_with(known)
        self._known = list(known)
        self._result = facts.blynk_result(known)
        self.rules = {
            State.FINDING: Rule(
                self._finding, FIND_LIMIT_S, lambda _: self._close(), lambda: self._close()
            ),
            State.CLOSING: self._closing_rule(),
        }

    def _finding(self, event: Event) -> bool:
        match event:
            case Entered() if not self._entry:
                self._close(result=self._result)
            case Entered() if self._result is not None:
                self._do(Prove(self._entry))
            case Entered():
                self._do(OpenKept(self._entry))
            case Done(OpenKept(), kept):
                self._do(CheckToken(kept.token))
            case Done(CheckToken(), True):
                online = {"connected": "cloud", "seconds": 0.0}
                self._record(facts.ONLINE, **online)
                self._result = facts.result_with(self._known, online)
                self._do(Prove(self._entry))
            case Done(Prove()) | Failed(Prove()):
                self._name()
            case Done(Rename()) | Failed(Rename()):
                self._close(result=self._result)
            case Done() | Failed() | LimitReached():
                self._close(result=self._result)
            case _:
                return False
        return True

    def _name(self) -> None:
        """A device that was made for the job is called as the template until somebody names it."""
        result = self._result or {}
        device_id, name = result.get("device_id"), result.get("device")
        if result.get("token") == "made" and device_id and name:
            self._do(Rename(device_id, name, Secret()))
        else:
            self._close(result=self._result)
