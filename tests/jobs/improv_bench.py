"""A whole agent for devices of Improv Wi-Fi: real ports, real Bluetooth calls, no cloud."""

from __future__ import annotations

import asyncio
import contextlib
import os
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from agent.app import App, build
from agent.jobs.job import Job, JobState
from agent.settings.config import BluetoothConfig, Config, PortsConfig
from agent.settings.paths import find_paths
from agent.simulator.announcement import Announcement, announce, withdraw
from agent.simulator.improv_device import SimulatedImprov
from agent.simulator.world import World, demo_networks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from agent.boards.board import Board
    from agent.bridge.services import Jobs
    from agent.simulator.improv import ImprovConfig

PASSWORD = "correct horse"
HOME = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}
WRONG = HOME | {"password": "battery staple"}
PAGE = "http://192.168.4.20"
SPEED = 30.0
"""Board seconds in a second."""


class ImprovBench:
    """One agent, and what its jobs say."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.said: list[str] = []
        """Each line that a step of a job said."""
        self._changed = asyncio.Event()
        self.jobs.subscribe(self._note)
        app.boards.subscribe(lambda _: self._changed.set())

    @property
    def jobs(self) -> Jobs:
        return self.app.services.jobs

    async def board(self, holds: Callable[[Board], bool] = lambda _: True) -> Board:
        """The only board, once it is there and ``holds`` is true of it."""
        found: list[Board] = []

        def there() -> bool:
            found[:] = [board for board in self.app.boards.list() if holds(board)]
            return bool(found)

        await self._until(there)
        return found[0]

    async def start(self, kind: str, *, attended: bool = True, **request: Any) -> str:
        board = request.pop("board", None) or (await self.board()).id
        return await self.jobs.start({"kind": kind, "board": board} | request, attended=attended)

    async def join(self, *, attended: bool = True, **request: Any) -> str:
        """Bring the device into the network at home."""
        return await self.start(
            "provision", attended=attended, **({"cloud": "none", "network": HOME} | request)
        )

    async def asks(self, job: str) -> Job:
        """The job once it asks something."""
        while True:
            self._changed.clear()
            now = await self.jobs.get(job)
            assert not now.state.final, f"ended: {now}"
            if now.state is JobState.ASKING:
                return now
            await self._changed.wait()

    async def until_something_is_said(self) -> None:
        """Wait for the next change of a job or a board; or for a moment, as devices tell none."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await self._changed.wait()

    async def result(self, job: str) -> dict[str, Any]:
        """What the job found, once it is done."""
        ended = await self.jobs.wait(job)
        assert ended.state is JobState.DONE, ended
        assert ended.result is not None
        return ended.result

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def _note(self, change: Any) -> None:
        if change.message:
            self.said.append(change.message)
        self._changed.set()


@asynccontextmanager
async def agent(folder: Path, *, ble: bool = False) -> AsyncIterator[ImprovBench]:
    """An agent that sees the ports in ``folder/ports``, and what is in the air with ``ble``."""
    ports = folder / "ports"
    ports.mkdir(exist_ok=True)
    config = Config(
        ports=PortsConfig(system=False, simulated=str(ports)),
        bluetooth=BluetoothConfig(scan="always" if ble else "never"),
    )
    paths = find_paths({"MOORING_HOME": str(folder)})
    paths.make()
    app = build(config, paths)
    try:
        await app.start()
        yield ImprovBench(app)
    finally:
        await app.close()


@contextmanager
def unlisted(folder: Path, address: str) -> Iterator[None]:
    """The port is announced with USB ids that no catalogue knows."""
    port = Announcement(
        address=address,
        vid=0x1234,
        pid=0x5678,
        serial_number="ODD-1",
        location="9-91",
        manufacturer="",
        product="",
        process=os.getpid(),
    )
    file = announce(folder, port, "odd")
    try:
        yield
    finally:
        withdraw(file)


@asynccontextmanager
async def plugged_in(
    folder: Path | None, config: ImprovConfig, world: World | None = None, **options: Any
) -> AsyncIterator[SimulatedImprov]:
    """A device on a pseudo-terminal behind a common USB bridge, running for a while.

    It is announced in ``folder/ports``; None: nowhere.
    """
    world = world or World(networks=demo_networks())
    given: dict[str, Any] = {"speed": SPEED}
    if folder is not None:
        ports = folder / "ports"
        ports.mkdir(exist_ok=True)
        given["folder"] = str(ports)
    device = SimulatedImprov(config, world, **(given | options))
    device.firmware.run(device.firmware.next_wake)
    device.firmware.take()
    await device.start()
    try:
        yield device
    finally:
        device.unplug()
