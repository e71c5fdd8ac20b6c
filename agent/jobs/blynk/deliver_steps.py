"""A Blynk board is given its settings, joins and comes online; or says why not, and is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import BlynkNotArrived, InputError, NotSupported
from agent.jobs import questions as common
from agent.jobs.blynk import facts, questions
from agent.jobs.blynk.ahead_steps import AheadSteps
from agent.jobs.blynk.effects import STAGES, Arrived, AwaitBoard, Deliver, GiveUp
from agent.jobs.blynk.network_steps import NetworkSteps
from agent.jobs.blynk.order import board_host, board_network, board_port, make_config
from agent.jobs.blynk.token_steps import STEP as TOKEN
from agent.jobs.effects import Advanced, Answered, Done, Entered, Event, Failed, LimitReached
from agent.jobs.job import StepState
from agent.jobs.machine import Rule
from agent.jobs.states import ANSWER_LIMIT_S, State
from agent.settings.network import WiFi

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.blynk.order import BlynkOrder

DELIVER: Final = ("deliver", "Give it token and network")
JOIN: Final = "join"
ONLINE: Final = "online"
DELIVER_LIMIT_S: Final = 420.0
"""120 s of the board and 120 s of the cloud one behind the other, a computer that changes its network
between them and back again, and a look why."""
GIVE_UP_LIMIT_S: Final = 10.0
"""One command; a board answers at once, or after some tries."""


class DeliverSteps(AheadSteps, NetworkSteps):
    """DELIVERING, ASKING and UNDOING."""

    def __init__(self, order: BlynkOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self._arrived = Arrived("unseen")
        self._sent = False
        """The board was given something in this job."""
        self._again = False
        """It waits only for a board that has its settings."""
        give_up = self._give_up
        self.rules |= {
            State.DELIVERING: Rule(
                self._delivering, DELIVER_LIMIT_S, self._trouble, self._call_back
            ),
            State.ASKING: Rule(self._asking_person, ANSWER_LIMIT_S, give_up, give_up),
            State.UNDOING: Rule(
                self._calling_back, GIVE_UP_LIMIT_S, lambda _: give_up(), lambda: None
            ),
        }

    def _is_online(self) -> None:
        """Where to go with a board that is."""
        raise NotImplementedError

    def _has_token(self) -> None:
        self._resume = State.DELIVERING
        self._go_to_board()

    def _go_to_board(self) -> None:
        """Deliver; a person who joins by hand is asked to be in the board's network again."""
        self._go(State.REOPENING if self._by_hand else State.DELIVERING)

    # Delivering --------------------------------------------------------------------------------

    def _delivering(self, event: Event) -> bool:
        match event:
            case Entered() if self._again and self.token is not None:
                self._start_online()
                self._do(AwaitBoard(self.token, self.fresh))
            case Entered():
                self._resume = State.DELIVERING
                self._deliver()
            case Advanced(Deliver(), done=stage, message=detail):
                self._advance(STAGES[stage], detail)
            case Done(Deliver() | AwaitBoard(), Arrived() as arrived):
                was_in = self._again and self._arrived.joined
                self._arrived = arrived._replace(joined=arrived.joined or was_in)
                self._came()
            case Failed(Deliver(), InputError() | NotSupported() as error):
                self._not_sent(error)
            case LimitReached():
                self._arrived = Arrived("unseen", DELIVER_LIMIT_S)
                self._came()
            case _:
                return False
        return True

    def _deliver(self) -> None:
        network, token = self.network, self.token
        if network is None or token is None:
            msg = "nothing to deliver"
            raise LookupError(msg)
        host = board_host(self.host, self._reached.way, self.board.generation)
        self._record(facts.SENDING, way=self._reached.way, network=network.label)
        self._sent, self._arrived = True, Arrived("unseen")
        self._begin(*DELIVER)
        self._in_point = bool(self.order.access_point) and not self._by_hand
        port = board_port(host, self.port)
        config = make_config(network, token, host, port=port, address=self.order.address)
        self._do(Deliver(config, self.fresh, self.was_online))

    def _advance(self, stage: str, detail: str) -> None:
        """Steps by what is heard of the board; they only go forward."""
        label = self.network.label if self.network else "the network"
        if self._step == DELIVER[0]:
            # Of what is heard closely together only the last may be told.
            watched = self._reached.way == "http" and stage in {"sent", "joining"} and detail
            watch = f". {detail}" if watched else ""
            self._complete(f"the board has them{watch}")
            self._begin(JOIN, f"Join {label}")
        if stage in {"connecting", "connected"} and self._step != ONLINE:
            self._start_online()
        elif stage == "joined":
            self._say(f"It has the address {detail}" if detail else "It is in the network")
        elif stage == "joining" and detail:
            self._say(detail)
        if stage == "connected":
            self._say(f"The board says that it is connected; asking {self.order.cloud}")

    def _start_online(self) -> None:
        label = self.network.label if self.network else "the network"
        if self._step == DELIVER[0]:
            self._complete("the board has them")
            self._begin(JOIN, f"Join {label}")
        if self._step == JOIN:
            self._complete("it is in the network")
        self._begin(ONLINE, f"See it in {self.order.cloud}")

    def _came(self) -> None:
        self._again = self._visiting = False
        arrived = self._arrived
        if arrived.state in {"online", "told"}:
            if self._step != ONLINE:
                self._start_online()
            self.fresh = False
            by = "cloud" if arrived.state == "online" else "board"
            self._record(facts.ONLINE, connected=by, seconds=round(arrived.seconds, 3))
            self._complete("it is online" if by == "cloud" else "the board says that it is")
            self._home_first(self._is_online, anyway=True)
        else:
            if (said := arrived.failure) is not None:
                self._record(facts.FAILED, code=said.code, why=said.title, remedy=said.remedy)
            self._home_first(lambda: self._go(State.ASKING))

    def _not_sent(self, error: MooringError) -> None:
        """The way cannot carry these settings; nothing was sent."""
        self._sent = False
        self.trouble = error
        self._give_up(error)

    # It did not come ---------------------------------------------------------------------------

    def _asking_person(self, event: Event) -> bool:
        network = self.network
        match event:
            case Entered() if network is not None and self._arrived.failure is not None:
                inquiry = questions.not_joined(
                    self._arrived.failure,
                    network,
                    self._seen,
                    platform=self.order.platform,
                    safe=self._safe,
                )
                self._ask(inquiry)
            case Entered() if network is not None:
                self._ask(
                    questions.not_seen(
                        self._not_arrived,
                        network,
                        self._seen,
                        joined=self._arrived.joined,
                        safe=self._safe,
                    )
                )
            case Answered(questions.PASSWORD, password=password) if network is not None:
                changed = common.retry_network(network, password)
                self.network = changed if isinstance(changed, WiFi) else network
                self._once_more()
            case Answered(common.NETWORK, network=chosen) if chosen is not None:
                try:
                    self.network = board_network(chosen)
                except NotSupported as error:
                    self._give_up(error)
                else:
                    self._once_more()
            case Answered(questions.AGAIN):
                self._once_more()
            case Answered(questions.WAIT):
                self._complete(state=StepState.SKIPPED)
                self._again = True
                self._go(State.DELIVERING)
            case Answered(questions.NEW):
                self._complete(self._title, StepState.FAILED)
                self._begin(*TOKEN)
                self._go(State.CLAIMING)
            case Answered(questions.TOKEN, token=pasted) if pasted is not None:
                self._complete(self._title, StepState.FAILED)
                self._begin(*TOKEN)
                self._paste(pasted)
            case Answered():
                self._give_up(self._why)
            case _:
                return False
        return True

    def _once_more(self) -> None:
        self._complete(self._title, StepState.FAILED)
        self._go_to_board()

    @property
    def _title(self) -> str:
        return self._why.report().title

    @property
    def _why(self) -> MooringError:
        failure = self._arrived.failure
        return self._not_arrived if failure is None else questions.board_failed(failure)

    @property
    def _not_arrived(self) -> BlynkNotArrived:
        server = self.host or self.order.cloud
        seconds = round(self._arrived.seconds)
        detail = self._arrived.detail
        return BlynkNotArrived(
            cloud=self.order.cloud, server=server, seconds=seconds, detail=detail
        )

    # Stopping ----------------------------------------------------------------------------------

    def _call_back(self) -> None:
        """A board that tries a wrong password is told to wait for settings again."""
        self._go(State.UNDOING)

    def _calling_back(self, event: Event) -> bool:
        match event:
            case Entered():
                self._do(GiveUp())
            case Done() | Failed() | LimitReached():
                self._give_up()
            case _:
                return False
        return True
