"""Reading a Blynk board: what it is, and the networks that it sees. Nothing is changed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.jobs.blynk import questions
from agent.jobs.blynk.effects import LookAround
from agent.jobs.blynk.order import INSTALLED
from agent.jobs.blynk.steps import READ, WAYS, BlynkSteps
from agent.jobs.effects import Done, Entered, Event
from agent.jobs.machine import Rule
from agent.jobs.states import SCAN_LIMIT_S, State
from agent.protocols.blynk.failures import from_code
from agent.sessions.session import BoardFacts

if TYPE_CHECKING:
    from agent.jobs.blynk.order import BlynkOrder


class IdentifyBlynk(BlynkSteps):
    """Result: as for other boards, ``protocol`` ``blynk``, and ``blynk`` with what it says of itself."""

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [*self.departing, READ]

    def _was_read(self) -> None:
        board = self.board
        failure = from_code(board.last_error)
        wifi = any(each.name == "wifi" and each.scans for each in board.interfaces)
        said: dict[str, Any] = {
            "name": board.name,
            "vendor": board.vendor,
            "template": board.template_id,
            "template_name": board.template_name,
            "firmware": board.firmware_type,
            "version": board.firmware_version,
            "generation": board.generation,
            "uid": board.uid,
            "way": WAYS[self._reached.way],
            "interfaces": [each.name for each in board.interfaces],
            "last_error": board.last_error,
            "last_error_means": failure.title if failure is not None else "",
        }
        facts = msgspec.to_builtins(BoardFacts(protocol=INSTALLED, scans=wifi))
        self._close(result=facts | {"blynk": said})


class NetworksBlynk(BlynkSteps):
    """Result: ``{networks, scanned_at, scans, hidden, damaged}``, as for other boards and a bit more."""

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.rules |= {State.SCANNING: Rule(self._scanning, SCAN_LIMIT_S, self._fail, self._stop)}

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [*self.departing, READ, ("scan", "Look for networks")]

    def _was_read(self) -> None:
        self._go(State.SCANNING)

    def _scanning(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("scan", "Look for networks")
                self._do(LookAround())
            case Done(LookAround(), scan):
                networks = questions.shown_scan(scan)
                count = len(networks)
                self._complete(f"{count} network{'' if count == 1 else 's'} found")
                self._close(
                    result={
                        "networks": networks,
                        "scanned_at": round(self.now, 3),
                        "scans": True,
                        "hidden": scan.hidden,
                        "damaged": scan.damaged,
                    }
                )
            case _:
                return False
        return True
