"""Networks: let the board itself look for Wi-Fi networks."""

from __future__ import annotations

from agent.jobs.board_steps import BoardSteps
from agent.jobs.effects import Done, Entered, Event, Scan
from agent.jobs.machine import Rule
from agent.jobs.questions import shown_options
from agent.jobs.states import SCAN_LIMIT_S, State


class Networks(BoardSteps):
    """Result: ``{networks: [NetworkOption], scanned_at, scans}``, strongest first.

    ``scans`` is false for a device that cannot look: its empty list says nothing.
    """

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.rules |= {State.SCANNING: Rule(self._scanning, SCAN_LIMIT_S, self._fail, self._stop)}

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [("read", "Read the board"), ("scan", "Look for networks")]

    def _was_read(self) -> None:
        self._go(State.SCANNING)

    def _scanning(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("scan", "Look for networks")
                self._do(Scan())
            case Done(Scan(), networks):
                count = len(networks)
                self._complete(f"{count} network{'' if count == 1 else 's'} found")
                self._close(
                    result={
                        "networks": shown_options(networks),
                        "scanned_at": round(self.now, 3),
                        "scans": self.facts.scans,
                    }
                )
            case _:
                return False
        return True
