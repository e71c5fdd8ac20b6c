"""A board that comes into nRF Cloud, and the whole agent with its settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.app import build
from agent.jobs.job import JobState
from agent.settings.load import load_config
from agent.settings.paths import find_paths
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_service import CloudService
from agent.simulator.nrf_config import NrfConfig

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[ports]
system = false
simulated = "@"
[bluetooth]
scan = "never"
[nrf]
provisioning_url = "%"
devices_url = "%"
"""


async def test_a_board_comes_into_nrf_cloud_by_a_job_of_the_agent(tmp_path: Path) -> None:
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    paths.make()
    folder = tmp_path / "ports"
    folder.mkdir()
    async with SimulatedNrfCloud() as cloud:
        text = CONFIG.replace("@", folder.as_posix()).replace("%", cloud.base_url)
        paths.config_file.write_text(text, encoding="utf-8")
        plugged = SimulatedNrfBoard(
            NrfConfig(),
            speed=200.0,
            tcp=True,
            folder=str(folder),
            service=CloudService(cloud.state),
        )
        await plugged.start()
        app = build(load_config(paths.config_file, {}), paths)
        try:
            await app.start()
            await app.services.clouds["nrf"].login({"api_key": cloud.key.secret})
            news = asyncio.Event()
            app.boards.subscribe(lambda _: news.set())
            while not app.boards.list():
                news.clear()
                await news.wait()
            (board,) = app.boards.list()
            jobs = app.services.jobs
            request = {"kind": "provision", "cloud": "nrf", "board": board.id}
            ended = await jobs.wait(await jobs.start(request, attended=False))
            assert ended.state is JobState.DONE, ended.error
            assert list(cloud.state.devices) == [str(plugged.identity.device_id)]
        finally:
            await app.close()
            await plugged.stop()
