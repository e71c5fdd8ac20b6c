"""Bluetooth LE: what our side adds to a session, and what a radio that nobody asks costs.

The peer is a plain bleak script that sends the same frames without a session: what it takes is the
time of the library, the bus, the stand-in of BlueZ and the board.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from agent.catalog import Catalog
from agent.links.ble import PROVISIONING, open_ble
from agent.links.ble_radio import BleRadio
from agent.sessions.ble import open_ble_session
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.ble_bus import PrivateBus
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.device import SimulatedDevice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from agent.simulator.ble_bluez import BluezStandIn
    from agent.simulator.ble_board import BoardInTheAir

    Work = Callable[[BluezStandIn, int], Awaitable[float]]

ROUNDS = 7
SPEED = 1000.0
"""Of the board's own clock, so that what remains is ours and the stand-in's."""
MTU = 247

Row = tuple[str, float, str, str | None]


async def run() -> list[Row]:
    """A whole session, by us and by the peer."""
    if not PrivateBus.available():
        return []
    async with _bluetooth() as bluez:
        held = await _held(bluez)
        ours = await _median(_session, bluez)
        plain = await _median(_plain_session, bluez)
        links = await _median(_link, bluez)
    return [
        ("ble: connect and subscribe", links, "s", None),
        ("ble: connect, read, identity, reset, join", ours, "s", None),
        ("   the same frames by a plain bleak script", plain, "s", None),
        ("   ours above it", ours - plain, "s", "<= 0.5"),
        ("ble: tasks and descriptors, nobody has looked yet", held[0], "", "<= 0"),
        ("   after the last one has left: the library's bus", held[1], "", "<= 2"),
    ]


async def _median(work: Work, bluez: BluezStandIn) -> float:
    return statistics.median([await work(bluez, n) for n in range(ROUNDS)])


async def _held(bluez: BluezStandIn) -> tuple[int, int]:
    """Tasks and descriptors of a radio before its first scan, and after it."""
    before = _count()
    radio = BleRadio([PROVISIONING.service])
    unused = _count() - before
    stop = radio.listen(lambda _: None)
    while not bluez.adapter.discovering:
        await asyncio.sleep(0.01)
    stop()
    await radio.wait_idle()
    while bluez.adapter.discovering:
        await asyncio.sleep(0.01)
    used = _count() - before
    await radio.close()
    return unused, used


def _count() -> int:
    return len(asyncio.all_tasks()) + len(list(Path("/proc/self/fd").iterdir()))


async def _link(bluez: BluezStandIn, number: int) -> float:
    radio = BleRadio([PROVISIONING.service])
    async with _board(bluez, 0x1000 + number) as air:
        await radio.find(air.address, 10)
        began = time.perf_counter()
        link = await open_ble(radio, air.address)
        seconds = time.perf_counter() - began
        await link.close()
    await radio.close()
    return seconds


async def _session(bluez: BluezStandIn, number: int) -> float:
    radio = BleRadio([PROVISIONING.service])
    async with _board(bluez, number) as air:
        await radio.find(air.address, 10)
        await radio.wait_idle()
        began = time.perf_counter()
        session = await open_ble_session(lambda: open_ble(radio, air.address))
        await session.read()
        await session.read_identity(int(time.time()))
        await session.reset()
        await session.configure(WiFi(ssid="HomeNet", password=Secret("correct horse")))
        seconds = time.perf_counter() - began
        await session.close()
    await radio.close()
    return seconds


async def _plain_session(bluez: BluezStandIn, number: int) -> float:
    from agent.protocols.v2.messages import CommandCode
    from tests.simulator.boards import command, timestamp
    from tests.simulator.radios import AirHost, find

    async with _board(bluez, 0x2000 + number) as air:
        device = await find(address=air.address)
        began = time.perf_counter()
        async with AirHost(device) as host:
            await host.open()
            await host.ask(command(CommandCode.GET_SKETCH_VERSION))
            await host.ask(command(CommandCode.GET_BLE_ADDRESS))
            for _ in range(2):
                await host.write(timestamp())
                await host.settle()
                await host.ask(command(CommandCode.GET_ID))
                await host.hear()
                await host.hear()
            await host.ask(command(CommandCode.GET_WIFI_FIRMWARE))
            await host.ask(command(CommandCode.GET_LIBRARY_VERSION))
            await host.ask(command(CommandCode.RESET))
            await host.join()
            seconds = time.perf_counter() - began
    return seconds


@asynccontextmanager
async def _board(bluez: BluezStandIn, number: int) -> AsyncIterator[BoardInTheAir]:
    address = f"a1b2c3d4{number:04x}"
    config = SimulatorConfig(
        board=BoardConfig(usb=False, ble=True, ble_address=address), speed=SPEED
    )
    async with SimulatedDevice(config, Catalog.load(), world=config.world) as device:
        assert device.air is not None
        device.air.host_mtu = MTU
        bluez.add(device.air)
        yield device.air
        bluez.remove(device.air)


@asynccontextmanager
async def _bluetooth() -> AsyncIterator[BluezStandIn]:
    from agent.simulator.ble_bluez import BluezStandIn  # what it needs is there on Linux only

    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    async with PrivateBus() as bus:
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.address
        try:
            async with BluezStandIn(bus.address) as bluez:
                yield bluez
        finally:
            if before is None:
                del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
            else:
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
