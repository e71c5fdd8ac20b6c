"""What ``mooring demo`` shows of nRF Cloud and Blynk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.app import build
from agent.cli.demo import demo_surroundings
from agent.cli.demo_families import BLYNK_NAME
from agent.jobs.job import Job, JobState
from tests.cli.conftest import SPEED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.app import App
    from agent.cli.demo import Demo


@pytest.fixture
async def shown() -> AsyncIterator[tuple[Demo, App]]:
    async with demo_surroundings(boards=0, families=True, speed=SPEED) as demo:
        app = build(demo.config, demo.paths)
        try:
            await app.start()
            await demo.sign_in(app)
            yield demo, app
        finally:
            await app.close()


async def provision(app: App, **request: object) -> Job:
    jobs = app.services.jobs
    job = await jobs.wait(await jobs.start({"kind": "provision", **request}, attended=False))
    assert job.state is JobState.DONE, job.error
    return job


async def test_both_boards_are_plugged_in_and_both_clouds_signed_in(shown: tuple[Demo, App]):
    demo, app = shown
    assert demo.nrf is not None
    assert demo.blynk is not None
    modem = app.boards.find(demo.nrf.board.serial_number)
    assert (modem.model, len(modem.ports)) == ("thingy91x", 2)
    blynk = app.boards.find(demo.blynk.serial_number)
    assert (blynk.name, blynk.provisioning.installed) == (BLYNK_NAME, "blynk")
    nrf, account = await app.nrf.info(), await app.blynk.info()
    assert (nrf.signed_in, account.signed_in) == (True, True)
    assert nrf.account["team"] == "Mooring demo"


async def test_the_modem_is_claimed_and_comes_into_nrf_cloud(shown: tuple[Demo, App]):
    demo, app = shown
    assert demo.nrf is not None
    serial = demo.nrf.board.serial_number
    job = await provision(app, board=serial, cloud="nrf", name="cold-chain")
    assert job.result is not None
    (device,) = demo.nrf.cloud.state.devices.values()
    assert (device.id, device.name) == (job.result["device_id"], "cold-chain")
    assert demo.nrf.board.program.state == "ONLINE"


async def test_the_other_joins_the_network_of_the_demo_and_can_be_given_another(
    shown: tuple[Demo, App],
):
    demo, app = shown
    assert demo.blynk is not None
    network = {"kind": "wifi", "ssid": demo.network.ssid, "password": demo.network.password}
    serial = demo.blynk.serial_number
    job = await provision(app, board=serial, cloud="blynk", name="Thermo", network=network)
    assert job.result is not None
    (device,) = demo.blynk.cloud.state.devices.values()
    assert (device.id, device.name) == (job.result["device_id"], "Thermo")
    assert demo.blynk.board.device.state == "RUNNING"
    assert await app.blynk.reconfigure(device.id)
    assert demo.blynk.board.device.state == "WAIT_CONFIG"
