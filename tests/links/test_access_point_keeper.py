"""The computer's Wi-Fi of the agent: untouched until somebody wants it, and brought back until it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.errors import WifiNever, WifiNotBack
from agent.links.access_point_keeper import AccessPointKeeper
from agent.links.access_point_note import WayNote
from tests.links.access_point_world import BOARD, HOME, SSID, WAY, TestWifi

if TYPE_CHECKING:
    from pathlib import Path

    from agent.errors import ErrorReport


class Desk:
    """A keeper with its notices, and how often the system was made."""

    def __init__(self, folder: Path, retry_s: float = 0.0) -> None:
        self.system = TestWifi()
        self.made = 0
        self.told: asyncio.Queue[ErrorReport | None] = asyncio.Queue()
        self.way_file = folder / "way.json"
        self.may_join = True
        self.keeper = AccessPointKeeper(
            self.way_file,
            self.told.put_nowait,
            may_join=lambda: self.may_join,
            make_system=self.make,
            retry_s=retry_s,
            close_limit_s=0.01,
            return_pause_s=0.0,
        )

    def make(self) -> TestWifi:
        self.made += 1
        return self.system

    def crashed(self) -> None:
        """An earlier run was killed inside a board's network."""
        WayNote(self.way_file).write(WAY)
        self.system.current = BOARD


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    await desk.keeper.close()


async def test_nothing_is_made_before_somebody_wants_it_nor_by_a_start_without_a_note(desk):
    desk.keeper.start()
    await desk.keeper.close()
    assert desk.made == 0
    assert [point.ssid for point in await desk.keeper.seen()] == [SSID]
    async with desk.keeper.join(SSID, limit_s=5) as inside:
        assert (inside.ssid, desk.system.current) == (SSID, BOARD)
    assert ((await desk.keeper.now()).adapters[0].network, desk.made) == (HOME, 1)
    await desk.keeper.close()
    assert desk.system.closed


async def test_a_start_after_a_crash_brings_the_computer_back(desk):
    desk.crashed()
    desk.keeper.start()
    assert await desk.told.get() is None
    assert desk.system.current == HOME
    assert not desk.way_file.exists()


async def test_a_computer_that_cannot_be_brought_back_is_told_of_until_it_is(desk):
    desk.crashed()
    desk.system.running = False
    desk.keeper.start()
    told = await desk.told.get()
    assert told is not None
    assert (told.code, "Home" in told.remedy) == ("wifi-not-back", True)
    assert desk.way_file.exists()
    desk.system.running = True
    while await desk.told.get() is not None:
        pass
    assert desk.system.current == HOME


async def test_one_that_a_job_could_not_bring_back_is_tried_again_too(desk):
    with pytest.raises(WifiNotBack):
        async with desk.keeper.join(SSID):
            desk.system.running = False
    assert await desk.told.get() is not None
    desk.system.running = True
    while await desk.told.get() is not None:
        pass
    assert desk.system.current == HOME


async def test_an_agent_that_is_not_to_join_networks_still_comes_back(desk):
    desk.may_join = False
    with pytest.raises(WifiNever):
        await desk.keeper.seen()
    with pytest.raises(WifiNever):
        await desk.keeper.plan(SSID)
    with pytest.raises(WifiNever):
        desk.keeper.join(SSID)
    desk.crashed()
    desk.keeper.start()
    assert await desk.told.get() is None
    assert desk.system.current == HOME


async def test_the_end_of_the_agent_does_not_wait_for_a_computer_that_hangs(desk):
    desk.crashed()
    desk.system.may_return.clear()
    desk.keeper.start()
    await desk.system.returning.wait()
    await desk.keeper.close()
    assert desk.way_file.exists()
    desk.system.may_return.set()
