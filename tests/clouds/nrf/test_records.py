"""Devices: there or not, told over the air, renamed, and what is lost with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import CloudAnswer, NrfNotOnboarded, NrfRecordAbsent, NrfUnclaimed
from agent.protocols.nrf.commands import cloud_access_key
from agent.simulator.nrf_cloud_faults import Fault
from agent.simulator.nrf_cloud_state import Device
from tests.clouds.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.nrf.cloud import NrfCloud
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from tests.clouds.nrf.modem import Modem

OLD = "nrf-350000000000000"


def add(service: SimulatedNrfCloud, device_id: str = OLD) -> Device:
    service.state.devices[device_id] = Device(device_id, "team-1")
    return service.state.devices[device_id]


async def test_each_trigger_has_another_number_also_after_a_restart_and_with_a_clock_that_stands(
    nrf: NrfCloud, service: SimulatedNrfCloud, connect: Callable[..., NrfCloud], clock: ManualClock
):
    device = add(service)
    numbers = [await nrf.trigger(OLD) for _ in range(3)]
    assert numbers[0] == int(clock.wall())
    behind = ManualClock()
    behind.now = -1_000_000
    numbers.append(await connect(clock=behind).trigger(OLD))
    assert len(set(numbers)) == 4
    assert device.state["desired"]["command"] == [1, numbers[-1]]
    device.state["desired"].clear()
    numbers.append(await nrf.trigger(OLD))
    assert numbers[-1] > numbers[2]


async def test_a_lost_answer_to_a_trigger_does_not_make_two_commands(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    heard: list[object] = []
    add(service)
    service.state.shadow_listeners[OLD] = lambda desired: heard.append(desired["command"])
    service.faults.add(Fault("lose", "shadow"))
    number = await nrf.trigger(OLD)
    assert heard == [[1, number]] * 2


async def test_a_device_that_is_not_there_is_told(nrf: NrfCloud, service: SimulatedNrfCloud):
    assert await nrf.record(OLD) is None
    for call in (nrf.trigger(OLD), nrf.rename(OLD, "x")):
        with pytest.raises(NrfRecordAbsent):
            await call
    add(service)
    service.faults.add(Fault("status", "shadow", status=404))
    with pytest.raises(NrfRecordAbsent):
        await nrf.trigger(OLD)
    for operation, call in (("shadow", nrf.trigger(OLD)), ("rename", nrf.rename(OLD, "x"))):
        service.faults.add(Fault("status", operation, status=422))  # type: ignore[arg-type]  # from the literals
        with pytest.raises(CloudAnswer):
            await call


async def test_a_device_that_older_firmware_named_is_found_where_the_imei_is_known(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    imei = OLD.removeprefix("nrf-")
    device = add(service)
    for found in (await nrf.record(modem.id, imei), await nrf.wait_for_record(modem.id, imei=imei)):
        assert found
        assert found.id == OLD
    number = await nrf.trigger(modem.id, imei)
    assert device.state["desired"]["command"] == [1, number]
    for other in ("", "351358811124234", "350-00"):
        assert await nrf.record(modem.id, other) is None
    # That of newer firmware counts, if there are both.
    add(service, modem.id)
    newer = await nrf.record(modem.id, imei)
    assert newer
    assert newer.id == modem.id


async def test_a_device_that_does_not_come_is_given_up_after_ten_minutes(
    nrf: NrfCloud, clock: ManualClock
):
    said: list[str] = []
    begin = clock.now
    with pytest.raises(NrfNotOnboarded):
        await nrf.wait_for_record(OLD, said.append)
    assert 600 <= clock.now - begin < 660
    assert len(said) == 1


async def test_before_a_board_is_unclaimed_a_person_sees_what_is_lost(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    await nrf.claim(modem.token, ["site=1"])
    await nrf.queue(modem.id, [cloud_access_key()])
    service.state.come_online(modem.id, modem)
    await nrf.queue(modem.id, [cloud_access_key()] * 2)
    await nrf.rename(modem.id, "Pump 3")
    removal = await nrf.look_at_removal(modem.id)
    told = " ".join(removal.losses)
    assert "since 2027" in told
    assert "site=1" in told
    assert "yet: 2" in told
    assert "Pump 3" in told
    assert service.record.count("unclaim") == 0
    await nrf.unclaim(removal)
    assert await nrf.claimed(modem.id) is None
    assert await nrf.record(modem.id) is None
    await nrf.unclaim(removal)
    with pytest.raises(NrfUnclaimed):
        await nrf.look_at_removal(modem.id)


async def test_what_cannot_be_listed_is_left_out_of_what_is_lost(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    await nrf.claim(modem.token, ())
    service.faults.add(Fault("status", "command", status=405))
    removal = await nrf.look_at_removal(modem.id)
    assert len(removal.losses) == 2
    service.faults.add(Fault("status", "unclaim", status=422))
    with pytest.raises(CloudAnswer):
        await nrf.unclaim(removal)


async def test_a_device_that_nobody_claimed_goes_alone(nrf: NrfCloud, service: SimulatedNrfCloud):
    add(service).name = "by certificate"
    removal = await nrf.look_at_removal(OLD)
    assert removal.losses == (
        "The device by certificate with its shadow, messages and all other history.",
    )
    service.faults.add(Fault("status", "delete", status=422))
    with pytest.raises(CloudAnswer):
        await nrf.unclaim(removal)
    assert service.state.devices
    await nrf.unclaim(removal)
    await nrf.unclaim(removal)
    assert not service.state.devices
    with pytest.raises(NrfUnclaimed):
        await nrf.look_at_removal(OLD)
