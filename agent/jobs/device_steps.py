"""States that deal with a device in a cloud, which is made before its board knows of it.

What is already there is looked up first, then the device is made; a failure after that deletes
it. At the end the person gets the header file that the sketch is built with.
Source: protocol-v1, sections 5 to 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.clouds.secrets_header import secrets_header
from agent.errors import (
    DeviceLeft,
    InternalError,
    JournalFailed,
    MooringError,
    QuotaReached,
    Unreachable,
)
from agent.jobs import facts, questions
from agent.jobs.cloud_steps import CloudSteps
from agent.jobs.device_effects import CreateDevice, DeleteDevice, Deliver, FindDevices
from agent.jobs.effects import (
    CloseSession,
    Done,
    Effect,
    Entered,
    Event,
    Failed,
    Learn,
    LimitReached,
    Make,
    Request,
    SettleLeftovers,
    TimerFired,
)
from agent.jobs.job import Action
from agent.jobs.machine import Rule
from agent.jobs.states import DELIVER_LIMIT_S, PREPARE_LIMIT_S, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.devices import Device, NewDevice
    from agent.jobs.which import Decision, Procedure
    from agent.settings import Secret
    from agent.settings.network import NetworkSetting

HEADER = "arduino_secrets.h"
SECRETS = f"Get {HEADER} ready"
MAKE_TRIES = 2
"""A second device only after the cloud said that the first was never made."""
CALL_TRIES = 3
"""For a call that the client itself does not repeat, with pauses of 1 and 2 s."""

DELETE = Action(id=questions.UNDO, label="Stop and delete the device")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOrder:
    """What these procedures need to know before they begin; made by ``device_plan.py``."""

    decision: Decision
    """Its procedure is ``provision-1.0``, ``lora-1.0`` or ``secret-key``."""
    cloud: str
    cloud_title: str
    new: NewDevice
    network: NetworkSetting | None = None
    """Goes into the header file only."""
    frequency_plan: str | None = None
    """Of a LoRa board; None: the person is asked."""
    confirmed: bool = False
    """The person knows that the sketch on the board is overwritten."""

    @property
    def procedure(self) -> Procedure:
        """Which of the three."""
        return self.decision.procedure


class DeviceEntry(CloudSteps):
    """What makes it a device and not a claim."""

    looking = "The answer was lost; looking whether the device was made"
    undoing = "Delete the device"

    def _look(self) -> FindDevices:
        return FindDevices(self.claim.serial_number)

    def _take_back(self, made: str) -> DeleteDevice:
        return DeleteDevice(made)

    def _ours(self, found: Sequence[Device]) -> Sequence[Device]:
        return facts.find_our_devices(found, self.claim)

    def _still_there(self, cause: str, error: MooringError) -> MooringError:
        report = error.report()
        return DeviceLeft(
            cloud=self.cloud_title,
            device=self.claim.claim or f"“{self.claim.name}” (id unknown)",
            cause=cause,
            detail=f"{report.title} {report.meaning}".strip(),
        )


class DeviceSteps(DeviceEntry):
    """A procedure that makes a device."""

    keeps_key = False
    """The header has a key that nobody else knows."""
    installed: str | None = None
    """Provisioning that the board runs in the end; None: it is not touched."""

    def __init__(self, order: DeviceOrder, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.order = order
        self.cloud_title = order.cloud_title
        self.began = 0.0
        self._known: tuple[str, ...] = ()
        self._made = 0
        self._repeated: Request | None = None
        self._calls = 0

    def start(self, now: float) -> list[Effect]:
        """See the base class."""
        self.began = now
        return super().start(now)

    def device_rules(self) -> dict[State, Rule]:
        """The rules of the states of this module and of :class:`CloudSteps`."""
        return self.cloud_rules() | {
            State.PREPARING: Rule(self._preparing, PREPARE_LIMIT_S, self._fail, self._stop),
            State.DELIVERING: Rule(
                self._delivering, DELIVER_LIMIT_S, self._undo, self._stop_delivery
            ),
            State.CLOSING: self._closing_rule(),
        }

    # What a procedure decides ----------------------------------------------------------------

    def _request(self) -> Make:
        """What makes the device."""
        return CreateDevice(self.order.new, self._known)

    def _id_of(self, made: Any) -> str:  # noqa: ANN401 - see the base class
        return str(made.id)

    def _header(self) -> Secret:
        """The file for the person."""
        return secrets_header(self.order.network)

    def _more(self) -> dict[str, Any]:
        """What the result says beside the device; nothing secret."""
        return {}

    @property
    def has_device(self) -> bool:
        """There is a device to look after."""
        return self._made > 0 and self.claim.claim is not None

    @property
    def _safe(self) -> str:
        if not self.has_device:
            return "Nothing was made in the cloud yet."
        return f"Nothing is lost: the device {self.order.new.name} stays while you decide."

    @property
    def _give_up_action(self) -> Action:
        return DELETE if self.has_device else Action(id=questions.STOP, label="Stop")

    def _give_up(self, error: MooringError | None = None) -> None:
        if self.has_device:
            self._undo(error)
        else:
            self._close(error=error)

    # The states ------------------------------------------------------------------------------

    def _preparing(self, event: Event) -> bool:
        name, serial = self.order.new.name, self.order.new.serial_number
        match event:
            case Entered():
                self._begin("device", f"Make the device in {self.cloud_title}", f"as {name}")
                self._do(SettleLeftovers())
            case Done(SettleLeftovers(), known):
                self._known = tuple(known)
                self._do(FindDevices(serial))
            case Done(FindDevices(), devices):
                self._known = tuple(sorted({*self._known, *(device.id for device in devices)}))
                self._made += 1
                self.claim = facts.OpenClaim(
                    cloud=self.order.cloud,
                    device=True,
                    serial_number=serial,
                    name=name,
                    since=self.now,
                    known=self._known,
                )
                self._go(State.CLAIMING)
            case LimitReached():
                self._fail(self._no_answer())
            case _:
                return False
        return True

    def _making(self) -> tuple[Make, dict[str, Any]]:
        return self._request(), {
            "cloud": self.claim.cloud,
            "device": True,
            "serial_number": self.claim.serial_number,
            "name": self.claim.name,
            "procedure": self.order.procedure,
            "known": list(self.claim.known),
        }

    def _never_made(self, error: MooringError) -> None:
        if self._made < MAKE_TRIES:
            self._go(State.PREPARING)
        else:
            self._fail(error)

    def _delivering(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("secrets", SECRETS)
                try:
                    header = self._header()
                except MooringError as error:
                    self._undo(error)
                else:
                    self._do(Deliver(HEADER, header))
            case Done(Deliver()):
                how = "handed over" if self.keeps_key else "kept"
                self._settle(how, device_id=self.claim.claim or "")
                self._do(CloseSession())
            case Failed(CloseSession(), JournalFailed() as error):
                # It is not settled, so the next start would delete the device.
                self._undo(error)
            case Done(CloseSession()) | Failed(CloseSession()):
                self._succeed()
            case LimitReached() if self._is_settled:
                self._succeed()
            case LimitReached():
                self._undo(InternalError(kind="no delivery"))
            case _:
                return False
        return True

    @property
    def _is_settled(self) -> bool:
        return any(isinstance(request, CloseSession) for request in self._waiting)

    def _stop_delivery(self) -> None:
        if not self._is_settled:
            self._undo()

    def _succeed(self) -> None:
        self._complete(f"{HEADER} can be saved")
        self._effects.append(Learn(name=self.order.new.name, installed=self.installed))
        result = {
            "device": self.order.new.name,
            "device_id": self.claim.claim,
            "cloud": self.order.cloud,
            "procedure": self.order.procedure,
            "files": [HEADER],
            "seconds": round(self.now - self.began, 3),
        }
        self._close(result=result | self._more())

    # A call that may be repeated -------------------------------------------------------------

    def _call(self, request: Request) -> None:
        """Send a request to the cloud that :meth:`_called_again` repeats."""
        self._repeated, self._calls = request, 1
        self._do(request)

    def _called_again(self, event: Event) -> bool:
        """Whether this event is dealt with by repeating the call."""
        match event:
            case Failed(request, Unreachable() | QuotaReached()) if (
                request == self._repeated and self._calls < CALL_TRIES
            ):
                self._say("The cloud does not answer; trying again")
                self._timer("again", 2.0 ** (self._calls - 1))
                return True
            case TimerFired() if self._repeated is not None:
                self._calls += 1
                self._do(self._repeated)
                return True
        return False
