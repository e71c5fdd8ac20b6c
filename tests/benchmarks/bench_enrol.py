"""How much time the agent adds to making a device in ThingsBoard and giving it to its board.

The board runs in a process of its own, in real time, and really connects; the simulated server and
the agent run here, over TLS. The agent is the one of ``agent/app.py``.
"""

from __future__ import annotations

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
from agent.settings.config import Config, PortsConfig
from agent.settings.paths import find_paths
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.process import SimulatorHandle, start_simulator
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.world import demo_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.app import App

Row = tuple[str, float, str, str | None]

BEST_OF = 3
KINDS = {"access_token": "token", "certificate": "certificate"}


async def run() -> list[Row]:
    """Wall time of a whole job, and what of it is not the board's."""
    rows: list[Row] = []
    for kind, name in KINDS.items():
        wall_s, overhead_s = await _best(kind)
        rows += [
            (f"enrol ({name}): what the agent adds to the board's time", overhead_s, "s", "<= 0.5"),
            (f"enrol ({name}): one board, wall time", wall_s, "s", None),
        ]
    return rows


async def _best(kind: str) -> tuple[float, float]:
    """Wall time and overhead of the best of a few runs, each with a new device."""
    best = (float("inf"), float("inf"))
    async with _bench() as (app, boards):
        for number in range(BEST_OF):
            before = (await boards.status())[0].working_seconds
            began = time.perf_counter()
            job = await _enrol(app, kind, f"bench-{kind}-{number}")
            wall_s = time.perf_counter() - began
            board_s = (await boards.status())[0].working_seconds - before
            assert job.state is JobState.DONE, job
            best = min(best, (wall_s, wall_s - board_s), key=lambda run: run[1])
    return best


@asynccontextmanager
async def _bench() -> AsyncIterator[tuple[App, SimulatorHandle]]:
    with TemporaryDirectory() as name:
        ports = Path(name) / "ports"
        ports.mkdir()
        async with SimulatedThingsBoard(coap=False) as server:
            config = Config(ports=PortsConfig(system=False, simulated=str(ports)))
            given = SimulatorConfig(
                board=BoardConfig(model="esp32", sketch="console"),
                world=demo_world(),
                folder=str(ports),
            )
            async with await start_simulator(given) as boards:
                paths = find_paths({"MOORING_HOME": str(Path(name) / "home")})
                paths.make()
                app = build(config, paths)
                await app.start()
                try:
                    await app.enrolments["thingsboard"].login(_account(server))
                    yield app, boards
                finally:
                    await app.close()


def _account(server: SimulatedThingsBoard) -> dict[str, Any]:
    return {
        "server": server.addresses["https"],
        "board_server": server.addresses["mqtts"],
        "provision_key": server.create.key,
        "provision_secret": server.create.secret,
        "ca": server.ca,
    }


async def _enrol(app: App, kind: str, name: str) -> Job:
    request: dict[str, Any] = {
        "kind": "provision",
        "board": app.boards.list()[0].id,
        "cloud": "thingsboard",
        "name": name,
        "credentials": kind,
        "network": {"kind": "wifi", "ssid": "HomeNet", "password": Secret("correct horse")},
        "confirmed": True,
    }
    jobs = app.services.jobs
    return await jobs.wait(await jobs.start(request, attended=False))
