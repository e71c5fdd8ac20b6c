"""Commands for a board that is claimed, a new key for the cloud by default: queued, done, told.

READING, QUEUEING, FOLLOWING. The board is told over its cable, or over the air where there is none.
From QUEUEING on nothing is undone: what is queued stays, and the board does it when it asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import (
    NrfCommandFailed,
    NrfCommandsBlocked,
    NrfCommandUnsure,
    NrfUnclaimed,
    Unreachable,
)
from agent.jobs import questions
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, LimitReached
from agent.jobs.machine import LIMIT, Rule
from agent.jobs.nrf import facts, words
from agent.jobs.nrf.effects import (
    DeleteCommands,
    FindDevice,
    FollowCommands,
    LookClaimed,
    LookForLeft,
    LookForRecord,
    QueueCommands,
    TriggerByAir,
)
from agent.jobs.nrf.following import STEP_FOLLOW, NrfFollowing
from agent.jobs.nrf.reading import STEP_READ
from agent.jobs.states import State
from agent.protocols.nrf.bodies import portal_link
from agent.protocols.nrf.commands import Progress
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.nrf.effects import DeviceLook
    from agent.jobs.nrf.reading import NrfOrder
    from agent.protocols.nrf.answers import CommandState, DeviceRecord
    from agent.protocols.nrf.commands import Command

STEP_QUEUE: Final = "queue"
QUEUE_LIMIT_S: Final = 300.0
"""Twenty commands at most, one by one, each with its repetitions."""
LOOK_LIMIT_S: Final = 60.0
"""Until the cloud shows what the board says; nothing depends on it any more."""


class NrfRenew(NrfFollowing):
    """Result: ``{device, device_id, cloud, link, commands, said_by, told, seconds, notes}``.

    ``told`` is how the board was told: ``cable`` or ``air``.
    """

    needs_token = False

    def __init__(self, order: NrfOrder, wanted: tuple[Command, ...], *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.wanted = wanted
        self._queued: tuple[CommandState, ...] = ()
        self._told = "cable"
        self._record_id = ""
        """In device management, where that was asked."""
        self._sure = True
        self._asked = False
        """The cloud was asked to queue them."""
        self._failed: tuple[CommandState, ...] = ()
        """Commands of an earlier time, at which the board stops."""
        self._left_over: tuple[CommandState, ...] = ()
        """Those that wait from then."""
        self.rules |= {
            State.QUEUEING: Rule(self._queueing, QUEUE_LIMIT_S, self._unqueued, self._cancelled),
            State.LOOKING: Rule(self._looking, LOOK_LIMIT_S, lambda _: self._done(), self._done),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        read = [(STEP_READ, self.reading)] if self.order.has_board else []
        return [
            *read,
            (STEP_QUEUE, f"Queue it in {self.order.title}"),
            (STEP_FOLLOW, self.following),
        ]

    @property
    def _safe(self) -> str:
        if not self._sure:
            return "Some of its commands may be queued."
        return "Its commands are queued, and stay so until it asks for them."

    def _reading(self, event: Event) -> bool:
        if isinstance(event, Entered) and not self.order.has_board:
            self.began = self.now
            self._go(State.QUEUEING)
            return True
        return super()._reading(event)

    def _read(self) -> None:
        self._complete(f"device id {self.device_id}")
        self._go(State.QUEUEING)

    def _queueing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_QUEUE, f"Queue it in {self.order.title}")
                known = bool(self.device_id)
                self._do(LookClaimed(self.device_id) if known else FindDevice(self.order.wanted))
            case Done(FindDevice(), device):
                self._found(device)
                # A device that came by its certificate alone is asked for all the same.
                self._do(LookClaimed(self.device_id))
            case Done(LookClaimed(), None):
                self._fail(NrfUnclaimed(cloud=self.order.title, device=self.device_id, detail=""))
            case Done(LookClaimed(), found):
                self.claimed_imei = found.imei
                if self.order.has_board:
                    self._do(LookForLeft(self.device_id))
                else:
                    self._do(LookForRecord(self.device_id, self.imei))
            case Failed(LookForRecord()):
                self._do(LookForLeft(self.device_id))
            case Done(LookForRecord(), record):
                self._seen(record)
                self._do(LookForLeft(self.device_id))
            case Done(LookForLeft(), left):
                self._has_left(left)
            case Answered(questions.DELETE):
                self._say("Deleting what failed")
                self._timer(LIMIT, QUEUE_LIMIT_S)
                self._do(DeleteCommands(self.device_id, self._failed))
            case Answered() if self.attended:
                self._stop()
            case Answered():
                self._fail(self._blocked)
            case Done(DeleteCommands()):
                self.notes.append(words.DELETED.format(names=_names(self._failed)))
                self._queue()
            case Done(QueueCommands(), queued):
                self._has_queued(queued)
            case Failed(QueueCommands(), error):
                self._unqueued(error)
            case LimitReached() if self._queues:
                detail = f"There was no answer within {QUEUE_LIMIT_S:.0f} s."
                names = ", ".join(command.name for command in self.wanted)
                self._unqueued(
                    NrfCommandUnsure(
                        cloud=self.order.title, device=self.device_id, name=names, detail=detail
                    )
                )
            case LimitReached():
                detail = f"There was no answer within {QUEUE_LIMIT_S:.0f} s."
                self._unqueued(Unreachable(cloud=self.order.title, detail=detail))
            case _:
                return False
        return True

    def _seen(self, record: DeviceRecord | None) -> None:
        """What a device over the air is called; one that is not there yet cannot be told."""
        if record is None:
            self._say(words.NOT_THERE.format(cloud=self.order.title))
            return
        self._record_id = record.id
        if record.name != record.id:
            self.named = clean_text(record.name)

    def _has_left(self, left: tuple[CommandState, ...]) -> None:
        """What failed stands in the way of all that is queued behind it."""
        self._failed = tuple(each for each in left if each.blocks)
        self._left_over = tuple(each for each in left if not each.blocks)
        if self._failed:
            self._ask(words.blocked(self._blocked, self.order.title, self._failed))
        else:
            self._queue()

    @property
    def _blocked(self) -> NrfCommandsBlocked:
        return NrfCommandsBlocked(
            cloud=self.order.title,
            device=self.device_id,
            names=_names(self._failed),
            detail="",
        )

    def _queue(self) -> None:
        self._record(facts.QUEUEING, **self._about)
        self._asked = True
        self._do(QueueCommands(self.device_id, self.wanted, self._left_over))

    @property
    def _queues(self) -> bool:
        return any(isinstance(each, QueueCommands) for each in self._waiting)

    def _cancelled(self) -> None:
        if self._queues:
            self._say("Waiting for what becomes of the commands that were sent")
        else:
            self._stop()

    def _unqueued(self, error: MooringError) -> None:
        """One alone is queued or not, as the error says; of several the first may be."""
        if len(self.wanted) > 1 and self._asked:
            self._sure = False
            self._give_up(error)
        else:
            self._settle()
            self._fail(error)

    def _has_queued(self, queued: tuple[CommandState, ...]) -> None:
        self._queued = self.commands = queued
        self._record(facts.QUEUED, ids=[each.id for each in queued])
        self._complete(", ".join(command.name for command in self.wanted))
        if self.stopped:
            self._give_up()
        else:
            self._go(State.FOLLOWING)

    def _looking_for(self) -> FollowCommands:
        return FollowCommands(self.device_id, self._queued)

    def _trigger(self) -> None:
        if self.modem is None:
            self._told = "air"
        super()._trigger()

    def _no_trigger(self) -> None:
        """Its firmware has no command for it, so that it is told through its shadow."""
        self._told = "air"
        self._do(TriggerByAir(self.device_id, self.imei))

    def _redone(self, anew: dict[str, CommandState]) -> None:
        super()._redone(anew)
        self._queued = tuple(anew.get(each.id, each) for each in self._queued)

    def _followed(self) -> None:
        if self._all_done:
            self._done()
        else:
            self._go(State.LOOKING)

    def _looking(self, event: Event) -> bool:
        """The board said it first; what the cloud makes of it is waited for, but not for long."""
        match event:
            case Entered():
                self._do(FollowCommands(self.device_id, self._queued))
            case Done(FollowCommands(), commands):
                self.commands = commands
                self._done()
            case Failed(FollowCommands(), NrfCommandFailed() as error):
                self._give_up(error)
            case Failed() | LimitReached():
                self._done()
            case _:
                return self._advanced(event)
        return True

    @property
    def _all_done(self) -> bool:
        return all(each.progress is Progress.DONE for each in self.commands)

    def _ours(self, look: DeviceLook) -> tuple[CommandState, ...]:
        ours = {each.id for each in self._queued}
        return tuple(each for each in look.commands if each.id in ours)

    def _done(self) -> None:
        unseen = words.UNSEEN.format(cloud=self.order.title)
        self._complete(words.count_words(self.commands) if self._all_done else unseen)
        result: dict[str, Any] = {
            "device": self._shown,
            "device_id": self.device_id,
            "cloud": self.order.cloud,
            "link": portal_link(self.order.portal, self._record_id or self.device_id),
            "commands": words.shown_commands(self.commands),
            "said_by": self.said_by,
            "told": self._told,
            "procedure": "renew",
            "seconds": self._seconds(),
            "notes": self.notes,
        }
        self._settle(result)
        self._close(result=result)


def _names(commands: tuple[CommandState, ...]) -> str:
    return ", ".join(clean_text(each.name) or "?" for each in commands)
