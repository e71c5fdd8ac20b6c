"""Recovery: bring to an end what a crash, or a cloud that was down, left open in a cloud.

A claim: ``FINDING`` when the cloud's answer was lost, ``ONLINE`` when the board had joined,
otherwise one look and ``UNDOING``. No board is needed: one that has joined comes online by itself.
A device: ``FINDING`` or ``UNDOING``; what its board lacks can only be had by starting again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import Interrupted
from agent.jobs.claim_steps import ClaimSteps
from agent.jobs.device_steps import DeviceEntry
from agent.jobs.effects import Done, Entered, Event, Failed, FindClaims, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.states import FIND_LIMIT_S, State

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.facts import OpenClaim

UNSURE: Final = (
    "It came online while the agent did not look: in the network that was meant for it, or in one "
    "that it had stored before."
)


def recovery(claim: OpenClaim, cloud_title: str) -> Recover | RecoverDevice:
    """The procedure for what is open."""
    return (RecoverDevice if claim.device else Recover)(claim, cloud_title)


class Recover(ClaimSteps):
    """One open claim. Done only if the board came online; undone counts as interrupted."""

    def __init__(self, claim: OpenClaim, cloud_title: str) -> None:
        super().__init__(attended=False)
        self.claim = claim
        self.cloud_title = cloud_title
        self.cause = Interrupted(what="The claim was undone.")
        self.rules = self.claim_rules() | {
            State.READING: Rule(self._reading, FIND_LIMIT_S, self._undo, self._wait),
            State.CLOSING: self._closing_rule(),
        }
        if claim.claim is None:
            self.state = State.FINDING
        elif claim.joined:
            self.state = State.ONLINE

    def _reading(self, event: Event) -> bool:
        """Look first: the board may have joined after the agent had stopped."""
        match event:
            case Entered():
                self._do(FindClaims(self.claim.uhwid))
            case Done(FindClaims(), claims):
                if not self._seen_online(claims):
                    self._undo(self.cause)
            case Failed() | LimitReached():
                self._undo(self.cause)
            case _:
                return False
        return True

    def _claimed(self) -> None:
        self._go(State.READING)

    def _never_made(self, error: MooringError) -> None:
        del error
        self._close(error=Interrupted(what="The cloud had not claimed the board."))

    def _is_online(self, device_id: str) -> None:
        result: dict[str, Any] = {
            "device": self.claim.name,
            "device_id": device_id,
            "claim": self.claim.claim,
            "cloud": self.claim.cloud,
            "network": self.claim.network,
            "uhwid": self.claim.uhwid,
        }
        if not self.claim.joined:
            result |= {"network": None, "notes": [UNSURE]}
        self._close(result=result)

    def _how_online(self) -> dict[str, str]:
        return {} if self.claim.joined else {"network": "", "note": UNSURE}


class RecoverDevice(DeviceEntry):
    """One device that its job did not complete; it is deleted, which counts as interrupted."""

    def __init__(self, claim: OpenClaim, cloud_title: str) -> None:
        super().__init__(attended=False)
        self.claim = claim
        self.cloud_title = cloud_title
        self.cause = Interrupted(what="The device was deleted.")
        self.rules = self.cloud_rules() | {State.CLOSING: self._closing_rule()}
        self.state = State.FINDING if claim.claim is None else State.UNDOING

    def _claimed(self) -> None:
        self._undo(self.cause)

    def _never_made(self, error: MooringError) -> None:
        del error
        self._close(error=Interrupted(what="The cloud had made no device."))
