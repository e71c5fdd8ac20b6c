"""The surroundings of ``mooring demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.app import build
from agent.cli.demo import OLD_DEVICES, demo_surroundings
from agent.jobs.job import JobState
from agent.simulator.arduino_state import Signer
from tests.cli.conftest import SPEED

if TYPE_CHECKING:
    from agent.app import App
    from agent.cli.demo import Demo


def network(demo: Demo) -> dict[str, Any]:
    return {"kind": "wifi", "ssid": demo.network.ssid, "password": demo.network.password}


async def test_boards_of_provisioning_1_0_stand_beside_and_the_cloud_has_their_devices():
    async with demo_surroundings(boards=2, old_boards=True, speed=SPEED) as demo:
        runs = [(status.runs, status.state) for status in await demo.boards.status()]
        assert [each[0] for each in runs] == ["provisioning-2.0"] * 2 + ["provisioning-1.0"] * 2
        assert [port.pid for port in demo.boards.ports] == [0x1002, 0x1002, 0x8054, 0x1002]
        devices = demo.cloud.devices.of_owner(Signer(demo.cloud.client_id, ""), None)
        assert [device.name for device in devices] == list(OLD_DEVICES.values())
        assert [d.serial for d in devices] == [p.serial_number for p in demo.boards.ports[2:]]


async def test_the_list_of_1_0_sketches_is_there_and_signed():
    async with demo_surroundings(old_boards=True, speed=SPEED) as demo:
        app = build(demo.config, demo.paths)
        try:
            got = await app.sketches.obtain("arduino:samd:mkrwifi1010", "provisioning-1.0")
        finally:
            await app.close()
        assert len(got.data) > 100_000


@pytest.mark.parametrize("place", [1, 2], ids=list(OLD_DEVICES))
async def test_a_board_of_provisioning_1_0_can_be_migrated(place: int):
    async with demo_surroundings(old_boards=True, speed=SPEED) as demo:
        board = demo.boards.ports[place].serial_number
        app: App = build(demo.config, demo.paths)
        try:
            await app.start()
            await demo.sign_in(app)
            request = {"kind": "migrate", "board": board, "name": "new", "confirmed": True}
            jobs = app.services.jobs
            job = await jobs.wait(
                await jobs.start(request | {"network": network(demo)}, attended=False)
            )
            assert job.state is JobState.DONE, job.error
            assert job.result is not None
            (old,) = job.result["old_devices"]
            assert old["name"] == list(OLD_DEVICES.values())[place - 1]
            await demo.boards.wait_for("flashed", board=board)
        finally:
            await app.close()
        status = (await demo.boards.status())[place]
        assert (status.runs, status.device_id) == ("provisioning-2.0", job.result["device_id"])
