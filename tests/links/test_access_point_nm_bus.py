"""One connection to the bus for NetworkManager."""

from __future__ import annotations

import asyncio

import pytest

from agent.errors import WifiStopped
from agent.links.access_point_nm_bus import NmBus
from agent.links.access_point_nm_objects import DEVICE, ROOT, SERVICE, WIRELESS
from tests.links.nm_bench import WLAN, nm_bench

pytestmark = [pytest.mark.needs("networkmanager"), pytest.mark.system("linux")]


async def test_all_objects_come_at_once_and_a_change_is_news():
    async with nm_bench() as bench:
        await bench.home()
        bus = NmBus(bench.address)
        found = await bus.objects()
        assert found[WLAN][WIRELESS]["LastScan"] == 1000
        await bus.call(WLAN, WIRELESS, "RequestScan", "a{sv}", [{}])
        async with asyncio.timeout(30):
            await bus.news()
        assert (await bus.objects())[WLAN][WIRELESS]["LastScan"] == 1010
        await bus.close()


async def test_the_reason_of_a_failure_is_kept_until_the_next_attempt():
    async with nm_bench() as bench:
        await bench.home()
        bus = NmBus(bench.address)
        await bus.objects()
        for state, reason, kept in ((120, 53, 53), (30, 0, 53), (30, 1, 53), (40, 0, 0)):
            changed = f"[dbus.UInt32({state}), dbus.UInt32(0), dbus.UInt32({reason})]"
            code = f"self.EmitSignal({DEVICE!r}, 'StateChanged', 'uuu', {changed})"
            await bench.method(WLAN, DEVICE, "Change", "", "", code)
            await bus.call(WLAN, DEVICE, "Change", "", [])
            assert bus.reason(WLAN) == kept
        assert bus.reason(f"{ROOT}/Devices/other") == 0
        await bus.close()


async def test_a_service_that_ends_and_comes_again_is_met_on_the_same_connection():
    async with nm_bench() as bench:
        bus = NmBus(bench.address)
        await bus.objects()
        await bench.kill()
        async with asyncio.timeout(30):
            await bus.news()
        with pytest.raises(WifiStopped):
            await bus.call(ROOT, SERVICE, "GetPermissions", "", [])
        await bench.start()
        assert await bus.call(ROOT, SERVICE, "GetPermissions", "", []) == [{}]
        await bus.close()
        await bus.close()


async def test_without_a_bus_it_says_so(tmp_path):
    bus = NmBus(f"unix:path={tmp_path}/none")
    with pytest.raises(WifiStopped, match="cannot be asked"):
        await bus.objects()
