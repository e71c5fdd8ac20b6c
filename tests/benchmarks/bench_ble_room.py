"""Boards in the air as a page meets them: how soon one is there, and what looking for them costs.

The agent, the room with its boards, and the page are three processes; the bus between the first two
is a real one. Only the time from the board's first advertisement on counts as the agent's, but the
wait for that one, up to 0.1 s, is in the figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import websockets.asyncio.client as websockets

from agent.simulator.ble_bus import PrivateBus

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from websockets.asyncio.client import ClientConnection

ROOT = Path(__file__).parents[2]
ROUNDS = 7
CROWD = 30
WATCH_S = 10.0
"""Each board advertises ten times a second: 3000 advertisements."""
PEER = """
import asyncio, sys
from bleak import BleakScanner
async def main():
    scanner = BleakScanner(lambda device, data: None, ["5e5be887-c816-4d4f-b431-9eb34b02f4d9"],
                           bluez={"filters": {"DuplicateData": True}})
    await scanner.start()
    print("up", flush=True)
    await asyncio.get_running_loop().create_future()
asyncio.run(main())
"""
"""Scans and does nothing with what it hears."""

Row = tuple[str, float, str, str | None]


async def run() -> list[Row]:
    """One board that comes and goes, then a room full of them."""
    if not PrivateBus.available():
        return []
    return [*await _arrivals(), *await _crowd()]


async def _arrivals() -> list[Row]:
    async with AsyncExitStack() as stack:
        room = await Room.enter(stack, count=1 + ROUNDS)
        for number in range(1, 1 + ROUNDS):
            await room.tell({"range": "out", "board": number})
        page = await Page.enter(stack, room.environment)
        opened = time.perf_counter()
        await page.subscribe(ble=True)
        await page.until(lambda boards: len(boards) == 1)
        first = time.perf_counter() - opened
        waits = []
        for number in range(1, 1 + ROUNDS):
            await asyncio.sleep(0.5)  # one by one
            began = time.perf_counter()
            await room.tell({"range": "in", "board": number})
            await page.until(lambda boards, count=number + 1: len(boards) == count)
            waits.append(time.perf_counter() - began)
    return [
        ("ble: first advertisement to the board on the page", statistics.median(waits), "s", None),
        ("   the slowest of them", max(waits), "s", "<= 0.3"),
        ("ble: a page is opened to the first board on it", first, "s", "<= 1"),
    ]


async def _crowd() -> list[Row]:
    async with AsyncExitStack() as stack:
        room = await Room.enter(stack, count=CROWD)
        page = await Page.enter(stack, room.environment)
        began = time.perf_counter()
        await page.subscribe(ble=True)
        await page.until(lambda boards: len(boards) == CROWD)
        listed = time.perf_counter() - began
        scanning = await _share(page.agent)
        await page.subscribe(ble=False)
        await asyncio.sleep(1)  # the scan has ended
        idle = await _share(page.agent)
        peer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PEER, env=room.environment, stdout=subprocess.PIPE
        )
        stack.callback(peer.kill)
        assert peer.stdout is not None
        await peer.stdout.readline()
        plain = await _share(psutil.Process(peer.pid))
    return [
        (f"ble: a page is opened to all of {CROWD} boards on it", listed, "s", "<= 2"),
        (f"ble: {CROWD} boards in a room, share of a core", scanning * 100, "%", "<= 10"),
        ("   the same, a plain bleak script that only scans", plain * 100, "%", None),
        ("   the same, after the page has left", idle * 100, "%", "<= 0.5"),
    ]


async def _share(process: psutil.Process) -> float:
    before = process.cpu_times()
    await asyncio.sleep(WATCH_S)
    after = process.cpu_times()
    return round((after.user + after.system - before.user - before.system) / WATCH_S, 6)


class Room:
    """``mooring simulate --ble`` in a process of its own."""

    def __init__(self, process: Process, environment: dict[str, str]) -> None:
        self.environment = environment
        self._process = process

    @classmethod
    async def enter(cls, stack: AsyncExitStack, *, count: int) -> Room:
        words = ["simulate", "uno_r4_wifi", "--ble", "--count", str(count), "--json"]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *words),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        stack.push_async_callback(_end, process)
        assert process.stdout is not None
        said = json.loads(await process.stdout.readline())
        room = cls(process, {**os.environ, **said["environment"], "PYTHONPATH": str(ROOT)})
        while not await room.advertises():
            await asyncio.sleep(0.5)  # a board starts for some seconds
        return room

    async def advertises(self) -> bool:
        """All boards do."""
        await self.tell({"status": True})
        assert self._process.stdout is not None
        while not (answer := json.loads(await self._process.stdout.readline())).get("boards"):
            continue
        return all(board["advertises"] for board in answer["boards"])

    async def tell(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()


class Page:
    """An agent in a process of its own, and a program that sees what its page sees."""

    def __init__(self, agent: psutil.Process, socket: ClientConnection) -> None:
        self.agent = agent
        self._socket = socket
        self._boards: dict[str, Any] = {}

    @classmethod
    async def enter(cls, stack: AsyncExitStack, environment: dict[str, str]) -> Page:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="mooring-bench-"))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "run", "--headless", "--json"),
            env=environment | {"MOORING_HOME": home},
            stdout=subprocess.PIPE,
        )
        stack.push_async_callback(_end, process)
        assert process.stdout is not None
        await process.stdout.readline()
        instance = json.loads((Path(home) / "run" / "instance.json").read_bytes())
        socket = await stack.enter_async_context(
            websockets.connect(
                f"ws://127.0.0.1:{instance['port']}/rpc",
                additional_headers={"Authorization": f"Bearer {instance['token']}"},
                proxy=None,
            )
        )
        return cls(psutil.Process(process.pid), socket)

    async def subscribe(self, *, ble: bool) -> None:
        request = {"id": 1, "method": "boards.subscribe", "params": {"ble": ble}}
        await self._socket.send(json.dumps({"jsonrpc": "2.0"} | request))
        while "result" not in (answer := json.loads(await self._socket.recv())):
            continue
        self._boards = {board["id"]: board for board in answer["result"]["boards"]}

    async def until(self, holds: Any) -> None:
        while not holds(self._boards):
            message = json.loads(await self._socket.recv())
            if message.get("method") != "boards.changed":
                continue
            changes = message["params"]
            for board in [*changes["appeared"], *changes["changed"]]:
                self._boards[board["id"]] = board
            for board in changes["vanished"]:
                self._boards.pop(board, None)


async def _end(process: Process) -> None:
    process.terminate()
    await process.wait()
