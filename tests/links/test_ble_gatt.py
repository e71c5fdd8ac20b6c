"""Characteristics over unmodified bleak, against a stand-in of BlueZ."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.errors import BleLost, BleRefused, PortFailed
from agent.links.ble import PROVISIONING
from agent.links.ble_connect import Patience
from agent.links.ble_gatt import NOTIFICATIONS_LIMIT, BleGattLink, open_gatt
from agent.links.ble_radio import BleRadio
from tests.links.air import ADDRESS, ScriptedBoard, air

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=2, attempt_s=2.0, find_s=2.0, pause_s=0.01)


@asynccontextmanager
async def linked(board: ScriptedBoard, patience: Patience = SOON) -> AsyncIterator[BleGattLink]:
    async with air(board):
        radio = BleRadio([PROVISIONING.service])
        try:
            link = await open_gatt(radio, f"ble://{ADDRESS}", PROVISIONING, patience=patience)
            try:
                yield link
            finally:
                await link.close()
                assert radio.connected == frozenset()
        finally:
            await radio.close()


async def test_a_value_is_written_whole_with_one_write() -> None:
    board = ScriptedBoard()
    async with linked(board) as link:
        await link.write(PROVISIONING.to_board, bytes(300))
    assert board.written == [bytes(300)]


async def test_writes_at_once_follow_each_other() -> None:
    """BlueZ refuses a second operation on a characteristic while one is under way."""
    board = ScriptedBoard()
    async with linked(board) as link:
        await asyncio.gather(
            *(link.write(PROVISIONING.to_board, bytes((number,))) for number in range(10))
        )
    assert sorted(board.written) == [bytes((number,)) for number in range(10)]


async def test_notifications_come_with_their_characteristic_and_the_last_before_the_end() -> None:
    board = ScriptedBoard()
    async with linked(board) as link:
        await link.subscribe([PROVISIONING.from_board])
        board.say(b"one")
        board.say(b"two")
        board.drop()
        assert await link.receive() == (PROVISIONING.from_board, b"one")
        assert await link.receive() == (PROVISIONING.from_board, b"two")
        with pytest.raises(BleLost):
            await link.receive()
        with pytest.raises(BleLost):
            await link.write(PROVISIONING.to_board, b"x")
    assert board.order == ["subscribe"]


@pytest.mark.parametrize("what", ["read", "write"])
async def test_what_a_device_refuses_is_an_error_and_the_link_stays(what: str) -> None:
    board = ScriptedBoard()
    board.refuse_writes = 0x0E
    async with linked(board) as link:
        reading, writing = PROVISIONING.from_board, PROVISIONING.to_board
        with pytest.raises(BleRefused):
            await (link.read(reading) if what == "read" else link.write(writing, b"x"))
        board.refuse_writes = None
        await link.write(PROVISIONING.to_board, b"y")
    assert board.written == [b"y"]


async def test_an_operation_without_an_answer_ends_the_link() -> None:
    board = ScriptedBoard()
    board.hold_writes = True
    async with linked(board, replace(SOON, write_s=0.2)) as link:
        with pytest.raises(PortFailed):
            await link.write(PROVISIONING.to_board, b"x")
        with pytest.raises(PortFailed):
            await link.receive()


async def test_a_drop_ends_the_operation_that_waits() -> None:
    board = ScriptedBoard()
    board.hold_writes = True
    async with linked(board) as link:
        writing = asyncio.create_task(link.write(PROVISIONING.to_board, b"x"))
        while "write" not in board.order:
            await asyncio.sleep(0)
        board.drop()
        with pytest.raises(BleLost):
            await writing


async def test_notifications_that_nobody_takes_end_the_link() -> None:
    board = ScriptedBoard()
    async with linked(board) as link:
        for number in range(NOTIFICATIONS_LIMIT):
            if number % 32 == 0:
                # Its answer comes behind what was said before, which then has left the socket of
                # the stand-in: a full one is the end of the bus to that library.
                await link.write(PROVISIONING.to_board, b".")
            board.say(number.to_bytes(2, "big"))
        board.say(b"one too many")
        while board.link is not None:
            await asyncio.sleep(0)
        with pytest.raises(PortFailed):
            await link.write(PROVISIONING.to_board, b"x")


async def test_a_characteristic_that_is_not_there_is_empty_and_not_subscribed() -> None:
    board = ScriptedBoard()
    async with linked(board) as link:
        other = "0000ffff-0000-1000-8000-00805f9b34fb"
        await link.subscribe([other])
        assert await link.read(other) == b""
    assert board.order == ["subscribe"]
