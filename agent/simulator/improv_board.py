"""A simulated Improv device of a simulator process: on a port, or in the air."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import msgspec

from agent.simulator.announcement import in_the_air
from agent.simulator.ble_air import heard
from agent.simulator.events import DeviceStatus
from agent.simulator.improv import ImprovConfig

if TYPE_CHECKING:
    from agent.simulator.announcement import Announcement
    from agent.simulator.config import LineFaults
    from agent.simulator.improv_air import ImprovInTheAir
    from agent.simulator.improv_device import SimulatedImprov
    from agent.simulator.world import World

BLE_VENDOR = bytes.fromhex("246f28")
"""What addresses of Espressif chips begin with."""


class ImprovBoard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device, and how it is reached."""

    device: ImprovConfig = ImprovConfig()
    link: Literal["serial", "ble"] = "serial"
    serial_number: str = ""
    """Empty: made from its number."""
    restarts_when_opened: bool = False
    """Its bridge restarts it when a host opens the port."""


class SimulatedImprovBoard:
    """See :class:`agent.simulator.device.SimulatedDevice`, whose owners own this one too."""

    def __init__(
        self,
        board: ImprovBoard,
        world: World,
        *,
        number: int,
        speed: float = 1.0,
        tcp: bool = False,
        folder: str | None = None,
        location: str = "9-90",
        line: LineFaults | None = None,
        seed: int = 0,
    ) -> None:
        serial_number = board.serial_number or f"IMPROV-{number + 1:04}"
        self.board = msgspec.structs.replace(board, serial_number=serial_number)
        self.air: ImprovInTheAir | None = None
        """The device in the air, if that is where it is; only after :meth:`start`."""
        self._port: SimulatedImprov | None = None
        self._world = world
        self._speed = speed
        self._plugged = False
        if board.link == "serial":
            from agent.simulator.improv_device import SimulatedImprov

            self._port = SimulatedImprov(
                board.device,
                world,
                speed=speed,
                tcp=tcp,
                restarts_when_opened=board.restarts_when_opened,
                folder=folder,
                serial_number=serial_number,
                location=location,
                faults=line,
                seed=seed,
            )

    @property
    def port(self) -> Announcement:
        """How it is reached."""
        if self._port is not None:
            return self._port.announcement
        return in_the_air(
            self.board.serial_number, self.air.address if self.air is not None else ""
        )

    async def start(self) -> None:
        """Give it power."""
        if self.board.link == "ble":
            from agent.simulator.improv_air import ImprovInTheAir

            self.air = ImprovInTheAir(
                self.board.device, self._world, address=self._ble_address, speed=self._speed
            )
        await self.plug()

    async def stop(self) -> None:
        """Take its power for good."""
        self.unplug()
        if self.air is not None:
            self.air.close()

    async def plug(self) -> None:
        """Give it power, and a port if it has a cable."""
        if self._plugged:
            return
        self._plugged = True
        if self._port is not None:
            await self._port.start()
        elif self.air is not None:
            self.air.power_on()

    def unplug(self) -> None:
        """Take its power."""
        self._plugged = False
        if self._port is not None:
            self._port.unplug()
        elif self.air is not None:
            self.air.power_off()

    def press_reset(self) -> None:
        """Restart it."""
        reached = self._port or self.air
        if self._plugged and reached is not None:
            reached.restart()

    def press_button(self) -> None:
        """Allow settings for a minute."""
        reached = self._port or self.air
        if self._plugged and reached is not None:
            reached.press_button()

    def status(self) -> DeviceStatus:
        """What the device is doing now."""
        reached = self._port or self.air
        running = self._plugged and reached is not None
        return DeviceStatus(
            board=self.board.serial_number,
            address=self.port.address if running else None,
            state=reached.firmware.state.name if running and reached else "UNPLUGGED",
            host_connected=False,
            resets=0,
            board_seconds=reached.firmware.now / 1000 if reached else 0.0,
            working_seconds=0.0,
            lost_bytes=0,
            device_id="",
            runs=None,
            in_bootloader=False,
            advertises=self.air is not None and heard(self.air),
        )

    @property
    def _ble_address(self) -> str:
        tail = hashlib.sha256(f"ble {self.board.serial_number}".encode()).digest()[:3]
        return (BLE_VENDOR + tail).hex(":").upper()
