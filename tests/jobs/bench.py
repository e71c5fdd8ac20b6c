"""The whole bench: simulated boards and cloud, and everything real between them and the jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.clouds.arduino import ArduinoCloud
from agent.clouds.none import NoCloud
from agent.clouds.pacing import Rate
from agent.flash.flashers import Flashers
from agent.jobs.journal import open_journal
from agent.jobs.opening import open_board_session
from agent.settings import Secret
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.config import BoardConfig, SimulatorConfig, StepFault
from agent.simulator.device import DeviceEvent, SimulatedDevice
from agent.simulator.images import ImageIdentity, build_image
from agent.simulator.sketch_index import SimulatedSketchIndex
from agent.simulator.timing import VECTOR_TIMING, Timing
from agent.simulator.world import Network, World
from tests.jobs.agent_bench import AgentBench, Hasty, accounts_in
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
    from agent.jobs.service import JobService
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


class Hurried(Hasty):
    """A clock on which pauses are a twentieth as long."""

    def __init__(self) -> None:
        super().__init__(20)


class Bench(AgentBench):
    """Boards and Arduino's cloud."""

    arduino: ArduinoCloud

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        super().__init__(folder, catalog)
        self.world = world()
        self.cloud = SimulatedArduinoCloud(catalog=catalog)
        self.index: SimulatedSketchIndex | None = None
        self.devices: list[SimulatedDevice] = []
        self.events: list[DeviceEvent] = []
        self.hurried = Hurried()

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
        await self.open_parts()
        arduino = self.arduino = ArduinoCloud(
            base_url=self.cloud.base_url,
            accounts=accounts_in(self.folder),
            catalog=self.catalog,
            clock=clock,
            rate=Rate(per_s=200, burst=200),
        )
        self._agent.push_async_callback(arduino.close)
        if not (self.folder / "accounts.json").exists():
            await arduino.login(self.cloud.account)
        clouds: dict[str, Cloud] = {"arduino": arduino, "none": NoCloud()}
        given: dict[str, Any] = {"clock": clock} if clock else {}
        if journal is not None:
            given["journal"] = journal
        return await self.open_jobs(
            open_board=open_board,
            clouds=clouds,
            flashers=flashers or Flashers(),
            sketches=sketches_in(self.folder, arduino, self.index, clock),
            kits=kits,
            **given,
        )

    async def second_journal(self) -> SqliteJournal:
        """What another process sees."""
        return await open_journal(self.folder / "journal.sqlite3")

    @property
    def board(self) -> Board:
        return self.only_board()

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

    def open_claims(self) -> list[Any]:
        """Claims that the cloud still has, online ones among them."""
        return [c for c in self.cloud.state.onboardings.values() if c.ended_at is None]
