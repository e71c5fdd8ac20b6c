"""States that procedures share: reading the board, checking its network, joining it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import (
    ImprovSilent,
    MooringError,
    NetworkError,
    NetworkNotFound,
    NotSupported,
    OtherInTheAir,
    PortError,
)
from agent.jobs import questions
from agent.jobs.check import check_network
from agent.jobs.effects import (
    Answered,
    Configure,
    Done,
    Entered,
    Event,
    Failed,
    Learn,
    OpenSession,
    ReadBoard,
    Scan,
)
from agent.jobs.job import Action
from agent.jobs.machine import Machine, Rule
from agent.jobs.states import ANSWER_LIMIT_S, JOIN_LIMIT_S, READ_LIMIT_S, SCAN_LIMIT_S, State
from agent.jobs.summary import board_summary

if TYPE_CHECKING:
    from agent.sessions.session import BoardFacts, NetworkOption
    from agent.settings.network import NetworkSetting


class BoardSteps(Machine):
    """A procedure that begins with reading the board."""

    facts: BoardFacts
    """Known once READING is over."""
    networks: list[NetworkOption]
    """What the board sees: the newest list."""

    def __init__(self, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.rules = {
            State.READING: Rule(self._reading, READ_LIMIT_S, self._fail, self._stop),
            State.CLOSING: self._closing_rule(),
        }

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("read", "Read the board", self._how)
                self._do(OpenSession())
            case Done(OpenSession()):
                self._do(ReadBoard())
            case Done(ReadBoard(), facts) if self._is_other(facts):
                # Nothing of it is learned: it would be noted as what the board itself is.
                found = facts.uhwid or "none"
                self._fail(OtherInTheAir(expected_board=self.known_as, found_board=found))
                return True
            case Done(ReadBoard(), facts):
                self._note(facts)
                self._complete(board_summary(facts, self.via))
            case Done():
                pass
            case Failed(error=ImprovSilent()) if self.via == "usb":
                # It runs something else by now, perhaps: the next job looks anew.
                self._effects.append(Learn(installed=""))
                return False
            case _:
                return False
        if not self._waiting:
            self._was_read()
        return True

    def _is_other(self, facts: BoardFacts) -> bool:
        """What answers in the air is not the board that is known, or cannot show that it is.

        Whoever is in earshot can advertise as any board. The sketches of applications do not tell
        their hardware id, so they are believed; on a cable the board is what is plugged in.
        """
        known = self.via == "ble" and self.known_as is not None
        return known and not facts.application_sketch and facts.uhwid != self.known_as

    def _note(self, facts: BoardFacts) -> None:
        self.facts, self.networks = facts, facts.networks
        self._effects.append(
            Learn(uhwid=facts.uhwid, installed=facts.protocol, ble_address=facts.ble_address)
        )

    def _was_read(self) -> None:
        """Where to go after READING."""
        raise NotImplementedError


class NetworkSteps(BoardSteps):
    """A procedure that gives the board a network setting."""

    def __init__(self, network: NetworkSetting | None, *, confirmed: bool, attended: bool) -> None:
        """``network`` may be missing until CHECKING."""
        super().__init__(attended=attended)
        self.chosen = network
        self.confirmed = confirmed
        self.join_problem: MooringError | None = None
        self._scanned = False
        trouble, give_up = self._trouble, self._give_up
        self.rules |= {
            State.CHECKING: Rule(self._checking, SCAN_LIMIT_S, self._fail, self._stop),
            State.JOINING: Rule(self._joining, JOIN_LIMIT_S, trouble, give_up),
            State.ASKING: Rule(self._asking_network, ANSWER_LIMIT_S, trouble, give_up),
        }

    @property
    def network(self) -> NetworkSetting:
        """The network that is to be joined."""
        if self.chosen is None:
            msg = "no network was chosen"
            raise LookupError(msg)
        return self.chosen

    @property
    def network_label(self) -> str:
        """What people call it."""
        return self.chosen.label if self.chosen else "the network"

    # What a procedure decides ----------------------------------------------------------------

    def _check_board(self) -> None:
        """Raise if this board cannot do what is asked."""

    def _checked(self) -> None:
        """Where to go after CHECKING."""
        raise NotImplementedError

    def _other_network(self) -> None:
        """Where to go when another network was chosen after a failed join."""
        self._go(State.JOINING)

    def _joined(self) -> None:
        """Where to go after JOINING."""
        raise NotImplementedError

    def _trouble(self, error: MooringError) -> None:
        """What to do when the board itself fails from JOINING on."""
        raise NotImplementedError

    def _give_up(self, error: MooringError | None = None) -> None:
        """What to do when the person stops from JOINING on, because of ``error`` or without."""
        raise NotImplementedError

    @property
    def _safe(self) -> str:
        """What is not lost while the person thinks."""
        return "Nothing is lost while you decide."

    @property
    def _give_up_action(self) -> Action:
        return Action(id=questions.STOP, label="Stop")

    # The states ------------------------------------------------------------------------------

    def _checking(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("check", "Check the network")
                try:
                    self._check_board()
                except MooringError as error:
                    self._fail(error)
                else:
                    self._check_network()
            case Done(Scan(), networks):
                self.networks = networks
                self._check_network()
            case Failed(Scan(), error) if not isinstance(error, PortError):
                self._check_network()
            case Answered(questions.NETWORK, network=network) if network:
                self.chosen = network
                self._check_network()
            case Answered(questions.CONTINUE):
                self._complete("used in spite of the warning")
                self._checked()
            case Answered() if self.attended:
                self._stop()
            case Answered():
                why = " ".join(w.text for w in check_network(self.network, self.networks))
                self._fail(NetworkNotFound(network=self.network.label, why=why))
            case _:
                return False
        return True

    def _check_network(self) -> None:
        warnings = [] if self.confirmed else check_network(self.network, self.networks)
        if not warnings:
            self._complete(f"{self.network.label} can be tried")
            self._checked()
        elif questions.serious(warnings) and not self._scanned and not self.facts.online:
            # The list of the opening may be minutes old: look again before asking.
            self._scanned = True
            self._say("Looking for networks again")
            self._do(Scan())
        else:
            self._ask(questions.doubtful_network(self.network, self.networks, warnings))

    def _joining(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("join", f"Join {self.network.label}")
                self._do(Configure(self.network))
            case Done(Configure()):
                self._complete(f"joined {self.network.label}")
                self._joined()
            case Failed(Configure(), error) if isinstance(error, NetworkError | NotSupported):
                self.join_problem = questions.join_error(error, self.network, self.networks)
                self._go(State.ASKING)
            case _:
                return False
        return True

    def _asking_network(self, event: Event) -> bool:
        match event:
            case Entered() if self.join_problem:
                self._ask(
                    questions.join_failed(
                        self.join_problem,
                        self.network,
                        self.networks,
                        safe=self._safe,
                        give_up=self._give_up_action,
                    )
                )
            case Answered(questions.RETRY, password=password):
                self.chosen = questions.retry_network(self.network, password)
                self._go(State.JOINING)
            case Answered(questions.NETWORK, network=network) if network:
                self.chosen = network
                self._other_network()
            case Answered():
                self._give_up(self.join_problem)
            case _:
                return False
        return True
