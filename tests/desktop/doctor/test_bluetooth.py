"""Bluetooth as unmodified bleak meets it, on a D-Bus of its own with a stand-in of BlueZ."""

from __future__ import annotations

import pytest

from agent.boards.ble_advert import SERVICES
from agent.desktop.doctor import Doctor
from agent.desktop.doctor.bluetooth import Bluetooth, switch_on
from agent.errors import BluetoothFailed
from agent.links.ble_radio import BleRadio
from agent.simulator.ble_adapter import AdapterState
from tests.air import ON_LINUX
from tests.desktop.doctor.patient import codes, look
from tests.links.air import ScriptedBoard, air

pytestmark = ON_LINUX


@pytest.fixture
async def radio():
    radio = BleRadio(SERVICES)
    yield radio
    await radio.close()


def bluetooth(radio: BleRadio) -> Bluetooth:
    return Bluetooth(radio, listen_s=0.1)


async def test_a_radio_that_listens_is_fine_and_is_silent_afterwards(radio):
    async with air(ScriptedBoard()) as bluez:
        # As long as a busy computer may take until the scan has begun.
        assert await codes(Bluetooth(radio, listen_s=2.0)) == ["bluetooth-fine"]
        assert "StartDiscovery" in bluez.calls
        await radio.wait_idle()
        assert not bluez.adapter.discovering


async def test_settings_that_forbid_it_are_told():
    (one,) = await look(Bluetooth(None))
    assert one.finding.code == "ble-never"
    assert one.finding.level.value == "warning"


@pytest.mark.parametrize(
    ("state", "code", "fixable"),
    [
        (AdapterState.ABSENT, "ble-absent", False),
        (AdapterState.OFF, "ble-off", True),
        (AdapterState.BLOCKED, "ble-off", True),
    ],
)
async def test_a_radio_that_cannot_be_used_is_told(radio, state, code, fixable):
    async with air() as bluez:
        await bluez.set_state(state)
        (one,) = await look(bluetooth(radio))
        assert (one.finding.code, one.finding.fixable) == (code, fixable)


async def test_an_account_that_may_not_use_it_is_told(radio):
    async with air() as bluez:
        bluez.forbidden = True
        assert await codes(bluetooth(radio)) == ["ble-forbidden"]


async def test_a_service_that_fails_is_told_in_its_own_words(radio):
    async with air() as bluez:
        bluez.faults.fail("StartDiscovery", "org.bluez.Error.Failed", "Input/output error")
        (one,) = await look(bluetooth(radio))
    assert one.finding.code == "ble-failed"
    assert "Input/output error" in one.finding.title


async def test_no_bus_at_all_is_told(radio, tmp_path, monkeypatch):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    assert await codes(bluetooth(radio)) == ["ble-absent"]
    with pytest.raises(BluetoothFailed):
        await switch_on()


async def test_bluetooth_that_is_off_is_switched_on(radio):
    async with air() as bluez:
        await bluez.set_state(AdapterState.OFF)
        seen = await Doctor([bluetooth(radio)]).run(fix=True)
        assert [each.code for each in seen.fixed] == ["ble-off"]
        assert [each.code for each in seen.findings] == ["bluetooth-fine"]
        assert bluez.adapter.powered


async def test_flight_mode_is_respected_and_told(radio):
    async with air() as bluez:
        await bluez.set_state(AdapterState.BLOCKED)
        seen = await Doctor([bluetooth(radio)]).run(fix=True)
        assert [each.code for each in seen.findings] == ["ble-off"]
        assert "rfkill" in str(seen.findings[0].facts["fix_failed"])
        assert not seen.fixed
