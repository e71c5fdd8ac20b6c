"""The real agent flashes boards with DFU bootloaders on a simulated USB bus, with real dfu-util."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.catalog import Catalog
from agent.simulator.images import ImageIdentity, build_image
from tests.boards.test_usb import ROOT, SYSTEM_PYTHON, child
from tests.flash.usb import PRELOAD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tests.boards.test_usb import Child

    Again = Callable[[], Awaitable[asyncio.subprocess.Process]]

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("usb")]

BOARDS = Path(__file__).with_name("usb_boards.py")
CATALOG = Catalog.load()
OPTA = {
    "serial": "0039002B3131511939303532",
    "sketch": [0x2341, 0x0264],
    "loader": [0x2341, 0x0364],
    "dfuse": True,
}
C33 = {
    "serial": "00353333593538367730",
    "sketch": [0x2341, 0x0068],
    "loader": [0x2341, 0x0368],
    "dfuse": False,
    "transfer_size": 64,
    "base": 0x1_0000,
    "run_time": True,
}
STARTS = {"opta": 0x4_0000, "portenta_c33": 0}
"""Where sketches begin in the flash of a simulated board."""
SIZE = 9_000


def sketch(model_id: str, folder: Path) -> Path:
    model = CATALOG.get(model_id)
    assert model is not None
    file = folder / f"{model_id}.bin"
    identity = ImageIdentity(runs="application", fqbn=model.fqbn or "")
    file.write_bytes(build_image(identity, model, SIZE))
    return file


class Agent:
    """The command ``mooring`` on the bus, with a home of its own."""

    def __init__(self, root: str, home: Path) -> None:
        self.home = home
        self._environ = {
            **os.environ,
            "LD_PRELOAD": PRELOAD,
            "UMOCKDEV_DIR": root,
            "MOORING_HOME": str(home),
            "PYTHONPATH": str(ROOT),
        }

    @contextlib.asynccontextmanager
    async def start(self, *words: str) -> AsyncIterator[Run]:
        run = Run(await self._process(words), lambda: self._process(words))
        try:
            yield run
        finally:
            if run.process.returncode is None:
                run.process.send_signal(signal.SIGINT)
                await run.process.communicate()

    async def _process(self, words: tuple[str, ...]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *words, "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environ,
        )

    async def run(self, *words: str) -> Any:
        """The last line of a command."""
        async with self.start(*words) as run:
            return await run.end()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the agent itself runs, commands go through it: one process hears of the bus.

        Of two that listen with the same number of a socket, umockdev tells only one.
        """
        port = 20_000 + os.getpid() % 20_000
        self.home.mkdir()
        self.home.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 40}\n", encoding="utf-8"
        )
        async with self.start("run", "--headless") as run:
            assert "url" in (await run.line() or {})
            yield

    async def boards(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.run("boards"))["boards"]
        return found


class Run:
    """A command that runs.

    umockdev (0.17.16) aborts a process in which two threads look at files at once: it lets go of
    its lock before it is done with a path that both share (``is_emulated_device``). It happens
    while a process starts, one in fifty on a busy computer; one that has said nothing yet is
    started again.
    """

    def __init__(self, process: asyncio.subprocess.Process, again: Again) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._again = again

    async def line(self) -> dict[str, Any] | None:
        """The next line; None: it has ended."""
        assert self.process.stdout is not None
        text = await self.process.stdout.readline()
        if not text:
            status = await self.process.wait()
            if status != -signal.SIGABRT or self.lines:
                return None
            self.process = await self._again()
            return await self.line()
        self.lines.append(json.loads(text))
        return self.lines[-1]

    async def step(self, name: str, state: str) -> dict[str, Any]:
        """The line that says so."""
        while (line := await self.line()) is not None:
            if (line.get("step"), line.get("step_state")) == (name, state):
                return line
        raise AssertionError(self.lines[-1])

    async def end(self) -> dict[str, Any]:
        """The last line."""
        while await self.line() is not None:
            pass
        return self.lines[-1]


class Bus:
    """The bus, and what can be done to the boards on it."""

    def __init__(self, bench: Child) -> None:
        self.root = str(bench.hear())
        self._bench = bench

    def add(self, place: str, board: dict[str, Any], **more: object) -> None:
        """Plug in a board that runs its sketch."""
        self._bench.ask("add", place=place, **board, **more)

    def do(self, what: str, place: str, **more: object) -> Any:
        """``press``, ``replug``, ``report``, ``content``."""
        return self._bench.ask(what, place=place, **more)

    def holds(self, place: str, file: Path, model_id: str) -> bool:
        """Whether the flash of a board begins with this sketch."""
        at, data = STARTS[model_id], file.read_bytes()
        return bytes.fromhex(self.do("content", place, start=at, size=len(data))) == data


@pytest.fixture
def bus() -> Iterator[Bus]:
    with child("umockdev-wrapper", SYSTEM_PYTHON, str(BOARDS)) as bench:
        made = Bus(bench)
        yield made
    shutil.rmtree(made.root, ignore_errors=True)


@pytest.fixture
def agent(bus: Bus, tmp_path: Path) -> Agent:
    return Agent(bus.root, tmp_path / "home")


async def test_a_touched_dfuse_board_is_flashed_and_comes_back_as_the_same_board(
    bus: Bus, agent: Agent, tmp_path: Path
) -> None:
    file = sketch("opta", tmp_path)
    # Its bootloader has another serial number, and the sketch comes back under another name.
    bus.add("1-2", OPTA, loader_serial="38393233343536")
    (before,) = await agent.boards()
    ended = await agent.run("flash", before["id"], str(file), "--yes")
    assert (ended["state"], ended["bytes"]) == ("done", file.stat().st_size), ended
    (after,) = await agent.boards()
    seen = bus.do("report", "1-2")
    assert (seen["touches"], seen["detaches"], len(seen["downloads"])) == (1, 0, 1)
    assert bus.holds("1-2", file, "opta")
    assert (after["id"], after["state"]) == (before["id"], "ready")
    assert after["ports"][0]["address"] != before["ports"][0]["address"]


@pytest.mark.parametrize("tolerant", [True, False])
async def test_a_board_that_is_told_by_detach_is_flashed_although_the_tool_does_not_see_the_end(
    bus: Bus, agent: Agent, tmp_path: Path, tolerant: bool
) -> None:
    file = sketch("portenta_c33", tmp_path)
    bus.add("1-2", C33, tolerant=tolerant)
    (before,) = await agent.boards()
    ended = await agent.run("flash", before["id"], str(file), "--yes")
    assert ended["state"] == "done", ended
    (after,) = await agent.boards()
    seen = bus.do("report", "1-2")
    assert (seen["touches"], seen["detaches"], len(seen["downloads"])) == (0, 1, 1)
    assert bus.holds("1-2", file, "portenta_c33")
    assert (after["id"], after["state"]) == (before["id"], "ready")


async def test_a_board_whose_bootloader_runs_already_is_flashed_without_a_touch(
    bus: Bus, agent: Agent, tmp_path: Path
) -> None:
    file = sketch("opta", tmp_path)
    bus.add("1-2", OPTA)
    (before,) = await agent.boards()
    bus.do("press", "1-2")
    ended = await agent.run("flash", before["id"], str(file), "--yes")
    assert ended["state"] == "done", ended
    assert bus.do("report", "1-2")["touches"] == 0
    assert bus.holds("1-2", file, "opta")


async def test_a_board_that_is_pulled_out_and_plugged_in_again_is_flashed_to_the_end(
    bus: Bus, agent: Agent, tmp_path: Path
) -> None:
    file = sketch("opta", tmp_path)
    bus.add("1-2", OPTA, unplug_at=4)
    (before,) = await agent.boards()
    async with agent.start("flash", before["id"], str(file), "--yes") as run:
        failed = await run.step("write", "failed")
        assert "unplugged" in failed["message"]
        bus.do("replug", "1-2")
        ended = await run.end()
    assert ended["state"] == "done", ended
    assert ended["board"] == before["id"]
    assert len(bus.do("report", "1-2")["downloads"]) == 2
    assert bus.holds("1-2", file, "opta")


async def test_equal_boards_that_are_flashed_at_once_do_not_swap(
    bus: Bus, agent: Agent, tmp_path: Path
) -> None:
    """Their bootloaders have the same serial number, as those of some makers do."""
    files = [sketch("opta", tmp_path), tmp_path / "other.bin"]
    files[1].write_bytes(files[0].read_bytes()[:-1] + b"!")
    for place, serial in (("1-2", "AAAA1111"), ("1-3", "BBBB2222")):
        bus.add(place, {**OPTA, "serial": serial}, loader_serial="38393233343536")
    async with agent.running():
        ended = await asyncio.gather(
            agent.run("flash", "AAAA1111", str(files[0]), "--yes"),
            agent.run("flash", "BBBB2222", str(files[1]), "--yes"),
        )
    assert [each["state"] for each in ended] == ["done", "done"], ended
    assert [bus.holds("1-2", files[0], "opta"), bus.holds("1-3", files[1], "opta")] == [True, True]


@pytest.mark.slow
async def test_a_board_that_does_not_come_back_and_one_that_is_another_are_no_success(
    bus: Bus, agent: Agent, tmp_path: Path
) -> None:
    file = sketch("opta", tmp_path)
    bus.add("1-2", OPTA, back="nothing")
    bus.add("1-3", {**OPTA, "serial": "BBBB2222"}, back="other")
    async with (
        agent.running(),
        agent.start("flash", str(OPTA["serial"]), str(file), "--yes") as gone,
        agent.start("flash", "BBBB2222", str(file), "--yes") as changed,
    ):
        failed = await asyncio.gather(
            gone.step("restart", "failed"), changed.step("restart", "failed")
        )
    assert "did not show itself with its new sketch" in failed[0]["message"]
    assert "another board" in failed[1]["message"]


async def test_a_board_in_its_bootloader_starts_its_sketch_again(bus: Bus, agent: Agent) -> None:
    bus.add("1-2", OPTA)
    (before,) = await agent.boards()
    bus.do("press", "1-2")
    ended = await agent.run("flash", before["id"], "--start")
    assert (ended["state"], ended["started"]) == ("done", True), ended
    (after,) = await agent.boards()
    assert (after["id"], after["state"]) == (before["id"], "ready")
    assert bus.do("report", "1-2")["erases"] == 0
