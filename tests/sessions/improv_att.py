"""A simulated Improv device behind a controller: its service on a real ATT layer."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bumble.controller import Controller
from bumble.core import AdvertisingData
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from agent.protocols.improv import gatt
from agent.simulator.improv import ImprovFirmware
from agent.simulator.improv_gatt import UUIDS, ImprovGatt
from tests.simulator.bumble_air import INTERVAL_MS, ComputersRadio, HeardPeripheral

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.improv import ImprovConfig
    from agent.simulator.world import World

ADDRESS: Final = "24:6F:28:00:00:01"
SPEED: Final = 30.0
_BOTH: Final = Characteristic.Properties.READ | Characteristic.Properties.NOTIFY
_PROPERTIES: Final = {
    gatt.RPC_COMMAND_UUID: Characteristic.Properties.WRITE,
    gatt.CAPABILITIES_UUID: Characteristic.Properties.READ,
}
_MAY: Final = Characteristic.READABLE | Characteristic.WRITEABLE


class ImprovServer:
    """GATT server; its firmware lives in scaled time."""

    def __init__(self, firmware: ImprovFirmware, link: LocalLink) -> None:
        firmware.run(firmware.next_wake)
        self.service = ImprovGatt(firmware, speed=SPEED)
        controller = Controller("improv", link=link, public_address=ADDRESS)
        settings = DeviceConfiguration(name="improv", address=Address(ADDRESS))
        self._device = Device(config=settings, host=Host(controller, AsyncPipeSink(controller)))
        self._characteristics = {uuid: self._characteristic(uuid) for uuid in UUIDS}
        self._device.add_service(Service(gatt.SERVICE_UUID, [*self._characteristics.values()]))
        self._device.on("connection", self._connected)
        self._connection: Any = None
        self._began = asyncio.get_running_loop().time() - firmware.now / 1000 / SPEED
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Switch on and advertise."""
        await self._device.power_on()
        uuid = bytes.fromhex(gatt.SERVICE_UUID.replace("-", ""))[::-1]
        kind = AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
        await self._device.start_advertising(
            advertising_data=bytes(AdvertisingData([(kind, uuid)])),
            advertising_interval_min=INTERVAL_MS,
            advertising_interval_max=INTERVAL_MS,
        )
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Switch off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._device.power_off()

    def _characteristic(self, uuid: str) -> Any:
        made: Any = Characteristic(
            uuid,
            _PROPERTIES.get(uuid, _BOTH),
            _MAY,
            CharacteristicValue(read=partial(self._read, uuid), write=partial(self._write, uuid)),
        )
        made.on("subscription", partial(self._subscribed, uuid))
        return made

    def _connected(self, connection: Any) -> None:
        self._connection = connection
        self.service.mtu = connection.att_mtu
        connection.on("connection_att_mtu_update", self._mtu_changed)
        connection.on("disconnection", self._disconnected)

    def _mtu_changed(self) -> None:
        self.service.mtu = self._connection.att_mtu

    def _disconnected(self, _: int) -> None:
        self._connection = None
        self.service.disconnected()

    def _subscribed(self, uuid: str, _: Any, notify: bool, __: bool) -> None:
        (self.service.subscribed.add if notify else self.service.subscribed.discard)(uuid)

    def _read(self, uuid: str, _: Any) -> bytes:
        return self.service.read(uuid)

    def _write(self, uuid: str, _: Any, value: bytes) -> None:
        self.service.write(uuid, value)
        self._woken.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            self.service.run((loop.time() - self._began) * 1000 * SPEED)
            for uuid, value in self.service.take_notifications():
                await self._device.notify_subscriber(
                    self._connection, self._characteristics[uuid], value
                )
            if self.service.ended and self._connection is not None:
                await self._connection.disconnect()
            wake = self.service.next_wake
            when = self._began + wake / 1000 / SPEED if wake < math.inf else None
            try:
                async with asyncio.timeout_at(when):
                    await self._woken.wait()
            except TimeoutError:
                continue


@asynccontextmanager
async def improv_radios(
    config: ImprovConfig, world: World, *, mtu: int
) -> AsyncIterator[tuple[ImprovServer, HeardPeripheral]]:
    """The device, and how the computer's radio hears it; the computer proposes ``mtu``."""
    link = LocalLink()
    server = ImprovServer(ImprovFirmware(config, world), link)
    radio = ComputersRadio(link, mtu=mtu, service=gatt.SERVICE_UUID)
    await server.start()
    await radio.start()
    try:
        yield server, radio.peripheral(ADDRESS)
    finally:
        await radio.stop()
        await server.stop()
