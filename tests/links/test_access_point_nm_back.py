"""NetworkManager: which network the computer is brought back into."""

from __future__ import annotations

import pytest

from agent.links.access_point import AccessPoints
from agent.links.access_point_nm import NetworkManager
from agent.links.access_point_nm_objects import ROOT
from tests.links.nm_bench import BOARD, OPEN, WLAN, nm_bench

pytestmark = [pytest.mark.needs("networkmanager"), pytest.mark.system("linux")]

SSID = BOARD.encode()


@pytest.fixture
async def bench():
    async with nm_bench() as bench:
        yield bench


@pytest.fixture
async def points(bench, tmp_path):
    told: list[object] = []
    found = AccessPoints(
        NetworkManager(bench.address), tmp_path / "way.json", told.append, return_pause_s=0.0
    )
    yield found
    await found.close()


async def test_a_network_that_the_service_chose_meanwhile_is_left_for_the_one_before(bench, points):
    await bench.home()
    home = await bench.home_uuid()
    async with points.join(SSID):
        await bench.disconnected()
        await bench.point(WLAN, "phone", "Phone", OPEN)
        await bench.mock(ROOT, "AddWiFiConnection", "ssss", [WLAN, "Phone", "Phone", ""])
        body = [[WLAN], f"{ROOT}/Settings/Phone", f"{ROOT}/AccessPoint/phone", "5", 2]
        await bench.mock(ROOT, "AddActiveConnection", "assssu", body)
    assert await bench.network() == home


async def test_the_safety_net_is_taken_away_from_an_adapter_that_was_in_no_network_too(
    bench, points
):
    await bench.adapter("wlan0")
    await bench.point(WLAN, "board", BOARD, OPEN)
    await bench.permit(checkpoint_rollback="yes")
    async with points.join(SSID):
        pass
    assert len(await bench.calls("CheckpointDestroy")) == 1
    assert await bench.network() == ""
