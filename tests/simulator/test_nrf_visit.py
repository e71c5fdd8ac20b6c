"""Simulated boards at the simulated nRF Cloud: claimed, provisioned, provisioned again."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from agent.protocols.nrf.cmng import CLOUD_TAG
from agent.protocols.nrf.logs import Seen
from agent.protocols.nrf.token import parse_token
from agent.sessions.nrf_progress import follow
from agent.simulator.cloud_caller import post
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_faults import Fault
from agent.simulator.nrf_cloud_state import Device
from agent.simulator.nrf_identity import ModemIdentity
from agent.simulator.nrf_orders import NoOrders, ServiceAwayError
from agent.simulator.nrf_visit import VisitedService
from tests.sessions.nrf_boards import talking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def cloud() -> AsyncIterator[SimulatedNrfCloud]:
    async with SimulatedNrfCloud() as running:
        yield running


async def call(cloud: SimulatedNrfCloud, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, said = await post(
        cloud.base_url, f"/v1/{path}", json.dumps(body).encode(), cloud.key.secret.reveal()
    )
    assert status in {200, 201}, said
    found: dict[str, Any] = json.loads(said)
    return found


async def test_a_board_is_claimed_by_its_token_and_does_what_the_service_wants(cloud):
    service = VisitedService(cloud.base_url)
    async with talking(service, firmware="tracker") as (plugged, opened):
        token = await opened.read_token()
        claimed = await call(cloud, "claimed-devices", {"claimToken": token.text.reveal()})
        assert claimed["id"] == str(plugged.identity.device_id)
        wanted: list[dict[str, Any]] = [
            {"cloudAccessKeyGeneration": {"secTag": CLOUD_TAG}},
            {"clientPrivateKeyGeneration": {"secTag": CLOUD_TAG + 1}},
            {"finished": {}},
        ]
        for request in wanted:
            path = f"claimed-devices/{token.device_id}/provisioning"
            await call(cloud, path, {"description": "", "request": request})
        await opened.trigger()
        assert await follow(opened, lambda _: None, limit_s=15.0) is Seen.FINISHED
        taken = {(CLOUD_TAG, 2), (CLOUD_TAG + 1, 2)}
        assert taken <= set(plugged.modem.store)
        # And once more: there is nothing left.
        await opened.trigger()
        assert await follow(opened, lambda _: None, limit_s=15.0) is Seen.NOTHING_QUEUED


async def test_a_service_that_is_away_is_asked_again(cloud):
    cloud.down = True
    service = VisitedService(cloud.base_url)
    async with talking(firmware="tracker", claimed=True) as (plugged, opened):
        plugged.program.service = service
        seen: list[Seen] = []

        def tell(event: Seen) -> None:
            seen.append(event)
            if event is Seen.BUSY:
                plugged.program.service = NoOrders(claimed=True)

        await opened.trigger()
        await follow(opened, tell, limit_s=15.0)
        assert Seen.BUSY in seen


async def test_a_shadow_is_heard_once_for_each_command(cloud):
    service, identity = VisitedService(cloud.base_url), ModemIdentity("A")
    device = cloud.state.devices[str(identity.device_id)] = Device(str(identity.device_id), "t")

    def want(command: object) -> None:
        cloud.state.patch_shadow(device, {"desired": {"command": command}})

    first = asyncio.create_task(service.hear(identity.attest(), 0))
    for other in ([2, 9], "x", [1], [1, 0]):
        want(other)
        assert not device.command
    want([1, 9])
    assert await first == 9
    # What was not confirmed is told again; what was is not.
    assert await service.hear(identity.attest(), 0) == 9
    second = asyncio.create_task(service.hear(identity.attest(), 9))
    while device.confirmed != 9:
        await asyncio.sleep(0.001)
    want([1, 9])
    assert not device.command
    want([1, 10])
    assert await second == 10


async def test_who_has_no_shadow_hears_nothing(cloud):
    service, token = VisitedService(cloud.base_url), ModemIdentity("A").attest()
    for who in (token, "x.y"):
        with pytest.raises(ServiceAwayError):
            await service.hear(who, 0)
    cloud.faults.add(Fault("text", "listen", text="[]"))
    cloud.state.devices[parse_token(token).device_id] = device = Device("d", "t")
    cloud.state.patch_shadow(device, {"desired": {"command": [1, 5]}})
    with pytest.raises(ServiceAwayError):
        await service.hear(token, 0)
    assert await service.hear(token, 0) == 5
    cloud.down = True
    with pytest.raises(ServiceAwayError):
        await service.hear(token, 0)


async def test_a_board_that_listens_leaves_faults_to_others(cloud):
    cloud.faults.add(Fault("status", None))
    assert cloud.faults.take("listen") is None
    assert cloud.faults.take("board")
