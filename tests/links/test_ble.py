"""The byte pipe over Bluetooth LE: unmodified bleak against a stand-in of BlueZ."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.errors import (
    BleLost,
    BleRefused,
    BluetoothError,
    BluetoothFailed,
    InputError,
    PortFailed,
    PortGone,
)
from agent.links import ble
from agent.links.ble import PROVISIONING, BleLink, open_ble, with_ble
from agent.links.ble_connect import Patience
from agent.links.ble_radio import BleRadio
from agent.simulator.ble_bluez import BluezStandIn
from tests.links.air import ADDRESS, ScriptedBoard, air

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=3, attempt_s=2.0, find_s=2.0, pause_s=0.01)


@asynccontextmanager
async def linked(
    board: ScriptedBoard, patience: Patience = SOON
) -> AsyncIterator[tuple[BleLink, BluezStandIn]]:
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        try:
            link = await open_ble(radio, f"ble://{ADDRESS}", patience=patience)
            try:
                yield link, bluez
            finally:
                await link.close()
                assert radio.connected == frozenset()
        finally:
            await radio.close()


async def test_the_subscription_is_made_before_anything_is_written():
    board = ScriptedBoard()
    async with linked(board) as (link, _):
        assert link.address == f"ble://{ADDRESS}"
        await link.write(b"\x01")
    assert board.order == ["subscribe", "write"]


async def test_what_the_board_says_arrives_whole_and_in_order():
    board = ScriptedBoard()
    async with linked(board) as (link, _):
        for number in range(50):
            board.say(bytes((number,)) * 64)
        data = b""
        while len(data) < 3200:
            data += await link.receive()
    assert data == b"".join(bytes((number,)) * 64 for number in range(50))


@pytest.mark.parametrize(("mtu", "size"), [(23, 20), (185, 182), (246, 243), (517, 256)])
async def test_a_frame_is_written_in_as_few_parts_as_fit(mtu, size):
    board = ScriptedBoard()
    board.mtu = mtu
    board.on_write = lambda _: board.say(b".")  # read at once, so the next one need not wait
    data = bytes(range(256)) + b"tail"
    async with linked(board) as (link, _):
        await link.write(data)
    assert len(board.written) == -(-len(data) // size)
    assert {len(part) for part in board.written[:-1]} == {size}
    assert b"".join(board.written) == data


async def test_parts_are_spaced_unless_the_board_shows_that_it_has_read():
    board = ScriptedBoard()
    board.mtu = 23
    loop = asyncio.get_running_loop()
    at: list[float] = []
    board.on_write = lambda _: at.append(loop.time())
    async with linked(board) as (link, _):
        await link.write(bytes(60))
        board.on_write = lambda _: board.say(b".")
        await link.write(bytes(20))
        assert board.written[-1] == bytes(20)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert len(gaps) == 2
    assert all(gap >= ble.WRITE_GAP_S for gap in gaps)


async def test_frames_that_are_written_at_once_do_not_mix():
    board = ScriptedBoard()
    board.mtu = 23
    board.on_write = lambda _: board.say(b".")
    async with linked(board) as (link, _):
        await asyncio.gather(link.write(b"a" * 60), link.write(b"b" * 60))
    assert b"".join(board.written) == b"a" * 60 + b"b" * 60


async def test_a_write_that_nobody_waits_for_any_more_goes_out_whole():
    board = ScriptedBoard()
    board.mtu = 23
    async with linked(board) as (link, _):
        writing = asyncio.create_task(link.write(b"x" * 60))
        await board.wait_written(1)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await board.wait_written(3)
    assert b"".join(board.written) == b"x" * 60


async def test_a_board_that_drops_the_link_ends_it_after_its_last_words():
    board = ScriptedBoard()
    async with linked(board) as (link, _):
        board.say(b"last words")
        board.drop()
        assert await link.receive() == b"last words"
        for _ in range(2):
            with pytest.raises(BleLost) as caught:
                await link.receive()
        assert link.lost
        with pytest.raises(BleLost):
            await link.write(b"\x01")
    assert isinstance(caught.value, PortGone)
    assert caught.value.facts == {"port": f"ble://{ADDRESS}"}


async def test_a_drop_wakes_whoever_waits_to_receive():
    board = ScriptedBoard()
    async with linked(board) as (link, _):
        waiting = asyncio.create_task(link.receive())
        await asyncio.sleep(0)
        board.drop()
        with pytest.raises(BleLost):
            await waiting


async def test_a_drop_wakes_whoever_waits_for_a_write():
    board = ScriptedBoard()
    board.hold_writes = True
    async with linked(board) as (link, _):
        writing = asyncio.create_task(link.write(b"\x01"))
        while "write" not in board.order:
            await asyncio.sleep(0.01)
        board.drop()
        with pytest.raises(BleLost):
            await writing


async def test_a_write_under_way_when_the_link_is_closed_ends_as_lost():
    board = ScriptedBoard()
    board.hold_writes = True
    async with linked(board) as (link, _):
        writing = asyncio.create_task(link.write(b"\x01"))
        while "write" not in board.order:
            await asyncio.sleep(0.01)
        await link.close()
        with pytest.raises(BleLost):
            await writing


async def test_a_link_that_we_close_is_not_lost():
    board = ScriptedBoard()
    async with linked(board) as (link, bluez):
        waiting = asyncio.create_task(link.receive())
        await asyncio.sleep(0)
        await link.close()
        await link.close()
        with pytest.raises(BleLost):
            await waiting
        with pytest.raises(BleLost):
            await link.write(b"\x01")
        assert not link.lost
        assert bluez.calls.count("Disconnect") == 1
    assert board.link is None


async def test_the_board_s_refusal_is_told_with_its_number_and_ends_the_link():
    board = ScriptedBoard()
    board.refuse_writes = 0x0E
    async with linked(board) as (link, _):
        with pytest.raises(BleRefused) as caught:
            await link.write(b"\x01")
        assert caught.value.facts["att"] == "0x0e"
        with pytest.raises(BleRefused):
            await link.receive()
        with pytest.raises(BleRefused):
            await link.write(b"\x01")
    assert board.link is None


async def test_a_write_that_bluez_never_ends_has_a_limit():
    board = ScriptedBoard()
    async with linked(board, Patience(write_s=0.2)) as (link, bluez):
        bluez.faults.fail("WriteValue", "InProgress", "Operation already in progress", times=10**9)
        with pytest.raises(BluetoothFailed):
            await link.write(b"\x01")
        bluez.faults.clear()
    assert board.link is None


async def test_data_that_nobody_takes_ends_the_link():
    board = ScriptedBoard()
    async with linked(board) as (link, _):
        while not link.lost:
            board.say(bytes(8192))
            await asyncio.sleep(0.01)
        data = await link.receive()
        assert len(data) > ble.RECEIVE_BUFFER_BYTES
        with pytest.raises(PortFailed):
            await link.receive()


async def test_the_computer_s_bluetooth_service_may_end_at_any_time():
    board = ScriptedBoard()
    async with linked(board) as (link, bluez):
        await bluez.stop()
        with pytest.raises((BleLost, BluetoothError)):
            await link.write(b"\x01")
        with pytest.raises((BleLost, BluetoothError)):
            await link.receive()


async def test_a_board_that_hangs_up_in_the_moment_of_connecting_is_connected_to_anew_or_lost():
    board = ScriptedBoard()
    async with air(board) as _:
        radio = BleRadio([PROVISIONING.service])
        opening = asyncio.create_task(open_ble(radio, ADDRESS, patience=SOON))
        while "subscribe" not in board.order:
            await asyncio.sleep(0)
        board.drop()
        link = await opening
        if board.link is None:  # it was heard of in time, or too late
            with pytest.raises(BleLost):
                await link.receive()
        else:
            board.say(b"list")
            assert await link.receive() == b"list"
        await link.close()
        await radio.close()


async def test_200_rounds_of_connect_and_drop_leave_no_descriptor_and_no_task():
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        await _round(radio, board)
        descriptors, tasks = _descriptors(), len(asyncio.all_tasks())
        for _ in range(200):
            await _round(radio, board)
        await radio.close()
        while _descriptors() > descriptors or len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0.01)  # the far end hears a little later that we have left
        assert bluez.calls.count("Connect") == 201


async def _round(radio: BleRadio, board: ScriptedBoard) -> None:
    link = await open_ble(radio, ADDRESS, patience=SOON)
    board.say(b"list")
    await link.receive()
    board.drop()
    with pytest.raises(BleLost):
        await link.receive()
    await link.close()


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_cancelled_opening_leaves_nothing():
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        bluez.faults.hang("Connect")
        opening = asyncio.create_task(open_ble(radio, ADDRESS, patience=SOON))
        while "Connect" not in bluez.calls:
            await asyncio.sleep(0.01)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert radio.connected == frozenset()
        await radio.close()
        assert board.link is None


async def test_one_opener_serves_all_kinds_of_ports():
    opened: list[tuple[str, int]] = []

    async def otherwise(address: str, baud: int):
        opened.append((address, baud))
        raise InputError(field="port", problem="is not there")

    board = ScriptedBoard()
    async with air(board):
        radio = BleRadio([PROVISIONING.service])
        opener = with_ble(radio, otherwise)
        link = await opener(f"ble://{ADDRESS}", 9600)
        await link.close()
        with pytest.raises(InputError):
            await opener("/dev/ttyACM0", 9600)
        await radio.close()
    assert opened == [("/dev/ttyACM0", 9600)]
