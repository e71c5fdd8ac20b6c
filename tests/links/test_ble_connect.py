"""The ladder of attempts: for each known trouble of a system, what is done about it."""

import asyncio
from pathlib import Path

import pytest

from agent.errors import BleServiceMissing, BleUnreachable, BluetoothOff
from agent.links.ble import PROVISIONING, open_ble
from agent.links.ble_connect import Patience
from agent.links.ble_radio import BleRadio
from agent.simulator.ble_adapter import AdapterState
from agent.simulator.ble_bluez import BluezStandIn
from tests.links.air import ADDRESS, ScriptedBoard, air, services

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=4, attempt_s=2.0, find_s=2.0, pause_s=0.01)
ATTEMPT = Patience(attempts=3, attempt_s=0.3, find_s=1.0, pause_s=0.01)


async def try_it(board: ScriptedBoard, bluez: BluezStandIn, patience: Patience = SOON) -> list[str]:
    """Connect and hang up; what was asked of BlueZ."""
    radio = BleRadio([PROVISIONING.service])
    try:
        link = await open_ble(radio, ADDRESS, patience=patience)
        assert board.link is not None
        board.say(b"list")
        assert await link.receive() == b"list"
        await link.close()
    finally:
        await radio.close()
    assert board.link is None
    return bluez.calls


async def test_nothing_is_done_that_is_not_needed():
    board = ScriptedBoard()
    async with air(board) as bluez:
        calls = await try_it(board, bluez)
    assert calls.count("Connect") == calls.count("StartNotify") == calls.count("Disconnect") == 1
    assert not {"RemoveDevice", "Pair", "ReadValue", "WriteValue", "StopNotify"} & set(calls)


async def test_interference_is_answered_with_the_same_again():
    board = ScriptedBoard()
    board.fail_links = 2
    async with air(board) as bluez:
        calls = await try_it(board, bluez)
    assert calls.count("Connect") == 3
    assert "RemoveDevice" not in calls


async def test_the_late_end_of_an_earlier_link_is_not_taken_for_the_end_of_this_one():
    board = ScriptedBoard()
    connect = board.connect
    async with air(board) as bluez:

        async def late_news(on_lost):
            if board.links == 0:
                device = bluez.adapter.device(f"/org/bluez/hci0/dev_{ADDRESS.replace(':', '_')}")
                assert device is not None
                device.flash_up()
            return await connect(on_lost)

        board.connect = late_news  # type: ignore[method-assign]  # as of a program that died
        calls = await try_it(board, bluez)
    assert calls.count("Connect") == calls.count("Disconnect") == 2
    assert "RemoveDevice" not in calls


async def test_a_link_that_falls_while_it_is_made_is_made_again():
    board = ScriptedBoard()
    connect = board.connect
    async with air(board) as bluez:

        async def falls(on_lost):
            link = await connect(on_lost)
            if board.links < 3:
                link.subscribe = drop  # type: ignore[method-assign]  # of this board alone
            return link

        async def drop(handle, on_value):
            board.drop()

        board.connect = falls  # type: ignore[method-assign]  # as above
        calls = await try_it(board, bluez)
    assert calls.count("Connect") == calls.count("StartNotify") == 3


async def test_another_abort_is_answered_with_the_same_again():
    board = ScriptedBoard()
    async with air(board) as bluez:
        bluez.faults.fail("Connect", "Failed", "Software caused connection abort", times=2)
        calls = await try_it(board, bluez)
    assert calls.count("Connect") == 3
    assert "RemoveDevice" not in calls


@pytest.mark.parametrize("name", ["InProgress", "AlreadyConnected"])
async def test_a_state_that_bluez_keeps_wrongly_is_forgotten(name):
    board = ScriptedBoard()
    async with air(board) as bluez:
        bluez.faults.fail("Connect", name, "Operation already in progress")
        calls = await try_it(board, bluez)
    assert calls.count("RemoveDevice") == 1
    assert calls.index("RemoveDevice") < len(calls) - 1 - calls[::-1].index("Connect")


async def test_a_subscription_in_progress_is_a_state_kept_wrongly():
    board = ScriptedBoard()
    async with air(board) as bluez:
        bluez.faults.fail("StartNotify", "InProgress", "Operation already in progress")
        calls = await try_it(board, bluez)
    assert calls.count("RemoveDevice") == 1
    assert calls.count("StartNotify") == 2


async def test_a_device_that_bluez_has_dropped_is_looked_for_again():
    board = ScriptedBoard()
    async with air(board) as bluez:
        unknown = "org.freedesktop.DBus.Error.UnknownObject"
        bluez.faults.fail("Connect", unknown, "Method was called on unknown object")
        calls = await try_it(board, bluez)
    assert calls.count("StartDiscovery") == 2
    assert "RemoveDevice" not in calls


async def test_services_of_an_earlier_sketch_are_forgotten():
    board = ScriptedBoard()
    board.services = services(from_board="0000ffe1-0000-1000-8000-00805f9b3400")
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        opening = asyncio.create_task(open_ble(radio, ADDRESS, patience=SOON))
        while "RemoveDevice" not in bluez.calls:
            await asyncio.sleep(0.001)
        board.services = services()
        link = await opening
        await link.close()
        await radio.close()
        assert bluez.calls.count("Connect") == 2


async def test_a_device_without_the_service_is_told_after_it_was_forgotten_once():
    board = ScriptedBoard()
    board.services = services(from_board="0000ffe1-0000-1000-8000-00805f9b3400")
    async with air(board) as bluez:
        with pytest.raises(BleServiceMissing) as caught:
            await try_it(board, bluez)
        assert bluez.calls.count("Connect") == 2
    assert PROVISIONING.from_board in str(caught.value.facts["detail"])


async def test_an_attempt_that_hangs_is_tried_again_without_a_scan_beside_it():
    board = ScriptedBoard()
    async with air(board) as bluez:
        bluez.faults.hang("Connect")
        radio = BleRadio([PROVISIONING.service])
        heard = asyncio.Event()
        radio.listen(lambda _: heard.set())
        await heard.wait()
        scanning: list[bool] = []
        connect = board.connect

        async def watched(on_lost):
            scanning.append(bluez.adapter.discovering)
            return await connect(on_lost)

        board.connect = watched  # type: ignore[method-assign]  # the board itself looks around
        link = await open_ble(radio, ADDRESS, patience=ATTEMPT)
        await link.close()
        await radio.close()
    assert scanning == [False]


async def test_bluetooth_that_is_switched_off_is_told_at_once():
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        assert await radio.find(ADDRESS, 5) is not None
        await bluez.set_state(AdapterState.OFF)
        with pytest.raises(BluetoothOff):
            await open_ble(radio, ADDRESS, patience=SOON)
        await radio.close()


async def test_bluetooth_that_is_switched_off_meanwhile_is_not_tried_again():
    board = ScriptedBoard()
    async with air(board) as bluez:
        bluez.faults.fail("Connect", "NotReady", "Resource Not Ready", times=9)
        with pytest.raises(BluetoothOff):
            await try_it(board, bluez)
        assert bluez.calls.count("Connect") == 1


async def test_a_board_that_is_not_heard_is_told_after_one_look():
    board = ScriptedBoard()
    board.silent = True
    async with air(board) as bluez:
        with pytest.raises(BleUnreachable) as caught:
            await try_it(board, bluez, Patience(find_s=0.3))
        assert "Connect" not in bluez.calls
    assert caught.value.facts["attempts"] == 1
    assert "Attempts to connect: 1;" in caught.value.report().meaning


async def test_a_board_that_never_answers_is_given_up_with_the_last_failure():
    board = ScriptedBoard()
    async with air(board) as bluez:
        bluez.faults.fail("Connect", "Failed", "Software caused connection abort", times=99)
        with pytest.raises(BleUnreachable) as caught:
            await try_it(board, bluez)
        assert bluez.calls.count("Connect") == 4
        assert not bluez.adapter.discovering
    assert caught.value.facts["attempts"] == 4
    assert "connection abort" in str(caught.value.facts["detail"])


async def test_what_a_failed_attempt_heard_is_not_handed_out():
    board = ScriptedBoard()
    async with air(board) as bluez:
        bluez.faults.fail("StartNotify", "Failed", "Operation failed with ATT error: 0x0e")
        radio = BleRadio([PROVISIONING.service])
        link = await open_ble(radio, ADDRESS, patience=SOON)
        board.say(b"second")
        assert await link.receive() == b"second"
        await link.close()
        await radio.close()


async def test_failed_attempts_leave_no_descriptor_and_no_task():
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        await give_up(radio, bluez)
        descriptors, tasks = open_descriptors(), len(asyncio.all_tasks())
        for _ in range(20):
            await give_up(radio, bluez)
        await radio.close()
        while open_descriptors() > descriptors or len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0.01)  # the far end hears a little later that we have left
    assert board.link is None


async def give_up(radio: BleRadio, bluez: BluezStandIn) -> None:
    bluez.faults.fail("Connect", "Failed", "Software caused connection abort")
    bluez.faults.fail("StartNotify", "Failed", "Operation failed with ATT error: 0x0e")
    with pytest.raises(BleUnreachable):
        await open_ble(radio, ADDRESS, patience=Patience(attempts=2, pause_s=0.0))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_two_boards_are_connected_to_at_the_same_time():
    boards = [ScriptedBoard(), ScriptedBoard("A1:B2:C3:D4:E5:00")]
    async with air(*boards):
        radio = BleRadio([PROVISIONING.service])
        links = await asyncio.gather(*(open_ble(radio, board.address) for board in boards))
        for number, (board, link) in enumerate(zip(boards, links, strict=True)):
            board.say(bytes((number,)))
            assert await link.receive() == bytes((number,))
            await link.close()
        await radio.close()
