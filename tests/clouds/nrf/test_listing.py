"""The team's devices: which boards are in device management, and which one a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import NrfDeviceAmbiguous, NrfDeviceUnknown, NrfKeyRefused
from agent.protocols.nrf.bodies import older_id
from agent.simulator.nrf_cloud_faults import Fault
from agent.simulator.nrf_cloud_state import Device
from tests.clouds.nrf.modem import Modem

if TYPE_CHECKING:
    from agent.clouds.nrf.cloud import NrfCloud
    from agent.simulator.nrf_cloud import SimulatedNrfCloud

MODEMS = [Modem(name) for name in "ABC"]


def add(service: SimulatedNrfCloud, device_id: str, name: str = "") -> None:
    service.state.devices[device_id] = Device(device_id, "team-1", name=name)


@pytest.fixture(autouse=True)
async def claimed(nrf: NrfCloud, service: SimulatedNrfCloud) -> None:
    """A is in device management, B as older firmware says it, C not yet; one came by its certificate."""
    for modem in MODEMS:
        await nrf.claim(modem.token, ())
    add(service, MODEMS[0].id, "Greenhouse")
    add(service, older_id(MODEMS[1].identity.imei), "shed")
    add(service, "by-certificate", "greenhouse")


async def test_all_are_told_with_whether_they_are_in_device_management(nrf: NrfCloud) -> None:
    told = [(each.id, each.name, each.onboarded) for each in await nrf.team_devices()]
    assert told == [
        (MODEMS[0].id, "Greenhouse", True),
        (MODEMS[1].id, "shed", True),
        (MODEMS[2].id, "", False),
        ("by-certificate", "greenhouse", True),
    ]


async def test_a_device_that_is_there_twice_is_told_twice(
    nrf: NrfCloud, service: SimulatedNrfCloud
) -> None:
    add(service, MODEMS[1].id)
    told = [(each.id, each.claim is not None) for each in await nrf.team_devices()]
    assert told[1] == (MODEMS[1].id, True)
    assert (older_id(MODEMS[1].identity.imei), False) in told


async def test_lists_are_read_to_their_end(nrf: NrfCloud, service: SimulatedNrfCloud) -> None:
    for number in range(250):
        add(service, f"d{number}")
    assert len(await nrf.team_devices()) == 254
    assert service.record.count("records") == 3


@pytest.mark.parametrize("status", [404, 405])
async def test_where_they_cannot_be_listed_some_are_looked_at(
    nrf: NrfCloud, service: SimulatedNrfCloud, status: int
) -> None:
    service.faults.add(Fault("status", "records", status=status))
    assert [each.onboarded for each in await nrf.team_devices()] == [True, True, False]
    for number in range(20):
        service.state.claim("team-1", Modem(f"X{number}").identity.attest(), (), dry=False)
    service.faults.add(Fault("status", "records", status=status))
    assert [each.onboarded for each in await nrf.team_devices()][20:] == [None] * 3


async def test_a_key_that_is_refused_is_told(nrf: NrfCloud, service: SimulatedNrfCloud) -> None:
    service.faults.add(Fault("status", "records", status=401))
    with pytest.raises(NrfKeyRefused):
        await nrf.team_devices()


async def test_a_device_is_found_by_all_that_people_call_it(nrf: NrfCloud) -> None:
    first, second, third = MODEMS
    for wanted, modem in (
        (first.id.upper(), first),
        (f" {second.identity.imei} ", second),
        (older_id(second.identity.imei), second),
        ("SHED", second),
        (third.id[:10], third),
    ):
        assert (await nrf.find_device(wanted)).id == modem.id
    assert (await nrf.find_device("by-cert")).claim is None


async def test_what_is_none_or_may_be_several_is_told(nrf: NrfCloud) -> None:
    for wanted in ("nothing", "", "gree", "by-"):
        with pytest.raises(NrfDeviceUnknown):
            await nrf.find_device(wanted)
    with pytest.raises(NrfDeviceAmbiguous) as caught:
        await nrf.find_device("greenhouse")
    title = caught.value.report().title
    assert f"may be 2 devices in nRF Cloud: {MODEMS[0].id} (Greenhouse), by-certificate" in title
