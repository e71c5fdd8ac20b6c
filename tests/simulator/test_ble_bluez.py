"""Unmodified bleak meets the simulated BlueZ, and through it simulated boards."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from agent.protocols.v2.messages import CommandCode
from agent.simulator import ble_faults
from agent.simulator.ble_adapter import AdapterState
from agent.simulator.ble_agent import COMPANY_ID
from agent.simulator.ble_radio import INPUT_UUID, OUTPUT_UUID, SERVICE_UUID
from agent.simulator.config import StepFault
from agent.simulator.timing import Timing
from tests.simulator.boards import DISCONNECT, GONE, Host, command, status
from tests.simulator.radios import ON_LINUX, AirHost, bluetooth, board_in_the_air, find

if TYPE_CHECKING:
    from agent.simulator.ble_bluez import BluezStandIn
    from agent.simulator.device import SimulatedDevice

pytestmark = ON_LINUX

VERSION = command(CommandCode.GET_SKETCH_VERSION)
THE_VERSION = ("0x12015", ["0.6.2"])


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def until_it_scans() -> None:
    """Bleak learns of a change when its signal arrives."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with BleakScanner():
                    return
            except BleakBluetoothNotAvailableError:
                await asyncio.sleep(0.01)


def in_the_air(bluez: BluezStandIn, device: SimulatedDevice) -> SimulatedDevice:
    assert device.air is not None
    bluez.add(device.air)
    return device


# --- finding ---


async def test_a_board_is_found_by_its_service_with_name_address_and_strength() -> None:
    async with board_in_the_air(ble_address="a1b2c3d4e5f6") as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with BleakScanner(service_uuids=[SERVICE_UUID]) as scanner:
            async for found, said in scanner.advertisement_data():
                assert (found.name, said.rssi) == ("Arduino-2341-1002", -60)
                assert found.address == "A1:B2:C3:D4:E5:F6"
                assert said.service_uuids == [SERVICE_UUID]
                assert said.manufacturer_data == {COMPANY_ID: bytes.fromhex("a1b2c3d4e5f6")}
                break


async def test_a_change_of_strength_is_told_and_a_board_that_goes_away_is_forgotten() -> None:
    async with board_in_the_air() as device, bluetooth(forget_after_s=0.3) as bluez:
        assert device.air is not None
        in_the_air(bluez, device)
        async with BleakScanner() as scanner:
            seen = scanner.advertisement_data()
            await anext(seen)
            device.air.rssi_dbm = -72
            while (await anext(seen))[1].rssi != -72:
                continue
            assert scanner.discovered_devices
            device.air.go_out_of_range()
            async with asyncio.timeout(30):
                while scanner.discovered_devices:
                    await asyncio.sleep(0.05)
            device.air.come_back()
            while (await anext(seen))[1].rssi != -60:
                continue


async def test_a_board_that_changes_its_address_is_another_device() -> None:
    async with board_in_the_air(ble_address="a1b2c3d4e5f6") as device, bluetooth() as bluez:
        assert device.air is not None
        in_the_air(bluez, device)
        await find()
        device.air.change_address(bytes.fromhex("c0ffee000001"))
        found = await BleakScanner.find_device_by_address("C0:FF:EE:00:00:01")
        assert found is not None
        assert found.name == "Arduino-2341-1002"


async def test_a_board_without_power_is_silent() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        device.unplug()
        assert await BleakScanner.discover(timeout=0.3) == []
        await device.plug()
        await find()


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (AdapterState.ABSENT, BleakBluetoothNotAvailableReason.NO_BLUETOOTH),
        (AdapterState.OFF, BleakBluetoothNotAvailableReason.POWERED_OFF),
        (AdapterState.BLOCKED, BleakBluetoothNotAvailableReason.POWERED_OFF),
    ],
)
async def test_bluetooth_that_does_not_work_is_told_with_its_reason(
    state: AdapterState, reason: BleakBluetoothNotAvailableReason
) -> None:
    async with bluetooth(state=state) as bluez:
        with pytest.raises(BleakBluetoothNotAvailableError) as told:
            await BleakScanner().start()
        assert told.value.reason is reason
        await bluez.set_state(AdapterState.ON)
        await until_it_scans()


async def test_a_user_without_permission_is_refused_by_the_bus() -> None:
    async with bluetooth() as bluez:
        bluez.forbidden = True
        with pytest.raises(BleakDBusError) as told:
            await BleakScanner().start()
        assert told.value.dbus_error == "org.freedesktop.DBus.Error.AccessDenied"


async def test_a_computer_whose_bluetooth_service_does_not_run_says_so() -> None:
    async with bluetooth() as bluez:
        await bluez.stop()
        with pytest.raises(BleakDBusError) as told:
            await BleakScanner().start()
        assert told.value.dbus_error == "org.freedesktop.DBus.Error.ServiceUnknown"


# --- links ---


async def test_a_subscription_opens_the_session_and_frames_are_answered() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            tag, networks = (await host.open())[-1]
            assert tag == "0x12001"
            assert networks[:2] == ["HomeNet", -45]
            assert await host.ask(VERSION) == THE_VERSION


async def test_the_mtu_of_the_board_is_its_controllers() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with BleakClient(await find()) as client:
            found = client.services.get_characteristic(INPUT_UUID)
            assert found is not None
            assert found.max_write_without_response_size == 246 - 3


@pytest.mark.parametrize("mtu", [23, 185, 247])
async def test_a_long_frame_arrives_whatever_the_mtu(mtu: int) -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        device.air.host_mtu = mtu
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.join() == [status(1), status(2)]


async def test_a_provisioned_board_hangs_up_and_switches_its_bluetooth_off() -> None:
    async with board_in_the_air() as device, bluetooth(forget_after_s=0.2) as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.join() == [status(1), status(2)]
            assert await host.hear() == (GONE, None)
        assert device.status().state.startswith("RUN")
        assert await BleakScanner.discover(timeout=0.5) == []


async def test_the_reconfigure_pin_brings_the_bluetooth_of_a_provisioned_board_back() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            await host.join()
            assert await host.hear() == (GONE, None)
        device.press_reconfigure(2.0)
        assert await BleakScanner.discover(timeout=0.3) == []
        device.press_reconfigure(3.5)
        async with AirHost(await find()) as host:
            await host.open()


async def test_a_board_that_scans_answers_afterwards() -> None:
    timing = Timing(scan=20_000.0)
    async with board_in_the_air(timing=timing) as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.ask(command(CommandCode.SCAN)) == status(100)
            # The write is confirmed, and then answered, when the scan of 0.2 s is over.
            await host.write(VERSION)
            assert (await host.hear())[0] == "0x12001"
            assert await host.hear() == THE_VERSION


async def test_a_board_can_be_linked_to_again_after_the_host_hung_up() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        for _ in range(3):
            async with AirHost(await find()) as host:
                await host.open()
                assert await host.ask(VERSION) == THE_VERSION


async def test_a_write_before_the_subscription_starts_no_session() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.write(VERSION)
            await host.subscribe()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await host.hear()
        async with AirHost(await find()) as host:
            await host.open()


async def test_a_host_that_unsubscribes_is_hung_up_on() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            await host.client.stop_notify(OUTPUT_UUID)
            assert await host.hear() == (GONE, None)


async def test_a_read_is_refused_as_bluez_reports_it() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with BleakClient(await find()) as client:
            with pytest.raises(BleakGATTProtocolError) as told:
                await client.read_gatt_char(INPUT_UUID)
            assert told.value.code is BleakGATTProtocolErrorCode.READ_NOT_PERMITTED


async def test_a_slow_link_only_takes_longer() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        device.air.packet_s, device.air.host_mtu = 0.005, 23
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.ask(VERSION) == THE_VERSION


async def test_usb_comes_first_and_the_board_is_silent_meanwhile() -> None:
    async with board_in_the_air(usb=True) as device, bluetooth(forget_after_s=0.2) as bluez:
        in_the_air(bluez, device)
        await find()
        async with Host(device.address or "") as host:
            await host.connect()
            assert device.air is not None
            assert device.air.advertisement is None
            host.send(DISCONNECT)
            await find()


async def test_a_program_that_leaves_the_bus_loses_its_subscription_and_so_the_board() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        path = (await find()).details["path"]
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        for below, interface, member in (
            ("", "org.bluez.Device1", "Connect"),
            ("/service000a/char000b", "org.bluez.GattCharacteristic1", "StartNotify"),
        ):
            call = Message("org.bluez", path + below, interface, member)
            assert (await bus.call(call)).message_type is MessageType.METHOD_RETURN
        assert device.air is not None
        assert device.air.advertisement is None
        bus.disconnect()
        await find()


async def test_two_hundred_links_that_fall_leave_nothing_behind() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        in_the_air(bluez, device)
        found = await find()
        before = descriptors()
        for _ in range(200):
            async with AirHost(found) as host:
                await host.open()
                device.air.drop()
                assert await host.hear() == (GONE, None)
        while descriptors() > before:
            await asyncio.sleep(0.01)


# --- faults ---


async def test_power_that_goes_away_ends_links() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await bluez.set_state(AdapterState.OFF)
            assert await host.hear() == (GONE, None)


@pytest.mark.parametrize("what", ["drop", "range", "unplug", "reset"])
async def test_a_link_that_falls_is_told(what: str) -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            {
                "drop": device.air.drop,
                "range": device.air.go_out_of_range,
                "unplug": device.unplug,
                "reset": device.press_reset,
            }[what]()
            assert await host.hear() == (GONE, None)


async def test_a_link_can_fall_at_a_step_of_the_procedure() -> None:
    fault = StepFault(at="version", do="drop")
    async with board_in_the_air(faults=(fault,)) as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            assert await host.ask(VERSION) == (GONE, None)


async def test_a_board_that_does_not_answer_is_given_up() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        in_the_air(bluez, device)
        found = await find()
        device.air.go_out_of_range()
        with pytest.raises(TimeoutError):
            await BleakClient(found, timeout=0.3).connect()
        device.air.come_back()
        async with BleakClient(await find()):
            pass


async def test_bleak_tries_again_what_bluez_aborted() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        found = await find()
        bluez.faults.fail("Connect", *ble_faults.ABORT_BY_LOCAL, times=2)
        async with BleakClient(found):
            assert bluez.calls.count("Connect") == 3


async def test_bleak_tries_a_write_again_while_another_is_in_progress() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            bluez.faults.fail("WriteValue", *ble_faults.IN_PROGRESS, times=3)
            assert await host.ask(VERSION) == THE_VERSION
            assert bluez.calls.count("WriteValue") == 4


async def test_an_att_error_arrives_as_the_exception_of_bleak() -> None:
    async with board_in_the_air() as device, bluetooth() as bluez:
        in_the_air(bluez, device)
        async with AirHost(await find()) as host:
            await host.open()
            bluez.faults.fail("WriteValue", "Failed", "Operation failed with ATT error: 0x0e")
            with pytest.raises(BleakGATTProtocolError) as told:
                await host.write(VERSION)
            assert told.value.code is BleakGATTProtocolErrorCode.UNLIKELY_ERROR
            bluez.faults.hang("WriteValue")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await host.write(VERSION)
            assert await host.ask(VERSION) == THE_VERSION


async def test_a_device_that_bluez_forgot_cannot_be_linked_to() -> None:
    async with board_in_the_air() as device, bluetooth(forget_after_s=0.2) as bluez:
        assert device.air is not None
        in_the_air(bluez, device)
        found = await find()
        device.air.go_out_of_range()
        await BleakScanner.discover(timeout=0.6)
        with pytest.raises(BleakError, match="not found"):
            await BleakClient(found).connect()


async def test_thirty_boards_are_found_within_a_moment() -> None:
    async with AsyncExitStack() as stack, bluetooth() as bluez:
        for number in range(30):
            device = board_in_the_air(serial_number=f"B{number}")
            in_the_air(bluez, await stack.enter_async_context(device))
        async with BleakScanner() as scanner:
            heard = set()
            async for found, _ in scanner.advertisement_data():
                heard.add(found.address)
                if len(heard) == 30:
                    break
