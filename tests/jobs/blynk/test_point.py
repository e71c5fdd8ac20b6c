"""A board in its own network, and who else has its address at home: nobody there is told anything."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.errors import BlynkNotArrived, OtherBoard
from agent.jobs.blynk.deliver import Pace
from agent.jobs.blynk.point import Place, Point
from agent.links.access_point_keeper import AccessPointKeeper
from agent.protocols.blynk.config import BlynkConfig
from tests.jobs.blynk.samples import HOME as NETWORK
from tests.jobs.blynk.samples import PASSWORD, TEMPLATE, TOKEN
from tests.links.access_point_world import BOARD, HOME, SSID, TestWifi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.links.access_point_wifi import AccessPoint
    from agent.settings import Secret

CONFIG = BlynkConfig(token=TOKEN, wifi=NETWORK)
PACE = Pace(
    point_second_s=0.005,
    point_look_s=0.005,
    point_again_s=5.0,
    look_s=0.005,
    point_follow_s=0.1,
    point_doubt_s=30.0,
)


class Online:
    """A cloud that sees each board at once."""

    async def connected(self, token: Secret) -> bool:
        return token == TOKEN

    async def wait_for_board(
        self,
        token: Secret,
        *,
        fresh: bool,
        heard: asyncio.Event | None = None,
        limit_s: float,
    ) -> float:
        del token, fresh, heard, limit_s
        return 0.5


class Noticing(Online):
    """One that notices after a while that the board went."""

    _asked = 0

    async def connected(self, token: Secret) -> bool:
        self._asked += 1
        return await super().connected(token) and self._asked < 3


class Silent(Online):
    """One that sees nobody, until its time is over."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def wait_for_board(self, token: Secret, **_: object) -> float:
        del token
        await self.over.wait()
        raise BlynkNotArrived(cloud="b", server="s", seconds=120, detail="")


class CountedWifi(TestWifi):
    """One whose looks are counted."""

    scans = 0

    async def scan(self, limit_s: float, wanted: bytes | None = None) -> list[AccessPoint]:
        self.scans += 1
        return await super().scan(limit_s, wanted)


class Address:
    """What answers at a board's address: the board, or at home the router."""

    def __init__(self, wifi: TestWifi) -> None:
        self._wifi = wifi
        self.name = SSID.decode()
        self.last_error = 0
        self.generation = 1
        self.board: list[str] = []
        self.router: list[str] = []
        """Paths that each was asked for."""

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        asked = self.board if self._wifi.current == BOARD else self.router
        asked.append(target)
        said: dict[str, object] = {"status": "ok", "msg": "fine"}
        if target.endswith("info.json"):
            said = {"board": "Thermo", "ssid": self.name, "tmpl_id": TEMPLATE}
            if self.generation == 2:
                said = {"vendor": "Blynk", "name": self.name, "tmpl_id": TEMPLATE, "ifs": []}
            said["last_error"] = self.last_error
        body = json.dumps(said).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()


class Street:
    """One computer, one board, one router."""

    def __init__(self, folder: Path) -> None:
        self.wifi = CountedWifi()
        self.address = Address(self.wifi)
        file = folder / "way.json"
        self.points = AccessPointKeeper(
            file, lambda _: None, make_system=lambda: self.wifi, return_pause_s=0
        )
        self.port = 0

    def point(self) -> Point:
        return Point(self.points, SSID, Place("127.0.0.1", self.port), PACE, by_hand=False)


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    made = Street(tmp_path)
    async with await asyncio.start_server(made.address.meet, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


async def test_a_board_is_erased_in_its_own_network_also_after_the_computer_was_home(
    street: Street,
) -> None:
    point = street.point()
    await point.open()
    await point.leave()
    assert street.wifi.current == HOME
    await point.reset()
    await point.leave()
    assert street.wifi.current == HOME
    assert "/reset" in street.address.board
    assert street.address.router == []


async def test_a_board_whose_network_went_is_joined_again_before_it_is_told_a_password(
    street: Street,
) -> None:
    point = street.point()
    await point.open()
    street.wifi.gone.set()
    street.wifi.current = HOME  # as systems do by themselves
    delivering = asyncio.create_task(
        point.deliver(Online(), CONFIG, lambda _: None, fresh=True, was_online=False)
    )
    await street.wifi.returning.wait()
    street.wifi.gone.clear()
    assert (await delivering).state == "online"
    assert not any(PASSWORD.reveal() in each for each in street.address.router)
    assert any(PASSWORD.reveal() in each for each in street.address.board)
    await point.close()


async def test_a_device_that_was_online_before_is_believed_only_when_its_board_did_not_come_back(
    street: Street,
) -> None:
    point = street.point()
    await point.open()
    told = street.wifi.points
    street.wifi.points = []  # its board takes it away for the attempt
    delivering = asyncio.create_task(
        point.deliver(Online(), CONFIG, lambda _: None, fresh=False, was_online=True)
    )
    await street.wifi.returning.wait()
    while street.wifi.scans < 3:
        await asyncio.sleep(0)
        assert not delivering.done()
    street.address.last_error = 701
    street.wifi.points = told
    arrived = await delivering
    assert arrived.failure is not None
    assert arrived.failure.code == 701
    assert street.wifi.current == HOME


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_device_that_was_online_before_is_believed_once_that_is_over(
    street: Street, noticed: bool
) -> None:
    cloud = Noticing() if noticed else Online()
    limit_s = 30.0 if noticed else 0.02
    pace = replace(PACE, point_doubt_s=limit_s)
    point = Point(street.points, SSID, Place("127.0.0.1", street.port), pace, by_hand=False)
    await point.open()
    street.wifi.points = []
    arrived = await point.deliver(cloud, CONFIG, lambda _: None, fresh=False, was_online=True)
    assert arrived.state == "online"
    await point.close()


@pytest.mark.parametrize("before", [0, 722])
async def test_a_board_that_keeps_its_network_is_asked_once_more_when_its_time_is_over(
    street: Street, before: int
) -> None:
    street.address.generation, street.address.last_error = 2, before
    cloud, point = Silent(), street.point()
    await point.open()
    told: list[str] = []
    delivering = asyncio.create_task(
        point.deliver(
            cloud, CONFIG, lambda news: told.append(news.detail), fresh=True, was_online=False
        )
    )
    while not told or "flashes green while it tries" not in told[-1]:  # it is followed no more
        await asyncio.sleep(0)
    if before:
        # What it said before it was given these settings is no reason while it may be trying.
        looks = len(street.address.board)
        while len(street.address.board) == looks:
            await asyncio.sleep(0)
        await street.wifi.returning.wait()
        assert not delivering.done()
        cloud.over.set()
    else:
        street.address.last_error = 722
    arrived = await delivering
    assert arrived.failure is not None
    assert arrived.failure.code == 722
    assert street.wifi.current == HOME


async def test_another_board_at_the_same_address_is_not_taken_for_it(street: Street) -> None:
    street.address.name = "Blynk Thermo-FK8D"
    point = street.point()
    with pytest.raises(OtherBoard):
        await point.open()
    await point.close()
    assert street.wifi.current == HOME


async def test_who_stops_while_the_computer_joins_leaves_it_at_home(street: Street) -> None:
    street.wifi.may_join.clear()
    point = street.point()
    opening = asyncio.create_task(point.open())
    await street.wifi.joining.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await point.leave()
    assert street.wifi.current == HOME


async def test_who_stops_while_it_comes_back_waits_until_it_is(street: Street) -> None:
    street.wifi.may_return.clear()
    point = street.point()
    await point.open()
    leaving = asyncio.create_task(point.leave())
    await street.wifi.returning.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    again = asyncio.create_task(point.leave())
    await asyncio.sleep(0)
    street.wifi.may_return.set()
    await again
    assert street.wifi.current == HOME
