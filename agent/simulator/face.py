"""What a simulated board shows at its port at one time: a face; and the stage it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Coroutine

    from agent.simulator.cable import Cable
    from agent.simulator.config import FaultAction, SimulatorConfig, StepFault
    from agent.simulator.events import EventName
    from agent.simulator.hardware import Memory
    from agent.simulator.world import World


class Face(Protocol):
    """A sketch or a bootloader while it runs; the device replaces it by another."""

    in_bootloader: bool

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


class Stage(Protocol):
    """What the device does for its faces, and what outlives them."""

    config: SimulatorConfig
    world: World
    memory: Memory
    chance: random.Random
    cable: Cable

    def now(self) -> float:
        """Seconds."""

    def real_s(self, board_ms: float) -> float:
        """Seconds that pass here while ``board_ms`` pass on the board."""

    def tell(
        self,
        event: EventName,
        *,
        address: str | None = None,
        step: str | None = None,
        status: int | None = None,
        runs: str | None = None,
    ) -> None:
        """Tell of an event."""

    def take_fault(self, step: str) -> StepFault | None:
        """What is to happen at this step, which was reached now; then it is used up."""

    def apply(self, action: FaultAction, back_after: float | None = None) -> None:
        """Let a fault happen."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; it ends with the board."""

    def restarted(self, face: Face) -> None:
        """The sketch restarted itself."""

    def loaded(self, face: Face) -> None:
        """The bootloader was told to start what is in the flash."""
