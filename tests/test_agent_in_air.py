"""A whole agent among simulated boards in the air, and what it costs to make one in a test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.jobs.job import JobState
from tests.air import ON_LINUX, ImprovConfig, agent_in_air, ble_board

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = ON_LINUX


async def test_an_agent_provisions_a_board_of_the_room(tmp_path: Path) -> None:
    async with agent_in_air(tmp_path) as here:
        board = await here.board()
        jobs = here.app.services.jobs
        network = {"kind": "wifi", "ssid": "HomeNet", "password": "correct horse"}
        request = {"kind": "provision", "cloud": "arduino", "name": "shed", "network": network}
        job = await jobs.wait(await jobs.start(request | {"board": board.id}, attended=False))
        assert job.state is JobState.DONE, job.error
        await here.air.wait_for("step", step="certificate")
        assert here.air.boards[0].status().device_id
        assert job.result is not None
        assert job.result["device"] == "shed"


async def test_an_agent_hears_what_is_in_the_air_and_on_cables(tmp_path: Path) -> None:
    boards = [ble_board("AIR"), ble_board("BOTH", usb=True)]
    async with agent_in_air(tmp_path, boards, [ImprovConfig(name="lamp")]) as here:
        heard = await asyncio.gather(*(here.board(n) for n in range(3)))
        assert [board.model for board in heard] == ["uno_r4_wifi", "uno_r4_wifi", None]
        assert heard[2].provisioning.installed == "improv"
        kinds = {port.kind for board in here.app.boards.list() for port in board.ports}
        assert kinds == {"ble", "serial"}
