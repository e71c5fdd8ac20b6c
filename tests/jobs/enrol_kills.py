"""Agents in processes of their own that are killed at a given moment of making a device."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.jobs.enrol_bench import ConsoleBoard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.blynk.blynk_bench import BlynkBench
    from tests.jobs.enrol_bench import EnrolBench
    from tests.jobs.nrf.nrf_bench import NrfBench

ROOT: Final = Path(__file__).parents[2]
LIMIT_S: Final = 30.0
"""A start takes one or two seconds, a job less than one."""
ENROL: Final = "tests.jobs.enrol_child"
AT_COMMIT: Final = "when the board stores"
if sys.platform == "win32":
    KILL = signal.SIGTERM
else:
    KILL = signal.SIGKILL


class Agents:
    """Starts one after the other; see ``enrol_child.py``, and ``nrf/nrf_child.py`` for nRF Cloud."""

    def __init__(self, module: str = ENROL) -> None:
        # Before any test, so that none leaves it behind; on Windows each agent is one of its own.
        self._module = module
        self._child = None if sys.platform == "win32" else _start(module)

    async def killed(
        self, bench: EnrolBench | NrfBench | BlynkBench, moment: str, **request: Any
    ) -> None:
        """Let an agent die at ``moment`` of what is asked for."""
        try:
            async with asyncio.timeout(LIMIT_S):
                ended = await self._killed(bench, moment, request)
        except TimeoutError:
            self.close()
            raise
        assert ended == "-9", f"it was not killed {moment}, but said {ended!r}"

    async def _killed(
        self, bench: EnrolBench | NrfBench | BlynkBench, moment: str, request: dict[str, Any]
    ) -> str:
        child = self._child = self._child or _start(self._module)
        given = {"folder": str(bench.folder), "moment": moment, "request": request}
        assert child.stdin
        child.stdin.write(json.dumps(given) + "\n")
        child.stdin.flush()
        pid = int(await _line(child))
        if moment == AT_COMMIT and isinstance(bench.board, ConsoleBoard):
            bench.board.when_asked["commit"] = lambda: os.kill(pid, KILL)
        if sys.platform == "win32":
            self._child = None
            return "-9" if await asyncio.to_thread(child.wait) else "0"
        return await _line(child)

    def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()


@contextmanager
def many_agents(module: str = ENROL) -> Iterator[Agents]:
    agents = Agents(module)
    try:
        yield agents
    finally:
        agents.close()


def _start(module: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout
    return (await asyncio.to_thread(child.stdout.readline)).strip()
