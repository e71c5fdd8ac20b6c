"""Improv Wi-Fi over the ATT layer of two simulated controllers: what is long is cut and read on."""

from __future__ import annotations

import pytest

from agent.errors import JoinFailed
from agent.links.ble_connect import Patience
from agent.links.ble_gatt import open_gatt
from agent.links.ble_radio import BleRadio
from agent.protocols.improv import gatt
from agent.protocols.improv.messages import State
from agent.sessions.improv import open_improv_ble_session
from agent.sessions.improv_wires import IMPROV
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.improv import ImprovConfig
from agent.simulator.world import World, demo_networks
from tests.simulator.radios import ON_LINUX, bluetooth

pytestmark = ON_LINUX

SOON = Patience(attempts=2, attempt_s=3.0, find_s=3.0, pause_s=0.01)
RIGHT = WiFi(ssid="HomeNet", password=Secret("correct horse"))
WRONG = WiFi(ssid="HomeNet", password=Secret("battery staple"))


@pytest.mark.parametrize("mtu", [23, 185, 247])
async def test_a_session_of_each_kind_over_a_real_att_layer(mtu: int) -> None:
    from tests.sessions.improv_att import improv_radios

    world = World(networks=demo_networks())
    async with (
        bluetooth() as bluez,
        improv_radios(ImprovConfig(give_up_ms=6000), world, mtu=mtu) as (server, heard),
    ):
        bluez.add(heard)
        radio = BleRadio([gatt.SERVICE_UUID])
        link = await open_gatt(radio, heard.address, IMPROV, patience=SOON)
        session = await open_improv_ble_session(link)
        try:
            facts = await session.read()
            assert [option.ssid for option in facts.networks][:2] == ["HomeNet", "Café Größe 🧀"]
            assert session.device is not None
            assert session.device.name == "Improv demo"
            assert len(await session.scan()) == len(facts.networks)
            await session.identify()
            assert server.service.firmware.identifies_until > 0
            name = "a name that is longer than the smallest packet"
            assert await session.name(name) == name
            with pytest.raises(JoinFailed):
                await session.configure(WRONG)
            await session.configure(RIGHT)
            assert session.redirect == "http://192.168.4.20"
            await session.wait_ended()
        finally:
            await session.close()
            await radio.close()
        assert server.service.firmware.state is State.PROVISIONED
