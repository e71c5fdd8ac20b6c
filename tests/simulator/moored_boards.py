"""Boards on a port, a ThingsBoard, and what is delivered from one to the other."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent.catalog import Catalog
from agent.settings import Secret
from agent.settings.credentials import AccessToken, BoardSettings, CloudSettings
from agent.settings.network import WiFi
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.device import SimulatedDevice
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import token_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.sessions.delivery import Delivery
    from agent.simulator.config import SketchName
    from agent.simulator.thingsboard_devices import Device

NAME = "bench 7"
TOKEN = "Qe41-right"
HOME = WiFi(ssid="HomeNet", password=Secret("correct horse"))
SPEED = 50.0


@asynccontextmanager
async def thingsboard() -> AsyncIterator[tuple[SimulatedThingsBoard, Device]]:
    """A server that knows one device."""
    async with SimulatedThingsBoard(coap=False, tls=False) as server:
        device = server.prepare(NAME)
        server.state.replace_credentials(device, token_credentials(TOKEN))
        yield server, device


@asynccontextmanager
async def board(
    model: str, sketch: SketchName, **options: object
) -> AsyncIterator[SimulatedDevice]:
    """A board that is plugged in; ``options`` are of the simulator, ``drive`` of the board."""
    drive = {"drive": options.pop("drive")} if "drive" in options else {}
    carried = BoardConfig(model=model, sketch=sketch, **drive)  # type: ignore[arg-type]  # a field
    config = SimulatorConfig(board=carried, speed=SPEED, **options)  # type: ignore[arg-type]  # fields
    async with SimulatedDevice(config, Catalog.load()) as device:
        yield device


def settings(
    server: SimulatedThingsBoard, *, token: str = TOKEN, network: WiFi = HOME
) -> BoardSettings:
    """What makes a board the device of :func:`thingsboard`."""
    cloud = CloudSettings(
        cloud="thingsboard",
        name=NAME,
        host="127.0.0.1",
        port=server.ports["mqtt"],
        scheme="mqtt",
        credentials=AccessToken(token=Secret(token)),
    )
    return BoardSettings(network=network, cloud=cloud)


def tell_nobody(_done: int, _total: int) -> None:
    """Nobody watches."""


async def put(delivery: Delivery, wanted: BoardSettings) -> str:
    """Deliver; how the board says that its connection ends."""
    await delivery.put(wanted, tell_nobody)
    state = await delivery.cloud_state(30)
    return f"{state.outcome} {state.detail}".rstrip()
