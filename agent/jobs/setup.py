"""Setting a board up for 2.0, whatever runs on it: look, write the sketch if needed, provision.

A migration looks first and always says what it found; provisioning first speaks 2.0, and looks
further only where that does not get on. Source: protocol-v1, section 9; protocol-v2, section 8.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agent.errors import (
    BoardError,
    CloudError,
    InputError,
    MooringError,
    NeedsCable,
    NotSupported,
    OldFirmware,
    SketchInTheWay,
)
from agent.jobs import questions
from agent.jobs.check import check_versions, check_wifi_firmware, unknown_firmware
from agent.jobs.device_effects import DeleteDevice, FindDevices
from agent.jobs.effects import (
    Answered,
    CloseSession,
    CloudRequirements,
    Done,
    Entered,
    Event,
    Failed,
    OpenSession,
    ReadBoard,
    SessionLost,
)
from agent.jobs.flash_effects import AskBoard, Source
from agent.jobs.flash_steps import FLASH_STEPS, FlashSteps
from agent.jobs.job import StepState
from agent.jobs.machine import Rule
from agent.jobs.provision import Order, Provision
from agent.jobs.reach import CONNECT_IT
from agent.jobs.states import ANSWER_LIMIT_S, LOOK_LIMIT_S, READ_LIMIT_S, State
from agent.jobs.which import BoardSays, CloudSays, Decision, decide, heard

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.clouds.cloud import Requirements
    from agent.clouds.devices import Device
    from agent.jobs.which import Procedure
    from agent.sessions.session import BoardFacts
    from agent.settings.network import NetworkSetting

MIGRATE_PATIENCE_S: Final = 5.0
"""How long a migration waits for a first word in 2.0: a sketch that listens answers within a
second, or 3 s after a host that crashed (protocol-v2, 2). One that scans may be missed and is then
written anew, which does no harm."""

BY_2_0: Final[frozenset[Procedure]] = frozenset({"provision-2.0", "flash-then-2.0", "migrate"})
"""Procedures that end in provisioning 2.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupOrder(Order):
    """What setting up needs to know in addition."""

    model: Model | None
    procedure: Procedure | None = None
    """The way that a person chose."""
    in_bootloader: bool = False
    """Nothing can be read of the board before a sketch is written."""
    keeps_devices: bool = False
    """The cloud can be asked for older devices of the board."""
    delete_old: bool = False
    """Delete those without asking, once the board is online."""


class Setup(Provision, FlashSteps):
    """Result: that of :class:`Provision`, with ``procedure`` and ``sketch`` if one was written.

    With ``prepare_only``: ``{prepared, sketch_version, wifi_firmware}``.
    """

    order: SetupOrder

    def __init__(
        self,
        order: SetupOrder,
        network: NetworkSetting | None,
        *,
        attended: bool,
        migrate: bool = False,
        prepare_only: bool = False,
    ) -> None:
        super().__init__(order, network, attended=attended)
        self.decision: Decision | None = None
        self.migrate = migrate
        self.prepare_only = prepare_only
        self._says = CloudSays(title=order.cloud_title)
        self._heard: BoardSays | None = None
        self.old: list[Device] = []
        """Devices that the cloud has of this board from earlier."""
        self._result: dict[str, Any] = {}
        self._deleted: list[str] = []
        self._next = 0
        self._rewritten = False
        self._first_read = True
        if migrate or order.in_bootloader or order.procedure in {"migrate", "flash-then-2.0"}:
            self.state = State.LOOKING
        fail, stop = self._fail, self._stop
        self.rules |= self.flash_rules() | {
            State.LOOKING: Rule(self._looking, LOOK_LIMIT_S, fail, stop),
            State.CONFIRMING: Rule(self._confirming, ANSWER_LIMIT_S, fail, stop),
            State.READING: Rule(self._reading, READ_LIMIT_S, self._unread, stop),
            State.RETIRING: Rule(self._retiring, ANSWER_LIMIT_S, self._retired, self._retired),
            State.CHOOSING: Rule(self._choosing, ANSWER_LIMIT_S, fail, stop),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        steps = super().plan
        if self.prepare_only:
            steps = steps[:1]
        if self.state is State.LOOKING:
            return [("look", "Look what the board runs"), *FLASH_STEPS, *steps]
        return steps

    # What does it run, and what does it need -------------------------------------------------

    def _looking(self, event: Event) -> bool:
        match event:
            case Entered():
                self.began = self.began or self.now
                self._begin("look", "Look what the board runs")
                if self._heard is None:
                    self._do(AskBoard(MIGRATE_PATIENCE_S if self._first_read else 0.0))
                if self.in_cloud:
                    self._do(CloudRequirements(self.order.fqbn))
                serial_number = None if self.prepare_only else self.order.serial_number
                if self.order.keeps_devices and serial_number:
                    self._do(FindDevices(serial_number))
            case Done(FindDevices(), devices):
                self.old = list(devices)
            case Failed(FindDevices()):
                # Nothing depends on it; the person looks in the cloud, as without us.
                pass
            case Done(AskBoard(), says):
                self._heard = says
            case Done(CloudRequirements(), needs):
                self._note_needs(needs)
            case Failed(CloudRequirements(), NotSupported()):
                self._says = CloudSays(title=self.cloud_title, v2=False)
            case Failed(CloudRequirements(), CloudError()) if self.prepare_only:
                # A sketch of the store will do; the catalogue knows the firmware that it needs.
                pass
            case _:
                return False
        if not self._waiting:
            self._decide()
        return True

    def _note_needs(self, needs: Requirements) -> None:
        self.needs = needs
        self._says = CloudSays(
            title=self.cloud_title,
            v2=True,
            min_sketch=needs.min_sketch,
            min_wifi_firmware=needs.min_wifi_firmware,
        )

    def _decide(self) -> None:
        says = self._heard or BoardSays()
        try:
            decision = decide(self.order.model, self._says, says, wanted=self.order.procedure)
            self._check_decision(decision)
            check_wifi_firmware(says.wifi_firmware, self.needs)
        except MooringError as error:
            self._fail(error)
            return
        self.decision = decision
        self._complete(decision.reason)
        if not decision.flashes:
            self._go(State.READING)
        elif self.via == "ble":
            name = self.order.model.name if self.order.model else "This board"
            what = "have another sketch written to it"
            self._fail(NeedsCable(board=name, what=what, why=decision.reason, action=CONNECT_IT))
        elif self.order.confirmed:
            self._rewrite()
        else:
            self._go(State.CONFIRMING)

    def _check_decision(self, decision: Decision) -> None:
        if decision.procedure in BY_2_0:
            return
        model = self.order.model
        others = ", ".join(decision.possible) or "none"
        raise NotSupported(
            model=model.name if model else "This board",
            what="be set up with provisioning 2.0",
            why=decision.reason,
            action=f"Choose another procedure; possible: {decision.procedure}, {others}.",
        )

    def _confirming(self, event: Event) -> bool:
        match event:
            case Entered() if self.decision:
                self._begin("look", "Look what the board runs", self.decision.reason)
                self._ask(questions.overwrite(self.decision, self.old))
            case Answered(questions.CONTINUE):
                self._complete(self.decision.reason if self.decision else "")
                self._rewrite()
            case Answered() if self.attended:
                self._stop()
            case Answered():
                reason = self.decision.reason if self.decision else ""
                self._fail(SketchInTheWay(reason=reason))
            case _:
                return False
        return True

    def _rewrite(self) -> None:
        self._rewritten = True
        self.source = Source(kind="provisioning-2.0")
        self._go(State.FETCHING)

    def _flashed(self) -> None:
        self._left = "The board runs the new sketch. Nothing else was left."
        self._go(State.READING)

    # Reading it in 2.0 -----------------------------------------------------------------------

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered() if self._rewritten:
                self._begin("read", "Read the board", "Its first start takes some seconds")
                self._do(OpenSession(flashed=True))
                return True
            case Done(CloudRequirements(), needs):
                self._note_needs(needs)
            case Failed(CloudRequirements(), NotSupported()) if self.order.model:
                self._says = CloudSays(title=self.cloud_title, v2=False)
                self._decide()
                return True
            case Done(ReadBoard(), _):
                self._first_read = False
        return super()._reading(event)

    def _unread(self, error: MooringError) -> None:
        """It does not get on in 2.0: look what it runs, once, unless the board is gone."""
        if self._rewritten or self._heard or self.via == "ble" or not self._may_rewrite(error):
            self._fail(error)
            return
        self._complete(error.report().title)
        self._first_read = False
        status = error.facts.get("status")
        if isinstance(status, int):
            self._heard = BoardSays(answer="2.0", status=status)
        self._go(State.LOOKING)

    def _may_rewrite(self, error: MooringError) -> bool:
        unusable = isinstance(error, BoardError) and not isinstance(error, OldFirmware)
        return unusable and self.order.model is not None

    def _was_read(self) -> None:
        try:
            if not self._rewritten and self._needs_writing(self.facts):
                self._heard = heard(self.facts)
                self._begin("look", "Look what the board runs")
                self._decide()
                return
            self._check_board()
        except MooringError as error:
            self._fail(error)
            return
        if self.prepare_only:
            self._close(
                result={
                    "prepared": True,
                    "sketch_version": self.facts.sketch_version,
                    "wifi_firmware": self.facts.wifi_firmware,
                    "uhwid": self.facts.uhwid,
                }
                | self._wrote()
            )
        elif self.chosen is None:
            self._go(State.CHOOSING)
        else:
            super()._was_read()

    def _needs_writing(self, found: BoardFacts) -> bool:
        """Whether the sketch that answered will not do, for the cloud that is meant."""
        if not self.in_cloud or self.order.model is None:
            return False
        wanted = self.order.procedure
        return decide(self.order.model, self._says, heard(found), wanted=wanted).flashes

    def _check_board(self) -> None:
        minimum = self.needs.min_wifi_firmware
        silent = not self.facts.wifi_firmware and not self.facts.online
        if minimum and silent and self._rewritten:
            # The reference tool asks for ever here (protocol-v1, 9).
            raise unknown_firmware(minimum)
        if self.prepare_only:
            check_versions(self.facts, self.needs)
        else:
            super()._check_board()

    def _choosing(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("check", "Check the network")
                self._ask(questions.choose_network(self.networks))
            case Answered(questions.NETWORK, network=network) if network:
                self.chosen = network
                self._go(State.CHECKING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                self._fail(InputError(field="network", problem="is missing"))
            case _:
                return False
        return True

    # The end ---------------------------------------------------------------------------------

    def _succeed(self, claim: dict[str, Any]) -> None:
        procedure = self.decision.procedure if self.decision else "provision-2.0"
        super()._succeed(claim | {"procedure": procedure} | self._wrote())

    def _wrote(self) -> dict[str, Any]:
        return {"sketch": self.prepared.name} if self._rewritten else {}

    def _ended_well(self, result: dict[str, Any]) -> None:
        self._result = result
        # A board that is set up again may keep its device; that one is no older device.
        self.old = [device for device in self.old if device.id != result.get("device_id")]
        if self.old:
            self._go(State.RETIRING)
        else:
            super()._ended_well(result)

    def _retiring(self, event: Event) -> bool:
        match event:
            case Entered() if self.order.delete_old:
                self._delete_old()
            case Entered():
                # The board goes its own way from here.
                self._do(CloseSession())
                self._ask(questions.old_devices(self.old, self.cloud_title))
            case Done(CloseSession()) | Failed(CloseSession()) | SessionLost():
                pass
            case Answered(questions.DELETE):
                self._delete_old()
            case Answered():
                self._retired()
            case Done(DeleteDevice(device=device)):
                self._deleted.append(device)
                self._delete_next()
            case Failed(DeleteDevice()):
                self._delete_next()
            case _:
                return False
        return True

    def _delete_old(self) -> None:
        self._begin("retire", "Delete the older device")
        self._delete_next(first=True)

    def _delete_next(self, *, first: bool = False) -> None:
        """One after the other; what cannot be deleted stays, and the result says so."""
        if not first:
            self._next += 1
        if self._next < len(self.old):
            self._do(DeleteDevice(self.old[self._next].id))
            return
        left = len(self.old) - len(self._deleted)
        if left:
            self._complete(f"{left} could not be deleted", StepState.FAILED)
        else:
            self._complete(", ".join(device.name or device.id for device in self.old))
        self._retired()

    def _retired(self, _error: MooringError | None = None) -> None:
        """The board is online whatever becomes of its older devices."""
        old = [{"id": device.id, "name": device.name} for device in self.old]
        self._close(result=self._result | {"old_devices": old, "deleted": self._deleted})
