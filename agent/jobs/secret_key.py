"""A board that signs in with a secret key: the cloud makes device and key, the sketch gets them.

Source: protocol-v1, section 7. Nothing is sent to the board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds.secrets_header import secrets_header
from agent.jobs.device_effects import SecretKey
from agent.jobs.device_steps import SECRETS, DeviceSteps
from agent.jobs.effects import Done, Entered, Event, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.states import KEY_LIMIT_S, State

if TYPE_CHECKING:
    from agent.jobs.device_steps import DeviceOrder
    from agent.settings import Secret


class ProvisionSecretKey(DeviceSteps):
    """Result: ``{device, device_id, cloud, procedure, files, seconds}``; the key is in the file."""

    keeps_key = True

    def __init__(self, order: DeviceOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self._key: Secret | None = None
        self.rules = self.device_rules() | {
            State.KEYING: Rule(self._keying, KEY_LIMIT_S, self._undo, self._undo),
        }
        self.state = State.PREPARING

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [
            ("device", f"Make the device in {self.cloud_title}"),
            ("secrets", SECRETS),
        ]

    def _claimed(self) -> None:
        self._go(State.KEYING)

    def _keying(self, event: Event) -> bool:
        if self._called_again(event):
            return True
        match event:
            case Entered():
                self._say("Asking for its secret key")
                self._call(SecretKey(self.claim.claim or ""))
            case Done(SecretKey(), key):
                self._key = key
                self._complete(f"as {self.order.new.name}")
                self._go(State.DELIVERING)
            case LimitReached():
                self._undo(self._no_answer())
            case _:
                return False
        return True

    def _header(self) -> Secret:
        return secrets_header(self.order.network, device_id=self.claim.claim, secret_key=self._key)
