"""A bootloader on the serial port of a simulated board: silence, delays and faults at its steps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.simulator.firmware import Interrupted
from agent.simulator.samba import End

if TYPE_CHECKING:
    from agent.simulator.board_flash import EspFlash
    from agent.simulator.config import BootloaderConfig, FaultAction, StepFault
    from agent.simulator.face import Shown
    from agent.simulator.samba import SambaLoader
    from agent.simulator.stage import Stage


class LoaderFace:
    """See :class:`agent.simulator.face.Face`; what the bootloader says is the subclasses' part."""

    in_bootloader = True
    shown: Shown = "serial"

    def __init__(self, stage: Stage, how: BootloaderConfig) -> None:
        self._stage = stage
        self._silent = how.silent
        self._delay_s = how.delay_ms / 1000
        self._reached: set[str] = set()
        self._due: StepFault | None = None
        self._stopped = False

    @property
    def state_name(self) -> str:
        """It has one state only."""
        return "BOOTLOADER"

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """No answer that is still to come goes out."""
        self._stopped = True

    def hear(self, data: bytes) -> None:
        """Bytes of the host."""
        if self._stopped:
            return
        try:
            answer = self._receive(self._stage.cable.to_board(data))
        except Interrupted:
            self._let_happen()
            return
        if answer and not self._silent:
            self._answer(answer)
        self._look_for_end()

    def host_opened(self, is_open: bool) -> None:
        """Most bootloaders do not look at DTR."""

    def apply(self, action: FaultAction) -> None:
        """``silence`` and ``wedge`` are the same here; ``flip`` is of those that write."""
        if action in {"silence", "wedge"}:
            self._silent = True

    def _receive(self, data: bytes) -> bytes:
        """What the bootloader answers."""
        raise NotImplementedError

    def _look_for_end(self) -> None:
        """Whether it is to start the sketch now."""

    def _reach(self, step: str) -> None:
        """In the middle of a step; told once, and faults may let it pass some times."""
        if step not in self._reached:
            self._reached.add(step)
            self._stage.tell("step", step=step)
        fault = self._stage.take_fault(step)
        if fault is None:
            return
        if fault.do in {"unplug", "reboot"}:
            self._due = fault
            raise Interrupted
        self.apply(fault.do)

    def _let_happen(self) -> None:
        due, self._due = self._due, None
        if due is not None:
            self._stage.owner.apply(due.do, due.back_after)

    def _finish(self, *, written: bool = True) -> None:
        """Start the sketch, unless something happens at that."""
        try:
            self._reach("restart")
        except Interrupted:
            self._let_happen()
        if not self._stopped:
            self._stage.owner.loaded(self, written=written)

    def _answer(self, answer: bytes) -> None:
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._say, answer)
        else:
            self._say(answer)

    def _say(self, answer: bytes) -> None:
        if not self._stopped:
            self._stage.cable.send(answer)


class SambaFace(LoaderFace):
    """A SAM-BA loader, on the memory of its board."""

    def __init__(self, stage: Stage, how: BootloaderConfig, loader: SambaLoader) -> None:
        super().__init__(stage, how)
        self._loader = loader

    def start(self) -> None:
        """Watch the flash."""
        self._loader.memory.on_step = self._reach

    def stop(self) -> None:
        """See the base class."""
        super().stop()
        self._loader.memory.on_step = None

    def apply(self, action: FaultAction) -> None:
        """See the base class."""
        super().apply(action)
        if action == "flip":
            self._loader.memory.leaks = True

    def _receive(self, data: bytes) -> bytes:
        return self._loader.receive(data)

    def _look_for_end(self) -> None:
        if self._loader.ended is End.RESET:
            self._finish()


class EspFace(LoaderFace):
    """The loader in the ROM of an Espressif chip.

    That the host closes the port stands for the reset lines, which a pseudo-terminal has not.
    """

    def __init__(self, stage: Stage, how: BootloaderConfig, flash: EspFlash, chip: str) -> None:
        from agent.simulator.esp_rom import EspRom

        super().__init__(stage, how)
        self._rom = EspRom(chip, flash=flash.content, mac=flash.chip_id)
        self._rom.on_step = self._reach

    def host_opened(self, is_open: bool) -> None:
        """Closed: the chip restarts."""
        if not is_open and not self._stopped:
            self._finish(written=self._rom.blocks > 0)

    def apply(self, action: FaultAction) -> None:
        """See the base class."""
        super().apply(action)
        if action == "flip":
            self._rom.leaks = True

    def _receive(self, data: bytes) -> bytes:
        return self._rom.feed(data)
