"""A SAM-BA bootloader on the port of a simulated board."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.simulator.firmware import Interrupted
from agent.simulator.samba import End

if TYPE_CHECKING:
    from agent.simulator.config import FaultAction, StepFault
    from agent.simulator.face import Stage
    from agent.simulator.samba import SambaLoader
    from agent.simulator.samba_chip import FlashStep


class SambaFace:
    """See :class:`agent.simulator.face.Face`; ``loader`` works on the board's own memory."""

    in_bootloader = True

    def __init__(self, stage: Stage, loader: SambaLoader) -> None:
        self.loader = loader
        self._stage = stage
        self._reached: set[str] = set()
        self._due: StepFault | None = None
        self._stopped = False

    @property
    def state_name(self) -> str:
        """It has one state only."""
        return "BOOTLOADER"

    def start(self) -> None:
        """Listen."""
        self.loader.memory.on_step = self._reach

    def stop(self) -> None:
        """No answer that is still to come goes out."""
        self._stopped = True
        self.loader.memory.on_step = None

    def hear(self, data: bytes) -> None:
        """Bytes of the host."""
        if self._stopped or self.loader.ended is not None:
            return
        try:
            answer = self.loader.receive(self._stage.cable.to_board(data))
        except Interrupted:
            due, self._due = self._due, None
            if due is not None:
                self._stage.apply(due.do, due.back_after)
            return
        if answer:
            self._answer(answer)
        if self.loader.ended is End.RESET:
            self._restart()
        elif self.loader.ended is End.UNPLUGGED:
            self._stage.apply("unplug")

    def host_opened(self, is_open: bool) -> None:
        """The loader does not look at DTR."""

    def apply(self, action: FaultAction) -> None:
        """``silence``, ``wedge`` (the same here) or ``flip``: the next byte is written wrongly."""
        if action == "flip":
            self.loader.memory.leaks = True
        else:
            self.loader.faults.silent = True

    def _answer(self, answer: bytes) -> None:
        delay_s = self.loader.faults.delay_s
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, self._say, answer)
        else:
            self._say(answer)

    def _say(self, answer: bytes) -> None:
        if not self._stopped:
            self._stage.cable.send(answer)

    def _restart(self) -> None:
        if (fault := self._reached_now("restart")) is not None:
            self._stage.apply(fault.do, fault.back_after)
        if not self._stopped:
            self._stage.loaded(self)

    def _reach(self, step: FlashStep) -> None:
        """In the middle of it."""
        fault = self._reached_now(step)
        if fault is None:
            return
        if fault.do in {"unplug", "reboot"}:
            self._due = fault
            raise Interrupted
        self.apply(fault.do)

    def _reached_now(self, step: str) -> StepFault | None:
        if step not in self._reached:
            self._reached.add(step)
            self._stage.tell("step", step=step)
        return self._stage.take_fault(step)
