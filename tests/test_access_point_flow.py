"""Through a board's own network and back: NetworkManager's stand-in, and a board with a web server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from agent.errors import ApNotHeard, PortGone, WifiForbidden, WifiNotBack
from agent.links.access_point_keeper import AccessPointKeeper
from agent.links.access_point_nm import NetworkManager
from agent.links.access_point_nm_objects import ROOT, SERVICE
from agent.protocols.blynk.config import BlynkConfig
from agent.sessions.blynk_http import BlynkHttp
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.simulator.blynk_board import BlynkBoard
from tests.blynk_network import board_beside
from tests.links.nm_bench import HOME_PROFILE, nm_bench, refuse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.errors import ErrorReport
    from tests.blynk_network import BoardNetwork
    from tests.links.nm_bench import NmBench

pytestmark = [pytest.mark.needs("networkmanager"), pytest.mark.system("linux")]

SPEED = 100.0
TOKEN = Secret("tok_ABCDEFGHIJKLMNOPQRSTUVWX-012")
GOOD = BlynkConfig(TOKEN, WiFi(ssid="HomeNet", password=Secret("correct horse")))
WRONG = BlynkConfig(TOKEN, WiFi(ssid="HomeNet", password=Secret("wrong horse")))


@dataclass
class Desk:
    """A computer, a board, and what the person was told of the computer's network."""

    bench: NmBench
    board: BlynkBoard
    network: BoardNetwork
    points: AccessPointKeeper
    way_file: Path
    told: asyncio.Queue[ErrorReport | None] = field(default_factory=asyncio.Queue)

    @property
    def ssid(self) -> bytes:
        return self.board.device.name.encode()

    def session(self) -> BlynkHttp:
        return BlynkHttp("127.0.0.1", self.board.http_port, look_every_s=2 / SPEED)

    async def is_home(self) -> bool:
        at_home = await self.bench.network() == await self.bench.home_uuid()
        clean = await self.bench.profiles() == [HOME_PROFILE]
        return at_home and clean and not self.way_file.exists()


@asynccontextmanager
async def desk_with_board(folder: Path) -> AsyncIterator[Desk]:
    told: asyncio.Queue[ErrorReport | None] = asyncio.Queue()
    way_file = folder / "way.json"
    board = BlynkBoard(speed=SPEED, tcp=True)
    async with nm_bench() as bench, board, board_beside(bench, board) as network:
        points = AccessPointKeeper(
            way_file,
            told.put_nowait,
            make_system=lambda: NetworkManager(bench.address),
            retry_s=0.05,
            return_pause_s=0.01,
        )
        try:
            yield Desk(bench, board, network, points, way_file, told)
        finally:
            await points.close()


async def test_a_board_gets_its_settings_and_takes_its_network_away(tmp_path):
    async with desk_with_board(tmp_path) as desk:
        async with desk.points.join(desk.ssid) as inside:
            session = desk.session()
            assert (await session.info()).name == desk.board.device.name
            assert "HomeNet" in [each.ssid for each in (await session.scan()).networks]
            assert (await session.configure(GOOD, lambda _: None)).state == "unknown"
            await asyncio.wait_for(inside.lost.wait(), 15)
        assert await desk.is_home()
        await desk.network.until(heard=False)
        with pytest.raises(ApNotHeard):
            await desk.points.plan(desk.ssid)


async def test_after_a_wrong_password_the_network_comes_back_and_says_why(tmp_path):
    async with desk_with_board(tmp_path) as desk:
        async with desk.points.join(desk.ssid) as inside:
            await desk.session().configure(WRONG, lambda _: None)
            await asyncio.wait_for(inside.lost.wait(), 15)
        assert await desk.is_home()
        await desk.network.until(heard=True, times=2)
        async with desk.points.join(desk.ssid):
            session = desk.session()
            assert (await session.info()).last_error == 701
            await session.configure(GOOD, lambda _: None)
            await desk.network.until(heard=False, times=2)
        assert await desk.is_home()


async def test_a_network_that_vanishes_in_the_middle_ends_the_work_and_the_computer_is_back(
    tmp_path,
):
    async def work(desk: Desk) -> None:
        async with desk.points.join(desk.ssid) as inside:
            session = desk.session()
            await session.info()
            desk.board.device.restart()
            desk.board.pass_time()
            await asyncio.wait_for(inside.lost.wait(), 15)
            await session.scan()

    async with desk_with_board(tmp_path) as desk:
        with pytest.raises(PortGone):
            await work(desk)
        assert await desk.is_home()


async def test_joining_that_is_refused_leaves_board_and_computer_as_they_are(tmp_path):
    async with desk_with_board(tmp_path) as desk:
        code = refuse(f"{SERVICE}.PermissionDenied", "Not authorized to control networking.")
        types = ("a{sa{sv}}ooa{sv}", "ooa{sv}")
        await desk.bench.method(ROOT, SERVICE, "AddAndActivateConnection2", *types, code)
        with pytest.raises(WifiForbidden):
            async with desk.points.join(desk.ssid):
                raise AssertionError
        assert await desk.is_home()
        assert desk.board.device.access_point


async def test_a_computer_that_does_not_come_back_is_told_of_until_it_does(tmp_path):
    async def work(desk: Desk) -> None:
        async with desk.points.join(desk.ssid):
            await desk.session().info()
            await desk.bench.refuse_return()

    async with desk_with_board(tmp_path) as desk:
        with pytest.raises(WifiNotBack):
            await work(desk)
        told = await asyncio.wait_for(desk.told.get(), 15)
        assert told is not None
        assert (told.code, "Choose Home in the Wi-Fi menu" in told.remedy) == (
            "wifi-not-back",
            True,
        )
        assert desk.way_file.exists()
        await desk.bench.allow_return()
        while await asyncio.wait_for(desk.told.get(), 15) is not None:
            pass
        assert await desk.is_home()
