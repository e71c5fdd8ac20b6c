"""What goes through the air appears in no log, however talkative everything is set."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

import pytest

from agent.errors import JoinFailed, PortError
from agent.links.ble import PROVISIONING, open_ble
from agent.links.ble_connect import Patience
from agent.links.ble_gatt import open_gatt
from agent.links.ble_radio import BleRadio
from agent.protocols.improv import gatt
from agent.sessions.ble import open_ble_session
from agent.sessions.improv import open_improv_ble_session
from agent.sessions.improv_wires import IMPROV
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.improv import ImprovConfig
from agent.simulator.improv_air import ImprovInTheAir
from agent.simulator.world import World, demo_networks
from tests.simulator.radios import ON_LINUX, bluetooth, board_in_the_air

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = ON_LINUX

MARKER = "tr0ub4dor"
SETTING = WiFi(ssid="HomeNet", password=Secret(MARKER))
SOON = Patience(attempts=2, attempt_s=3.0, find_s=3.0, pause_s=0.01)


@pytest.fixture
def talkative(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All loggers tell everything, as with BLEAK_LOGGING=1 and --log-level debug."""
    caplog.set_level(logging.DEBUG)
    before = logging.getLogger("bleak").level
    logging.getLogger("bleak").setLevel(logging.DEBUG)
    yield caplog
    logging.getLogger("bleak").setLevel(before)


def shapes(marker: str) -> list[str]:
    data = marker.encode()
    inner = base64.b64encode(b"\0" + data)[2:-4].decode()
    return [marker, data.hex(), data.hex(" "), inner, repr(list(data))[1:-1]]


def assert_silent(caplog: pytest.LogCaptureFixture) -> None:
    assert caplog.records  # it was listened to
    for shape in shapes(MARKER):
        assert shape not in caplog.text


async def test_the_password_of_a_network_stays_out_of_all_logs(talkative):
    async with board_in_the_air() as device, bluetooth() as bluez:
        assert device.air is not None
        device.air.host_mtu = 23
        bluez.add(device.air)
        air, radio = device.air, BleRadio([PROVISIONING.service])
        session = await open_ble_session(lambda: open_ble(radio, air.address, patience=SOON))
        with pytest.raises(JoinFailed):
            await session.configure(SETTING)
        await session.close()
        await radio.close()
    assert_silent(talkative)


@pytest.mark.parametrize("refused", [False, True])
async def test_nor_does_it_appear_when_it_goes_to_an_improv_device(talkative, refused):
    device = ImprovInTheAir(
        ImprovConfig(give_up_ms=6000), World(networks=demo_networks()), speed=30
    )
    async with bluetooth(device) as bluez:
        radio = BleRadio([gatt.SERVICE_UUID])
        link = await open_gatt(radio, device.address, IMPROV, patience=SOON)
        session = await open_improv_ble_session(link)
        if refused:
            bluez.faults.fail("WriteValue", "Failed", "Operation failed with ATT error: 0x0e")
        with pytest.raises((JoinFailed, PortError)):
            await session.configure(SETTING)
        await session.close()
        await radio.close()
    device.close()
    assert_silent(talkative)
