"""A server, a vault and a board for the machine of ``agent/jobs/enrol.py``, without I/O.

It carries requests out one after the other and can be killed before and after each of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.errors import (
    BoardHasNoDelivery,
    DeliveryFailed,
    DeviceAbsent,
    EnrolNameTaken,
    EnrolUnusable,
    EnrolUsedUp,
    InputError,
    MooringError,
    PortGone,
    Unreachable,
    VaultFailed,
)
from agent.jobs import effects as fx
from agent.jobs import enrol_effects as ex
from agent.jobs.enrol import EnrolBoard
from agent.jobs.enrol_base import EnrolOrder
from agent.jobs.enrol_ways import untried
from agent.jobs.job import JobState
from agent.jobs.remove_effects import EntriesOf
from agent.sessions.delivery import BoardHardware, CloudState
from agent.settings import Secret
from agent.settings.credentials import AccessToken, CloudSettings
from tests.jobs.drive import Drive

if TYPE_CHECKING:
    from agent.clouds.vault_entry import State
    from agent.clouds.vault_view import VaultEntry
    from agent.sessions.delivery import CloudOutcome, DeliveryKind


NAME = "esp32-24a1"
CLOUD = "ThingsBoard"
LOST = Unreachable(cloud=CLOUD, detail="No answer.", sent=True)
GONE = PortGone(port="/dev/ttyUSB0")
FULL = VaultFailed(path="/vault", detail="no room")
ALL = 400
"""Far more steps than any run takes."""


def settings(token: str, name: str = NAME) -> CloudSettings:
    return CloudSettings(
        cloud="thingsboard",
        name=name,
        host="tb.example",
        port=8883,
        scheme="mqtts",
        credentials=AccessToken(token=Secret(token)),
    )


def check_name(name: str) -> None:
    if not name.strip():
        raise InputError(field="name", problem="give the device a name")


def make_name(model: str, digits: str) -> str:
    if not digits:
        raise ValueError("no id")
    return f"{model}-{digits}"


def order(**changes: Any) -> EnrolOrder:
    usual: dict[str, Any] = {
        "board": "kitchen",
        "model": "esp32",
        "cloud": "thingsboard",
        "cloud_title": CLOUD,
        "check_name": check_name,
        "make_name": make_name,
    }
    return EnrolOrder(**(usual | changes))


class Killed(Exception):
    """The agent is no more."""


@dataclass
class World:
    """What is really there, whatever anybody is told."""

    strategy: str = "create"
    devices: dict[str, CloudSettings] = field(default_factory=dict)
    used_up: set[str] = field(default_factory=set)
    vault: dict[str, tuple[State, CloudSettings]] = field(default_factory=dict)
    """State and credentials of each entry."""
    board: CloudSettings | None = None
    hardware: BoardHardware = field(
        default_factory=lambda: BoardHardware(hardware_id="24a1", family="esp32", networks=True)
    )
    ways: tuple[DeliveryKind, ...] = ("console",)
    outcome: CloudOutcome = "connected"
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Kind of request to what goes wrong in each turn: ``before``, ``lost``, ``noise``, or nothing."""
    connected: bool = False
    """The server has seen the board."""
    key_news: bool = False
    """The key of the vault lies in a file, and nobody was told."""
    made: int = 0
    going_on: tuple[str, ...] = ()
    """Answers that are preferred to the usual ones."""
    others: list[VaultEntry] = field(default_factory=list)
    """What the vault has of the device under other boards."""
    moments: int = 0
    kill_at: int = ALL * 2
    facts: list[Any] = field(default_factory=list)
    sent: list[fx.Request] = field(default_factory=list)

    def run(self, drive: Drive, *, steps: int = ALL) -> Drive:
        """Carry everything out until the end, a question, or ``steps``; the first timer if idle."""
        for _ in range(steps):
            if drive.finish is not None or drive.question is not None:
                return drive
            if drive.waiting:
                self.step(drive, drive.waiting[0])
            else:
                drive.fire(min(drive.due, key=lambda name: drive.due[name]))
        return drive

    def step(self, drive: Drive, request: fx.Request) -> None:
        self._moment()
        try:
            value = self.perform(request)
        except MooringError as error:
            drive.fail(type(request), error)
            return
        self._moment()
        drive.done(type(request), value)

    def _moment(self) -> None:
        self.moments += 1
        if self.moments == self.kill_at:
            raise Killed

    def perform(self, request: fx.Request) -> Any:
        self.sent.append(request)
        planned = self.faults.get(type(request).__name__, [])
        fault = planned.pop(0) if planned else ""
        if fault == "before":
            raise self._error(request)
        if fault == "unusable":
            raise EnrolUnusable(cloud=CLOUD, name=NAME, detail="", maybe_done=True)
        if fault == "noise":
            raise DeliveryFailed(why="noise")
        value = self._perform(request)
        if fault == "lost":
            raise self._error(request)
        return value

    def _error(self, request: fx.Request) -> MooringError:
        match request:
            case ex.AddEntry() | ex.ReplaceEntry() | ex.ProveEntry() | ex.LookInVault():
                return FULL
            case ex.PutSettings() | ex.OpenWay() | ex.FindWays() | ex.WaitConnected():
                return GONE
        return LOST

    def _perform(self, request: fx.Request) -> Any:
        match request:
            case ex.FindWays():
                holds = self.board.name if self.board is not None else self.hardware.holds
                if not self.ways:
                    raise BoardHasNoDelivery(tried="the serial console of a sketch: no answer")
                first, *others = self.ways
                looked = (ex.Looked(first, "answers"), *(untried(kind) for kind in others))
                return ex.Found(ex.Way(first, self._says(holds)), looked)
            case ex.OpenWay():
                return self._says(self.hardware.holds)
            case ex.MakeOwn(name=name):
                self.made += 1
                return settings(f"own-{self.made}", name)
            case ex.LookInVault(name=name):
                return next(
                    (
                        ex.Kept(entry, state, kept)
                        for entry, (state, kept) in reversed(self.vault.items())
                        if kept.name == name
                    ),
                    None,
                )
            case ex.OpenEntry(entry=entry):
                return self.vault[entry][1]
            case ex.AddEntry(own=own):
                entry = f"e{len(self.vault) + 1}"
                self.vault[entry] = ("pending", own)
                return entry
            case ex.ReplaceEntry(entry=entry, settings=given):
                assert self.vault[entry][0] == "pending"
                self.vault[entry] = ("pending", given)
            case ex.ProveEntry(entry=entry):
                self.vault[entry] = ("proven", self.vault[entry][1])
            case ex.DropEntry(entry=entry):
                state, kept = self.vault.pop(entry)
                assert state == "pending"
                assert kept not in self.devices.values()
            case ex.Enrol(own=own):
                return self._enrol(own)
            case ex.TryOut(settings=tried):
                return tried in self.devices.values()
            case ex.SeenBy(name=name):
                return self.connected and self.board is not None and self.board.name == name
            case ex.FreeDevice(name=name):
                self.used_up.discard(name)
            case ex.TakeOver(own=own):
                self._kept_first(own)
                self.devices[own.name] = own
                return own
            case ex.TakeStored(own=own):
                if own.name not in self.devices:
                    raise DeviceAbsent(cloud=CLOUD, name=own.name)
                return self.devices[own.name]
            case ex.TellKey():
                news, self.key_news = self.key_news, False
                return news
            case EntriesOf():
                return self.others
            case ex.FindLink():
                return "https://tb.example/devices"
            case ex.PutSettings(settings=given):
                if given.cloud is not None:
                    assert self.devices[given.cloud.name] == given.cloud, "nobody knows these"
                    self.board = given.cloud
            case ex.WaitConnected():
                return CloudState(outcome=self.outcome)
            case ex.HandOver() | fx.CloseSession() | fx.WaitBoardBack():
                pass
            case _:
                msg = f"{request} is not known"
                raise AssertionError(msg)
        return None

    def _says(self, holds: str) -> BoardHardware:
        return BoardHardware(
            hardware_id=self.hardware.hardware_id,
            family=self.hardware.family,
            holds=holds,
            networks=self.hardware.networks,
            note=self.hardware.note,
        )

    def _kept_first(self, own: CloudSettings) -> None:
        kept = [each for _, each in self.vault.values()]
        assert own in kept, "sent before it was kept"

    def _enrol(self, own: CloudSettings) -> CloudSettings:
        self._kept_first(own)
        name = own.name
        if self.strategy == "prepared":
            if name in self.used_up:
                raise EnrolUsedUp(cloud=CLOUD, name=name, state="provisioned", maybe_done=False)
            self.used_up.add(name)
            return self.devices.setdefault(name, settings(f"stored-{name}", name))
        if name in self.devices:
            raise EnrolNameTaken(cloud=CLOUD, name=name, profile="default", maybe_done=False)
        self.devices[name] = own
        return own


def begin(world: World, *, attended: bool = True, **changes: Any) -> Drive:
    """A job on this board, up to its end or its first question."""
    return world.run(Drive(EnrolBoard(order(**changes), attended=attended)))


def finish(world: World, drive: Drive) -> Drive:
    """Run to the end; questions get the answer that goes on."""
    for _ in range(10):
        world.run(drive)
        if drive.finish is not None:
            return drive
        assert drive.question
        wanted = answer_of(world, drive)
        if wanted is not None:
            drive.answer(wanted, choice="console")
        else:
            # The board is gone: it comes back.
            world.step(drive, drive.waiting[0])
    raise AssertionError(drive.question)


def answer_of(world: World, drive: Drive) -> str | None:
    """The answer that goes on; None: there is none but to stop."""
    assert drive.question
    known = [action.id for action in drive.question.actions]
    return next((each for each in (*world.going_on, *GOING_ON) if each in known), None)


GOING_ON = ("administrator", "retry", "overwrite", "choice", "continue", "keep")


def check_end(world: World, drive: Drive, before: dict[str, CloudSettings]) -> None:
    """What the job made is on the board, in the vault, or the end says what became of it."""
    assert drive.finish
    for name, made in world.devices.items():
        entries = [entry for entry, (_, kept) in world.vault.items() if kept == made]
        result = drive.finish.result
        if result is not None and result["device"] == name:
            assert world.board == made
            assert entries or result["notes"]
        elif made != before.get(name):
            told = repr(result) if result else repr(drive.finish.error)
            if entries:
                assert entries[-1] in told, "the device is forgotten"
            else:
                assert "not known" in told or "kept nowhere" in told or "not in the vault" in told
    if drive.finish.state is JobState.DONE:
        assert drive.finish.result
    assert "own-" not in repr(drive.finish)
    assert "own-" not in repr(drive.facts)
    assert "stored-" not in repr(drive.facts)
