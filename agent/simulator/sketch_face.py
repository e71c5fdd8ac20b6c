"""A sketch in real or scaled time: runs the firmware when it has something to do."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from agent.protocols.v2.frames import START
from agent.simulator.firmware import Firmware, Interrupted
from agent.simulator.hardware import CloudVisit

if TYPE_CHECKING:
    from agent.simulator.config import BoardConfig, FaultAction, StepFault
    from agent.simulator.face import Shown
    from agent.simulator.hardware import CloudCall
    from agent.simulator.stage import Stage

UNLIKELY_ERROR: Final = 0x0E
"""ATT error of a device that cannot say why (Core 5.4, Vol 3, Part F, 3.4.1.1)."""
LONGEST_SLEEP_S: Final = 3600.0
"""A wake-up later than this is looked at again then; event loops dislike huge numbers."""


class SketchFace:
    """See :class:`agent.simulator.face.Face`; ``board`` says which sketch."""

    in_bootloader = False
    shown: Shown = "serial"

    def __init__(self, stage: Stage, board: BoardConfig) -> None:
        config = stage.config
        self._stage = stage
        self._board = board
        self._notices_host = board.notices_host(dtr=config.dtr)
        self._began = stage.now()
        self._resets_seen = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due: StepFault | None = None
        self._stopped = False
        self._visits: asyncio.Task[None] | None = None
        self._air = stage.air
        if self._air is not None:
            self._air.on_request = self._poll_soon
        self._firmware = Firmware(
            board,
            config.timing,
            stage.world,
            stage.memory,
            asks_cloud=config.cloud is not None,
            radio=self._air.radio if self._air is not None else None,
            seed=stage.chance.randrange(1 << 30),
            on_milestone=self._reach,
        )

    @property
    def state_name(self) -> str:
        """State of the sketch."""
        return self._firmware.state_name

    @property
    def host_connected(self) -> bool:
        """Whether a host opened a link that is still up, as far as the board knows."""
        return self._firmware.host_connected

    @property
    def resets(self) -> int:
        """Resets since it began."""
        return self._firmware.resets

    @property
    def working_ms(self) -> float:
        """Board time in which a host that waited waited for the board."""
        return self._firmware.working_ms

    def start(self) -> None:
        """Run the setup."""
        self._go_on()

    def stop(self) -> None:
        """Nothing runs any more."""
        self._stopped = True
        self._end_visit()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._air is not None:
            self._air.power_off()

    def hear(self, data: bytes) -> None:
        """Bytes of the host."""
        self.catch_up()
        opening = not self._firmware.host_connected and data.startswith(START[:1])
        if opening:
            self._stage.cable.forget_unread()
        self._firmware.receive(self._stage.cable.to_board(data))
        self._go_on()

    def host_opened(self, is_open: bool) -> None:
        """DTR, for a sketch that reads it."""
        if self._notices_host:
            self.catch_up()
            self._firmware.set_port_open(is_open)
            self._go_on()

    def apply(self, action: FaultAction) -> None:
        """``silence``, ``wedge``, ``drop`` or ``refuse``."""
        if action == "silence":
            self._firmware.halt()
        elif action == "wedge":
            self._firmware.wedge()
        else:
            self._apply_in_air(action)
        self._go_on()

    def press_reset(self) -> None:
        """Restart the sketch."""
        self.catch_up()
        self._firmware.reset()
        self._go_on()

    def release_pin(self, held_ms: float) -> None:
        """The reconfigure pin was held for so long."""
        self.catch_up()
        self._firmware.release_pin(held_ms)
        self._go_on()

    def look_again(self) -> None:
        """The surroundings changed."""
        self.catch_up()
        self._firmware.changed()
        self._go_on()

    def catch_up(self) -> None:
        """Let the firmware catch up with the time, and carry out what came of it."""
        firmware = self._firmware
        if self._stopped or (self._air is not None and self._air.busy):
            return
        firmware.run(self._board_ms())
        for data in firmware.take_output():
            self._stage.cable.send(data)
        if self._air is not None:
            self._air.pump()
        for call in firmware.take_calls():
            if isinstance(call, CloudVisit):
                self._visit(call)
            else:
                self._stage.spawn(self._call_cloud(call))
        if firmware.resets != self._resets_seen:
            self._resets_seen = firmware.resets
            self._end_visit()
            self._stage.owner.restarted()
        due, self._due = self._due, None
        if due is not None:
            self._stage.owner.apply(due.do, due.back_after)

    def _board_ms(self) -> float:
        return (self._stage.now() - self._began) * 1000 * self._stage.config.speed

    def _go_on(self) -> None:
        """Run, and be called again when the firmware has something to do."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.catch_up()
        if self._stopped or (self._air is not None and self._air.busy):
            return
        delay = self._stage.real_s(self._firmware.next_wake - self._board_ms())
        if delay != float("inf"):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(min(max(0.0, delay), LONGEST_SLEEP_S), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._go_on()

    def _poll_soon(self) -> None:
        """The radio has something."""
        asyncio.get_running_loop().call_soon(self._poll)

    def _poll(self) -> None:
        if not self._stopped:
            self._firmware.changed()
            self._go_on()

    def _reach(self, step: str) -> None:
        """The firmware reached a step and has not answered it yet."""
        self._stage.tell("step", step=step)
        fault = self._stage.take_fault(step)
        if fault is None:
            return
        if fault.do == "wedge":
            self._firmware.wedge()
            return
        if fault.do in {"drop", "refuse"}:
            # The board itself goes on: it is the air between that fails.
            self._apply_in_air(fault.do)
            return
        self._due = fault
        raise Interrupted

    def _apply_in_air(self, action: FaultAction) -> None:
        if self._air is None:
            return
        if action == "drop":
            self._air.drop()
        elif action == "refuse":
            self._air.radio.refuse(UNLIKELY_ERROR)

    def _visit(self, call: CloudVisit) -> None:
        """Connect to this cloud instead of the one before."""
        from agent.simulator.console_cloud import visit

        self._end_visit()
        if call.cloud is not None:
            self._visits = self._stage.spawn(visit(call.cloud, self._hear_cloud))

    def _end_visit(self) -> None:
        if self._visits is not None:
            self._visits.cancel()
            self._visits = None

    def _hear_cloud(self, status: int | None, detail: str) -> None:
        if self._stopped:
            return
        self._stage.tell("cloud", status=status)
        self.catch_up()
        self._firmware.cloud_answer(status, detail.encode())
        self._go_on()

    async def _call_cloud(self, call: CloudCall) -> None:
        from agent.simulator.cloud_caller import post

        element = self._stage.memory.element
        token = element.token(self._board.uhwid_bytes, int(time.time()))
        cloud = self._stage.config.cloud or ""
        status, body = await post(cloud, call.path, call.body, token.decode())
        self._stage.tell("cloud", status=status)
        if not self._stopped:
            self.catch_up()
            self._firmware.cloud_answer(status, body)
            self._go_on()
