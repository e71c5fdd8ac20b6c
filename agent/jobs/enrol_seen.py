"""The state in which a board that has its settings is seen to connect: by its own words or the server's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import BoardOffline, BoardRefused, MooringError, NotConnected, PortError
from agent.jobs import enrol_board_questions as asking
from agent.jobs import questions
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, LimitReached, TimerFired
from agent.jobs.enrol_base import STEP_CHECK, EnrolBase
from agent.jobs.enrol_effects import SeenBy, WaitConnected
from agent.jobs.machine import Rule
from agent.jobs.states import CONNECT_S, SEEN_LIMIT_S, State
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.sessions.delivery import CloudState
    from agent.settings.network import NetworkSetting

LOOK_EVERY_S: Final = 5.0
"""Between two questions to the server for a board that cannot tell; it writes the time of the last
message down within seconds."""


class SeenPart(EnrolBase):
    """Whether it is connected, and what to do if not."""

    seen_by = ""
    """``board`` or ``server``: who says that it is connected."""
    _check_problem: MooringError | None = None
    _look_until = 0.0
    _only_network = False
    """The board has its credentials; it gets another network."""

    def seen_rules(self) -> dict[State, Rule]:
        """The rule of the state of this module."""
        return {
            State.SEEING: Rule(self._seeing, SEEN_LIMIT_S, self._not_seen, self._give_up),
        }

    # What the procedure decides ----------------------------------------------------------------

    def _connected(self) -> None:
        """Where to go when the board is connected, or the person leaves it so."""
        raise NotImplementedError

    def _trouble(self, error: MooringError) -> None:
        """What to do when the board is gone."""
        raise NotImplementedError

    # The state ---------------------------------------------------------------------------------

    def _seeing(self, event: Event) -> bool:
        match event:
            case Entered():
                name = f"See it in {self.order.cloud_title}"
                self._begin(STEP_CHECK, name, "Waiting until the board is connected")
                self._look_until = self.now + CONNECT_S
                self._do(WaitConnected(self._way.kind, CONNECT_S))
            case Done(WaitConnected(), state):
                self._board_says(state)
            case Failed(WaitConnected(), error):
                # Gone, or silent: the server may have seen it all the same.
                self._check_problem = error
                self._do(SeenBy(self.name, self.put_at))
            case Done(SeenBy(), True):
                self._seen("server")
            case Done(SeenBy(), False) if self.now < self._look_until:
                self._timer("look again", LOOK_EVERY_S)
            case TimerFired():
                self._do(SeenBy(self.name, self.put_at))
            case Done(SeenBy()) | Failed(SeenBy()):
                self._not_seen(self._check_problem)
            case Answered(questions.WAIT):
                self._go(State.SEEING)
            case Answered(questions.RETRY, password=password) if self.network is not None:
                self._give_network(questions.retry_network(self.network, password))
            case Answered(questions.NETWORK, network=network) if network:
                self._give_network(network)
            case Answered(questions.KEEP):
                self.notes.append(
                    f"Nobody has seen {self.name} connected yet. Once it is, the job may be started "
                    "again with the same name: nothing is made anew, and the vault knows then that "
                    "it works."
                )
                self._complete("not seen yet")
                self._connected()
            case Answered():
                self._give_up(self._check_problem)
            case LimitReached():
                self._not_seen(None)
            case _:
                return False
        return True

    def _give_network(self, network: NetworkSetting) -> None:
        """Device, credentials and vault stay as they are."""
        self.network, self._only_network = network, True
        self._complete_because(self._check_problem)
        self._go(State.DELIVERING)

    def _board_says(self, state: CloudState) -> None:
        names = {"name": self.name, "cloud": self.order.cloud_title}
        detail = clean_text(state.detail)
        match state.outcome:
            case "connected":
                self._seen("board")
            case "network-failed":
                label = self.network.label if self.network is not None else "its network"
                says = f"It says: {detail.rstrip('.')}." if detail else "It says so itself."
                cloud = self.order.cloud_title
                self._not_seen(BoardOffline(network=label, cloud=cloud, detail=says))
            case "refused":
                self._not_seen(BoardRefused(detail=detail or "It says no more.", **names))
            case _:
                says = f"It says: {detail}" if detail else ""
                self._check_problem = NotConnected(detail=says, **names)
                self._do(SeenBy(self.name, self.put_at))

    def _seen(self, who: str) -> None:
        self.seen_by = who
        says = "the board says so" if who == "board" else "the server has seen it"
        self._complete(f"connected: {says}")
        self._connected()

    def _not_seen(self, error: MooringError | None) -> None:
        names = {"name": self.name, "cloud": self.order.cloud_title}
        problem = self._check_problem = error or NotConnected(detail="", **names)
        if isinstance(problem, PortError) and self._is_away(problem):
            self._trouble(problem)
            return
        self._ask(
            asking.not_joined(problem, self.network, safe=self._safe, give_up=self._give_up_action)
        )
