"""The end of the system's Bluetooth service in the middle of a session, and what comes after it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from agent.errors import BleLost, BluetoothError, PortGone
from agent.links.ble import PROVISIONING, BleLink, open_ble
from agent.links.ble_connect import Patience, Wanted
from agent.links.ble_gatt import BleGattLink, open_gatt
from agent.links.ble_radio import BleRadio
from agent.simulator.ble_adapter import AdapterState
from agent.simulator.ble_bluez import BluezStandIn
from tests.links.air import ADDRESS, ScriptedBoard, air

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=4, attempt_s=2.0, find_s=5.0, pause_s=0.01)
GATT = Wanted(PROVISIONING.service, PROVISIONING.to_board, PROVISIONING.from_board)


async def restarted(board: ScriptedBoard) -> BluezStandIn:
    """The service as it is started anew."""
    service = BluezStandIn(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
    await service.start()
    service.add(board)
    return service


@pytest.mark.parametrize("kind", ["bytes", "gatt"])
async def test_a_service_that_is_killed_ends_links_although_it_says_nothing(kind):
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        link: BleLink | BleGattLink
        if kind == "bytes":
            link = await open_ble(radio, ADDRESS, patience=SOON)
        else:
            link = await open_gatt(radio, ADDRESS, GATT, patience=SOON)
        waiting = asyncio.create_task(link.receive())
        while not link.lost:  # the first time may be before anybody watches
            await bluez.stop()
            await bluez.start()
        with pytest.raises(BleLost):
            await waiting
        assert link.lost
        await link.close()
        assert radio.connected == frozenset()
        await radio.close()


@pytest.mark.parametrize("told", [True, False], ids=["stopped", "killed"])
async def test_after_a_restart_of_the_service_the_board_is_reached_again(told):
    """``told``: its objects are taken back before it goes, as in an orderly end."""
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service], quiet_s=0.5, retry_s=0.1)
        radio.listen(lambda _: None)  # a page is open, so the scan lives through this as well
        link = await open_ble(radio, ADDRESS, patience=SOON)
        if told:
            await bluez.set_state(AdapterState.ABSENT)
        await bluez.stop()
        board.link = None  # the kernel hangs up when the service's socket closes
        service = await restarted(board)
        with pytest.raises((PortGone, BluetoothError)):
            await link.write(b"\x01")
        await link.close()
        again = await open_ble(radio, ADDRESS, patience=SOON)
        board.say(b"list")
        assert await again.receive() == b"list"
        await again.close()
        await radio.close()
        await service.stop()


async def test_a_radio_that_is_switched_off_ends_links_and_serves_again_later():
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service], retry_s=0.05)
        link = await open_ble(radio, ADDRESS, patience=SOON)
        waiting = asyncio.create_task(link.receive())
        await asyncio.sleep(0)
        await bluez.set_state(AdapterState.OFF)
        with pytest.raises(BleLost):
            await waiting
        with pytest.raises(BluetoothError) as caught:
            await open_ble(radio, ADDRESS, patience=SOON)
        assert caught.value.code == "ble-off"
        await link.close()
        heard = asyncio.Event()
        radio.listen(lambda _: heard.set())
        await bluez.set_state(AdapterState.ON)
        await heard.wait()
        again = await open_ble(radio, ADDRESS, patience=SOON)
        await again.close()
        await radio.close()


async def test_the_service_is_watched_only_while_there_is_a_link():
    board = ScriptedBoard()
    async with air(board):
        radio = BleRadio([PROVISIONING.service])
        assert await radio.find(ADDRESS, 5) is not None
        await radio.wait_idle()
        descriptors = open_descriptors()
        link = await open_ble(radio, ADDRESS, patience=SOON)
        while open_descriptors() < descriptors + 2:  # that of the link, and that of the watch
            await asyncio.sleep(0.01)
        await link.close()
        while open_descriptors() > descriptors:
            await asyncio.sleep(0.01)
        assert not any("watch" in task.get_name() for task in asyncio.all_tasks())
        await radio.close()


def open_descriptors() -> int:
    assert sys.platform == "linux"
    return len(list(Path("/proc/self/fd").iterdir()))
