"""A simulated nRF91 board: its modem, its program, and the several ports it shows."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from agent.simulator.announcement import Announcement, announce, withdraw
from agent.simulator.events import DeviceStatus
from agent.simulator.nrf_config import SERIALS, USB, NrfConfig
from agent.simulator.nrf_firmware import NrfProgram
from agent.simulator.nrf_identity import ModemIdentity
from agent.simulator.nrf_modem import SimulatedModem
from agent.simulator.nrf_orders import NoOrders
from agent.simulator.ports import open_port

if TYPE_CHECKING:
    from agent.simulator.nrf_orders import ProvisioningService
    from agent.simulator.ports import BoardPort

PORTS: Final = 2
"""The first leads to the program on the nRF91; the second to the other processor, which is silent."""
OLD_CHIP: Final = 2
_OLD: Final = {"nrf9160_dk", "thingy91"}


class SimulatedNrfBoard:
    """See :class:`agent.simulator.device.SimulatedDevice`, whose owners own this one too."""

    air: None = None

    def __init__(
        self,
        config: NrfConfig,
        *,
        number: int = 0,
        speed: float = 1.0,
        tcp: bool = False,
        folder: str | None = None,
        location: str = "9-80",
        service: ProvisioningService | None = None,
    ) -> None:
        serial = config.serial_number or SERIALS[config.model].format(number=number + 1)
        self.board = msgspec.structs.replace(config, serial_number=serial)
        self.identity = (
            ModemIdentity(serial, OLD_CHIP) if config.model in _OLD else ModemIdentity(serial)
        )
        self.modem = SimulatedModem(config, self.identity)
        self.received = bytearray()
        """Everything that hosts wrote to the first port."""
        self.program = NrfProgram(
            config,
            self.modem,
            self._say,
            service=service or NoOrders(claimed=config.claimed),
            speed=speed,
        )
        self._tcp = tcp
        self._folder = Path(folder) if folder else None
        self._location = location
        self._ports: list[BoardPort] = []
        self._files: list[Path] = []
        self._lost = 0

    @property
    def serial_number(self) -> str:
        """Of its USB."""
        return self.board.serial_number

    @property
    def ports(self) -> list[Announcement]:
        """As they are announced; the first is the one that answers. Unplugged: no addresses."""
        addresses = [port.address for port in self._ports] or [""] * PORTS
        vid, pid, manufacturer, product = USB[self.board.model]
        return [
            Announcement(
                address=address,
                vid=vid,
                pid=pid,
                serial_number=self.serial_number,
                location=f"{self._location}:1.{2 * number}",
                manufacturer=manufacturer,
                product=product,
                process=os.getpid(),
            )
            for number, address in enumerate(addresses)
        ]

    @property
    def port(self) -> Announcement:
        """The one that answers."""
        return self.ports[0]

    async def start(self) -> None:
        """Plug in."""
        await self.plug()

    async def stop(self) -> None:
        """Unplug for good, and switch off what has a battery."""
        self.unplug()
        self.program.stop()

    async def plug(self) -> None:
        """Plug in, which is when its program starts, unless its battery lets it run already."""
        if self._ports:
            return
        for number in range(PORTS):
            port = await open_port(
                tcp=self._tcp,
                dtr=False,
                not_at=None,
                on_data=self._hear if number == 0 else lambda _data: None,
                on_host=lambda _there: None,
            )
            self._ports.append(port)
        if self._folder is not None:
            self._files = [
                announce(self._folder, each, f"{self.serial_number}-{number}")
                for number, each in enumerate(self.ports)
            ]
        if not self._runs:
            self.program.start()

    def unplug(self) -> None:
        """Pull the cable; what the modem stores stays."""
        if not self.board.battery:
            self.program.stop()
        for file in self._files:
            with contextlib.suppress(OSError):
                withdraw(file)
        ports, self._ports, self._files = self._ports, [], []
        for port in ports:
            self._lost += port.lost_bytes
            port.close()

    def press_reset(self) -> None:
        """Restart its program."""
        if self._runs:
            self.program.stop()
            self.program.start()

    def press_button(self) -> None:
        """Button 1 for three seconds: provision now."""
        if self._runs:
            self.program.press_button()

    def status(self) -> DeviceStatus:
        """What it is doing now."""
        return DeviceStatus(
            board=self.serial_number,
            address=self.port.address if self._ports else None,
            state=self.program.state if self._runs else "UNPLUGGED",
            host_connected=False,
            resets=0,
            board_seconds=0.0,
            working_seconds=0.0,
            lost_bytes=self._lost,
            device_id=str(self.identity.device_id),
            runs=None,
            in_bootloader=self.program.state == "BOOTLOADER",
            advertises=False,
        )

    @property
    def _runs(self) -> bool:
        return self.program.state != "OFF"

    def _hear(self, data: bytes) -> None:
        self.received += data
        self.program.hear(data)

    def _say(self, data: bytes) -> None:
        if self._ports:
            self._ports[0].write(data)
