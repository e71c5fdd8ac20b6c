"""Recovery: what became of a board of nRF Cloud whose job was killed. One look at the cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.jobs.effects import Cancelled, Done, Entered, Event, Failed, LimitReached
from agent.jobs.machine import Machine, Rule
from agent.jobs.nrf import facts, words
from agent.jobs.nrf.effects import LookAtDevice, LookClaimed
from agent.jobs.states import FIND_LIMIT_S, State
from agent.protocols.nrf.bodies import portal_link
from agent.protocols.nrf.commands import Progress
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.jobs.facts import Fact
    from agent.jobs.nrf.effects import DeviceLook
    from agent.jobs.nrf.facts import OpenWork


def recovery(known: Sequence[Fact]) -> Machine | None:
    """What looks after a job with these facts; None: it left nothing in nRF Cloud."""
    result = facts.done_result(known)
    work = facts.open_work(known)
    if result is None and work is None:
        return None
    return NrfRecover(work, result)


class NrfRecover(Machine):
    """Done where all was done that was asked for; else interrupted, and says what is left."""

    def __init__(self, work: OpenWork | None, result: dict[str, Any] | None) -> None:
        super().__init__(attended=False)
        self.work = work
        self.result = result
        self.tags: list[str] = []
        self.state = State.FINDING
        self.stopped = Cancelled(interrupted=True)
        self.rules = {
            State.FINDING: Rule(
                self._finding, FIND_LIMIT_S, lambda _: self._tell(), lambda: self._tell()
            ),
            State.CLOSING: self._closing_rule(),
        }

    def _finding(self, event: Event) -> bool:
        match event:
            case Entered() if self.work is None:
                self._close(result=self.result)
            case Entered() if self.work is not None:
                self._do(LookClaimed(self.work.device_id))
            case Done(LookClaimed(), None):
                self._tell(facts.NOT_CLAIMED)
            case Done(LookClaimed(), device):
                self.tags = [clean_text(tag) for tag in device.tags]
                self._look(device.imei)
            case Done(LookAtDevice(), look):
                self._looked(look)
            case Failed() | LimitReached():
                self._tell()
            case _:
                return False
        return True

    def _look(self, imei: str) -> None:
        if self.work is not None and self.work.stage == facts.GIVING_UP:
            self._tell(facts.STILL_CLAIMED)
        elif self.work is not None:
            self._do(LookAtDevice(self.work.device_id, imei or self.work.imei))

    def _looked(self, look: DeviceLook) -> None:
        work = self.work
        assert work is not None  # noqa: S101 - what is looked at was begun
        if work.stage in {facts.QUEUEING, facts.QUEUED}:
            self._looked_at_queue(work, look)
            return
        waiting = [each for each in look.commands if each.progress is not Progress.DONE]
        if look.record is None or waiting:
            self._tell(facts.CLAIMED_SO_FAR)
            return
        self._done(
            {
                "device": clean_text(look.record.name) or work.device_id,
                "device_id": work.device_id,
                "cloud": work.cloud,
                "link": portal_link(work.portal, look.record.id),
                "claimed": "before" if work.before else "now",
                "tags": self.tags,
                "rule": None,
                "commands": words.shown_commands(look.commands),
                "connected": "cloud",
                "said_by": "cloud",
                "procedure": "nrf",
                "notes": words.older_notes(look.record.id, work.device_id, work.title),
            }
        )

    def _looked_at_queue(self, work: OpenWork, look: DeviceLook) -> None:
        ours = [each for each in look.commands if each.id in work.ids]
        waiting = [each for each in look.commands if each.progress is Progress.WAITING]
        if not ours or any(each.progress is not Progress.DONE for each in ours):
            self._tell(facts.QUEUED_SO_FAR if waiting else "", count=len(waiting))
            return
        self._done(
            {
                "device": work.name,
                "device_id": work.device_id,
                "cloud": work.cloud,
                "link": portal_link(work.portal, look.record.id) if look.record else "",
                "commands": words.shown_commands(ours),
                "said_by": "cloud",
                "told": "",
                "procedure": "renew",
                "notes": [],
            }
        )

    def _done(self, result: dict[str, Any]) -> None:
        self._record(facts.ENDED, result=result)
        self._close(result=result)

    def _tell(self, what: str = "", count: int = 0) -> None:
        """``what`` is left; empty: as far as the journal knows."""
        assert self.work is not None  # noqa: S101 - what is done is not told
        self._record(facts.ENDED, result=None)
        self._left = facts.left_words(self.work, what, count)
        self._close()
