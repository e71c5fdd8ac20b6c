"""The air of tests: everything that can happen in it happens to unmodified bleak."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import msgspec
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError

from agent.protocols.improv import gatt
from agent.protocols.v2.messages import CommandCode
from agent.settings import Secret
from agent.simulator.ble_radio import SERVICE_UUID
from agent.simulator.world import Network, World
from tests.air import ON_LINUX, ImprovBoard, ImprovConfig, air, ble_board
from tests.simulator.boards import DISCONNECT, GONE, Host, command
from tests.simulator.radios import AirHost, find

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = ON_LINUX

VERSION = command(CommandCode.GET_SKETCH_VERSION)
THE_VERSION = ("0x12015", ["0.6.2"])


async def heard(service: str, count: int) -> dict[str, int]:
    """Addresses with their strength, as soon as there are so many."""
    seen: dict[str, int] = {}
    async with asyncio.timeout(30), BleakScanner(service_uuids=[service]) as scanner:
        async for device, said in scanner.advertisement_data():
            seen[device.address] = said.rssi
            if len(seen) == count:
                return seen
    raise AssertionError


async def until_it_scans() -> None:
    """Bleak learns of a change when its signal arrives."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with BleakScanner():
                    return
            except BleakError:
                await asyncio.sleep(0.01)


async def test_thirty_boards_are_heard_and_several_talk_at_once() -> None:
    async with air(30, rssi_dbm=None) as room:
        strengths = await heard(SERVICE_UUID, 30)
        assert len(set(strengths.values())) > 10
        found = [await find(address=room.address(n).removeprefix("ble://")) for n in (0, 7, 29)]

        async def talk(number: int) -> object:
            async with AirHost(found[number]) as host:
                await host.open()
                return await host.ask(VERSION)

        for answer in await asyncio.gather(talk(0), talk(1), talk(2)):
            assert answer == THE_VERSION


async def test_the_same_seed_puts_boards_into_the_same_places() -> None:
    places = []
    for seed in (1, 1, 2):
        async with air(4, rssi_dbm=None, seed=seed) as room:
            places.append([board.air.rssi_dbm for board in room.boards if board.air])
    assert places[0] == places[1] != places[2]


async def test_one_board_has_both_faces_at_the_same_time(tmp_path: Path) -> None:
    async with air([ble_board("BOTH", usb=True)], folder=tmp_path) as room:
        port = msgspec.json.decode((tmp_path / "BOTH.json").read_bytes())
        assert port["serial_number"] == "BOTH"
        await find(address=room.address().removeprefix("ble://"))
        async with Host(room.boards[0].address or "") as cable:
            await cable.connect()
            assert await cable.ask(VERSION) == THE_VERSION
            cable.send(DISCONNECT)
        async with AirHost(await find()) as host:
            await host.open()
        room.power_off()
        assert not list(tmp_path.iterdir())
        assert await BleakScanner.discover(timeout=0.3) == []


@pytest.mark.parametrize("what", ["drop", "range", "power", "reset", "off"])
async def test_a_link_falls_and_can_be_made_again(what: str) -> None:
    async with air() as room:
        async with AirHost(await find()) as host:
            await host.open()
            if what == "power":
                await room.power_cycle()
            else:
                {
                    "drop": room.drop,
                    "range": room.go_out_of_range,
                    "reset": room.press_reset,
                    "off": lambda: room.switch_ble(on=False),
                }[what]()
            assert await host.hear() == (GONE, None)
        room.come_back()
        room.switch_ble(on=True)
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.ask(VERSION) == THE_VERSION


async def test_a_board_that_fell_at_a_step_goes_on_and_can_be_linked_to_again() -> None:
    async with air() as room:
        room.fault("version", "drop")
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.ask(VERSION) == (GONE, None)
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.ask(VERSION) == THE_VERSION


async def test_a_write_is_refused_at_a_step_and_only_once() -> None:
    async with air() as room:
        room.fault("list", "refuse")
        async with AirHost(await find()) as host:
            await host.open()
            with pytest.raises(BleakGATTProtocolError, match=r"0x0e|UNLIKELY"):
                await host.write(VERSION)
            assert await host.ask(VERSION) == THE_VERSION


async def test_another_address_is_another_device_and_nobody_answers_at_the_old_one() -> None:
    async with air() as room:
        before = await find()
        now = room.change_address()
        assert now != f"ble://{before.address}"
        after = await find(address=now.removeprefix("ble://"))
        async with AirHost(after) as host:
            await host.open()
        with pytest.raises((TimeoutError, BleakError)):
            await BleakClient(before, timeout=0.3).connect()


@pytest.mark.parametrize("state", ["off", "blocked", "absent", "stopped", "forbidden"])
async def test_the_radio_fails_in_each_way_and_comes_back(state: str) -> None:
    async with air(radio=state) as room:
        with pytest.raises(BleakError):
            await BleakScanner.discover(timeout=0.2)
        await room.radio("on")
        await until_it_scans()
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.ask(VERSION) == THE_VERSION


async def test_the_pin_brings_the_bluetooth_of_a_provisioned_board_back() -> None:
    network = Network(ssid="HomeNet", password=Secret("correct horse"))
    async with air(world=World(networks=[network])) as room:
        async with AirHost(await find()) as host:
            await host.open()
            await host.join()
            while await host.hear() != (GONE, None):
                continue
        assert await BleakScanner.discover(timeout=0.3) == []
        room.press_reconfigure()
        async with AirHost(await find()) as host:
            await host.open()


async def test_improv_devices_are_heard_beside_boards_and_without_power_are_not() -> None:
    async with air(1, [ImprovConfig(name="lamp"), ImprovConfig(name="fan")]) as room:
        assert set(await heard(gatt.SERVICE_UUID, 2)) == {
            room.address(n).removeprefix("ble://") for n in (1, 2)
        }
        room.power_off(1)
        room.go_out_of_range(2)
        silent = {room.address(n).removeprefix("ble://") for n in (1, 2)}
        async with BleakScanner() as scanner:
            await asyncio.sleep(0.3)
            seen = scanner.discovered_devices_and_advertisement_data
            assert not silent & {address for address, (_, said) in seen.items() if said.rssi > -127}
        await room.power_on(1)
        await find("lamp")


async def test_an_improv_device_can_be_on_a_port_instead(tmp_path: Path) -> None:
    async with air(1, [ImprovBoard(link="serial")], folder=tmp_path):
        [file] = tmp_path.iterdir()
        assert file.name == "IMPROV-0001.json"


async def test_the_environment_is_as_before_afterwards() -> None:
    before = dict(os.environ)
    async with air():
        assert dict(os.environ) != before
    assert dict(os.environ) == before
