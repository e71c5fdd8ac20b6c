"""The radio: who is heard, when it scans, and what it says when it cannot."""

import asyncio

import pytest

from agent.errors import (
    BluetoothAbsent,
    BluetoothError,
    BluetoothFailed,
    BluetoothForbidden,
    BluetoothOff,
)
from agent.links.ble import PROVISIONING
from agent.links.ble_radio import Advert, BleRadio
from agent.simulator.ble_adapter import AdapterState
from agent.simulator.ble_bluez import BluezStandIn
from tests.links.air import ADDRESS, COMPANY, OTHER_SERVICE, ScriptedBoard, air

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]


def new_radio(**limits) -> BleRadio:
    return BleRadio([PROVISIONING.service], **limits)


class Ear:
    """Keeps what was heard, and waits for more."""

    def __init__(self, radio: BleRadio) -> None:
        self.heard: list[Advert] = []
        self._news = asyncio.Event()
        self.stop = radio.listen(self._note)

    def _note(self, advert: Advert) -> None:
        self.heard.append(advert)
        self._news.set()

    async def wait(self, count: int = 1) -> list[Advert]:
        while len(self.heard) < count:
            self._news.clear()
            await self._news.wait()
        return self.heard


class Problems:
    """Keeps what the radio said of itself, and waits for more."""

    def __init__(self, radio: BleRadio) -> None:
        self.seen: list[BluetoothError | None] = []
        self._news = asyncio.Event()
        radio.on_problem(self._note)

    def _note(self, problem: BluetoothError | None) -> None:
        self.seen.append(problem)
        self._news.set()

    async def wait(self, count: int) -> list[BluetoothError | None]:
        while len(self.seen) < count:
            self._news.clear()
            await self._news.wait()
        return self.seen


async def test_a_board_is_heard_with_name_service_address_and_strength():
    board = ScriptedBoard()
    board.rssi_dbm = -47
    radio = new_radio()
    async with air(board):
        ear = Ear(radio)
        advert = (await ear.wait())[0]
        await radio.close()
    assert advert.address == ADDRESS
    assert advert.name == "Arduino-2341-1002"
    assert PROVISIONING.service in advert.services
    assert advert.manufacturer_data == {COMPANY: bytes.fromhex("A1B2C3D4E5F6")}
    assert advert.rssi_dbm == -47


async def test_a_board_that_stands_still_is_heard_again_and_again():
    radio = new_radio()
    async with air(ScriptedBoard()):
        ear = Ear(radio)
        await ear.wait(5)
        await radio.close()


async def test_other_devices_are_not_heard():
    other = ScriptedBoard("AA:AA:AA:AA:AA:AA", "Headphones", service=OTHER_SERVICE)
    radio = new_radio()
    async with air(other, ScriptedBoard()):
        ear = Ear(radio)
        heard = await ear.wait(3)
        await radio.close()
    assert {advert.address for advert in heard} == {ADDRESS}


async def test_without_a_listener_nothing_is_asked_of_bluetooth():
    radio = new_radio()
    async with air(ScriptedBoard()) as bluez:
        assert not radio.scanning
        await radio.close()
        assert bluez.calls == []


async def test_the_scan_ends_with_the_last_listener_and_begins_again_with_the_next():
    radio = new_radio()
    async with air(ScriptedBoard()) as bluez:
        first, second = Ear(radio), Ear(radio)
        await first.wait()
        first.stop()
        await second.wait(len(second.heard) + 2)
        assert bluez.adapter.discovering
        second.stop()
        await radio.wait_idle()
        assert not radio.scanning
        assert not bluez.adapter.discovering
        third = Ear(radio)
        await third.wait()
        assert bluez.calls.count("StartDiscovery") == 2
        await radio.close()


async def test_a_listener_that_comes_while_the_scan_ends_is_served():
    radio = new_radio()
    async with air(ScriptedBoard()):
        first = Ear(radio)
        await first.wait()
        first.stop()
        await asyncio.sleep(0)  # the task is about to stop the scan
        second = Ear(radio)
        await second.wait()
        await radio.close()


async def _off(bluez: BluezStandIn) -> None:
    await bluez.set_state(AdapterState.OFF)


async def _absent(bluez: BluezStandIn) -> None:
    await bluez.set_state(AdapterState.ABSENT)


async def _blocked(bluez: BluezStandIn) -> None:
    await bluez.set_state(AdapterState.BLOCKED)


async def _forbidden(bluez: BluezStandIn) -> None:
    bluez.forbidden = True


async def _stopped(bluez: BluezStandIn) -> None:
    await bluez.stop()


async def _broken(bluez: BluezStandIn) -> None:
    bluez.faults.fail("StartDiscovery", "org.bluez.Error.Failed", "Input/output error")


@pytest.mark.parametrize(
    ("happen", "kind"),
    [
        (_off, BluetoothOff),
        (_blocked, BluetoothOff),
        (_absent, BluetoothAbsent),
        (_forbidden, BluetoothForbidden),
        (_stopped, BluetoothAbsent),  # this computer has no radio, so no service is missed
        (_broken, BluetoothFailed),
    ],
    ids=lambda value: value.__name__,
)
async def test_bluetooth_that_cannot_be_used_says_why(happen, kind):
    radio = new_radio()
    async with air(ScriptedBoard()) as bluez:
        await happen(bluez)
        problems = Problems(radio)
        Ear(radio)
        await problems.wait(1)
        assert type(radio.problem) is kind
        await radio.close()
    assert radio.problem is None


async def test_without_a_bus_there_is_no_bluetooth(tmp_path, monkeypatch):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    radio = new_radio()
    problems = Problems(radio)
    Ear(radio)
    assert type((await problems.wait(1))[0]) is BluetoothAbsent
    await radio.close()


async def test_bluetooth_that_is_switched_on_later_is_found_by_itself():
    radio = new_radio(retry_s=0.05)
    async with air(ScriptedBoard()) as bluez:
        await bluez.set_state(AdapterState.OFF)
        problems = Problems(radio)
        ear = Ear(radio)
        await problems.wait(1)
        await bluez.set_state(AdapterState.ON)
        await ear.wait()
        assert [type(each) for each in problems.seen] == [BluetoothOff, type(None)]
        await radio.close()


async def test_bluetooth_that_is_switched_off_meanwhile_is_noticed():
    radio = new_radio(quiet_s=0.3)
    async with air(ScriptedBoard()) as bluez:
        problems = Problems(radio)
        ear = Ear(radio)
        await ear.wait()
        await bluez.set_state(AdapterState.OFF)
        assert type((await problems.wait(1))[0]) is BluetoothOff
        await radio.close()


async def test_a_scan_that_hears_nobody_is_started_anew():
    board = ScriptedBoard()
    board.silent = True
    radio = new_radio(quiet_s=0.3)
    async with air(board) as bluez:
        ear = Ear(radio)
        while bluez.calls.count("StartDiscovery") < 3:
            await asyncio.sleep(0.01)
        board.silent = False
        await ear.wait()
        await radio.close()
        assert not bluez.adapter.discovering


async def test_a_scan_whose_start_hangs_is_tried_again():
    radio = new_radio(start_limit_s=0.2, retry_s=0.05)
    async with air(ScriptedBoard()) as bluez:
        bluez.faults.hang("StartDiscovery")
        problems = Problems(radio)
        ear = Ear(radio)
        await ear.wait()
        assert type(problems.seen[0]) is BluetoothFailed
        await radio.close()


async def test_a_device_is_found_by_its_address_in_any_case():
    radio = new_radio()
    async with air(ScriptedBoard()):
        device = await radio.find(ADDRESS.lower(), 5)
        assert device is not None
        assert device.address == ADDRESS
        await radio.wait_idle()
        assert await radio.find(ADDRESS, 0) is device
        await radio.close()


async def test_what_was_heard_before_does_not_count_when_asked_so():
    board = ScriptedBoard()
    radio = new_radio()
    async with air(board):
        assert await radio.find(ADDRESS, 5) is not None
        board.silent = True
        assert await radio.find(ADDRESS, 0.2, fresh=True) is None
        await radio.close()


async def test_a_device_cannot_be_found_while_bluetooth_is_off():
    radio = new_radio()
    async with air(ScriptedBoard()) as bluez:
        await bluez.set_state(AdapterState.OFF)
        with pytest.raises(BluetoothOff):
            await radio.find(ADDRESS, 5)
        Ear(radio)
        with pytest.raises(BluetoothOff):
            await radio.find(ADDRESS, 5)
        with pytest.raises(BluetoothOff):  # also one that knows it already
            await radio.find(ADDRESS, 5)
        await radio.close()


async def test_quiet_means_that_nothing_is_scanned():
    radio = new_radio()
    async with air(ScriptedBoard()) as bluez:
        ear = Ear(radio)
        await ear.wait()
        async with radio.quiet():
            assert not bluez.adapter.discovering
            count = len(ear.heard)
        await ear.wait(count + 1)
        await radio.close()


async def test_the_memory_of_devices_is_bounded():
    boards = [ScriptedBoard(f"A1:B2:C3:D4:E5:0{number}") for number in range(3)]
    radio = new_radio(devices_limit=2)
    async with air(*boards):
        ear = Ear(radio)
        await ear.wait(9)
        assert len(radio._devices) == 2
        await radio.close()


async def test_the_time_to_look_for_a_device_does_not_pass_while_it_is_quiet():
    """Another board is connected to without a scan beside it, which may take twenty seconds."""
    async with air(ScriptedBoard()):
        radio = BleRadio([PROVISIONING.service])
        async with radio.quiet():
            looking = asyncio.create_task(radio.find(ADDRESS, 0.5))
            await asyncio.wait({looking}, timeout=0.7)
            assert not looking.done()
        assert await looking is not None
        await radio.close()


async def test_a_radio_that_is_closed_wakes_who_looks_and_scans_no_more():
    board = ScriptedBoard()
    board.silent = True
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        looking = asyncio.create_task(radio.find(ADDRESS, 60))
        while not bluez.adapter.discovering:
            await asyncio.sleep(0.01)
        await radio.close()
        assert await looking is None
        radio.listen(lambda _: None)
        assert await radio.find(ADDRESS, 60) is None
        assert not radio.scanning
        await radio.close()
        assert bluez.calls.count("StartDiscovery") == 1
