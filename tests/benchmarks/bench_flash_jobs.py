"""What the agent adds to a board's own time when it writes a sketch, and several boards at once.

Boards run in a process of their own, in real time; the agent is the one of ``agent/app.py``. The
board's own time is what passes there between the events that it tells: from the touch that it
feels to its bootloader, and from its reset to the new sketch.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from agent.app import build
from agent.jobs.flash_effects import Upload
from agent.jobs.job import Job, JobChange, JobState
from agent.settings.config import Config, PortsConfig
from agent.settings.paths import find_paths
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.images import ImageIdentity, build_image
from agent.simulator.process import SimulatorHandle, start_simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.app import App
    from agent.catalog import Catalog, Model

Row = tuple[str, float, str, str | None]

SKETCH_BYTES = 120_000
BEST_OF = 3
FAMILIES = ("mkr_wifi_1010", "uno_r4_wifi", "esp32", "nano_rp2040_connect")
TOUCHED = ("mkr_wifi_1010", "uno_r4_wifi", "nano_rp2040_connect")


async def run() -> list[Row]:
    """Touch to bootloader, and four boards of different families at once."""
    async with _bench() as (app, boards):
        # The first run of a tool looks for it, and reads it from the disk.
        for model in FAMILIES:
            await _flash(app, model)
        rows: list[Row] = []
        for model in TOUCHED:
            found = [await _touch(app, boards, model) for _ in range(2)]
            own_s, added_s = min(found, key=lambda times: times[1])
            rows += [
                (f"touch to bootloader: {model}, the board's own time", own_s, "s", None),
                (f"touch to bootloader: {model}, above it", added_s, "s", "<= 0.3"),
            ]
        alone: dict[str, float] = {}
        together: list[float] = []
        for _ in range(BEST_OF):
            for model in FAMILIES:
                alone[model] = min(await _flash(app, model), alone.get(model, 1e9))
            began = time.perf_counter()
            await asyncio.gather(*(_flash(app, model) for model in FAMILIES))
            together.append(time.perf_counter() - began)
        kilo = SKETCH_BYTES // 1000
        rows += [(f"flash, {kilo} kB: {model} alone", s, "s", None) for model, s in alone.items()]
        slowest = max(alone.values())
        rows += [
            (f"flash, {kilo} kB: all {len(FAMILIES)} at once", min(together), "s", None),
            ("flash: at once against the slowest alone", min(together) / slowest, "x", "<= 1.3"),
        ]
    return rows


async def _touch(app: App, boards: SimulatorHandle, name: str) -> tuple[float, float]:
    """The board's own time from touch to bootloader, and what the job takes above it."""
    serial = _serial(app, name)
    told = {kind: _count(boards, kind, serial) + 1 for kind in ("touch", "bootloader")}

    async def when(kind: str) -> float:
        await boards.wait_for(kind, board=serial, times=told[kind])
        return time.perf_counter()

    steps: dict[str, float] = {}

    def note(change: JobChange) -> None:
        steps.setdefault(change.step or "", time.perf_counter())

    unsubscribe = app.services.jobs.subscribe(note)
    touched, came, _ = await asyncio.gather(when("touch"), when("bootloader"), _flash(app, name))
    unsubscribe()
    own_s = came - touched
    return own_s, steps["write"] - steps["enter"] - own_s


def _count(boards: SimulatorHandle, kind: str, serial: str) -> int:
    return sum(event.event == kind and event.board == serial for event in boards.events)


async def _flash(app: App, name: str) -> float:
    """Seconds of a job that writes a sketch."""
    model = _model(app.catalog, name)
    image = build_image(
        ImageIdentity(runs="application", fqbn=model.fqbn or ""), model, SKETCH_BYTES
    )
    board = next(b for b in app.boards.list() if name in {b.model, *b.candidates})
    jobs = app.services.jobs
    began = time.perf_counter()
    given = {
        "model": name,
        "image": Upload(name=f"sketch{model.upload.file_extension}", data=image),
    }
    job = await jobs.start({"kind": "flash", "board": board.id, **given}, attended=False)
    ended: Job = await jobs.wait(job)
    assert ended.state is JobState.DONE, ended
    return time.perf_counter() - began


def _model(catalog: Catalog, name: str) -> Model:
    model = catalog.get(name)
    assert model is not None
    return model


def _serial(app: App, name: str) -> str:
    board = next(b for b in app.boards.list() if name in {b.model, *b.candidates})
    return next(port.serial_number for port in board.ports if port.serial_number)


@asynccontextmanager
async def _bench() -> AsyncIterator[tuple[App, SimulatorHandle]]:
    with TemporaryDirectory() as name:
        ports = Path(name) / "ports"
        ports.mkdir()
        given = SimulatorConfig(
            boards=tuple(BoardConfig(model=model, sketch="other") for model in FAMILIES),
            folder=str(ports),
        )
        config = Config(ports=PortsConfig(system=False, simulated=str(ports)))
        async with await start_simulator(given) as boards:
            paths = find_paths({"MOORING_HOME": str(Path(name) / "home")})
            paths.make()
            app = build(config, paths)
            await app.start()
            try:
                yield app, boards
            finally:
                await app.close()
