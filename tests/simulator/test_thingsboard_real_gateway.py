"""ThingsBoard's own IoT gateway lives its whole life with the simulated server."""

from __future__ import annotations

import asyncio
import json
import stat
from typing import TYPE_CHECKING

import pytest

from agent.simulator.thingsboard import SimulatedThingsBoard
from tests.judges.real_gateway import LIMIT_S, Gateway, ask, make_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [
    pytest.mark.needs("thingsboard"),
    pytest.mark.system("linux"),
    pytest.mark.slow,
    pytest.mark.timeout(150),
]

REMOVE = "gateway_remove_provisioned_credentials"


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as running:
        yield running


@pytest.fixture
async def gateway(server: SimulatedThingsBoard, tmp_path: Path) -> AsyncIterator[Gateway]:
    given = {
        "TB_GW_HOST": "127.0.0.1",
        "TB_GW_PORT": str(server.ports["mqtt"]),
        "TB_GW_PROVISIONING_DEVICE_KEY": server.create.key,
        "TB_GW_PROVISIONING_DEVICE_SECRET": server.create.secret.reveal(),
        "TB_GW_PROVISIONING_DEVICE_NAME": "gw-1",
    }
    running = make_gateway(tmp_path, given)
    yield running
    await running.stop()


async def connected(server: SimulatedThingsBoard, gateway: Gateway) -> None:
    """Wait until the gateway has a session."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            device = server.state.devices.get("gw-1")
            if device is not None and server.state.sessions.get(device.id):
                return
            assert gateway.process is not None
            assert gateway.process.returncode is None, (gateway.home / "out").read_text()
            await asyncio.sleep(0.01)


async def test_it_provisions_starts_again_is_reset_and_is_refused(server, gateway):
    await gateway.start()
    await connected(server, gateway)
    device = server.state.devices["gw-1"]
    assert device.gateway
    assert json.loads(gateway.credentials.read_text()) == {
        "status": "SUCCESS",
        "credentialsType": "ACCESS_TOKEN",
        "credentialsValue": device.credentials.id,
    }
    # It never lets the server choose, and keeps what it was given where everybody can read it.
    assert len(device.credentials.id) == 15
    assert stat.S_IMODE(gateway.credentials.stat().st_mode) == 0o644
    assert (await ask(server, "gateway_ping"))["code"] == 200
    await gateway.stop()

    await gateway.start()
    await connected(server, gateway)
    assert server.record.count("provision") == 1
    assert (await ask(server, "gateway_ping"))["code"] == 200
    assert (await ask(server, "remove_provisioned_credentials"))["code"] == 404
    with_params = await ask(server, REMOVE, {})
    assert with_params["code"] == 500
    assert "positional argument" in with_params["error"]
    assert (await ask(server, REMOVE))["code"] == 200
    assert not gateway.credentials.exists()
    assert (await ask(server, REMOVE))["code"] == 404
    await gateway.stop()

    await gateway.start()
    assert await gateway.end() == 1
    outcomes = [seen.outcome for seen in server.record.requests if seen.operation == "provision"]
    assert outcomes == ["SUCCESS", "FAILURE"]
    assert not gateway.credentials.exists()

    server.state.delete(device)
    await gateway.start()
    await connected(server, gateway)
    assert server.state.devices["gw-1"] is not device
