"""What a simulated board shows at its port at one time: a sketch or a bootloader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from agent.simulator.cable import PortUser

if TYPE_CHECKING:
    from agent.simulator.config import FaultAction

Shown: TypeAlias = Literal["serial", "volume", "usb"]


class Face(Protocol):
    """A sketch or a bootloader while it runs; the device replaces it by another."""

    in_bootloader: bool
    shown: Shown
    """What the computer sees of it."""

    @property
    def state_name(self) -> str:
        """Where it is, for people and tests."""

    def start(self) -> None:
        """Begin; the port is there."""

    def stop(self) -> None:
        """The chip lost its power, or runs something else now."""

    def hear(self, data: bytes) -> None:
        """Bytes of the host."""

    def host_opened(self, is_open: bool) -> None:
        """A host opened or closed the port."""

    def apply(self, action: FaultAction) -> None:
        """A fault that does not touch the cable: silence and the like."""


class FaceOwner(PortUser, Protocol):
    """What the device does for the face that is up, and for its port."""

    def apply(self, action: FaultAction, back_after: float | None = None) -> None:
        """Let a fault happen."""

    def restarted(self) -> None:
        """The sketch restarted itself."""

    def loaded(self, face: Face, *, written: bool = True) -> None:
        """The bootloader was told to start what is in the flash, ``written`` by it or not."""
