"""Helpers of tests over the air: a simulated BlueZ for unmodified bleak, and a host on it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDBusError

from agent.catalog import Catalog
from agent.protocols.v2.frames import PAYLOAD_LIMIT, FrameDecoder
from agent.protocols.v2.messages import CommandCode
from agent.protocols.v2.status import StatusCode
from agent.simulator.ble_bluez import BluezStandIn
from agent.simulator.ble_bus import PrivateBus
from agent.simulator.ble_radio import INPUT_UUID, OUTPUT_UUID
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.device import SimulatedDevice
from agent.simulator.timing import Timing
from tests.simulator.boards import GONE, meaning, status, wifi
from tests.simulator.boards import command as command_frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bleak.backends.device import BLEDevice

    from agent.simulator.ble_air import Peripheral
    from tests.simulator.boards import Said

WAIT_S = 30.0
ON_LINUX = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]
"""``pytestmark`` of a module that uses :func:`bluetooth`."""


@contextlib.asynccontextmanager
async def bluetooth(*peripherals: Peripheral, **settings: Any) -> AsyncIterator[BluezStandIn]:
    """A simulated BlueZ that bleak finds in this process; ``settings`` as of the stand-in."""
    async with PrivateBus() as bus:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
            async with BluezStandIn(bus.address, **settings) as bluez:
                bluez.add(*peripherals)
                try:
                    yield bluez
                finally:
                    await forget_bleak()


async def forget_bleak() -> None:
    """Close the connection to the bus that bleak keeps for each event loop until the end."""
    from bleak.backends.bluezdbus import manager

    loop = asyncio.get_running_loop()
    kept = manager._global_instances.pop(loop, None)
    bus = kept._bus if kept is not None else None
    if kept is None or bus is None:
        return
    bus.disconnect()
    watcher = kept._bus_watcher_task
    if watcher is not None:
        await asyncio.wait({watcher}, timeout=WAIT_S)


@contextlib.asynccontextmanager
async def board_in_the_air(
    *, usb: bool = False, speed: float = 100.0, timing: Timing | None = None, **settings: Any
) -> AsyncIterator[SimulatedDevice]:
    """A simulated board with Bluetooth LE; ``settings`` as of its configuration."""
    names = BoardConfig.__struct_fields__
    board = BoardConfig(
        usb=usb, ble=True, **{name: settings.pop(name) for name in names if name in settings}
    )
    config = SimulatorConfig(board=board, speed=speed, timing=timing or Timing(), **settings)
    async with SimulatedDevice(config, Catalog.load(), world=config.world) as device:
        yield device


async def find(name: str = "Arduino-2341-1002", *, address: str = "") -> BLEDevice:
    """Scan until a board of this name, or with this address, is heard."""
    if address:
        found = await BleakScanner.find_device_by_address(address, timeout=WAIT_S)
    else:
        found = await BleakScanner.find_device_by_name(name, timeout=WAIT_S)
    assert found is not None, f"{address or name} was not heard"
    return found


class AirHost:
    """A host on unmodified bleak that knows no session: subscribes, writes, reads what comes."""

    def __init__(self, device: BLEDevice) -> None:
        self.client = BleakClient(device, disconnected_callback=self._gone, timeout=WAIT_S)
        self._decoder = FrameDecoder(PAYLOAD_LIMIT)
        self._heard: asyncio.Queue[Said] = asyncio.Queue()
        self._asked_to_scan = self._scans_by_itself = False

    async def __aenter__(self) -> Self:
        await self.client.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.client.disconnect()
        except BleakDBusError as error:
            # The board hung up first, and the news of it were still on their way.
            if error.dbus_error != "org.bluez.Error.NotConnected":
                raise

    async def subscribe(self) -> None:
        """Ask for indications, which opens the session."""
        await self.client.start_notify(OUTPUT_UUID, self._take)

    async def open(self) -> list[Said]:
        """Subscribe; everything up to the list of networks."""
        await self.subscribe()
        heard = [await self._next()]
        while heard[-1][0] != NETWORKS:
            heard.append(await self._next())
        return heard

    async def write(self, frame: bytes) -> None:
        """One frame in one write."""
        self._asked_to_scan |= frame == command_frame(CommandCode.SCAN)
        await self.client.write_gatt_char(INPUT_UUID, frame, response=True)

    async def ask(self, frame: bytes) -> Said:
        """Write a frame; the next thing that comes."""
        await self.write(frame)
        return await self.hear()

    async def join(self, ssid: str = "HomeNet", password: str = "correct horse") -> list[Said]:
        """Settings and CONNECT; the two statuses that follow."""
        await self.write(wifi(ssid, password))
        await self.settle()
        return [await self.ask(command_frame(1)), await self.hear()]

    async def settle(self) -> None:
        """Let the board take a frame that has no answer: its characteristic holds one value."""
        await asyncio.sleep(SPACING_S)

    async def hear(self) -> Said:
        """The next message, or that the link is gone.

        A board scans by itself every two minutes of its time, which may be a second here: what it
        says of that is passed over, unless it was asked to scan.
        """
        while True:
            said = await self._next()
            if said == status(StatusCode.SCANNING) and not self._asked_to_scan:
                self._scans_by_itself = True
            elif said[0] == NETWORKS and self._scans_by_itself:
                self._scans_by_itself = False
            else:
                return said

    async def _next(self) -> Said:
        async with asyncio.timeout(WAIT_S):
            return await self._heard.get()

    def _take(self, _: object, data: bytearray) -> None:
        for piece in self._decoder.feed(bytes(data)):
            self._heard.put_nowait(meaning(piece))

    def _gone(self, _: object) -> None:
        self._heard.put_nowait((GONE, None))


NETWORKS = "0x12001"
"""Tag of the list of networks."""
SPACING_S = 0.01
"""Between two frames that have no answer: one turn of a board a hundred times as fast."""
