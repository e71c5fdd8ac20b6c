"""A new token for the device that a Blynk board is: the device and its data stay, the old token ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.errors import BlynkNoPlatform, BlynkNotThere
from agent.jobs.blynk.effects import FindDevice, FindKept, Kept, MakeToken
from agent.jobs.blynk.provision import ProvisionBlynk
from agent.jobs.blynk.token_steps import STEP
from agent.jobs.effects import Done, Entered, Event, Failed
from agent.jobs.states import State
from agent.settings import Secret

if TYPE_CHECKING:
    from agent.protocols.blynk.platform import Device


class RenewBlynk(ProvisionBlynk):
    """Result: as of :class:`ProvisionBlynk`, with the same device as before.

    Which device that is says its name, or else the token that the vault has of the board.
    """

    _kept_name = ""
    """Of the device that the vault has a token of."""

    def _keying(self, event: Event) -> bool:
        match event:
            case Entered() if not self.order.platform:
                self._begin(*STEP)
                self._give_up(BlynkNoPlatform(cloud=self.order.cloud, action="make a new token"))
            case Entered():
                self._begin(*STEP, "Which device is it?")
                if self.order.name:
                    self._do(FindDevice(Secret(), self.order.name))
                else:
                    self._do(FindKept(said=self.board.own_marks))
            case Done(FindKept(), Kept() as kept):
                self._kept_name = kept.name
                self._do(FindDevice(kept.token))
            case Done(FindDevice(token=token), None) if token and self._kept_name:
                # A new token that was lost took the place of the kept one; the name is what is left.
                self._do(FindDevice(Secret(), self._kept_name))
            case Done(FindKept()) | Done(FindDevice(), None):
                self._give_up(self._no_device)
            case Done(FindDevice(), device):
                self._is(device)
            case Failed(_, error):
                self._give_up(error)
            case _:
                return False
        return True

    def _is(self, device: Device) -> None:
        self.device_id, self.name = device.id, device.name
        self._go(State.CLAIMING)

    def _make(self) -> MakeToken:
        return MakeToken(self.device_id)

    @property
    def _asked_for(self) -> dict[str, Any]:
        return {"name": self.name, "device_id": self.device_id}

    @property
    def _no_device(self) -> BlynkNotThere:
        detail = (
            f"The vault has no token of {self.order.board} that a device has."
            if not self.order.name
            else f"There is not exactly one device with the name {self.order.name}."
        )
        action = "make a new token for its device"
        return BlynkNotThere(cloud=self.order.cloud, action=action, detail=detail)
