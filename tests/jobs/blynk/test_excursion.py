"""A stay in a board's network that outlives a request: how it begins, what ends it, that it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.errors import ApLimit, ApLost, ApNotHeard, PortGone, WifiNotBack
from agent.jobs.blynk.excursion import Excursion
from agent.links.access_point import AccessPoints
from tests.links.access_point_world import BOARD, HOME, SSID, TestWifi

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from agent.links.access_point import Inside
    from agent.links.access_point_wifi import AccessPoint, Choice, Computer


class Limited:
    """The real ones, with a limit of their own."""

    def __init__(self, wifi: TestWifi, folder: Path, limit_s: float) -> None:
        file = folder / "way.json"
        self._real = AccessPoints(wifi, file, lambda _: None, return_tries=1, return_pause_s=0)
        self._limit_s = limit_s

    async def seen(self) -> list[AccessPoint]:
        return await self._real.seen()

    async def plan(self, ssid: bytes) -> tuple[Computer, Choice]:
        return await self._real.plan(ssid)

    def join(
        self, ssid: bytes, *, limit_s: float | None = None
    ) -> AbstractAsyncContextManager[Inside]:
        return self._real.join(ssid, limit_s=limit_s or self._limit_s)


def points(wifi: TestWifi, folder: Path, *, limit_s: float = 60.0) -> Limited:
    return Limited(wifi, folder, limit_s)


async def answer(text: str = "here") -> str:
    return text


async def never() -> None:
    await asyncio.Event().wait()


async def gone() -> None:
    raise PortGone(port="http://192.168.4.1:80")


async def test_requests_work_inside_and_the_computer_is_back_after_it(tmp_path: Path) -> None:
    wifi = TestWifi()
    stay = Excursion(points(wifi, tmp_path), SSID)
    await stay.enter()
    assert wifi.current == BOARD
    assert await stay.within(answer()) == "here"
    await stay.leave()
    assert wifi.current == HOME
    await stay.leave()


async def test_what_keeps_it_from_beginning_is_told(tmp_path: Path) -> None:
    stay = Excursion(points(TestWifi(points=[]), tmp_path), SSID)
    with pytest.raises(ApNotHeard):
        await stay.enter()
    await stay.leave()


async def test_a_board_that_takes_its_network_away_is_told_as_that(tmp_path: Path) -> None:
    wifi = TestWifi()
    stay = Excursion(points(wifi, tmp_path), SSID)
    await stay.enter()
    with pytest.raises(PortGone):
        await stay.within(gone())
    wifi.gone.set()
    await stay.lost()
    with pytest.raises(ApLost):
        await stay.within(gone())
    await stay.leave()
    assert wifi.current == HOME


async def test_the_limit_ends_what_is_under_way(tmp_path: Path) -> None:
    wifi = TestWifi()
    stay = Excursion(points(wifi, tmp_path, limit_s=0.05), SSID)
    await stay.enter()
    with pytest.raises(ApLimit):
        await stay.within(never())
    with pytest.raises(ApLimit):
        await stay.leave()
    assert wifi.current == HOME


async def test_who_is_cancelled_while_joining_is_back_all_the_same(tmp_path: Path) -> None:
    wifi = TestWifi()
    wifi.may_join.clear()
    stay = Excursion(points(wifi, tmp_path), SSID)
    entering = asyncio.create_task(stay.enter())
    await wifi.joining.wait()
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    await stay.leave()
    assert wifi.current == HOME


async def test_a_computer_that_is_not_back_is_told(tmp_path: Path) -> None:
    wifi = TestWifi()
    stay = Excursion(points(wifi, tmp_path), SSID)
    await stay.enter()
    wifi.running = False
    with pytest.raises(WifiNotBack):
        await stay.leave()
