"""Which network a Blynk board is to join: named before, or one of those that it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.errors import NotSupported
from agent.jobs import questions as common
from agent.jobs.blynk import questions
from agent.jobs.blynk.effects import LookAround
from agent.jobs.blynk.order import board_network
from agent.jobs.blynk.steps import BlynkSteps
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, SCAN_LIMIT_S, State

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.blynk.order import BlynkOrder, BoardNetwork
    from agent.protocols.blynk.info import Scan


class NetworkSteps(BlynkSteps):
    """SCANNING and CHOOSING."""

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.network: BoardNetwork | None = order.network
        self._seen: list[dict[str, Any]] = []
        """Networks that the board saw."""
        self._scan: Scan | None = None
        self.rules |= {
            State.SCANNING: Rule(self._scanning, SCAN_LIMIT_S, self._unscanned, self._stop),
            State.CHOOSING: Rule(self._choosing, ANSWER_LIMIT_S, self._fail, self._stop),
        }

    def _has_network(self) -> None:
        """Where to go with a network that was chosen."""
        raise NotImplementedError

    def _scanning(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say("The board looks for networks")
                self._do(LookAround())
            case Done(LookAround(), scan):
                self._seen = questions.shown_scan(scan)
                self._scan = scan
                self._choose()
            case Failed(LookAround(), error):
                self._unscanned(error)
            case LimitReached():
                self._choose()
            case _:
                return False
        return True

    def _unscanned(self, error: MooringError) -> None:
        if self._is_away(error):
            self._resume = State.SCANNING
            self._trouble(error)
        else:
            self._choose()

    def _choose(self) -> None:
        self._home_first(lambda: self._go(State.CHOOSING))

    def _choosing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._ask(questions.which_network(self._scan))
            case Answered(common.NETWORK, network=network) if network is not None:
                try:
                    self.network = board_network(network)
                except NotSupported as error:
                    self._fail(error)
                else:
                    self._has_network()
            case Answered():
                self._stop()
            case _:
                return False
        return True
