"""Sketches for simulated boards, and jobs that write them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agent.jobs.flash_effects import Upload
from agent.simulator.config import StepFault
from agent.simulator.images import ImageIdentity, build_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.catalog import Model
    from agent.jobs.job import Job
    from agent.simulator.config import FaultAction, LoaderMilestone
    from agent.simulator.device import SimulatedDevice
    from agent.simulator.images import Runs
    from tests.jobs.bench import Bench

LIMIT_S = 30.0
SIZE = 20_000


def model_of(bench: Bench, name: str) -> Model:
    found = bench.catalog.get(name)
    assert found
    return found


def sketch(
    bench: Bench, model: str, runs: Runs = "application", *, name: str = "", size: int = SIZE
) -> Upload:
    """A file that a person brings."""
    kind = model_of(bench, model)
    identity = ImageIdentity(runs=runs, fqbn=kind.fqbn or "")
    data = build_image(identity, kind, size)
    return Upload(name=name or f"blink{kind.upload.file_extension}", data=data)


def fault(
    at: LoaderMilestone, do: FaultAction, *, after: int = 0, back_after: float | None = None
) -> StepFault:
    return StepFault(at=at, do=do, after=after, back_after=back_after)


async def flash(bench: Bench, *, attended: bool = True, **request: Any) -> str:
    """Start a job that writes a sketch to the only board."""
    given = {"kind": "flash"} | request
    if "board" not in given:
        given["board"] = bench.board.id
    return await bench.jobs.start(given, attended=attended)


async def ended(bench: Bench, number: str) -> Job:
    async with asyncio.timeout(LIMIT_S):
        return await bench.jobs.wait(number)


async def flashed(bench: Bench, **request: Any) -> Job:
    return await ended(bench, await flash(bench, **request))


async def asks(bench: Bench, number: str) -> Job:
    async with asyncio.timeout(LIMIT_S):
        return await bench.asks(number)


async def happens(bench: Bench, condition: Callable[[], bool]) -> None:
    """Return once this holds; boards tell of what they do without being asked."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.005)


async def in_step(bench: Bench, number: str, step: str) -> Job:
    """The job once this step runs."""

    def runs(job: Job) -> bool:
        return any(each.id == step and each.state.value == "running" for each in job.steps)

    async with asyncio.timeout(LIMIT_S):
        return await bench.until(number, runs)


def told(bench: Bench) -> list[str]:
    """What boards told, in order."""
    return [event.event for event in bench.events]


def runs(device: SimulatedDevice) -> str | None:
    status = device.status()
    return None if status.in_bootloader else status.runs


async def running(device: SimulatedDevice, sketch: str) -> None:
    """Wait until it runs this sketch: a job is over when all was written, maybe before the start."""
    async with asyncio.timeout(LIMIT_S):
        while runs(device) != sketch:
            await asyncio.sleep(0.005)
