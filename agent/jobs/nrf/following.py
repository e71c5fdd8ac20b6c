"""FOLLOWING: the board is told to ask for its commands; its log and the cloud say how it goes on.

Both are followed at once, and who says first that it is over is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from agent.errors import (
    CloudAnswer,
    NrfCommandFailed,
    NrfKeyRefused,
    NrfNotClaimed,
    NrfNothingQueued,
    NrfNotTriggered,
    NrfProvisioningFailed,
    NrfRoleTooLow,
    NrfUnfinished,
    PortError,
    QuotaReached,
    Unreachable,
)
from agent.jobs import questions
from agent.jobs.effects import (
    Answered,
    Done,
    Entered,
    Event,
    Failed,
    LimitReached,
    TimerFired,
    WaitBoardBack,
)
from agent.jobs.machine import LIMIT, Rule
from agent.jobs.nrf import facts, words
from agent.jobs.nrf.effects import (
    FollowCommands,
    FollowLog,
    LookAtDevice,
    OpenModem,
    QueueAgain,
    TriggerByAir,
    TriggerByCable,
    WatchCommands,
)
from agent.jobs.nrf.reading import ABSENT, NrfReading
from agent.jobs.states import ANSWER_LIMIT_S, State
from agent.protocols.nrf.commands import Progress
from agent.protocols.nrf.logs import Seen

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.kit import KitEffect
    from agent.jobs.nrf.effects import DeviceLook
    from agent.jobs.nrf.reading import NrfOrder
    from agent.protocols.nrf.answers import CommandState

Sayer: TypeAlias = Literal["", "board", "cloud"]

STEP_FOLLOW: Final = "provision"
FOLLOW_LIMIT_S: Final = 1500.0
"""Twice what the board's log is followed for, 600 s, with a restart in between."""
AGAIN_LIMIT_S: Final = 120.0
"""A list, commands one by one and the list once more, each with its repetitions."""
BACK_S: Final = 600.0
"""How long an unplugged board is waited for, while the cloud is asked."""
AGAIN: Final = "again"
WHY: Final = "why"
WHY_S: Final = 8.0
"""From a board's word that it gave up until the cloud shows which command failed: a look at once,
and those 2 and 5 s behind it."""
KNOWN_S: Final = 5.0
"""Until the service that boards ask knows of a claim that was just made."""
NETWORK_S: Final = 30.0
"""Between two tries of a board that has no network yet."""
NETWORK_TRIES: Final = 5
"""A modem that sees a network for the first time takes up to two minutes."""
_LOOKING: Final = (WatchCommands, FollowCommands)
_DEAF: Final = (CloudAnswer, NrfKeyRefused, NrfRoleTooLow, QuotaReached, Unreachable)
"""The cloud does not answer us; what becomes of the board is another matter."""


class NrfFollowing(NrfReading):
    """Subclasses say what of the cloud is followed, and go on in :meth:`_followed`."""

    following = "Let the board do its commands"
    """Title of the step."""

    def __init__(self, order: NrfOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.commands: tuple[CommandState, ...] = ()
        self.said_by: Sayer = ""
        """Who said first that the board is through."""
        self._online = False
        """The board itself says that it is connected."""
        self._again = True
        """The board may be told once more that it has something to ask for."""
        self._networks = NETWORK_TRIES
        self._trouble: MooringError = NrfNothingQueued(cloud=order.title, device="")
        self._reopens = False
        """The session may be lost, so that a new one is opened first."""
        self.rules |= {
            State.FOLLOWING: Rule(
                self._following, FOLLOW_LIMIT_S, self._troubled, lambda: self._give_up()
            ),
            State.TROUBLED: Rule(
                self._asking_on,
                ANSWER_LIMIT_S,
                self._give_up,
                lambda: self._give_up(),
            ),
        }

    def _redone(self, anew: dict[str, CommandState]) -> None:
        """What failed was queued once more; ``anew`` by the ids of the old."""
        self.commands = tuple(anew.get(each.id, each) for each in self.commands)

    def _looking_for(self) -> KitEffect:
        """What of the cloud is followed."""
        raise NotImplementedError

    def _followed(self) -> None:
        """The board is through, as ``said_by`` says; ends the step and leaves the state."""
        raise NotImplementedError

    def _give_up(self, error: MooringError | None = None) -> None:
        """The end after something was done in the cloud, which stays."""
        self._settle()
        cause, code = "The job was stopped.", "stopped"
        if error is not None:
            report = error.report()
            said = [self._no_sim, report.title, report.meaning, report.remedy]
            cause = " ".join(filter(None, said))
            code = report.code
        left = NrfUnfinished(
            name=self._shown,
            cloud=self.order.title,
            device=self.device_id,
            left=self._safe,
            cause=cause,
            cause_code=code,
        )
        self._close(error=left)

    def _settle(self, result: dict[str, Any] | None = None) -> None:
        """The next start has nothing to look after, unless it is this agent that ends."""
        if self.stopped is None or not self.stopped.interrupted:
            self._record(facts.ENDED, result=result)

    @property
    def _safe(self) -> str:
        """What of the job stays."""
        raise NotImplementedError

    def _following(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_FOLLOW, self.following)
                self._do(self._looking_for())
                self._trigger()
            case Done(WatchCommands() | FollowCommands(), commands):
                self.commands = commands
                self._through("cloud")
            case Failed(WatchCommands() | FollowCommands(), error) if self._hears_without(error):
                self.notes.append(error.report().title)
            case Done(TriggerByCable()):
                self._do(FollowLog())
                self._say("The board was told to ask for its commands")
            case Done(TriggerByAir()):
                self._say(words.TOLD_BY_AIR)
            case Failed(TriggerByCable(), NrfNotTriggered()):
                self._no_trigger()
            case Done(FollowLog(), seen):
                self._log_ended(seen)
            case Failed(FollowLog(), NrfNotClaimed()) if self._again:
                self._again = False
                self._say(words.AGAIN)
                self._timer(AGAIN, KNOWN_S)
            case Failed(FollowLog(), NrfProvisioningFailed() as error) if self._has_time(error):
                self._networks -= 1
                self._say(words.NO_NETWORK)
                self._timer(AGAIN, NETWORK_S)
            case Failed(FollowLog(), NrfProvisioningFailed() as error) if self._cloud_tells(error):
                self._trouble = error
                self._timer(WHY, WHY_S)
            case TimerFired(id=name) if name == WHY:
                self._troubled(self._trouble)
            case TimerFired(id=name) if name == AGAIN:
                self._do(TriggerByCable())
            case Failed(FollowLog() | TriggerByCable() | OpenModem(), PortError()) if self._looks:
                self._say(words.GONE)
                self._do(WaitBoardBack(BACK_S))
            case Failed(WaitBoardBack() | OpenModem() | LookAtDevice()) if self._looks:
                self._say(words.AT_CLOUD.format(cloud=self.order.title))
            case Done(WaitBoardBack()):
                self._do(OpenModem())
            case Done(OpenModem(), modem) if other := self._other(modem):
                self._troubled(other)
            case Done(OpenModem(), modem):
                self.modem = modem
                self._do(TriggerByCable())
            case Done(LookAtDevice(), look):
                self._looked(look)
            case _:
                return self._advanced(event)
        return True

    def _ours(self, look: DeviceLook) -> tuple[CommandState, ...]:
        """The commands that this job is about."""
        return look.commands

    @property
    def _looks(self) -> bool:
        """The cloud is being asked, so that the board need not tell."""
        return any(isinstance(each, _LOOKING) for each in self._waiting)

    def _hears_without(self, error: MooringError) -> bool:
        """The cloud cannot be asked any more, and the board's log goes on telling."""
        kinds = (FollowLog, TriggerByCable, OpenModem, WaitBoardBack)
        hears = AGAIN in self._timers or any(isinstance(each, kinds) for each in self._waiting)
        return hears and isinstance(error, _DEAF)

    def _trigger(self) -> None:
        if self.modem is None:
            self._do(TriggerByAir(self.device_id, self.imei))
        elif self._reopens:
            self._do(OpenModem())
        else:
            self._do(TriggerByCable())

    def _no_trigger(self) -> None:
        """Its firmware has no command for it: it asks when it starts, or at its button."""
        self._say(words.BY_ITSELF)
        self._do(FollowLog())

    def _log_ended(self, seen: Seen) -> None:
        if seen is Seen.NOTHING_QUEUED:
            self._do(LookAtDevice(self.device_id, self.imei))
            return
        self._online = seen is Seen.ONLINE
        self._through("board")

    def _looked(self, look: DeviceLook) -> None:
        """The service had nothing for the board: because all is done, or not yet, or never."""
        commands = self._ours(look)
        waiting = any(each.progress is Progress.WAITING for each in commands)
        if not waiting and (commands or look.record is not None):
            self.commands = commands or self.commands
            self._through("board")
        elif self._again:
            self._again = False
            self._say(words.AGAIN)
            self._timer(AGAIN, KNOWN_S)
        elif waiting:
            self._say(words.AT_CLOUD.format(cloud=self.order.title))
            self._do(FollowLog())
        else:
            self._troubled(NrfNothingQueued(cloud=self.order.title, device=self.device_id))

    def _has_time(self, error: NrfProvisioningFailed) -> bool:
        """A board without network yet may have one soon, unless it has no SIM card."""
        late = error.facts.get("why") == Seen.NO_TIME.value
        return late and not self._no_sim and self._networks > 0

    def _cloud_tells(self, error: NrfProvisioningFailed) -> bool:
        """Which command failed, and with what, the cloud knows in a moment; the log does not say."""
        return self._looks and error.facts.get("why") == Seen.FAILED.value

    @property
    def _no_sim(self) -> str:
        """What is behind all that such a board fails at; empty: it has one, as far as is known."""
        absent = self.modem is not None and self.modem.board.sim == ABSENT
        return words.NO_SIM if absent else ""

    def _through(self, sayer: Sayer) -> None:
        self.said_by = sayer
        self._followed()

    def _troubled(self, error: MooringError) -> None:
        self._trouble = error
        self._go(State.TROUBLED)

    def _asking_on(self, event: Event) -> bool:
        match event:
            case Entered():
                self._ask(
                    words.trouble(
                        self._trouble,
                        self._safe,
                        retry=self._retry,
                        known=self._no_sim,
                        failed=isinstance(self._trouble, NrfCommandFailed),
                    )
                )
            case Answered(questions.OVERWRITE):
                self._timer(LIMIT, AGAIN_LIMIT_S)
                self._say("Queueing what failed once more")
                self._do(QueueAgain(self.device_id))
            case Done(QueueAgain(), anew):
                self._redone(anew)
                self._retry_now()
            case Failed(QueueAgain(), error):
                self._give_up(error)
            case LimitReached():
                detail = f"There was no answer within {AGAIN_LIMIT_S:.0f} s."
                self._give_up(Unreachable(cloud=self.order.title, detail=detail))
            case Answered(questions.RETRY):
                self._retry_now()
            case Answered():
                self._give_up(self._trouble)
            case _:
                return False
        return True

    def _retry_now(self) -> None:
        self._again, self._networks = True, NETWORK_TRIES
        self._complete_because(self._trouble)
        self._on_again()

    @property
    def _retry(self) -> str:
        """What trying again is called."""
        return "Let the board ask again"

    def _on_again(self) -> None:
        """Where trying again begins."""
        self._reopens = True
        self._go(State.FOLLOWING)
