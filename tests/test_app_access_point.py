"""A real agent beside NetworkManager: what it lists, and the next one after it was killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.links.access_point_nm_bus import NmBus
from agent.links.access_point_nm_objects import ACTIVATED, read_active
from agent.settings.paths import find_paths
from tests.links.nm_bench import BOARD, HOME_PROFILE, NmBench, nm_bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.needs("networkmanager"), pytest.mark.system("linux")]

ROOT = Path(__file__).parents[1]
WAIT_S = 30.0
JOINS = """
import asyncio, sys
from agent.app import build
from agent.settings.load import load_config
from agent.links.access_point_nm_bus import NmBus
from agent.links.access_point_nm_objects import ACTIVATED, read_active
from agent.settings.paths import find_paths

async def main():
    paths = find_paths()
    paths.make()
    app = build(load_config(paths.config_file), paths)
    await app.start()
    async with app.access_points.join(sys.argv[1].encode()):
        print("inside", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


class Home:
    """A person's folder, and programs in it that have this NetworkManager."""

    def __init__(self, folder: Path, bench: NmBench) -> None:
        self.way_back = find_paths({"MOORING_HOME": str(folder)}).way_back_file
        self._environ = bench.environ | {"MOORING_HOME": str(folder), "PYTHONPATH": str(ROOT)}
        port = 20_000 + os.getpid() % 20_000
        text = f"[bridge]\nfirst_port = {port}\nlast_port = {port + 40}\n[ports]\nsystem = false\n"
        folder.joinpath("config.toml").write_text(text, encoding="utf-8")

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *words),
            env=self._environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[None]:
        process = await self.start("-m", "agent", "run", "--headless", "--json")
        assert process.stdout is not None
        assert "url" in json.loads(await process.stdout.readline())
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            _, err = await process.communicate()
        assert b"Traceback" not in err

    async def boards(self) -> Any:
        process = await self.start("-m", "agent", "boards", "--wifi", "--json")
        out, _ = await process.communicate()
        return json.loads(out)


async def until_in(bench: NmBench, wanted: str) -> None:
    """Until the computer is in the network with this profile."""
    bus = NmBus(bench.address)
    async with asyncio.timeout(WAIT_S):
        while True:
            objects = await bus.objects()
            used = [read_active(objects, path) for path in objects]
            if any(each and (each.uuid, each.state) == (wanted, ACTIVATED) for each in used):
                break
            await bus.news()
    await bus.close()


async def test_after_a_kill_in_a_board_s_network_the_next_agent_brings_the_computer_back(tmp_path):
    async with nm_bench() as bench:
        await bench.home()
        home = Home(tmp_path, bench)
        killed = await home.start("-c", JOINS, BOARD)
        assert killed.stdout is not None
        assert await killed.stdout.readline() == b"inside\n"
        killed.kill()
        await killed.communicate()
        assert await bench.network() != await bench.home_uuid()
        assert home.way_back.exists()
        async with home.agent():
            await until_in(bench, await bench.home_uuid())
            assert await bench.profiles() == [HOME_PROFILE]
            (point,) = (await home.boards())["access_points"]
        assert (point["access_point"], point["looks_like"]) == (BOARD, "blynk")
        assert not home.way_back.exists()


async def test_a_network_manager_that_does_not_run_is_told_beside_the_boards(tmp_path):
    async with nm_bench() as bench:
        await bench.kill()
        listed = await Home(tmp_path, bench).boards()
    assert (listed["boards"], listed["access_points"]) == ([], [])
    assert listed["wifi_problem"]["code"] == "wifi-stopped"
