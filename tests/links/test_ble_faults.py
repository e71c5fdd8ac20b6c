"""What goes wrong on a link that is up: each refusal, silence, and words that come too late."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent.errors import BleLost, BleRefused, BleUnreachable, BluetoothFailed, PortError, PortFailed
from agent.links.ble import PROVISIONING, BleLink, open_ble
from agent.links.ble_connect import Patience, Wanted
from agent.links.ble_gatt import open_gatt
from agent.links.ble_radio import BleRadio
from agent.simulator.ble_air import AttError
from agent.simulator.ble_faults import ABORT_BY_LOCAL, FOR_EVER, IN_PROGRESS
from tests.links.air import ADDRESS, ScriptedBoard, air

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.ble_bluez import BluezStandIn

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=3, attempt_s=2.0, find_s=2.0, pause_s=0.01)
HASTE = Patience(attempts=2, attempt_s=0.2, find_s=2.0, pause_s=0.01)
GATT = Wanted(PROVISIONING.service, PROVISIONING.to_board, PROVISIONING.from_board)
DEVICE = "/org/bluez/hci0/dev_A1_B2_C3_D4_E5_F6"

ATT_ERRORS = [*range(0x01, 0x14), 0x80, 0x9F, 0xFC, 0xFD, 0xFE, 0xFF]
"""Bluetooth Core 5.4, Vol 3, Part F, 3.4.1.1, and two that an application may choose."""
NAMELESS = {0x05: "Not paired", 0x0C: "Not paired", 0x0F: "Not paired"}
"""BlueZ reports these without their number (BlueZ, src/gatt-client.c, create_gatt_dbus_error)."""


@asynccontextmanager
async def linked(
    board: ScriptedBoard, patience: Patience = SOON
) -> AsyncIterator[tuple[BleLink, BluezStandIn]]:
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        link = await open_ble(radio, ADDRESS, patience=patience)
        try:
            yield link, bluez
        finally:
            bluez.faults.clear()
            await link.close()
            assert radio.connected == frozenset()
            await radio.close()
    assert board.link is None


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ATT_ERRORS, ids=lambda code: f"{code:02x}")
async def test_each_att_error_of_a_write_is_told_and_ends_the_link(code):
    board = ScriptedBoard()
    board.refuse_writes = code
    async with linked(board) as (link, _):
        with pytest.raises(PortError) as caught:
            await link.write(b"\x01")
        with pytest.raises(type(caught.value)):
            await link.receive()
    if code in NAMELESS:
        assert isinstance(caught.value, PortFailed)
        assert NAMELESS[code] in str(caught.value.facts["detail"])
    else:
        assert isinstance(caught.value, BleRefused)
        assert caught.value.facts["att"] == f"0x{code:02x}"


@pytest.mark.parametrize("code", ATT_ERRORS, ids=lambda code: f"{code:02x}")
async def test_each_att_error_of_an_operation_is_told_and_leaves_a_gatt_link(code):
    board = ScriptedBoard()
    board.refuse_writes = code
    async with air(board):
        radio = BleRadio([PROVISIONING.service])
        link = await open_gatt(radio, ADDRESS, GATT, patience=SOON)
        with pytest.raises(PortError) as caught:
            await link.write(PROVISIONING.to_board, b"\x01")
        assert isinstance(caught.value, PortFailed if code in NAMELESS else BleRefused)
        board.refuse_writes = None
        await link.write(PROVISIONING.to_board, b"\x02")
        await link.close()
        await radio.close()
    assert board.written == [b"\x02"]


@pytest.mark.parametrize("code", [0x01, 0x03, 0x05, 0x06, 0x0E, 0x80, 0xFD])
async def test_a_refused_subscription_is_tried_again_and_told(code):
    class Refusing(ScriptedBoard):
        async def connect(self, on_lost):
            link = await super().connect(on_lost)

            async def refuse(_, __):
                raise AttError(code)

            link.subscribe = refuse  # type: ignore[method-assign]  # the board's own way
            return link

    board = Refusing()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        with pytest.raises(BleUnreachable) as caught:
            await open_ble(radio, ADDRESS, patience=SOON)
        assert bluez.calls.count("StartNotify") == SOON.attempts
        assert bluez.calls.count("RemoveDevice") == 1
        await radio.close()
    assert caught.value.facts["attempts"] == SOON.attempts
    assert board.link is None
    assert board.written == []


# --- silence ---------------------------------------------------------------------------------------


async def test_a_board_that_never_answers_a_write_is_given_up():
    board = ScriptedBoard()
    board.hold_writes = True
    async with linked(board, Patience(write_s=0.1)) as (link, _):
        with pytest.raises(BluetoothFailed):
            await link.write(b"\x01")
        assert link.lost


@pytest.mark.parametrize("method", ["Connect", "StartNotify"])
async def test_a_system_that_answers_nothing_any_more_has_limits(method):
    """Nor to what undoes an attempt to connect, which bleak waits for without a limit."""
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        assert await radio.find(ADDRESS, 5) is not None
        bluez.faults.hang(method, times=FOR_EVER)
        if method == "Connect":
            bluez.faults.hang("Disconnect")
        opening = open_ble(radio, ADDRESS, patience=Patience(attempts=1, attempt_s=0.2))
        with pytest.raises(BleUnreachable):
            await opening
        await radio.close()
    assert board.link is None


async def test_a_link_that_is_aborted_again_and_again_is_given_up_in_time():
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        bluez.faults.fail("Connect", *ABORT_BY_LOCAL, times=FOR_EVER)
        with pytest.raises(BleUnreachable):
            await open_ble(radio, ADDRESS, patience=HASTE)
        assert bluez.calls.count("Connect") > HASTE.attempts  # bleak itself tries on within each
        bluez.faults.clear()
        link = await open_ble(radio, ADDRESS, patience=SOON)
        await link.close()
        await radio.close()


@pytest.mark.parametrize("method", ["Connect", "StartNotify"])
async def test_in_progress_without_an_end_is_given_up(method):
    board = ScriptedBoard()
    async with air(board) as bluez:
        radio = BleRadio([PROVISIONING.service])
        bluez.faults.fail(method, *IN_PROGRESS, times=FOR_EVER)
        with pytest.raises(BleUnreachable) as caught:
            await open_ble(radio, ADDRESS, patience=SOON)
        assert "InProgress" in str(caught.value.facts["detail"])
        assert bluez.calls.count(method) == SOON.attempts
        await radio.close()
    assert board.link is None


# --- too late, and in between --------------------------------------------------------------------


async def test_what_comes_after_the_end_is_not_handed_to_the_next_link():
    board = ScriptedBoard()
    async with linked(board) as (link, _):
        first = board.link
        assert first is not None
        assert first.on_value is not None
        board.drop()
        first.on_value(b"too late")
        with pytest.raises(BleLost):
            await link.receive()
        radio = BleRadio([PROVISIONING.service])
        again = await open_ble(radio, ADDRESS, patience=SOON)
        board.say(b"list")
        assert await again.receive() == b"list"
        await again.close()
        await radio.close()


async def test_the_end_is_told_once_and_closing_twice_hangs_up_once():
    board = ScriptedBoard()
    async with linked(board) as (link, bluez):
        board.drop()
        with pytest.raises(BleLost):
            await link.receive()
        await asyncio.gather(link.close(), link.close())
        assert bluez.calls.count("Disconnect") == 0


async def test_a_write_follows_the_mtu_that_is_agreed_later():
    """Windows exchanges it some time after the connection; bleak reads the newest each time."""
    board = ScriptedBoard()
    board.mtu = 23
    board.on_write = lambda _: board.say(b".")
    async with linked(board) as (link, bluez):
        assert link.write_bytes == 20
        device = bluez.adapter.device(DEVICE)
        assert device is not None
        assert device.gatt is not None
        device.gatt.agree(247)
        while link.write_bytes == 20:
            await asyncio.sleep(0.001)
        await link.write(bytes(244))
    assert [len(part) for part in board.written] == [244]


async def test_a_board_under_another_address_is_not_reached_at_the_old_one():
    board = ScriptedBoard()
    async with linked(board) as (link, bluez):
        board.drop()
        await link.close()
        bluez.remove(board)
        moved = ScriptedBoard("A1:B2:C3:00:00:01", mac=ADDRESS)
        bluez.add(moved)
        radio = BleRadio([PROVISIONING.service])
        with pytest.raises(BleUnreachable):
            await open_ble(radio, ADDRESS, patience=Patience(attempts=1, attempt_s=0.2, find_s=0.5))
        again = await open_ble(radio, moved.address, patience=SOON)
        await again.close()
        await radio.close()


async def test_the_subscription_is_never_taken_back_as_the_board_would_hang_up():
    board = ScriptedBoard()
    async with linked(board) as (link, bluez):
        await link.write(b"\x01")
        await link.close()
        assert "StopNotify" not in bluez.calls
    assert board.order == ["subscribe", "write"]
