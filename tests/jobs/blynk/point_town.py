"""A program in a network namespace of its own, where a board has the address that all such boards have.

There an agent is killed in the board's network; the next one brings the computer back, and the board is
set up after all. What was seen is the one line of standard output, a JSON object. ``python -m
tests.jobs.blynk.point_town FOLDER``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.clouds.accounts import AccountStore
from agent.links.access_point_nm_bus import NmBus
from agent.links.access_point_nm_objects import ACTIVATED, read_active
from agent.protocols.blynk.http import ADDRESS, PORT
from agent.settings import Secret
from agent.settings.paths import find_paths
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import NearCloud
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_settings import EdgentConfig
from tests.blynk_network import board_beside
from tests.jobs.blynk.blynk_bench import PASSWORD, world
from tests.links.nm_bench import HOME_PROFILE, nm_bench

if TYPE_CHECKING:
    from tests.links.nm_bench import NmBench

ROOT = Path(__file__).parents[3]
CONFIG = EdgentConfig(generation=1)
LIMIT_S = 50.0
SETTINGS = """[bridge]
first_port = 31870
last_port = 31890
[ports]
system = false
[bluetooth]
scan = "never"
"""
"""Nobody else has a port in this namespace."""


class Door:
    """The address of the board; the first who comes is kept waiting."""

    def __init__(self, port: int) -> None:
        self.reached = asyncio.Event()
        self.opens = asyncio.Event()
        self._port = port

    async def meet(self, guest: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        self.reached.set()
        await self.opens.wait()
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            ways = [(guest, writer), (reader, answer)]
            await asyncio.gather(*(_pass(*way) for way in ways), return_exceptions=True)
        answer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


class Town:
    """The person's programs."""

    def __init__(self, folder: Path, bench: NmBench) -> None:
        self.paths = find_paths({"MOORING_HOME": str(folder)})
        self._environ = bench.environ | {"MOORING_HOME": str(folder), "PYTHONPATH": str(ROOT)}
        self._started: list[asyncio.subprocess.Process] = []
        folder.joinpath("config.toml").write_text(SETTINGS, encoding="utf-8")

    async def end(self) -> None:
        """Nothing runs any more."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *words, "--json"),
            env=self._environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._started.append(process)
        return process

    async def agent(self) -> asyncio.subprocess.Process:
        process = await self.start("run", "--headless")
        assert process.stdout is not None
        assert "url" in json.loads(await process.stdout.readline())
        return process

    async def provision(self, point: str) -> asyncio.subprocess.Process:
        named = ("--cloud", "blynk", "--access-point", point, "--name", "Attic", "--yes")
        process = await self.start("provision", *named, "--ssid", "HomeNet", "--password-stdin")
        assert process.stdin is not None
        process.stdin.write(PASSWORD.encode() + b"\n")
        process.stdin.close()
        return process


async def until_home(bench: NmBench) -> None:
    """Until the computer is in its own network."""
    bus, home = NmBus(bench.address), await bench.home_uuid()
    while True:
        objects = await bus.objects()
        used = [read_active(objects, path) for path in objects]
        if any(each and (each.uuid, each.state) == (home, ACTIVATED) for each in used):
            break
        await bus.news()
    await bus.close()


async def live(folder: Path) -> dict[str, Any]:
    """What was seen."""
    seen: dict[str, Any] = {}
    async with asyncio.timeout(LIMIT_S), contextlib.AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(SimulatedBlynkCloud())
        bench = await stack.enter_async_context(nm_bench())
        near = NearCloud(cloud, CONFIG.template_id)
        board = await stack.enter_async_context(
            BlynkBoard(CONFIG, world(), speed=50, tcp=True, cloud=near, leave=near.leave)
        )
        door, point = Door(board.http_port), board.device.name
        await stack.enter_async_context(await asyncio.start_server(door.meet, ADDRESS, PORT))
        await stack.enter_async_context(board_beside(bench, board))
        town = Town(folder, bench)
        stack.push_async_callback(town.end)
        town.paths.make()
        account = {name: Secret(str(value)) for name, value in cloud.account.items()}
        await AccountStore(town.paths.accounts_file, use_keyring=False).set("blynk", account)

        agent = await town.agent()
        first = await town.provision(point)
        await door.reached.wait()
        agent.kill()
        await agent.communicate()
        await first.communicate()
        seen["away"] = await bench.network() != await bench.home_uuid()
        seen["noted"] = town.paths.way_back_file.exists()
        door.opens.set()

        agent = await town.agent()
        await until_home(bench)
        out, _ = await (await town.start("jobs")).communicate()
        seen["interrupted"] = [job["state"] for job in json.loads(out)["jobs"]]
        out, _ = await (await town.provision(point)).communicate()
        seen["ended"] = json.loads(out.splitlines()[-1])
        await until_home(bench)
        agent.send_signal(signal.SIGTERM)
        await agent.communicate()
        seen["profiles"] = await bench.profiles() == [HOME_PROFILE]
        seen["forgotten"] = not town.paths.way_back_file.exists()
        seen["board"] = board.device.state
        seen["devices"] = [device.name for device in cloud.state.devices.values()]
    return seen


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(live(Path(sys.argv[1])))) + "\n")
