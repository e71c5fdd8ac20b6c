"""Commands in the way: deleted for sure, or queued once more without being done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.errors import NrfCommandsBlocked, NrfCommandStays, NrfQueueFull, Unreachable
from agent.protocols.nrf.commands import client_key, cloud_access_key, configuration, finished
from agent.settings import Secret
from agent.simulator.nrf_cloud_faults import Fault

if TYPE_CHECKING:
    from agent.clouds.nrf.cloud import NrfCloud
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from tests.clouds.nrf.modem import Modem

KEY = Secret("-----BEGIN PRIVATE KEY-----\nMARKER\n-----END PRIVATE KEY-----\n")


@pytest.fixture(autouse=True)
async def claimed(nrf: NrfCloud, modem: Modem) -> None:
    await nrf.claim(modem.token, ())


async def statuses(nrf: NrfCloud, modem: Modem) -> list[tuple[str, str]]:
    return [(each.name, each.status) for each in await nrf.all_commands(modem.id)]


async def test_what_failed_is_queued_once_more_and_finished_stays_the_last(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
) -> None:
    await nrf.queue(modem.id, [cloud_access_key(), configuration({"a": "b"}), finished()])
    modem.fails_with = 514
    service.state.come_online(modem.id, modem)
    (failed, *_) = before = await nrf.all_commands(modem.id)
    assert [each.blocks for each in before] == [True, False, False]
    assert [each.id for each in await nrf.left_before(modem.id)] == [each.id for each in before]
    anew = await nrf.queue_again(modem.id)
    assert set(anew) == {failed.id, before[2].id}
    assert await statuses(nrf, modem) == [
        ("config", "PENDING"),
        ("cloudAccessKeyGeneration", "PENDING"),
        ("finished", "PENDING"),
    ]
    service.state.come_online(modem.id, modem)
    assert {status for _, status in await statuses(nrf, modem)} == {"SUCCEEDED"}
    assert modem.finished
    assert await nrf.queue_again(modem.id) == {}


async def test_a_status_that_is_not_documented_is_a_failure_here_too(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
) -> None:
    await nrf.queue(modem.id, [cloud_access_key()])
    service.state.claims[modem.id].commands[0].status = "EXPIRED"
    assert await nrf.left_before(modem.id) == [], "whether it stops the board is not known"
    assert len(await nrf.queue_again(modem.id)) == 1
    assert await statuses(nrf, modem) == [("cloudAccessKeyGeneration", "PENDING")]


async def test_what_an_interruption_left_is_not_queued_twice(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
) -> None:
    await nrf.queue(modem.id, [cloud_access_key()])
    modem.fails_with = 514
    service.state.come_online(modem.id, modem)
    service.faults.add(Fault("status", "discard", times=None, status=500))
    with pytest.raises(Unreachable):
        await nrf.queue_again(modem.id)
    assert [status for _, status in await statuses(nrf, modem)] == ["FAILED", "PENDING"]
    service.faults.clear()
    await nrf.queue_again(modem.id)
    assert await statuses(nrf, modem) == [("cloudAccessKeyGeneration", "PENDING")]


async def test_a_key_that_the_service_need_not_show_is_not_queued_again(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
) -> None:
    await nrf.queue(modem.id, [client_key(KEY)])
    modem.fails_with = 515
    service.state.come_online(modem.id, modem)
    with pytest.raises(NrfCommandsBlocked) as caught:
        await nrf.queue_again(modem.id)
    assert "clientPrivateKey" in caught.value.report().title
    assert await statuses(nrf, modem) == [("clientPrivateKey", "FAILED")]


async def test_what_is_done_makes_room_when_it_is_deleted(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem
) -> None:
    await nrf.queue(modem.id, [cloud_access_key()] * 20)
    service.state.come_online(modem.id, modem)
    with pytest.raises(NrfQueueFull) as caught:
        await nrf.queue(modem.id, [cloud_access_key()])
    assert "--delete done" in caught.value.report().remedy
    await nrf.delete_commands(modem.id, await nrf.all_commands(modem.id))
    assert await statuses(nrf, modem) == []
    # What is gone already is no failure.
    service.faults.add(Fault("lose", "discard"))
    queued = await nrf.queue(modem.id, [cloud_access_key()])
    await nrf.delete_commands(modem.id, queued)
    await nrf.delete_commands(modem.id, queued)


@pytest.mark.parametrize("status", [404, 405, 422])
async def test_a_service_that_deletes_none_is_told_with_what_to_do(
    nrf: NrfCloud, service: SimulatedNrfCloud, modem: Modem, status: int
) -> None:
    queued = await nrf.queue(modem.id, [cloud_access_key()])
    service.faults.add(Fault("status", "discard", status=status))
    with pytest.raises(NrfCommandStays) as caught:
        await nrf.delete_commands(modem.id, queued)
    assert "in the portal" in caught.value.report().remedy
