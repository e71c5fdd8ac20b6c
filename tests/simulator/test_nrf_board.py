"""A simulated nRF91 board and its ports."""

from __future__ import annotations

import json

import pytest

from agent.links.open import open_link
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_config import NrfConfig
from tests.sessions.nrf_boards import board


@pytest.mark.parametrize(
    ("model", "beginning"),
    [
        ("thingy91", "THINGY91_"),
        ("thingy91x", "THINGY91X_"),
        ("nrf9151_dk", "0010512"),
        ("nrf9160_dk", "0009600"),
    ],
)
def test_serial_numbers_begin_as_those_of_the_real_boards(model, beginning):
    first, second = (SimulatedNrfBoard(NrfConfig(model=model), number=n) for n in range(2))
    assert first.serial_number.startswith(beginning)
    assert first.serial_number != second.serial_number
    assert first.identity.device_id != second.identity.device_id


async def test_both_ports_are_announced_as_long_as_it_is_plugged_in(tmp_path):
    plugged = SimulatedNrfBoard(NrfConfig(), folder=str(tmp_path))
    await plugged.start()
    await plugged.start()
    said = [json.loads(file.read_text()) for file in sorted(tmp_path.glob("*.json"))]
    assert [each["address"] for each in said] == [port.address for port in plugged.ports]
    assert len({each["serial_number"] for each in said}) == 1
    assert [each["location"] for each in said] == ["9-80:1.0", "9-80:1.2"]
    plugged.unplug()
    assert list(tmp_path.glob("*.json")) == []
    assert plugged.port.address == ""
    assert plugged.status().state == "UNPLUGGED"
    plugged.press_reset()
    plugged.press_button()
    await plugged.stop()


async def test_what_the_modem_stores_outlives_the_power_and_its_radio_s_mode_does_not():
    async with board(firmware="at", tcp=True) as plugged:
        plugged.modem.execute("AT+CFUN=4")
        plugged.modem.execute('AT%CMNG=0,7,0,"x"')
        plugged.unplug()
        await plugged.plug()
        assert plugged.modem.store == {(7, 0): "x"}
        assert plugged.modem.mode == 1


async def test_the_second_port_is_silent():
    async with board(firmware="at", tcp=True) as plugged:
        link = await open_link(plugged.ports[1].address, 115_200)
        await link.write(b"AT\r\n")
        first = await open_link(plugged.port.address, 115_200)
        await first.write(b"AT\r\n")
        assert b"OK" in await first.receive()
        assert plugged.received == b"AT\r\n"
        await link.close()
        await first.close()


async def test_a_board_with_a_battery_runs_on_without_its_cable():
    async with board(tcp=True, battery=True, claimed=True) as plugged:
        plugged.unplug()
        assert plugged.port.address == ""
        plugged.press_button()
        assert plugged.status().state == "PROVISIONING"
        await plugged.plug()
        assert plugged.status().state == "PROVISIONING"
    assert plugged.status().state == "UNPLUGGED"
