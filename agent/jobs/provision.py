"""Provisioning: the board gets its network and its cloud identity (protocol-v2, 8.4).

Up to IDENTIFYING nothing was changed. From the claim on, every way out leads through UNDOING,
unless the board came online.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.clouds.cloud import ClaimRequest, Requirements
from agent.errors import (
    MooringError,
    StatusReported,
    WrongSketch,
)
from agent.jobs import facts, questions
from agent.jobs.check import check_air_firmware, check_versions
from agent.jobs.claim_steps import UNDO
from agent.jobs.effects import (
    Answered,
    CloudRequirements,
    Done,
    Entered,
    Event,
    Failed,
    FindClaims,
    Learn,
    ReadIdentity,
    ResetBoard,
    SettleLeftovers,
    TimerFired,
)
from agent.jobs.guide import ble_off_note
from agent.jobs.job import Action, StepState
from agent.jobs.machine import Rule
from agent.jobs.states import (
    ANSWER_LIMIT_S,
    IDENTITY_LIMIT_S,
    RESET_LIMIT_S,
    State,
)
from agent.jobs.stored_steps import StoredSteps

if TYPE_CHECKING:
    from agent.jobs.guide import Guide
    from agent.sessions.session import BoardIdentity
    from agent.settings.network import NetworkSetting

NO_CLOUD = "none"

CLAIM_TRIES = 2
"""A second claim only after the cloud said that the first was never made."""


@dataclass(frozen=True, slots=True)
class Order:
    """What provisioning needs to know before it begins; the service has checked it."""

    cloud: str
    cloud_title: str
    name: str
    fqbn: str
    serial_number: str | None = None
    confirmed: bool = False
    """The person has seen the warnings about the network already."""
    guide: Guide | None = None
    """How this kind of board forgets its network by itself."""
    stored: str = ""
    """The network that this board was given last, if it is known."""
    air_firmware: str | None = None
    """The oldest Wi-Fi firmware with which it can be provisioned over Bluetooth LE."""


class Provision(StoredSteps):
    """One board, one network, one cloud or none."""

    identity: BoardIdentity
    """Known from CLAIMING on."""
    claimed_as: str
    """Kind of connection that the cloud was told; known from CLAIMING on."""

    def __init__(self, order: Order, network: NetworkSetting | None, *, attended: bool) -> None:
        super().__init__(network, confirmed=order.confirmed, attended=attended)
        self.order = order
        self.guide = order.guide
        self.stored = order.stored
        self.cloud_title = order.cloud_title
        self.needs = Requirements()
        self.in_cloud = order.cloud != NO_CLOUD
        self.began = 0.0
        self._known: tuple[str, ...] = ()
        self._claim_anew = self._was_anew = False
        self._claims = self._resets = 0
        trouble, give_up = self._trouble, self._give_up
        self.rules |= (
            self.claim_rules()
            | self.reopen_rules()
            | {
                State.IDENTIFYING: Rule(
                    self._identifying, IDENTITY_LIMIT_S, self._fail, self._stop
                ),
                State.RESETTING: Rule(self._resetting, RESET_LIMIT_S, trouble, give_up),
                State.TROUBLED: Rule(self._troubled, ANSWER_LIMIT_S, trouble, give_up),
            }
        )

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        steps = [
            ("read", "Read the board"),
            ("check", "Check the network"),
            ("claim", f"Claim it in {self.cloud_title}"),
            ("settings", "Send the network settings"),
            ("join", f"Join {self.network_label}"),
            ("online", "Come online"),
        ]
        return [step for step in steps if self.in_cloud or step[0] not in {"claim", "online"}]

    # Before the claim: nothing to undo -------------------------------------------------------

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self.began = self.began or self.now
                if self.in_cloud:
                    self._do(CloudRequirements(self.order.fqbn))
            case Done(CloudRequirements(), needs):
                self.needs = needs
        return super()._reading(event)

    def _was_read(self) -> None:
        self._go(State.CHECKING)

    def _check_board(self) -> None:
        if self.in_cloud and self.facts.application_sketch:
            raise WrongSketch(
                what="join a cloud",
                why="An application sketch runs on it, which cannot prove the board's identity.",
            )
        check_versions(self.facts, self.needs)
        if self.via == "ble":
            check_air_firmware(self.facts.wifi_firmware, self.order.air_firmware)

    def _checked(self) -> None:
        self._go(State.IDENTIFYING if self.in_cloud else State.RESETTING)

    def _identifying(self, event: Event) -> bool:
        match event:
            case Entered():
                already = "; it is in a network already" if self.facts.online else ""
                told = f"as {self.order.name}{already}"
                self._begin("claim", f"Claim it in {self.cloud_title}", told)
                self._sent = False
                self._do(SettleLeftovers(self.facts.uhwid or ""), ReadIdentity(int(self.now)))
            case Done(ReadIdentity(), identity):
                self.identity = identity
            case Done(SettleLeftovers(), known):
                self._known = tuple(known)
            case _:
                return False
        if not self._waiting:
            self._claims += 1
            self.claim = facts.OpenClaim(
                cloud=self.order.cloud,
                uhwid=self.identity.uhwid,
                name=self.order.name,
                since=self.now,
                known=self._known,
            )
            self._go(State.CLAIMING)
        return True

    # The claim: see ClaimSteps ---------------------------------------------------------------

    def _claim_request(self) -> ClaimRequest:
        self.claimed_as = self.network.connection_type
        return ClaimRequest(
            name=self.order.name,
            connection_type=self.claimed_as,
            fqbn=self.order.fqbn,
            uhwid=self.identity.uhwid,
            public_key=self.identity.public_key,
            token=self.identity.token,
            ble_address=self.facts.ble_address,
            serial_number=self.order.serial_number,
        )

    def _never_made(self, error: MooringError) -> None:
        if self._claims < CLAIM_TRIES:
            self._go(State.IDENTIFYING)
        else:
            self._fail(error)

    def _claimed(self) -> None:
        self._complete(f"as {self.order.name}")
        self._go(State.RESETTING)

    def _other_network(self) -> None:
        if self.in_cloud and not self._woken and self.network.connection_type != self.claimed_as:
            # The cloud keeps the kind of connection with the claim and offers no way to change it.
            self._claim_anew = True
            self._undo(self.join_problem)
        else:
            super()._other_network()

    def _undone(self) -> None:
        if self._claim_anew and not self.stopped:
            self._claim_anew = False
            self._claims = 0
            self.cause = None
            self._go(State.IDENTIFYING)
        else:
            super()._undone()

    # After the claim: every failure is asked about or undone ---------------------------------

    def _resetting(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin("settings", "Send the network settings")
                if self.facts.application_sketch:
                    # It has no RESET and no identity to wipe; only without a cloud.
                    self._was_reset()
                else:
                    self._do(ResetBoard())
            case Done(ResetBoard()) if self.in_cloud and self.facts.online and not self._was_anew:
                self._do(self._look())
            case Done(ResetBoard()) | Failed(FindClaims()):
                self._was_reset()
            case Done(FindClaims(), claims):
                if self._completed(claims):
                    # It was faster; what the cloud gave it went with RESET.
                    self._claim_anew = self._was_anew = True
                    self._undo_at_once()
                else:
                    self._was_reset()
            case Failed(ResetBoard(), StatusReported()) if self._resets == 0:
                # -255: retry once, then it is fatal (protocol-v2, 6).
                self._resets += 1
                self._do(ResetBoard())
            case _:
                return False
        return True

    def _was_reset(self) -> None:
        self._complete()
        self._go(State.JOINING)

    def _joining(self, event: Event) -> bool:
        self._sent = True
        return super()._joining(event)

    def _joined(self) -> None:
        if self._woken:
            self._settle("online", network=self.network.label, device_id=self._device["device_id"])
            self._go(State.PARTING)
        elif self.in_cloud:
            self._record(facts.JOINED, network=self.network.label)
            self._go(State.ONLINE)
        else:
            self._succeed({})

    def _succeed(self, claim: dict[str, Any]) -> None:
        self._effects.append(Learn(name=self.order.name or None, uhwid=self.facts.uhwid))
        result: dict[str, Any] = {
            "device": self.order.name,
            "cloud": self.order.cloud,
            "network": self.network.label,
            "uhwid": self.facts.uhwid,
            "seconds": round(self.now - self.began, 3),
        }
        if self._notes:
            result["notes"] = self._notes
        self.ble_off = self.via == "ble" and self.in_cloud
        self._ended_well(result | claim)

    @property
    def _notes(self) -> list[str]:
        return [ble_off_note(self.guide)] if self.via == "ble" and self.in_cloud else []

    def _ended_well(self, result: dict[str, Any]) -> None:
        """The board has what it needs."""
        self._close(result=result)

    def _trouble(self, error: MooringError) -> None:
        self.trouble = error
        # Whoever reports a failure is there, and waits.
        self._away = self._away or not isinstance(error, StatusReported)
        self._go(State.RETURNING if self._is_away(error) else State.TROUBLED)

    def _troubled(self, event: Event) -> bool:
        match event:
            case Entered() if self.attended and self._unsure:
                self._look_first()
            case Entered():
                self._ask_trouble()
            case TimerFired() | Done(FindClaims()) | Failed(FindClaims()):
                if self._looked(event):
                    self._ask_trouble()
            case Answered(questions.RETRY):
                self._returns = 0
                self._go(State.REOPENING)
            case Answered():
                self._give_up(self.trouble)
            case _:
                return False
        return True

    def _ask_trouble(self) -> None:
        if self.trouble:
            safe, give_up = self._safe, self._give_up_action
            self._ask(questions.board_trouble(self.trouble, safe=safe, give_up=give_up))

    def _may_come_online(self) -> bool:
        return self.in_cloud and not self._woken

    def _reopened(self) -> None:
        if self._woken and self.facts.online:
            # It had none before.
            self._complete(f"joined {self.network.label}")
            self._joined()
            return
        self._complete(state=StepState.SKIPPED)
        self._go(State.JOINING if self._woken else State.RESETTING)

    def _give_up(self, error: MooringError | None = None) -> None:
        if self.in_cloud and not self._woken:
            self._undo(error)
        else:
            self._close(error=error)

    @property
    def _safe(self) -> str:
        if self._woken:
            return self._left
        return self._claim_safe if self.in_cloud else "Nothing is lost while you decide."

    @property
    def _give_up_action(self) -> Action:
        undoes = self.in_cloud and not self._woken
        return UNDO if undoes else Action(id=questions.STOP, label="Stop")
