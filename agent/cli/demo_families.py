"""The parts of ``mooring demo`` that show nRF Cloud and Blynk: a simulated cloud and a board each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from agent.app import App
    from agent.settings.config import NrfConfig
    from agent.simulator.blynk_board import BlynkBoard
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from agent.simulator.nrf_board import SimulatedNrfBoard
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from agent.simulator.world import World

BLYNK_NAME: Final = "ESP32 Blynk"
"""What its board is called before it is set up; it may look like any other with an ESP32."""
TEAM: Final = "Mooring demo"
"""Whose boards of nRF Cloud are."""
NRF_DEVICE_NAME: Final = "cold-chain"
BLYNK_DEVICE_NAME: Final = "Thermo in the hall"
"""What ``--once`` makes of them."""
LOCATION: Final = "9-70"
"""Of the modem on USB, apart from those of the other boards."""


@dataclass(frozen=True, slots=True)
class DemoNrf:
    """A Thingy:91 X that nobody has claimed, and its nRF Cloud."""

    cloud: SimulatedNrfCloud
    board: SimulatedNrfBoard

    @property
    def settings(self) -> NrfConfig:
        """Where the agent finds the cloud."""
        from agent.settings.config import NrfConfig

        url = self.cloud.base_url
        return NrfConfig(provisioning_url=url, devices_url=url)

    async def prepare(self, app: App) -> None:
        """Store the account."""
        key = self.cloud.state.add_key(TEAM)
        await app.nrf.login({"api_key": key.secret})


@dataclass(frozen=True, slots=True)
class DemoBlynk:
    """A board with Blynk's firmware that waits for its settings, and its Blynk.Cloud."""

    cloud: SimulatedBlynkCloud
    board: BlynkBoard
    serial_number: str
    """Of its USB."""

    async def prepare(self, app: App) -> None:
        """Store the account; the board has been read before, as a person would have done."""
        await app.blynk.login({**self.cloud.account})
        board = app.boards.find(self.serial_number)
        app.boards.learn(board.id, name=BLYNK_NAME, installed=app.blynk.id)


async def start_nrf(stack: AsyncExitStack, ports: str, speed: float) -> DemoNrf:
    """Plug the board in, for as long as ``stack`` lasts; ``ports`` is where it is announced."""
    from agent.simulator.nrf_board import SimulatedNrfBoard
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from agent.simulator.nrf_cloud_service import CloudService
    from agent.simulator.nrf_config import NrfConfig as Board

    cloud = await stack.enter_async_context(SimulatedNrfCloud())
    service = CloudService(cloud.state)
    board = SimulatedNrfBoard(
        Board(model="thingy91x"), speed=speed, folder=ports, location=LOCATION, service=service
    )
    await board.start()
    stack.push_async_callback(board.stop)
    return DemoNrf(cloud, board)


async def start_blynk(stack: AsyncExitStack, ports: str, speed: float, world: World) -> DemoBlynk:
    """The same; the board sees the networks of ``world``."""
    from agent.simulator.blynk_board import BlynkBoard
    from agent.simulator.blynk_board_cloud import NearCloud
    from agent.simulator.blynk_cloud import SimulatedBlynkCloud
    from agent.simulator.blynk_process import announced
    from agent.simulator.blynk_settings import EdgentConfig

    cloud = await stack.enter_async_context(SimulatedBlynkCloud())
    config = EdgentConfig(generation=2, version="1.0.0")

    def wait_for_settings() -> None:
        board.device.wait_for_settings()
        board.pass_time()

    near = NearCloud(cloud, config.template_id, wait_for_settings)
    board = BlynkBoard(config, world, speed=speed, cloud=near, leave=near.leave)
    await stack.enter_async_context(board)
    port = stack.enter_context(announced(ports, board))
    return DemoBlynk(cloud, board, port.serial_number)
