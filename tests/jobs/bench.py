"""The whole bench: simulated boards and cloud, and everything real between them and the jobs."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.clouds.accounts import AccountStore
from agent.clouds.arduino import ArduinoCloud
from agent.clouds.none import NoCloud
from agent.clouds.pacing import Rate
from agent.flash.flashers import Flashers
from agent.jobs.job import Job, JobChange, JobState
from agent.jobs.journal import open_journal
from agent.jobs.opening import open_board_session
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from agent.settings import Secret
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.config import BoardConfig, SimulatorConfig, StepFault
from agent.simulator.device import DeviceEvent, SimulatedDevice
from agent.simulator.images import ImageIdentity, build_image
from agent.simulator.sketch_index import SimulatedSketchIndex
from agent.simulator.timing import VECTOR_TIMING, Timing
from agent.simulator.world import Network, World
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.clouds.clock import Clock
    from agent.clouds.cloud import Cloud
    from agent.jobs.journal import Journal, SqliteJournal
    from agent.jobs.kit import Kit
    from agent.jobs.surroundings import SessionOpener

PASSWORD = "marker-wifi-password-9f3c"
SPEED = 30.0
"""Board seconds in a second; what only waits for a limit of the firmware is over in half a second."""


def world() -> World:
    return World(
        networks=[
            Network(ssid="HomeNet", rssi=-45, password=Secret(PASSWORD)),
            Network(ssid="Office", rssi=-67, password=Secret("s3cret")),
            Network(ssid="NoInternet", rssi=-60, password=Secret("nopath"), internet=False),
        ]
    )


class Hurried:
    """A clock on which pauses are a twentieth as long."""

    def monotonic(self) -> float:
        return time.monotonic() * 20

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 20)


class Bench:
    """Boards, clouds and one agent; the agent may be started again on the same journal."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.ports = folder / "ports"
        self.ports.mkdir()
        self.catalog = catalog
        self.world = world()
        self.cloud = SimulatedArduinoCloud(catalog=catalog)
        self.index: SimulatedSketchIndex | None = None
        self.devices: list[SimulatedDevice] = []
        self.events: list[DeviceEvent] = []
        self.changes: list[JobChange] = []
        self._always = AsyncExitStack()
        self._agent = AsyncExitStack()
        self._changed = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()
        self.hurried = Hurried()
        self.jobs: JobService
        self.boards: BoardService
        self.arduino: ArduinoCloud
        self.journal: SqliteJournal

    async def start(self) -> None:
        await self._always.enter_async_context(self.cloud)

    async def publish(self) -> SimulatedSketchIndex:
        """Open the list of 1.0 sketches, and give the cloud its 2.0 sketches; before the agent."""
        self.index = SimulatedSketchIndex(catalog=self.catalog)
        await self._always.enter_async_context(self.index)
        for model in self.catalog.models:
            if "2.0" in model.provisioning and model.fqbn is not None:
                runs = ImageIdentity(runs="provisioning-2.0", fqbn=model.fqbn, version="0.6.2")
                self.cloud.give_binary(model.fqbn, f"{model.id}.bin", build_image(runs, model))
        return self.index

    async def plug(
        self,
        *faults: StepFault,
        world: World | None = None,
        timing: Timing = VECTOR_TIMING,
        **config: Any,
    ) -> SimulatedDevice:
        """A board fresh from its box; ``world``: surroundings of its own."""
        given = SimulatorConfig(
            board=BoardConfig(**config),
            timing=timing,
            speed=SPEED,
            faults=faults,
            cloud=self.cloud.base_url,
            folder=str(self.ports),
            # Boards with native USB notice that the host is gone; the UNO R4 WiFi does not.
            dtr=True,
        )
        device = SimulatedDevice(
            given,
            self.catalog,
            number=len(self.devices),
            world=world or self.world,
            on_event=self.events.append,
        )
        self.devices.append(device)
        await self._always.enter_async_context(device)
        return device

    async def start_agent(
        self,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        open_board: SessionOpener = open_board_session,
        flashers: Flashers | None = None,
        kits: Sequence[Kit] = (),
    ) -> JobService:
        """What ``agent/app.py`` does, on this bench."""
        self._agent = AsyncExitStack()
        if journal is None:
            self.journal = await open_journal(self.folder / "journal.sqlite3")
            self._agent.push_async_callback(self.journal.close)
        self.boards = self._make_boards()
        await self.boards.start()
        self._agent.push_async_callback(self.boards.close)
        store = AccountStore(self.folder / "accounts.json", use_keyring=False)
        arduino = self.arduino = ArduinoCloud(
            base_url=self.cloud.base_url,
            accounts=store,
            catalog=self.catalog,
            clock=clock,
            rate=Rate(per_s=200, burst=200),
        )
        self._agent.push_async_callback(arduino.close)
        if not (self.folder / "accounts.json").exists():
            await arduino.login(self.cloud.account)
        clouds: dict[str, Cloud] = {"arduino": arduino, "none": NoCloud()}
        given: dict[str, Any] = {"clock": clock} if clock else {}
        surroundings = Surroundings(
            boards=self.boards,
            open_board=open_board,
            clouds=clouds,
            journal=journal or self.journal,
            flashers=flashers or Flashers(),
            sketches=sketches_in(self.folder, arduino, self.index, clock),
            kits=kits,
            **given,
        )
        self.jobs = JobService(surroundings, self.catalog)
        self._agent.push_async_callback(self.jobs.close)
        self.jobs.subscribe(self._note)
        await self.jobs.start_up()
        return self.jobs

    def _make_boards(self) -> BoardService:
        return BoardService(self.catalog, [SimulatedPorts(self.ports)])

    async def second_journal(self) -> SqliteJournal:
        """What another process sees."""
        return await open_journal(self.folder / "journal.sqlite3")

    async def stop_agent(self) -> None:
        await self._agent.aclose()

    async def stop(self) -> None:
        await self.stop_agent()
        await self._always.aclose()

    @property
    def board(self) -> Board:
        (only,) = self.boards.list()
        return only

    async def provision(
        self, board: str | None = None, *, attended: bool = True, **changes: Any
    ) -> str:
        request: dict[str, Any] = {
            "kind": "provision",
            "board": board or self.board.id,
            "cloud": "arduino",
            "name": "kitchen-sensor",
            "network": {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD},
        }
        return await self.jobs.start(request | changes, attended=attended)

    async def asks(self, job: str) -> Job:
        """The job once it asks something."""
        return await self.until(job, lambda now: now.state is JobState.ASKING)

    async def until(self, job: str, condition: Any, *, ended: bool = False) -> Job:
        """The job once ``condition`` holds; fails if it ends without, unless it may have ``ended``."""
        async with self._changed:
            while True:
                now = await self.jobs.get(job)
                if condition(now):
                    return now
                assert ended or not now.state.final, f"ended: {now}"
                await self._changed.wait()

    def open_claims(self) -> list[Any]:
        """Claims that the cloud still has, online ones among them."""
        return [c for c in self.cloud.state.onboardings.values() if c.ended_at is None]

    def _note(self, change: JobChange) -> None:
        self.changes.append(change)
        self._tell_soon()

    def _tell_soon(self) -> None:
        task = asyncio.create_task(self._tell())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
