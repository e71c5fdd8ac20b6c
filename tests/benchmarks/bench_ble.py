"""Boards over Bluetooth LE: how soon one is listed, and what our side adds to a session."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent.boards.ble_boards import BleBoards
from agent.boards.service import BoardService
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
    from collections.abc import AsyncIterator

    from agent.simulator.ble_bluez import BluezStandIn
    from agent.simulator.ble_board import BoardInTheAir

ROUNDS = 5
SPEED = 1000.0
"""Of the board's own clock, so that what remains is ours and the stand-in's."""


async def run() -> list[tuple[str, float, str, str | None]]:
    """A board that begins to advertise; then a whole session with it."""
    if not PrivateBus.available():
        return []
    async with _bluetooth() as bluez:
        listed = [await _until_listed(bluez, f"a1b2c3d4e5{n:02x}") for n in range(ROUNDS)]
        sessions = [await _session(bluez, f"a1b2c3d4e6{n:02x}") for n in range(ROUNDS)]
    return [
        ("ble: advertisement to board in the list", statistics.median(listed), "s", "<= 0.3"),
        ("ble: read, identity, reset, join; ours", statistics.median(sessions), "s", "<= 0.5"),
    ]


async def _until_listed(bluez: BluezStandIn, address: str) -> float:
    radio = BleRadio([PROVISIONING.service])
    source = BleBoards(radio)
    service = BoardService(Catalog.load(), [source])
    await service.start()
    listed = asyncio.Event()
    service.subscribe(lambda changes: listed.set() if changes.appeared else None)
    source.attend()
    while not bluez.adapter.discovering:
        await asyncio.sleep(0.01)
    async with _board(address) as air:
        began = time.perf_counter()
        bluez.add(air)
        await listed.wait()
        seconds = time.perf_counter() - began
        bluez.remove(air)
    await service.close()
    await radio.close()
    return seconds


async def _session(bluez: BluezStandIn, address: str) -> float:
    radio = BleRadio([PROVISIONING.service])
    async with _board(address) as air:
        bluez.add(air)
        await radio.find(air.address, 10)
        session = await open_ble_session(lambda: open_ble(radio, air.address))
        began = time.perf_counter()
        await session.read()
        await session.read_identity(int(time.time()))
        await session.reset()
        await session.configure(WiFi(ssid="HomeNet", password=Secret("correct horse")))
        seconds = time.perf_counter() - began
        await session.close()
        bluez.remove(air)
    await radio.close()
    return seconds


@asynccontextmanager
async def _board(address: str) -> AsyncIterator[BoardInTheAir]:
    config = SimulatorConfig(
        board=BoardConfig(usb=False, ble=True, ble_address=address), speed=SPEED
    )
    async with SimulatedDevice(config, Catalog.load(), world=config.world) as device:
        assert device.air is not None
        yield device.air


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
