"""Improv Wi-Fi over the air: unmodified bleak, a stand-in of BlueZ, simulated devices."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.errors import AuthorisationNeeded, BleLost, BleUnreachable, JoinFailed
from agent.links.ble_connect import Patience
from agent.links.ble_gatt import BleGattLink, open_gatt
from agent.links.ble_radio import BleRadio
from agent.protocols.improv import gatt
from agent.protocols.improv.messages import State
from agent.sessions.improv import ImprovSession, open_improv_ble_session
from agent.sessions.improv_wires import IMPROV
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.improv import ImprovConfig
from agent.simulator.improv_air import ImprovInTheAir
from agent.simulator.world import World, demo_networks
from tests.simulator.radios import bluetooth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

SOON = Patience(attempts=2, attempt_s=2.0, find_s=2.0, pause_s=0.01)
RIGHT = WiFi(ssid="HomeNet", password=Secret("correct horse"))
WRONG = WiFi(ssid="HomeNet", password=Secret("battery staple"))
QUICK = ImprovConfig(give_up_ms=6000)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@asynccontextmanager
async def radio_with(
    config: ImprovConfig = QUICK, *, mtu: int = 247
) -> AsyncIterator[tuple[BleRadio, ImprovInTheAir]]:
    device = ImprovInTheAir(config, World(networks=demo_networks()), mtu=mtu, speed=30)
    async with bluetooth(device):
        radio = BleRadio([gatt.SERVICE_UUID])
        try:
            yield radio, device
        finally:
            await radio.close()


@asynccontextmanager
async def session_with(radio: BleRadio, device: ImprovInTheAir) -> AsyncIterator[ImprovSession]:
    link = await open_gatt(radio, device.address, IMPROV, patience=SOON)
    session = await open_improv_ble_session(link)
    try:
        yield session
    finally:
        await session.close()
        assert radio.connected == frozenset()


@pytest.mark.parametrize("mtu", [23, 185, 247])
async def test_a_device_is_brought_into_a_network(mtu: int) -> None:
    async with radio_with(mtu=mtu) as (radio, device):
        async with session_with(radio, device) as session:
            facts = await session.read()
            assert [option.ssid for option in facts.networks][:2] == ["HomeNet", "Café Größe 🧀"]
            assert session.device is not None
            assert session.device.name == "Improv demo"
            await session.identify()
            assert device.firmware.identifies_until > 0
            assert await session.name("a name that is longer than the smallest packet") == (
                "a name that is longer than the smallest packet"
            )
            assert await session.name("another one that is longer than that") == (
                "another one that is longer than that"
            )
            with pytest.raises(JoinFailed):
                await session.configure(WRONG)
            await session.configure(RIGHT)
            assert session.redirect == "http://192.168.4.20"
            await session.wait_ended()
        assert device.firmware.state is State.PROVISIONED


async def test_a_device_that_drops_the_link_without_a_result_has_joined() -> None:
    async with (
        radio_with(ImprovConfig(results=False)) as (radio, device),
        session_with(radio, device) as session,
    ):
        await session.configure(RIGHT)
        await session.wait_ended()


async def test_a_device_with_a_button_takes_settings_after_it_was_pressed() -> None:
    async with (
        radio_with(ImprovConfig(needs_button=True)) as (radio, device),
        session_with(radio, device) as session,
    ):
        with pytest.raises(AuthorisationNeeded):
            await session.configure(RIGHT)
        device.press_button()
        await session.configure(RIGHT)


async def test_a_link_that_falls_ends_the_request() -> None:
    async with radio_with() as (radio, device), session_with(radio, device) as session:
        joining = asyncio.create_task(session.configure(WRONG))
        while session.state != State.PROVISIONING:
            await asyncio.sleep(0)
        device.drop()
        with pytest.raises(BleLost):
            await joining
        with pytest.raises(BleLost):
            await session.scan()


async def test_a_device_out_of_range_is_not_reached() -> None:
    async with radio_with() as (radio, device):
        device.rssi_dbm = None
        with pytest.raises(BleUnreachable):
            await open_gatt(radio, f"ble://{device.address}", IMPROV, patience=SOON)


async def test_reading_what_a_device_does_not_have_is_empty() -> None:
    async with radio_with() as (radio, device):
        link = await open_gatt(radio, f"ble://{device.address}", IMPROV, patience=SOON)
        try:
            assert link.address == f"ble://{device.address}"
            assert await link.read("0000ffff-0000-1000-8000-00805f9b34fb") == b""
            assert await link.read(gatt.CAPABILITIES_UUID) == b"\x0f"
        finally:
            await link.close()
            await link.close()
        for work in (link.read(gatt.STATE_UUID), link.receive()):
            with pytest.raises(BleLost):
                await work


async def test_links_that_come_and_go_leave_nothing_behind() -> None:
    async with radio_with() as (radio, device):

        async def once(number: int) -> None:
            link: BleGattLink = await open_gatt(radio, device.address, IMPROV, patience=SOON)
            if number % 2:
                device.drop()
            await link.close()

        await once(0)
        files, tasks = open_files(), len(asyncio.all_tasks())
        for number in range(20):
            await once(number)
        # The far end hears a little later that we have left; what stays runs into the time limit.
        while open_files() > files or len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0.01)
