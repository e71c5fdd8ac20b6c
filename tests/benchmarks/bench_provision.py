"""How much time the agent adds to a provisioning, and how many boards it does at once.

Boards run in a process of their own, in real time; the simulated cloud and the agent run here. The
agent is the one of ``agent/app.py`` with its real links, sessions, journal and HTTP.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from agent.app import build
from agent.jobs.job import Job, JobState
from agent.settings import Secret
from agent.settings.config import ArduinoConfig, Config, PortsConfig
from agent.settings.paths import find_paths
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.process import SimulatorHandle, start_simulator
from agent.simulator.world import demo_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.app import App

Row = tuple[str, float, str, str | None]

BOARDS = 32
BEST_OF = 3
REFERENCE_PAUSES_S = 9.0
"""Fixed pauses of the vendor's command-line tool, at least: 4 × 1 s, 3 s after flashing, and its
wait between looks at the cloud."""
SIMULATED_RATE = 200.0
"""Requests per second at the simulated cloud, so that its pace is not what is measured."""


async def run() -> list[Row]:
    """Overhead of one provisioning; 32 at once against one."""
    one_s, overhead_s = await _one()
    many_s, wrong = await _many()
    return [
        ("provisioning: what the agent adds to the board's time", overhead_s, "s", "<= 0.5"),
        (
            "provisioning: that against the reference tool's fixed pauses",
            overhead_s / REFERENCE_PAUSES_S,
            "x",
            None,
        ),
        ("provisioning: one board, wall time", one_s, "s", None),
        (f"provisioning: {BOARDS} boards at once against one", many_s / one_s, "x", "<= 1.5"),
        (f"provisioning: wrong pairings of {BOARDS}", float(wrong), "", "<= 0"),
    ]


async def _one() -> tuple[float, float]:
    """Wall time and overhead of the best of a few runs, each with a board fresh from its box."""
    best = (float("inf"), float("inf"))
    for _ in range(BEST_OF):
        async with _bench(1) as (app, boards):
            before = (await boards.status())[0].working_seconds
            began = time.perf_counter()
            job = await _provision(app, 0)
            wall_s = time.perf_counter() - began
            board_s = (await boards.status())[0].working_seconds - before
            assert job.state is JobState.DONE, job
            best = min(best, (wall_s, wall_s - board_s), key=lambda run: run[1])
    return best


async def _many() -> tuple[float, int]:
    """Wall time of all, and how many boards got the identity of another one."""
    async with _bench(BOARDS) as (app, boards):
        began = time.perf_counter()
        jobs = await asyncio.gather(*(_provision(app, number) for number in range(BOARDS)))
        wall_s = time.perf_counter() - began
        wrong = sum(job.state is not JobState.DONE for job in jobs)
        serials = {board.id: board.ports[0].serial_number for board in app.boards.list()}
        devices = {status.board: status.device_id for status in await boards.status()}
        for job in jobs:
            result = job.result or {}
            wrong += devices.get(serials[job.board] or "") != result.get("device_id")
        return wall_s, wrong


@asynccontextmanager
async def _bench(count: int) -> AsyncIterator[tuple[App, SimulatorHandle]]:
    with TemporaryDirectory() as name:
        ports = Path(name) / "ports"
        ports.mkdir()
        async with SimulatedArduinoCloud() as cloud:
            config = Config(
                ports=PortsConfig(system=False, simulated=str(ports)),
                arduino=ArduinoConfig(base_url=cloud.base_url, requests_per_s=SIMULATED_RATE),
            )
            given = SimulatorConfig(
                board=BoardConfig(),
                count=count,
                world=demo_world(),
                cloud=cloud.base_url,
                folder=str(ports),
            )
            async with await start_simulator(given) as boards:
                paths = find_paths({"MOORING_HOME": str(Path(name) / "home")})
                paths.make()
                app = build(config, paths)
                await app.start()
                try:
                    await app.clouds["arduino"].login(dict(cloud.account))
                    yield app, boards
                finally:
                    await app.close()


async def _provision(app: App, number: int) -> Job:
    board = app.boards.list()[number]
    request: dict[str, Any] = {
        "kind": "provision",
        "board": board.id,
        "cloud": "arduino",
        "name": f"sensor-{number}",
        "network": {"kind": "wifi", "ssid": "HomeNet", "password": Secret("correct horse")},
    }
    jobs = app.services.jobs
    return await jobs.wait(await jobs.start(request, attended=False))
