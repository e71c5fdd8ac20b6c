"""Bootloaders without a serial port: the drive of an RP2040, and a DFU device that nobody serves."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agent.simulator.firmware import Interrupted
from agent.simulator.loader_face import LoaderFace
from agent.simulator.uf2_volume import LOOK_EVERY_S, Uf2Volume

HOST_CLOSES_S = 1.0
"""After the drive vanished under it."""

if TYPE_CHECKING:
    from agent.simulator.board_flash import Rp2040Flash
    from agent.simulator.config import BootloaderConfig
    from agent.simulator.face import Shown
    from agent.simulator.stage import Stage


class DriveFace(LoaderFace):
    """A temporary folder stands for the drive."""

    shown: Shown = "volume"

    def __init__(self, stage: Stage, how: BootloaderConfig, flash: Rp2040Flash) -> None:
        super().__init__(stage, how)
        self._flash = flash
        self._home: Path | None = None
        self._volume: Uf2Volume | None = None
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> str:
        """Make the drive; where it is."""
        self._home = Path(tempfile.mkdtemp(prefix="mooring-drive-"))
        folder = self._home / "RPI-RP2"
        self._volume = Uf2Volume(folder, flash=self._flash.blocks, deaf=self._silent)
        self._volume.on_block = lambda: self._reach("write")
        self._volume.plug(watch=False)
        return str(folder)

    def start(self) -> None:
        """Look at the folder now and then: no system tells of growing files everywhere."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look)

    def stop(self) -> None:
        """The drive vanishes."""
        super().stop()
        if self._timer is not None:
            self._timer.cancel()
        if self._volume is not None and self._home is not None:
            self._volume.unplug()
            shutil.rmtree(self._home, ignore_errors=True)
            if self._home.exists():
                # Windows keeps a file that the host has not closed yet.
                loop = asyncio.get_running_loop()
                loop.call_later(HOST_CLOSES_S, shutil.rmtree, self._home, True)

    def _receive(self, data: bytes) -> bytes:  # noqa: ARG002  (nothing comes over a serial port)
        return b""

    def _look(self) -> None:
        try:
            complete = self._volume is not None and self._volume.look()
        except Interrupted:
            self._let_happen()
            return
        if complete:
            self._finish()
        elif not self._stopped:
            self.start()


class UsbFace(LoaderFace):
    """A device in DFU mode as the list of devices shows it; no transfer reaches it here."""

    shown: Shown = "usb"

    def _receive(self, data: bytes) -> bytes:  # noqa: ARG002  (nothing comes over a serial port)
        return b""
