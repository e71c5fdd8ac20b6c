"""Boards in the air over a running bridge: who looks, for how long, and what they are told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.ble_advert import SERVICES
from agent.links.ble_radio import BleRadio
from tests.air import ON_LINUX, ImprovConfig, air
from tests.bridge.running import FOREIGN, OTHER, Bridge, run_bridge
from tests.bridge.test_openrpc import Checked, fetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.air import Air
    from tests.bridge.running import Client

pytestmark = ON_LINUX


class Place:
    """A bridge on a computer with Bluetooth, and what is around it."""

    def __init__(self, bridge: Bridge, around: Air, radio: BleRadio) -> None:
        self.bridge = bridge
        self.air = around
        self.radio = radio

    async def quiet(self) -> None:
        """Wait until this computer no longer scans."""
        while self.radio.scanning:
            await self.radio.wait_idle()
            await asyncio.sleep(0)

    @property
    def scans(self) -> int:
        """How often a scan was begun."""
        return self.air.bluez.calls.count("StartDiscovery")


@contextlib.asynccontextmanager
async def open_place(folder: Path, **around: Any) -> AsyncIterator[Place]:
    async with air(**around) as room:
        radio = BleRadio(SERVICES, retry_s=0.05)
        async with run_bridge(folder, radio=radio) as bridge:
            yield Place(bridge, room, radio)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Two boards in the air."""
    async with open_place(tmp_path, boards=2) as place:
        yield place


async def until_seen(client: Client, listed: dict[str, Any], count: int) -> dict[str, Any]:
    """The boards, once there are ``count`` of them."""
    boards = {board["id"]: board for board in listed["boards"]}
    while len(boards) < count:
        changes = await client.next("boards.changed")
        boards |= {board["id"]: board for board in changes["appeared"] + changes["changed"]}
    return boards


async def test_nobody_scans_until_somebody_looks(place: Place) -> None:
    client = await place.bridge.open()
    listed = await client.call("boards.subscribe")
    assert listed == {"boards": [], "bluetooth": {"scanning": False, "problem": None}}
    assert place.air.bluez.calls == []
    listed = await client.call("boards.subscribe", ble=True)
    assert listed["bluetooth"] == {"scanning": True, "problem": None}
    boards = await until_seen(client, listed, 2)
    for board in boards.values():
        (port,) = board["ports"]
        assert (board["model"], board["via"], port["kind"]) == ("uno_r4_wifi", "ble", "ble")
        assert port["service"] == "2.0"
        assert port["rssi_dbm"] < 0


async def test_looking_ends_when_it_is_no_longer_asked_for(place: Place) -> None:
    client = await place.bridge.open()
    await client.call("boards.subscribe", ble=True)
    await client.call("boards.subscribe", ble=True)
    listed = await client.call("boards.subscribe")
    await place.quiet()
    assert place.scans == 1
    assert listed["bluetooth"]["problem"] is None
    await client.call("boards.subscribe", ble=False)
    await until_seen(client, await client.call("boards.subscribe", ble=True), 2)
    assert place.scans == 2


async def test_looking_lasts_as_long_as_anybody_looks(place: Place) -> None:
    first, second = await place.bridge.open(), await place.bridge.open(own=True)
    await first.call("boards.subscribe", ble=True)
    await until_seen(second, await second.call("boards.subscribe", ble=True), 2)
    await first.close()
    room = place.air
    room.go_out_of_range(0)
    room.come_back(0, -30)
    while not any(
        port["rssi_dbm"] > -55
        for board in (await second.next("boards.changed"))["changed"]
        for port in board["ports"]
    ):
        pass
    assert place.scans == 1
    await second.close()
    await place.quiet()


async def test_nobody_listens_while_the_agent_is_paused(place: Place) -> None:
    client = await place.bridge.open()
    await until_seen(client, await client.call("boards.subscribe", ble=True), 2)
    await client.call("agent.pause")
    while (await client.next("bluetooth.changed"))["scanning"]:
        pass
    await place.quiet()
    listed = await client.call("boards.subscribe", ble=True)
    assert listed["bluetooth"] == {"scanning": False, "problem": None}
    await client.call("agent.resume")
    while not (await client.next("bluetooth.changed"))["scanning"]:
        pass
    while place.scans < 2:
        await asyncio.sleep(0.005)
    await client.close()
    await place.quiet()


async def leave(_: Place, client: Client) -> None:
    await client.close()


async def vanish(_: Place, client: Client) -> None:
    client.socket.transport.abort()


async def be_revoked(place: Place, client: Client) -> None:
    owner = await place.bridge.open()
    await owner.call("origins.revoke", url=FOREIGN)
    await client.socket.wait_closed()


async def see_the_agent_stop(place: Place, _: Client) -> None:
    await place.bridge.server.stop()


@pytest.mark.parametrize("end", [leave, vanish, be_revoked, see_the_agent_stop])
async def test_looking_ends_with_the_connection_however_it_ends(
    place: Place, end: Callable[[Place, Client], Awaitable[None]]
) -> None:
    page = await place.bridge.open(FOREIGN)
    await page.call("boards.subscribe", ble=True)
    assert place.radio.scanning
    await end(place, page)
    await place.quiet()


async def test_an_allowed_page_may_look_and_sees_what_the_own_page_sees(place: Place) -> None:
    page = await place.bridge.open(OTHER)
    seen = await until_seen(page, await page.call("boards.subscribe", ble=True), 2)
    own = await place.bridge.open(own=True)
    listed = await own.call("boards.list")
    assert set(seen) == {board["id"] for board in listed["boards"]}


@pytest.mark.parametrize(
    ("state", "codes"),
    [
        ("off", {"ble-off"}),
        ("absent", {"ble-absent"}),
        # A computer without a radio, as most that run this, misses no service for it.
        ("stopped", {"ble-stopped", "ble-absent"}),
        ("forbidden", {"ble-forbidden"}),
    ],
)
async def test_what_is_wrong_with_bluetooth_is_told_and_when_it_is_mended(
    tmp_path: Path, state: Any, codes: set[str]
) -> None:
    async with open_place(tmp_path, boards=1, radio=state) as place:
        client = Checked(await place.bridge.open(), await fetch(place.bridge))
        listed = await client.call("boards.subscribe", ble=True)
        told = await client.next("bluetooth.changed")
        assert told["scanning"] is True
        assert told["problem"]["code"] in codes
        assert told["problem"]["remedy"]
        again = await client.call("boards.subscribe", ble=True)
        assert again["bluetooth"] == told
        await place.air.radio("on")
        assert await client.next("bluetooth.changed") == {"scanning": True, "problem": None}
        await until_seen(client.client, listed, 1)


async def test_a_page_that_does_not_look_learns_what_others_find_out(tmp_path: Path) -> None:
    async with open_place(tmp_path, boards=1, radio="off") as place:
        hidden, seen = await place.bridge.open(), await place.bridge.open()
        await hidden.call("boards.subscribe")
        await seen.call("boards.subscribe", ble=True)
        assert (await hidden.next("bluetooth.changed"))["problem"]["code"] == "ble-off"
        await seen.close()
        assert await hidden.next("bluetooth.changed") == {"scanning": False, "problem": None}


async def test_what_can_be_set_up_and_can_blink_says_so(tmp_path: Path) -> None:
    async with open_place(tmp_path, boards=0, improv=[ImprovConfig()]) as place:
        client = await place.bridge.open()
        seen = await until_seen(client, await client.call("boards.subscribe", ble=True), 1)
        ((port,),) = [board["ports"] for board in seen.values()]
        assert (port["service"], port["blinks"]) == ("improv", True)


async def test_the_serial_monitor_needs_a_cable(place: Place) -> None:
    client = await place.bridge.open()
    boards = await until_seen(client, await client.call("boards.subscribe", ble=True), 2)
    error = await client.fail("serial.open", board=next(iter(boards)))
    assert error["data"]["code"] == "needs-cable"
    assert "Connect" not in place.air.bluez.calls


async def test_thirty_boards_that_move_are_told_in_few_messages(tmp_path: Path) -> None:
    async with open_place(tmp_path, boards=30) as place:
        client = await place.bridge.open()
        boards = await until_seen(client, await client.call("boards.subscribe", ble=True), 30)
        assert len(boards) == 30
        client.notifications.clear()
        for rssi_dbm in (-90, -40):
            for number in range(30):
                place.air.come_back(number, rssi_dbm)
            await asyncio.sleep(0.5)
        await client.call("agent.info")
        told = [note for note in client.notifications if note["method"] == "boards.changed"]
        assert 0 < len(told) < 10


async def test_an_agent_without_bluetooth_says_so(bridge: Bridge) -> None:
    client = await bridge.open()
    assert (await client.call("boards.subscribe", ble=True))["bluetooth"] is None
    assert "ble" not in (await client.call("agent.info"))["capabilities"]


async def test_an_agent_with_bluetooth_says_so(place: Place) -> None:
    client = await place.bridge.open()
    assert "ble" in (await client.call("agent.info"))["capabilities"]
