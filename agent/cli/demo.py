"""The surroundings of ``mooring demo``: simulated boards and clouds, a folder that goes.

Nothing of the person's own is touched: no serial port, no Bluetooth, no account, no file.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.desktop.browser import open_page
from agent.settings.config import (
    ArduinoConfig,
    BluetoothConfig,
    Config,
    NrfConfig,
    PortsConfig,
    SketchesConfig,
    UpdatesConfig,
    WifiConfig,
)
from agent.settings.config_compat import CompatConfig
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from agent.app import App
    from agent.cli.demo_families import DemoBlynk, DemoNrf
    from agent.cli.demo_thingsboard import DemoThingsBoard
    from agent.settings import Secret
    from agent.settings.paths import Paths
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.config import BoardConfig, SimulatorConfig
    from agent.simulator.process import SimulatorHandle
    from agent.simulator.thingsboard import SimulatedThingsBoard
    from agent.simulator.world import Network

DEVICE_NAME: Final = "kitchen-sensor"
AIR_DEVICE_NAME: Final = "garden-sensor"
CLOUD_TITLE: Final = "Arduino Cloud (simulated)"
REQUESTS_PER_S: Final = 1000.0
"""The simulated cloud has no request limit to respect."""
OLD_DEVICES: Final = {"mkr_wifi_1010": "greenhouse (2021)", "uno_r4_wifi": "workshop (2023)"}
"""Boards that run provisioning 1.0, and their devices in the cloud."""
IMPROV_NAME: Final = "Reading lamp"
IN_THE_AIR: Final = "an UNO R4 WiFi and an Improv device in the air"
"""What the demo leaves out where nothing can be simulated in the air."""
ANSWER_MS: Final = 30.0
"""Of their bootloaders: three answers for 4 KiB take about as long as a real board writes them."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo runs on."""

    config: Config
    paths: Paths
    network: Network
    """The network that the demo uses; its password is the right one."""
    boards: SimulatorHandle
    cloud: SimulatedArduinoCloud
    air_address: str = ""
    """Of the board that is only in the air; empty: there is none."""
    left_out: str = ""
    """One line about what this computer cannot simulate."""
    thingsboard: DemoThingsBoard | None = None
    """If it was asked for."""
    nrf: DemoNrf | None = None
    blynk: DemoBlynk | None = None
    """Both if families were asked for."""
    outside: Mapping[str, str | None] = field(default_factory=dict)
    """Variables of the environment as the person has them."""

    def open_page(self, url: str) -> None:
        """Show the page; a browser that starts for it may outlive the demo and its bus."""
        with environment(self.outside):
            open_page(url)

    async def sign_in(self, app: App) -> None:
        """Store the accounts of the simulated clouds, as a person would have done."""
        await app.clouds["arduino"].login(
            {
                "client_id": self.cloud.client_id,
                "client_secret": self.cloud.client_secret.reveal(),
            }
        )
        for part in (self.thingsboard, self.nrf, self.blynk):
            if part is not None:
                await part.prepare(app)


@contextlib.asynccontextmanager
async def demo_surroundings(
    *,
    password: Secret | None = None,
    boards: int = 1,
    speed: float = 1.0,
    old_boards: bool = False,
    thingsboard: bool = False,
    families: bool = False,
    in_air: bool = False,
    tools: bool = False,
) -> AsyncIterator[Demo]:
    """Plug simulated boards in and open a simulated cloud, for as long as the context lasts.

    ``password`` becomes that of the network; ``speed`` is how much faster the boards' time runs.
    ``old_boards``: behind the others a MKR WiFi 1010 and an UNO R4 WiFi with provisioning 1.0,
    which the cloud knows as devices, and a list of 1.0 sketches. ``thingsboard``: behind those a
    simulated ThingsBoard and two boards for it. ``families``: a simulated nRF Cloud and a simulated
    Blynk.Cloud with a board each, which run in this process. ``in_air``: another UNO R4 WiFi
    and an Improv device that are only heard, where that can be simulated; this process is in
    their room meanwhile. ``tools``: a list of upload tools for pages.
    """
    from agent.cli.demo_families import start_blynk, start_nrf
    from agent.cli.demo_thingsboard import DemoThingsBoard, thingsboard_boards
    from agent.cli.demo_tools import start_tool_list
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.config import BoardConfig, SimulatorConfig
    from agent.simulator.improv_page import SimulatedDevicePage
    from agent.simulator.process import start_simulator
    from agent.simulator.world import demo_world

    world = demo_world()
    network = world.networks[0]
    if password is not None:
        network.password = password
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mooring-demo-"))
        paths = find_paths({"MOORING_HOME": folder})
        paths.make()
        ports = str(Path(folder) / "ports")
        cloud = await stack.enter_async_context(SimulatedArduinoCloud())
        plugged = (BoardConfig(),) * boards
        sketches = SketchesConfig()
        if old_boards:
            plugged += _old_boards(cloud, boards, ANSWER_MS / speed)
            sketches = await _sketch_list(stack, Path(folder))
        server = await _thingsboard(stack) if thingsboard else None
        first = len(plugged)
        if server is not None:
            plugged += thingsboard_boards()
        simulated = SimulatorConfig(
            boards=plugged, world=world, cloud=cloud.base_url, folder=ports, speed=speed
        )
        left_out = ""
        if in_air:
            page = await stack.enter_async_context(SimulatedDevicePage(IMPROV_NAME))
            started, left_out = await _start_with_air(simulated, page.url)
        else:
            started = await start_simulator(simulated)
        simulator = await stack.enter_async_context(started)
        outside = {name: os.environ.get(name) for name in simulator.environment}
        stack.enter_context(environment(simulator.environment))
        nrf = await start_nrf(stack, ports, speed) if families else None
        blynk = await start_blynk(stack, ports, speed, world) if families else None
        config = Config(
            # Never the Bluetooth of this computer: boards of the demo, or none.
            bluetooth=BluetoothConfig(scan="asked" if simulator.environment else "never"),
            wifi=WifiConfig(join="never"),
            ports=PortsConfig(system=False, simulated=ports),
            arduino=ArduinoConfig(
                base_url=cloud.base_url,
                title=CLOUD_TITLE,
                requests_per_s=REQUESTS_PER_S,
            ),
            nrf=nrf.settings if nrf else NrfConfig(),
            sketches=sketches,
            compat=await start_tool_list(stack, Path(folder)) if tools else CompatConfig(),
            updates=UpdatesConfig(check=False),
        )
        _write_settings(config, paths)
        yield Demo(
            config=config,
            paths=paths,
            network=network,
            boards=simulator,
            cloud=cloud,
            air_address=simulator.ports[len(plugged)].address if simulator.environment else "",
            left_out=left_out,
            thingsboard=(
                DemoThingsBoard(server, simulator.ports[first : len(plugged)]) if server else None
            ),
            nrf=nrf,
            blynk=blynk,
            outside=outside,
        )


async def _thingsboard(stack: contextlib.AsyncExitStack) -> SimulatedThingsBoard:
    from agent.simulator.thingsboard import SimulatedThingsBoard

    return await stack.enter_async_context(SimulatedThingsBoard(coap=False))


def _write_settings(config: Config, paths: Paths) -> None:
    """The file that says the same: the page and other commands read the settings there."""
    from agent.settings.file import SettingsFile
    from agent.settings.keys import all_keys

    given = {key.name: key.of(config) for key in all_keys() if key.of(config) != key.default}
    SettingsFile(paths.config_file, paths.settings_lock).change(given)


async def _start_with_air(simulated: SimulatorConfig, page_url: str) -> tuple[SimulatorHandle, str]:
    """Boards with what is only heard beside them; or without it, and why."""
    from msgspec.structs import replace

    from agent.simulator.ble_bus import NoBusError
    from agent.simulator.config import BoardConfig
    from agent.simulator.improv import ImprovConfig
    from agent.simulator.improv_board import ImprovBoard
    from agent.simulator.process import SimulatorFailed, start_simulator

    lamp = ImprovConfig(
        brand="esphome",
        name=IMPROV_NAME,
        firmware="ESPHome",
        version="2026.4.0",
        url=page_url,
    )
    with_air = replace(
        simulated,
        boards=(*simulated.boards, BoardConfig(ble=True, usb=False)),
        improv=(ImprovBoard(device=lamp, link="ble"),),
    )
    try:
        return await start_simulator(with_air), ""
    except NoBusError as error:
        problem = error.facts["problem"]
    except SimulatorFailed:
        problem = "the D-Bus that carries them did not start"
    return await start_simulator(simulated), f"Left out: {IN_THE_AIR}; {problem}."


@contextlib.contextmanager
def environment(wanted: Mapping[str, str | None]) -> Iterator[None]:
    """Give this process variables, or take them (None), for as long as the context lasts."""
    before = {name: os.environ.get(name) for name in wanted}
    _set_environment(wanted)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(wanted: Mapping[str, str | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _old_boards(
    cloud: SimulatedArduinoCloud, first: int, answer_ms: float
) -> tuple[BoardConfig, ...]:
    """Boards of 1.0 as the cloud knows them; ``first`` is the number of the first one.

    ``answer_ms``: what their bootloaders take for an answer, in real time.
    """
    from agent.catalog import Catalog
    from agent.simulator.config import BoardConfig, BootloaderConfig, complete
    from agent.simulator.stock import give_sketches, know_old_board

    catalog = Catalog.load()
    give_sketches(cloud, catalog)
    boards = []
    for number, (model_id, name) in enumerate(OLD_DEVICES.items(), first):
        board = BoardConfig(
            model=model_id,
            sketch="provisioning-1.0",
            bootloader=BootloaderConfig(delay_ms=answer_ms),
        )
        boards.append(board)
        model = catalog.get(model_id)
        assert model is not None  # noqa: S101  (in the catalogue)
        know_old_board(cloud, complete(board, catalog, number), model, name)
    return tuple(boards)


async def _sketch_list(stack: contextlib.AsyncExitStack, folder: Path) -> SketchesConfig:
    """A list of 1.0 sketches on a port of its own, and where its key is."""
    from agent.simulator.sketch_index import SimulatedSketchIndex
    from agent.simulator.stock import REAL_BYTES

    index = await stack.enter_async_context(SimulatedSketchIndex(size=REAL_BYTES))
    key = folder / "sketch-list.asc"
    key.write_bytes(index.public_key)
    return SketchesConfig(index_url=index.index_url, index_key=str(key))
