"""What all calls share: limits, faults, pages, and one request at a time for each board."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.clouds.http import Limits
from agent.errors import CloudAnswer, QuotaReached, ServiceFault
from agent.protocols.nrf.commands import cloud_access_key
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_cloud_faults import Fault
from agent.simulator.nrf_identity import ModemIdentity

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.nrf.cloud import NrfCloud
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from tests.clouds.manual_clock import ManualClock
    from tests.clouds.nrf.modem import Modem


async def test_a_limit_of_requests_is_waited_for_also_by_what_is_never_repeated_blindly(
    nrf: NrfCloud, service: SimulatedNrfCloud, clock: ManualClock, modem: Modem
):
    service.faults.add(Fault("status", "claim", times=2, status=429, retry_after="30"))
    begin = clock.now
    assert not (await nrf.claim(modem.token, ())).before
    assert clock.now - begin >= 60
    service.faults.add(Fault("status", "queue", times=1, status=429))
    await nrf.queue(modem.id, [cloud_access_key()])
    assert len(service.state.claims[modem.id].commands) == 1


async def test_a_limit_that_stays_is_told(nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem):
    service.faults.add(Fault("status", times=None, status=429, retry_after="1"))
    with pytest.raises(QuotaReached):
        await nrf.all_claimed()
    with pytest.raises(QuotaReached):
        await nrf.queue(modem.id, [cloud_access_key()])


async def test_a_fault_of_the_service_is_tried_again_and_told_if_it_stays(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    service.faults.add(Fault("status", "claimed", times=3, status=503))
    assert await nrf.all_claimed() == []
    service.faults.add(Fault("status", "claimed", times=None, status=500))
    with pytest.raises(ServiceFault):
        await nrf.all_claimed()


@pytest.mark.parametrize("text", ["{", "[1]", '{"items": 3}', '{"items": [{}]}'])
async def test_an_answer_that_is_not_as_documented_is_told(
    nrf: NrfCloud, service: SimulatedNrfCloud, text: str
):
    service.faults.add(Fault("text", "claimed", text=text))
    with pytest.raises(CloudAnswer):
        await nrf.all_claimed()


async def test_lists_are_read_to_their_end(nrf: NrfCloud, service: SimulatedNrfCloud):
    modems = [ModemIdentity(str(number)) for number in range(205)]
    for modem in modems:
        service.state.claim("team-1", modem.attest(), (), dry=False)
    found = await nrf.all_claimed()
    assert {device.id for device in found} == {str(modem.device_id) for modem in modems}
    assert service.record.count("claimed") == 3


async def test_each_board_has_one_request_under_way(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
):
    other = parse_token(ModemIdentity("other").attest())
    for token in (modem.token, other):
        await nrf.claim(token, ())
    service.faults.add(Fault("hang", "claimed"))
    stuck = asyncio.create_task(nrf.claimed(modem.id))
    while service.faults.waiting:
        await asyncio.sleep(0)
    behind = asyncio.create_task(nrf.claimed(modem.id))
    assert await nrf.claimed(other.device_id) is not None
    assert not behind.done()
    stuck.cancel()
    assert await behind is not None
    with pytest.raises(asyncio.CancelledError):
        await stuck


async def test_silence_ends_by_itself(connect: Callable[..., NrfCloud], service: SimulatedNrfCloud):
    client = connect(Limits(answer_s=0.2))
    await client.login({"api_key": service.key.secret})
    service.faults.add(Fault("hang", "claimed", times=1))
    assert await client.all_claimed() == []
