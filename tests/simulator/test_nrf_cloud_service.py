"""A simulated board at the simulated service: claimed, given keys, told again, refused."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent.protocols.nrf.bodies import rule_body
from agent.protocols.nrf.commands import configuration, encode_command, finished, server_certificate
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_service import CloudService
from agent.simulator.nrf_identity import ModemIdentity
from agent.simulator.nrf_orders import Order, Result, ServiceAwayError
from agent.simulator.nrf_visit import VisitedService
from tests.sessions.nrf_boards import board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.nrf_board import SimulatedNrfBoard

TAG = "nrf-cloud-onboarding"
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@asynccontextmanager
async def cloud() -> AsyncIterator[SimulatedNrfCloud]:
    async with SimulatedNrfCloud() as running:
        rule = {**rule_body(TAG), "id": "1"}
        running.state.rules["team-1"] = [rule]
        yield running


async def settled(plugged: SimulatedNrfBoard) -> str:
    async with asyncio.timeout(30):
        while plugged.program.state in {"OFF", "PROVISIONING"}:
            await asyncio.sleep(0.01)
    return plugged.program.state


@pytest.mark.parametrize("way", ["here", "http"])
async def test_a_claimed_board_makes_its_keys_and_is_a_device_then(way):
    async with cloud() as running:
        service = CloudService(running.state) if way == "here" else VisitedService(running.base_url)
        async with board(service, firmware="tracker") as plugged:
            assert await settled(plugged) == "IDLE"
            identity = plugged.identity
            device_id = str(identity.device_id)
            running.state.claim("team-1", identity.attest(), (TAG,), dry=False)
            plugged.program.stop()
            plugged.program.start()
            assert await settled(plugged) == "ONLINE"
            commands = running.state.claims[device_id].commands
            assert [command.status for command in commands] == ["SUCCEEDED"] * 3
            assert device_id in running.state.devices
            assert set(plugged.modem.store) == {(16842753, 0), (16842753, 2)}


async def test_a_modem_s_error_is_the_end_of_its_command_and_the_rest_waits():
    async with (
        cloud() as running,
        board(CloudService(running.state), firmware="tracker", refuse={"%KEYGEN": 523}) as plugged,
    ):
        await settled(plugged)
        running.state.claim("team-1", plugged.identity.attest(), (TAG,), dry=False)
        plugged.program.stop()
        plugged.program.start()
        await settled(plugged)
        (claimed,) = running.state.claims.values()
        assert [c.status for c in claimed.commands] == ["FAILED", "PENDING", "PENDING"]
        assert "523" in str(claimed.commands[0].response)
        assert not running.state.devices


async def test_settings_and_the_end_are_orders_too():
    async with cloud() as running:
        identity = ModemIdentity("A")
        claimed = running.state.claim("team-1", identity.attest(), (), dry=False)
        assert claimed is not None
        for command in (configuration({"a": "1"}), server_certificate(PEM, 5), finished()):
            running.state.queue(claimed, encode_command(command)["request"], "")
        service = VisitedService(running.base_url)
        orders = await service.fetch(identity.attest())
        assert orders is not None
        assert [(order.name, order.parameters) for order in orders] == [
            ("config", '{"a":"1"}'),
            ("%CMNG", f'0,5,0,"{PEM}"'),
            ("finished", ""),
        ]
        results = [Result(order.id, order.name) for order in orders]
        await service.respond(identity.attest(), results[:1])
        statuses = [command.status for command in claimed.commands]
        assert statuses == ["SUCCEEDED", "PENDING", "PENDING"]
        assert len(await service.fetch(identity.attest()) or []) == 2


async def test_a_key_that_another_modem_signed_is_not_taken():
    async with cloud() as running:
        identity, other = ModemIdentity("A"), ModemIdentity("B")
        claimed = running.state.claim("team-1", identity.attest(), (TAG,), dry=False)
        assert claimed is not None
        service = CloudService(running.state)
        orders = await service.fetch(identity.attest())
        assert orders is not None
        first = [order for order in orders if order.id == orders[0].id]
        forged = other.sign_key(b"\x30\x00" * 40, sec_tag=16842753, request=False)
        results = [Result(order.id, order.name, text=forged) for order in first]
        await service.respond(identity.attest(), results)
        assert claimed.commands[0].status == "FAILED"
        assert not running.state.devices


async def test_who_proves_nothing_gets_nothing():
    async with cloud() as running:
        service = CloudService(running.state)
        body = ModemIdentity("A").attest().partition(".")[0]
        for token in ("", "x.y", body, ModemIdentity("A").attest()):
            assert await service.fetch(token) is None
            assert await VisitedService(running.base_url).fetch(token) is None
            await service.respond(token, [])
        assert Order("1", "x").ignored == ()
        gone = VisitedService(running.base_url)
    with pytest.raises(ServiceAwayError):
        await gone.fetch(ModemIdentity("A").attest())
