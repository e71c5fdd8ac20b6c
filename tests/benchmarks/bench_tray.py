"""The tray: what it costs while nothing happens, and how soon the agent ends although a job runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.desktop.tray.desktop import Desktop
    from tests.desktop.tray.panel import Panel

ROOT = Path(__file__).parents[2]
IDLE_S = 10.0
"""Long enough that one wake-up per second shows."""
WHILES = 3
MIB = 1 << 20
SHOWS = 200


async def run() -> list[tuple[str, float, str, str | None]]:
    """Idle beside a panel, then click, then quit in the middle of a job."""
    if sys.platform != "linux":
        return []
    from agent.simulator.ble_bus import PrivateBus
    from tests.desktop.tray.desktop import desktop
    from tests.desktop.tray.panel import panel

    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as folder:
        async with PrivateBus() as bus:
            environ = {"DBUS_SESSION_BUS_ADDRESS": bus.address}
            async with panel(bus.address) as there, _agent(environ, folder) as pid:
                await there.registered()
                await there.properties()
                await there.menu()
                share, resident, wakes = await _idle(psutil.Process(pid))
            async with panel(bus.address) as there, desktop(environ, Path(folder)) as here:
                await there.registered()
                await there.wait_line("Arduino")
                shown = await _layouts(there)
                quit_s = await _quit(here, there)
    return [
        ("tray, idle: memory", resident / MIB, "MiB", "<= 60"),
        ("tray, idle: share of a core", share * 100, "%", "<= 0.5"),
        ("tray, idle: wake-ups of the event loop", wakes, "/s", "<= 1"),
        ("tray: the whole menu, asked by a panel", shown * 1000, "ms", None),
        ("tray: Quit in the middle of a job, to the end", quit_s, "s", "<= 2"),
    ]


@contextlib.asynccontextmanager
async def _agent(environ: dict[str, str], home: str) -> AsyncIterator[int]:
    """The agent as people have it, without simulated boards, which are looked for once a second."""
    whole = {**os.environ, **environ, "MOORING_HOME": home, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "run", "--json"),
        env=whole,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.communicate()


async def _idle(process: psutil.Process) -> tuple[float, int, float]:
    """Share of a core, resident bytes, and wake-ups per second.

    The kernel tells of each device and mount of the whole computer, so the quietest while counts.
    """
    # What the start began has ended by then.
    await asyncio.sleep(3.0)
    before, rates = process.cpu_times(), []
    for _ in range(WHILES):
        woken = _wakes(process.pid)
        await asyncio.sleep(IDLE_S)
        rates.append((_wakes(process.pid) - woken) / IDLE_S)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return abs(round(used / IDLE_S / WHILES, 6)), process.memory_info().rss, min(rates)


def _wakes(pid: int) -> int:
    """How often the event loop went to sleep, and so was woken; what it asks of threads follows."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise RuntimeError("this system counts no wake-ups")


async def _layouts(there: Panel) -> float:
    began = time.perf_counter()
    for _ in range(SHOWS):
        await there.menu()
    return (time.perf_counter() - began) / SHOWS


async def _quit(here: Desktop, there: Panel) -> float:
    async with here.provisioning(here.demo.network.password.reveal()):
        await there.wait_line("Quit Mooring", "Quit All the Same")
        began = time.perf_counter()
        await there.click("Quit Mooring", "Quit All the Same")
        await here.ended()
        return time.perf_counter() - began
