"""How much time the agent adds to a whole migration from provisioning 1.0 to 2.0.

The board runs in a process of its own, in real time; the simulated cloud and the agent run here.
The board's own time is that in which its sketches make the host wait, and that between the events
in which it has no port: from the touch to the bootloader, from its reset to the new sketch.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from agent.app import build
from agent.catalog import Catalog
from agent.jobs.job import Job, JobState
from agent.settings import Secret
from agent.settings.config import ArduinoConfig, Config, PortsConfig
from agent.settings.paths import find_paths
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.process import SimulatorHandle, start_simulator
from agent.simulator.stock import give_sketches, know_old_board
from agent.simulator.world import demo_world

if TYPE_CHECKING:
    from agent.app import App

Row = tuple[str, float, str, str | None]

BUDGETS = {"mkr_wifi_1010": "<= 1", "uno_r4_wifi": None}
"""Of the second one the catalogue knows no sketch of 1.0, so it is first waited for a word of 2.0."""
SHOWN = ("look", "fetch", "enter", "write", "restart")
"""Steps that a board of 2.0 does not need."""
SERIAL = "AAAA1111BBBB2222CCCC3333DDDD4444"
BEST_OF = 2
SIMULATED_RATE = 200.0
"""Requests per second at the simulated cloud, so that its pace is not what is measured."""


async def run() -> list[Row]:
    """Wall time of the best of a few runs, each with a board fresh from its shelf."""
    rows: list[Row] = []
    for model in BUDGETS:
        times = [await _migrate(model) for _ in range(BEST_OF)]
        wall_s, added_s, steps = min(times, key=lambda found: found[1])
        rows += [
            (f"migration, {model}: wall time", wall_s, "s", None),
            (f"migration, {model}: what the agent adds", added_s, "s", BUDGETS[model]),
            *((f"migration, {model}: step {name}", steps[name], "s", None) for name in SHOWN),
        ]
    return rows


async def _migrate(name: str) -> tuple[float, float, dict[str, float]]:
    """Wall time, what of it is not the board's own, and the seconds of each step."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        cloud = await stack.enter_async_context(SimulatedArduinoCloud())
        catalog = Catalog.load()
        model = catalog.get(name)
        assert model is not None
        give_sketches(cloud, catalog)
        board = BoardConfig(model=name, serial_number=SERIAL, sketch="provisioning-1.0")
        know_old_board(cloud, board, model, "greenhouse")
        ports = str(folder / "ports")
        given = SimulatorConfig(
            board=board, world=demo_world(), cloud=cloud.base_url, folder=ports, dtr=True
        )
        boards = await stack.enter_async_context(await start_simulator(given))
        config = Config(
            ports=PortsConfig(system=False, simulated=ports),
            arduino=ArduinoConfig(base_url=cloud.base_url, requests_per_s=SIMULATED_RATE),
        )
        paths = find_paths({"MOORING_HOME": str(folder / "home")})
        paths.make()
        app = build(config, paths)
        await app.start()
        stack.push_async_callback(app.close)
        await app.clouds["arduino"].login(dict(cloud.account))
        away = asyncio.create_task(_away(boards))
        before = (await boards.status())[0].working_seconds
        began = time.perf_counter()
        job = await _run(app)
        wall_s = time.perf_counter() - began
        assert job.state is JobState.DONE, job
        own_s = (await boards.status())[0].working_seconds - before + await away
        steps = {step.id: step.seconds or 0.0 for step in job.steps}
        return wall_s, wall_s - own_s, steps


async def _away(boards: SimulatorHandle) -> float:
    """Seconds in which the board had no port, or its bridge held the chip."""
    seconds = 0.0
    for first, then in (("touch", "bootloader"), ("flashed", "sketch")):
        await boards.wait_for(first)
        left = time.perf_counter()
        await boards.wait_for(then)
        seconds += time.perf_counter() - left
    return seconds


async def _run(app: App) -> Job:
    network = {"kind": "wifi", "ssid": "HomeNet", "password": Secret("correct horse")}
    request = {
        "kind": "migrate",
        "board": app.boards.list()[0].id,
        "cloud": "arduino",
        "name": "kitchen-sensor",
        "network": network,
        "confirmed": True,
    }
    jobs = app.services.jobs
    return await jobs.wait(await jobs.start(request, attended=False))
