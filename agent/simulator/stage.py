"""What the faces of a simulated board stand on: its time, memory, cable, faults and witnesses."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import msgspec

from agent.simulator.announcement import in_the_air
from agent.simulator.ble_board import BoardInTheAir
from agent.simulator.cable import Cable
from agent.simulator.events import DeviceEvent
from agent.simulator.firmware import new_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from agent.catalog import Model
    from agent.simulator.announcement import Announcement
    from agent.simulator.config import BoardConfig, SimulatorConfig, StepFault
    from agent.simulator.events import EventName
    from agent.simulator.face import FaceOwner
    from agent.simulator.world import World


class Stage:
    """Outlives faces and losses of power."""

    def __init__(
        self,
        config: SimulatorConfig,
        board: BoardConfig,
        model: Model,
        number: int,
        world: World,
        owner: FaceOwner,
        on_event: Callable[[DeviceEvent], None] | None,
    ) -> None:
        self.config = config
        self.world = world
        self.owner = owner
        self.memory = new_memory()
        self.chance = random.Random(config.seed * 1000 + number)  # noqa: S311  (faults, no keys)
        self.cable = Cable(config, board, model, number, self.chance, owner)
        self.air: BoardInTheAir | None = None
        """Bluetooth LE, if the board has it."""
        if board.ble:
            self.air = BoardInTheAir(board.ble_address_bytes)
        self.faults = list(config.faults)
        """What is still to happen at a step."""
        self._board = board.serial_number
        self._has_cable = board.usb
        self._on_event = on_event
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> Announcement:
        """How the board is reached: over its cable if it has one, else in the air."""
        if self.air is None or self._has_cable:
            return self.cable.announcement
        return in_the_air(self._board, self.air.address)

    def now(self) -> float:
        """Seconds."""
        return asyncio.get_running_loop().time()

    def real_s(self, board_ms: float) -> float:
        """Seconds that pass here while ``board_ms`` pass on the board."""
        return board_ms / 1000 / self.config.speed

    def take_fault(self, step: str) -> StepFault | None:
        """What is to happen at this step, which was reached now; then it is used up."""
        for place, fault in enumerate(self.faults):
            if fault.at != step:
                continue
            if not fault.after:
                return self.faults.pop(place)
            self.faults[place] = msgspec.structs.replace(fault, after=fault.after - 1)
        return None

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
        if self._on_event is not None:
            self._on_event(
                DeviceEvent(
                    event=event,
                    board=self._board,
                    address=address,
                    step=step,
                    status=status,
                    runs=runs,
                )
            )

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside; it ends with the board."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End what still runs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.air is not None:
            await self.air.close()
