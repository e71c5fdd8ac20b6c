"""A simulated Blynk.Cloud, simulated boards at it, and everything real between them and the jobs."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.clouds.blynk.cloud import Blynk
from agent.jobs.blynk.deliver import Pace
from agent.jobs.blynk.kit import BlynkKit
from agent.jobs.blynk.point import Place
from agent.links.access_point_keeper import AccessPointKeeper
from agent.settings import Secret
from agent.simulator.announcement import Announcement, announce, withdraw
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import NearCloud
from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_process import PID, VID
from agent.simulator.blynk_settings import EdgentConfig
from agent.simulator.world import Network, World
from tests.jobs.agent_bench import AgentBench, Hasty, accounts_in, vault_in
from tests.links.access_point_world import HOME, POINT, TestWifi

if TYPE_CHECKING:
    from pathlib import Path

    from agent.boards.board import Board
    from agent.catalog import Catalog
    from agent.clouds.vault import Vault
    from agent.jobs.service import JobService
    from agent.links.access_point_wifi import AccessPoint, WayBack

SPEED = 200.0
HASTE = 50.0
PASSWORD = "marker-wifi-password-4d1e"
EMOJI = "Küche 🍲 und Flur 🚪 mit Ba"
LONG = "p" * 63
NETWORK = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}
PACE = Pace(
    configure_s=3.0,
    arrival_s=120.0,
    confirm_s=5.0,
    look_s=0.02,
    point_follow_s=1.0,
    point_second_s=0.5,
    point_look_s=0.01,
    point_doubt_s=2.0,
    point_again_s=10.0,
)


def world() -> World:
    return World(
        networks=[
            Network(ssid="HomeNet", rssi=-45, password=Secret(PASSWORD)),
            Network(ssid="Guests", rssi=-60),
            Network(ssid=EMOJI, rssi=-67, password=Secret(LONG)),
            Network(ssid="NoInternet", rssi=-70, password=Secret("nopath"), internet=False),
        ]
    )


class BoardWifi(TestWifi):
    """A computer with Wi-Fi beside a simulated board, whose access point comes and goes."""

    board: BlynkBoard
    joined: int = 0

    async def scan(self, limit_s: float, wanted: bytes | None = None) -> list[AccessPoint]:
        await super().scan(limit_s, wanted)
        self.board.pass_time()
        if not self.board.device.access_point:
            return []
        return [replace(POINT, ssid=self.board.device.name.encode())]

    async def join(self, way: WayBack, point: AccessPoint, limit_s: float) -> None:
        await super().join(way, point, limit_s)
        self.joined += 1

    async def lost(self, way: WayBack) -> None:
        del way
        while self.board.device.access_point:
            await asyncio.sleep(0.005)


class BlynkBench(AgentBench):
    """A cloud, a computer with Wi-Fi beside the board, and an agent with an account and a vault."""

    client: Blynk
    points: AccessPointKeeper
    simulated: BlynkBoard
    vault: Vault

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        super().__init__(folder, catalog)
        self.cloud = SimulatedBlynkCloud()
        self.world = world()
        self.wifi = BoardWifi()
        self.http_port = 0
        """Where the board answers in its own network; 0: at its own server."""
        self._file: Path | None = None

    async def start(self) -> None:
        await self._always.enter_async_context(self.cloud)

    # --- the board -----------------------------------------------------------------------------

    async def plug(self, generation: Any = 2, *, speed: float = SPEED, **config: Any) -> BlynkBoard:
        """A board on a cable; a second time: the same one, after it was unplugged."""
        given = EdgentConfig(generation=generation, **config)
        cloud = NearCloud(self.cloud, given.template_id)
        self.simulated = BlynkBoard(
            given, self.world, speed=speed, tcp=True, cloud=cloud, leave=cloud.leave
        )
        await self._always.enter_async_context(self.simulated)
        port = Announcement(
            address=self.simulated.port,
            vid=VID,
            pid=PID,
            serial_number=f"{given.chip:08X}",
            location="1-1",
            manufacturer="Silicon Labs",
            product="CP2102 USB to UART Bridge Controller",
            process=os.getpid(),
        )
        self._file = announce(self.ports, port, "blynk")
        self.wifi.board = self.simulated
        while given.inject == "ap" and not self.simulated.device.access_point:
            await asyncio.sleep(0.002)
            self.simulated.pass_time()
        return self.simulated

    async def unplug(self) -> None:
        assert self._file is not None
        withdraw(self._file)
        await self.simulated.__aexit__()

    # --- the agent -----------------------------------------------------------------------------

    async def start_agent(self, *, client: bool = True, **surroundings: Any) -> JobService:
        """``client``: the account has an OAuth client."""
        await self.open_parts()
        self.client = Blynk(accounts=accounts_in(self.folder), clock=Hasty(HASTE))
        self._agent.push_async_callback(self.client.close)
        if not (self.folder / "accounts.json").exists():
            account = self.cloud.account
            await self.client.login(account if client else {"server": account["server"]})
        self.vault = vault_in(self.folder)
        self.points = AccessPointKeeper(
            self.folder / "way.json", lambda _: None, make_system=lambda: self.wifi
        )
        self._agent.push_async_callback(self.points.close)
        place = Place("127.0.0.1", self.http_port or self.simulated.http_port)
        return await self.open_jobs(
            vault=self.vault,
            kits=(BlynkKit(self.client, pace=PACE, place=place),),
            access_points=self.points,
            **surroundings,
        )

    @property
    def is_home(self) -> bool:
        """The computer is in its own network, and nothing is to be undone."""
        return self.wifi.current == HOME and not (self.folder / "way.json").exists()

    # --- jobs ----------------------------------------------------------------------------------

    @property
    def point(self) -> str:
        """The name of the board's access point."""
        return self.simulated.device.name

    @property
    def board(self) -> Board:
        return self.only_board()

    async def begin(self, kind: str = "provision", *, attended: bool = True, **given: Any) -> str:
        request: dict[str, Any] = {"kind": kind, "cloud": "blynk"} | given
        if kind == "provision" and "network" not in request:
            request["network"] = NETWORK
        if "access_point" in request:
            request["board"] = ""
        elif "board" not in request:
            request["board"] = self.board.id
        return await self.jobs.start(
            {name: value for name, value in request.items() if value is not None},
            attended=attended,
        )
