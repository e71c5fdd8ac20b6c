"""Provisioning 1.0: the board makes a key and stores the certificate that the cloud signs for it.

Source: protocol-v1, section 5. Another order than the vendor's: the device is made only once the
board has answered, so that a board that cannot be used leaves nothing in the cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import AnswerMissing, BoardError, MooringError, PortError
from agent.jobs.device_effects import Certify, MakeCsr, OpenV1, StoreCertificate
from agent.jobs.device_steps import SECRETS
from agent.jobs.effects import Done, Entered, Event, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.states import CERTIFY_LIMIT_S, State
from agent.jobs.v1_board_steps import V1BoardSteps

if TYPE_CHECKING:
    from agent.jobs.device_steps import DeviceOrder

CERTIFICATE = "Give the board its certificate"


class ProvisionV1(V1BoardSteps):
    """Result: ``{device, device_id, cloud, procedure, files, seconds}``."""

    def __init__(self, order: DeviceOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.rules |= {
            State.CERTIFYING: Rule(self._certifying, CERTIFY_LIMIT_S, self._failed, self._give_up),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [*super().plan, ("certificate", CERTIFICATE), ("secrets", SECRETS)]

    def _first_words(self) -> OpenV1:
        return OpenV1()

    def _claimed(self) -> None:
        self._complete(f"as {self.order.new.name}")
        self._ready()

    def _ready(self) -> None:
        self._go(State.CERTIFYING)

    def _certifying(self, event: Event) -> bool:
        if self._called_again(event):
            return True
        device = self.claim.claim or ""
        match event:
            case Entered():
                self._begin("certificate", CERTIFICATE, "It makes a key")
                self._do(MakeCsr(device))
            case Done(MakeCsr(), csr):
                self._say("The cloud signs its certificate")
                self._call(Certify(device, csr))
            case Done(Certify(), certificate):
                self._say("It stores the certificate")
                self._do(StoreCertificate(certificate))
            case Done(StoreCertificate()):
                self._complete("stored and checked by the board")
                self._go(State.DELIVERING)
            case LimitReached() if any(isinstance(r, Certify) for r in self._waiting):
                self._undo(self._no_answer())
            case LimitReached():
                self._failed(
                    AnswerMissing(command="store the certificate", seconds=round(CERTIFY_LIMIT_S))
                )
            case _:
                return False
        return True

    def _failed(self, error: MooringError) -> None:
        if isinstance(error, BoardError | PortError):
            self._board_trouble(error)
        else:
            self._undo(error)
