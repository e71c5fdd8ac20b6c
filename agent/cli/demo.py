"""The surroundings of ``mooring demo``: a simulated board, a simulated cloud, a folder that goes.

Nothing of the person's own is touched: no serial port, no account, no file.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.settings.config import ArduinoConfig, Config, PortsConfig
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.app import App
    from agent.settings import Secret
    from agent.settings.paths import Paths
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.process import SimulatorHandle
    from agent.simulator.world import Network

DEVICE_NAME: Final = "kitchen-sensor"
CLOUD_TITLE: Final = "Arduino Cloud (simulated)"
REQUESTS_PER_S: Final = 1000.0
"""The simulated cloud has no request limit to respect."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo runs on."""

    config: Config
    paths: Paths
    network: Network
    """The network that the demo uses; its password is the right one."""
    boards: SimulatorHandle
    cloud: SimulatedArduinoCloud

    async def sign_in(self, app: App) -> None:
        """Store the account of the simulated cloud, as a person would have done."""
        await app.clouds["arduino"].login(
            {
                "client_id": self.cloud.client_id,
                "client_secret": self.cloud.client_secret.reveal(),
            }
        )


@contextlib.asynccontextmanager
async def demo_surroundings(
    *, password: Secret | None = None, boards: int = 1, speed: float = 1.0
) -> AsyncIterator[Demo]:
    """Plug simulated boards in and open a simulated cloud, for as long as the context lasts.

    ``password`` becomes that of the network; ``speed`` is how much faster the boards' time runs.
    """
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.config import SimulatorConfig
    from agent.simulator.process import start_simulator
    from agent.simulator.world import demo_world

    world = demo_world()
    network = world.networks[0]
    if password is not None:
        network.password = password
    with tempfile.TemporaryDirectory(prefix="mooring-demo-") as folder:
        paths = find_paths({"MOORING_HOME": folder})
        paths.make()
        ports = str(Path(folder) / "ports")
        async with SimulatedArduinoCloud() as cloud:
            simulator = await start_simulator(
                SimulatorConfig(
                    count=boards,
                    world=world,
                    cloud=cloud.base_url,
                    folder=ports,
                    speed=speed,
                )
            )
            async with simulator:
                yield Demo(
                    config=Config(
                        ports=PortsConfig(system=False, simulated=ports),
                        arduino=ArduinoConfig(
                            base_url=cloud.base_url,
                            title=CLOUD_TITLE,
                            requests_per_s=REQUESTS_PER_S,
                        ),
                    ),
                    paths=paths,
                    network=network,
                    boards=simulator,
                    cloud=cloud,
                )
