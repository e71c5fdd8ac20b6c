"""Boards in the air of a process of their own, as ``mooring simulate --ble`` and the demo run them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from bleak import BleakScanner
from bleak.exc import BleakError

from agent.errors import ReportedError
from agent.protocols.improv import gatt
from agent.protocols.v2.messages import CommandCode
from agent.simulator.ble_radio import SERVICE_UUID
from agent.simulator.config import SimulatorConfig, StepFault
from agent.simulator.process import start_simulator
from tests.air import ON_LINUX, ImprovBoard, ble_board
from tests.simulator.boards import GONE, command
from tests.simulator.radios import AirHost, find, forget_bleak

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.process import SimulatorHandle

pytestmark = ON_LINUX

VERSION = command(CommandCode.GET_SKETCH_VERSION)
THE_VERSION = ("0x12015", ["0.6.2"])


@contextlib.asynccontextmanager
async def neighbours(*boards: Any, **settings: Any) -> AsyncIterator[SimulatorHandle]:
    """A simulator beside this process, and this process in its room."""
    config = SimulatorConfig(boards=boards, count=0, **{"speed": 50, "rssi_dbm": -60} | settings)
    async with await start_simulator(config) as handle:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in handle.environment.items():
                patch.setenv(name, value)
            try:
                yield handle
            finally:
                await forget_bleak()


async def strength(address: str, wanted: int) -> None:
    """Until a device arrives with this strength."""
    async with asyncio.timeout(30), BleakScanner() as scanner:
        async for device, said in scanner.advertisement_data():
            if (device.address, said.rssi) == (address, wanted):
                return


async def scan_on() -> None:
    """Scan until that fails."""
    async with asyncio.timeout(30):
        while True:
            await BleakScanner.discover(timeout=0.02)


async def until_silent(handle: SimulatorHandle) -> None:
    async with asyncio.timeout(30):
        while any(each.advertises for each in await handle.status()):
            await asyncio.sleep(0.02)


async def test_a_process_says_how_it_is_heard_and_its_boards_answer() -> None:
    async with neighbours(ble_board("A"), ble_board("B", usb=True)) as handle:
        assert list(handle.environment) == ["DBUS_SYSTEM_BUS_ADDRESS"]
        assert [port.kind for port in handle.ports] == ["ble", "serial"]
        address = handle.ports[0].address.removeprefix("ble://")
        async with AirHost(await find(address=address)) as host:
            await host.open()
            assert await host.ask(VERSION) == THE_VERSION


@pytest.mark.parametrize(
    "fall", [{"drop": True}, {"range": "out"}, {"ble": "off"}, {"unplug": True}, {"press": "reset"}]
)
async def test_a_command_lets_the_link_fall(fall: dict[str, Any]) -> None:
    async with neighbours(ble_board("A")) as handle:
        async with AirHost(await find()) as host:
            await host.open()
            await handle.command(fall)
            assert await host.hear() == (GONE, None)
        for undo in ({"range": "in"}, {"ble": "on"}, {"plug": True}):
            await handle.command(undo)
        async with AirHost(await find()) as host:
            await host.open()


async def test_commands_move_a_board_and_give_it_another_address() -> None:
    async with neighbours(ble_board("A"), ble_board("B")) as handle:
        first = handle.ports[0].address.removeprefix("ble://")
        await strength(first, -60)
        await handle.command({"rssi": -80, "board": "A"})
        await strength(first, -80)
        await handle.command({"address": "C0:FF:EE:00:00:01", "board": "A"})
        await strength("C0:FF:EE:00:00:01", -80)
        await handle.command({"address": "new", "board": 1})


async def test_the_radio_of_the_computer_goes_and_comes() -> None:
    async with neighbours(ble_board("A")) as handle:
        for state in ("off", "absent", "stopped"):
            await handle.command({"radio": state})
            with pytest.raises(BleakError):
                await scan_on()
        await handle.command({"radio": "on"})


async def test_without_anything_in_the_air_a_command_about_it_is_refused() -> None:
    async with await start_simulator(SimulatorConfig(speed=50)) as handle:
        assert handle.environment == {}
        with pytest.raises(ReportedError, match="radio"):
            await handle.command({"radio": "off"})


async def test_the_pin_brings_back_what_provisioning_switched_off() -> None:
    async with neighbours(ble_board("A")) as handle:
        async with AirHost(await find()) as host:
            await host.open()
            await host.join()
            while await host.hear() != (GONE, None):
                continue
        await until_silent(handle)
        await handle.command({"press": "reconfigure", "seconds": 1})
        assert not (await handle.status())[0].advertises
        await handle.command({"press": "reconfigure"})
        await find()


async def test_faults_are_met_at_their_steps() -> None:
    faults = (StepFault(at="list", do="refuse"), StepFault(at="version", do="drop"))
    async with neighbours(ble_board("A"), faults=faults) as handle:
        async with AirHost(await find()) as host:
            await host.open()
            with pytest.raises(BleakError):
                await host.write(VERSION)
            assert await host.ask(VERSION) == (GONE, None)
        await handle.wait_for("step", step="version")


async def test_improv_devices_are_in_the_air_and_on_a_port(tmp_path: Any) -> None:
    improv = (ImprovBoard(link="ble"), ImprovBoard(link="serial"))
    async with neighbours(improv=improv, folder=str(tmp_path)) as handle:
        assert [port.kind for port in handle.ports] == ["ble", "serial"]
        assert [file.name for file in tmp_path.iterdir()] == ["IMPROV-0002.json"]
        async with BleakScanner(service_uuids=[gatt.SERVICE_UUID]) as scanner:
            async for device, said in scanner.advertisement_data():
                assert f"ble://{device.address}" == handle.ports[0].address
                assert gatt.SERVICE_DATA_UUID in said.service_data
                break
        await handle.command({"unplug": True, "board": "IMPROV-0001"})
        assert [each.advertises for each in await handle.status()] == [False, False]
        assert [each.state for each in await handle.status()] == ["UNPLUGGED", "AUTHORISED"]
        await handle.command({"plug": True})
        await handle.command({"press": "button"})
        await handle.command({"press": "reset"})


async def test_signals_of_a_room_vary_and_differ() -> None:
    boards = [ble_board(f"R{number}") for number in range(5)]
    async with neighbours(*boards, rssi_dbm=None, seed=3):
        seen: dict[str, set[int]] = {}
        async with asyncio.timeout(30), BleakScanner(service_uuids=[SERVICE_UUID]) as scanner:
            async for device, said in scanner.advertisement_data():
                seen.setdefault(device.address, set()).add(said.rssi)
                if len(seen) == 5 and all(len(each) > 2 for each in seen.values()):
                    break
        middles = [sum(each) / len(each) for each in seen.values()]
        assert max(middles) - min(middles) > 10


async def test_the_command_prints_the_bus_first() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "simulate", "uno_r4_wifi", "--ble", "--usb"),
        *("--count", "2", "--until-stdin-closes"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
    assert lines[0].startswith("DBUS_SYSTEM_BUS_ADDRESS=unix:path=")
    for line in lines[1:]:
        port, air = line.split()
        assert port.startswith("/dev/")
        assert air.startswith("ble://F4:12:FA:")
    process.stdin.write(b'{"status": true}\n')
    said = json.loads(await process.stdout.readline())
    assert len(said["boards"]) == 2
    process.stdin.close()
    assert await process.wait() == 0
