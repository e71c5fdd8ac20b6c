"""A computer with boards to write to, and all that their sketches come from, simulated."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Final

from agent.catalog import Catalog
from agent.cli.demo import Demo
from agent.clouds.accounts import AccountStore
from agent.settings import Secret
from agent.settings.config import Config, PortsConfig
from agent.settings.paths import find_paths
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.images import ImageIdentity, build_image
from agent.simulator.process import start_simulator
from agent.simulator.sketch_index import SimulatedSketchIndex
from agent.simulator.stock import give_sketches, know_old_board
from agent.simulator.world import demo_world
from tests.cli.conftest import SPEED, Mooring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.simulator.images import Runs

CATALOG: Final = Catalog.load()
SERIAL: Final = "AAAA1111BBBB2222CCCC3333DDDD4444"
OLD_DEVICE: Final = "greenhouse"
"""What the cloud calls the board that was set up with 1.0."""
OLD_MKR: Final = BoardConfig(model="mkr_wifi_1010", serial_number=SERIAL, sketch="provisioning-1.0")


def image(model_id: str, runs: Runs = "application") -> bytes:
    """The file of a sketch that a simulated board can run."""
    model = CATALOG.get(model_id)
    assert model is not None
    return build_image(ImageIdentity(runs=runs, fqbn=model.fqbn or ""), model)


@contextlib.asynccontextmanager
async def workshop(folder: Path, *boards: BoardConfig) -> AsyncIterator[Mooring]:
    """The command ``mooring`` with these boards, an account and a list of sketches."""
    home, ports = folder / "home", str(folder / "ports")
    world = demo_world()
    async with (
        SimulatedArduinoCloud(catalog=CATALOG) as cloud,
        SimulatedSketchIndex(catalog=CATALOG) as index,
    ):
        give_sketches(cloud, CATALOG, size=16 * 1024)
        mkr = CATALOG.get(OLD_MKR.model)
        assert mkr is not None
        know_old_board(cloud, OLD_MKR, mkr, OLD_DEVICE)
        simulator = await start_simulator(
            SimulatorConfig(
                boards=boards, world=world, cloud=cloud.base_url, folder=ports, speed=SPEED
            )
        )
        async with simulator:
            paths = find_paths({"MOORING_HOME": str(home)})
            paths.make()
            demo = Demo(
                config=Config(ports=PortsConfig(system=False, simulated=ports)),
                paths=paths,
                network=world.networks[0],
                boards=simulator,
                cloud=cloud,
            )
            mooring = Mooring(demo)
            account = {"client_id": Secret(cloud.client_id), "client_secret": cloud.client_secret}
            accounts = AccountStore(paths.accounts_file, use_keyring=False)
            await accounts.set("arduino", account)
            key = home / "key.asc"
            key.write_bytes(index.public_key)
            with home.joinpath("config.toml").open("a", encoding="utf-8") as config:
                config.write(
                    f"[sketches]\nindex_url = {json.dumps(index.index_url)}\n"
                    f"index_key = {json.dumps(str(key))}\n"
                )
            yield mooring
