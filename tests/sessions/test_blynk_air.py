"""Blynk over the air: unmodified bleak, a stand-in of BlueZ, a simulated board of generation 2."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent.errors import BleLost
from agent.links.ble_connect import Patience
from agent.links.ble_gatt import open_gatt
from agent.links.ble_radio import BleRadio
from agent.protocols.blynk import ble
from agent.protocols.blynk.config import BlynkConfig
from agent.sessions.blynk_ble import BLYNK, BlynkBle
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.blynk_air import BlynkInTheAir
from tests.simulator.radios import bluetooth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=2, attempt_s=5.0, find_s=5.0, pause_s=0.01)
TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
HOME = WiFi(ssid="HomeNet", password=Secret("correct horse"))
WRONG = WiFi(ssid="HomeNet", password=Secret("wrong horse"))


@asynccontextmanager
async def session_with() -> AsyncIterator[tuple[BlynkInTheAir, BlynkBle, BleRadio]]:
    board = BlynkInTheAir(speed=200)
    async with bluetooth(board):
        radio = BleRadio([ble.SERVICE_UUID])
        try:
            session = BlynkBle(await open_gatt(radio, board.address, BLYNK, patience=SOON))
            try:
                yield board, session, radio
            finally:
                await session.close()
        finally:
            await radio.close()
            board.close()


async def test_a_board_is_set_up_after_a_wrong_password_over_the_same_link():
    async with session_with() as (board, session, _):
        assert (await session.info()).name == board.device.name
        assert (await session.scan()).networks[0].ssid == "HomeNet"
        failed = await session.configure(BlynkConfig(TOKEN, WRONG), lambda _: None)
        assert failed.failure is not None
        assert failed.failure.code == 722
        assert (
            await session.configure(BlynkConfig(TOKEN, HOME), lambda _: None)
        ).state == "connected"


async def test_a_link_that_falls_is_told_and_the_board_can_be_linked_to_again():
    async with session_with() as (board, session, radio):
        await session.info()
        board.drop()
        with pytest.raises(BleLost):
            await session.info()
        await session.close()
        again = BlynkBle(await open_gatt(radio, board.address, BLYNK, patience=SOON))
        assert (await again.info()).name == board.device.name
        await again.close()


async def test_a_reboot_ends_the_link():
    async with session_with() as (board, session, _):
        await session.info()
        await session.reboot()
        with pytest.raises(BleLost):
            await session.info()
        assert board.device.boots == 2
