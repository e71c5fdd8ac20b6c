"""Boards in the air as ports: who is listed, for how long, and what it costs."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agent.boards.ble_advert import COMPANY, SERVICES
from agent.boards.ble_boards import POLL_S, SILENCE_S, BleBoards
from agent.boards.board import Board, BoardChanges, BoardState, Port
from agent.boards.service import BoardService
from agent.links.ble import open_ble
from agent.links.ble_radio import Advert, BleRadio
from agent.protocols.improv.gatt import (
    SERVICE_DATA_UUID,
    SERVICE_UUID,
    ServiceData,
    encode_service_data,
)
from agent.protocols.improv.messages import Capability
from agent.simulator.ble_adapter import AdapterState
from agent.simulator.ble_air import Advertisement
from agent.simulator.ble_bluez import BluezStandIn
from tests.links.air import ADDRESS, OTHER_SERVICE, ScriptedBoard, air

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

MOVED = "5A:00:00:00:00:01"


class Desk:
    """A source that somebody watches, as the watcher of ports does."""

    def __init__(self, bluez: BluezStandIn, radio: BleRadio, **options) -> None:
        self.bluez = bluez
        self.radio = radio
        self.ahead_s = 0.0
        self.source = BleBoards(radio, clock=self._now, **options)
        self._woken = asyncio.Event()
        self.source.start(self._woken.set)

    def ports(self) -> list[Port]:
        return [sighting.port for sighting in self.source.look()]

    async def wait(self, count: int) -> list[Port]:
        """Until so many boards are listed."""
        while len(ports := self.ports()) != count:
            self._woken.clear()
            try:
                async with asyncio.timeout(0.1):
                    await self._woken.wait()
            except TimeoutError:
                continue
        return ports

    async def fall_silent(self) -> None:
        """Time passes until nobody is listed; what was on its way may still be heard."""
        while self.ports():
            self.ahead_s += SILENCE_S
            await asyncio.sleep(0)

    def _now(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead_s


@asynccontextmanager
async def desk(*boards: ScriptedBoard, **options) -> AsyncIterator[Desk]:
    async with air(*boards) as bluez:
        radio = BleRadio(SERVICES)
        made = Desk(bluez, radio, **options)
        try:
            yield made
        finally:
            made.source.close()
            made.source.close()
            await radio.close()


async def test_a_board_is_a_port_with_its_ids_number_name_and_strength():
    async with desk(ScriptedBoard()) as here:
        here.source.attend()
        assert await here.wait(1) == [
            Port(
                kind="ble",
                address="ble://" + ADDRESS,
                vid=0x2341,
                pid=0x1002,
                serial_number="A1B2C3D4E5F6",
                product="Arduino-2341-1002",
                rssi_dbm=-60,
                service="2.0",
            )
        ]


async def test_nothing_is_scanned_until_somebody_looks_and_after_the_last_one_left():
    async with desk(ScriptedBoard()) as here:
        assert here.ports() == []
        assert here.source.poll_s == math.inf
        assert here.bluez.calls == []
        leave, other = here.source.attend(), here.source.attend()
        await here.wait(1)
        assert here.source.poll_s == POLL_S
        leave()
        leave()
        assert here.source.attended
        assert here.radio.scanning
        other()
        await here.radio.wait_idle()
        assert not here.source.attended
        assert not here.bluez.adapter.discovering


async def test_a_board_leaves_the_list_after_silence_and_comes_back():
    board = ScriptedBoard()
    async with desk(board) as here:
        here.source.attend()
        first = (await here.wait(1), here.source.look()[0].node)
        board.silent = True
        await here.fall_silent()
        board.silent = False
        assert (await here.wait(1), here.source.look()[0].node) != first
        assert here.source.poll_s == POLL_S


async def test_a_board_whose_strength_does_not_change_is_not_silent():
    async with desk(ScriptedBoard()) as here:
        here.source.attend()
        await here.wait(1)
        heard: list[tuple[int, int]] = []
        enough = asyncio.Event()

        def note(advert: Advert) -> None:
            here.ahead_s += SILENCE_S - 1
            heard.append((advert.rssi_dbm, len(here.ports())))
            if len(heard) == 5:
                enough.set()

        here.radio.listen(note)
        await enough.wait()
        assert set(heard) == {(-60, 1)}


async def test_a_board_that_we_are_connected_to_stays_listed():
    async with desk(ScriptedBoard()) as here:
        here.source.attend()
        await here.wait(1)
        link = await open_ble(here.radio, ADDRESS)
        here.ahead_s += 2 * SILENCE_S
        assert len(here.ports()) == 1
        await link.close()
        assert len(here.ports()) == 1


async def test_a_board_whose_link_has_ended_gets_a_new_number_when_it_is_heard_again():
    board = ScriptedBoard()
    async with desk(board) as here:
        here.source.attend()
        await here.wait(1)
        before = here.source.look()
        link = await open_ble(here.radio, ADDRESS)
        assert here.source.look()[0].node == before[0].node
        board.silent = True
        await link.close()
        assert here.source.look()[0].node == before[0].node
        board.silent = False
        while here.source.look()[0].node == before[0].node:
            await asyncio.sleep(0.01)


async def test_a_board_that_switched_its_bluetooth_off_leaves_at_once_until_it_is_heard_again():
    board = ScriptedBoard()
    async with desk(board) as here:
        here.source.attend()
        await here.wait(1)
        before = here.source.look()
        link = await open_ble(here.radio, ADDRESS)
        board.silent = True
        await link.close()
        here.source.switched_off(before[0].port.address)
        assert here.ports() == []
        board.silent = False
        await here.wait(1)
        assert here.source.look()[0].node != before[0].node


async def test_a_board_that_is_silent_after_a_link_leaves():
    board = ScriptedBoard()
    async with desk(board) as here:
        here.source.attend()
        await here.wait(1)
        link = await open_ble(here.radio, ADDRESS)
        board.silent = True
        await link.close()
        assert len(here.ports()) == 1
        await here.fall_silent()


async def test_an_improv_device_is_listed_with_what_it_can():
    device = ScriptedBoard(name="Kitchen lamp", service=SERVICE_UUID)
    device.advertised = Advertisement(
        "Kitchen lamp",
        (SERVICE_UUID,),
        {},
        {SERVICE_DATA_UUID: encode_service_data(ServiceData(2, Capability.IDENTIFY))},
    )
    async with desk(device) as here:
        here.source.attend()
        (port,) = await here.wait(1)
        assert (port.service, port.blinks, port.product) == ("improv", True, "Kitchen lamp")
        assert (port.vid, port.serial_number) == (None, None)


async def test_a_board_that_changes_its_address_is_listed_once():
    board = ScriptedBoard()
    async with desk(board) as here:
        here.source.attend()
        await here.wait(1)
        board.address = MOVED
        while (await here.wait(1))[0].address != "ble://" + MOVED:
            await asyncio.sleep(0.02)
        assert here.ports()[0].serial_number == "A1B2C3D4E5F6"


async def test_a_change_of_strength_is_news():
    board = ScriptedBoard()
    async with desk(board) as here:
        here.source.attend()
        await here.wait(1)
        board.rssi_dbm = -90
        while (strength := here.ports()[0].rssi_dbm) is not None and strength > -75:
            await asyncio.sleep(0.05)


async def test_a_board_without_its_name_is_held_back_for_a_moment_only():
    board = ScriptedBoard(name="")
    async with desk(board) as here:
        stop = asyncio.Event()
        here.radio.listen(lambda _: stop.set())
        here.source.attend()
        await stop.wait()
        assert here.ports() == []
        ports = await here.wait(1)
        assert ports[0].product is None
        assert ports[0].vid is None


async def test_others_and_ignored_boards_are_not_listed():
    other = ScriptedBoard("AA:AA:AA:AA:AA:AA", "Headphones", service=OTHER_SERVICE)
    ignored = ScriptedBoard("A1:B2:C3:D4:E5:00")
    async with desk(other, ignored, ScriptedBoard(), ignore=["a1:b2:c3:d4:e5:00"]) as here:
        here.source.attend()
        heard = set[str]()
        here.radio.listen(lambda advert: heard.add(advert.address))
        assert [port.address for port in await here.wait(1)] == ["ble://" + ADDRESS]
        while ignored.address not in heard:
            await asyncio.sleep(0.01)
        assert len(here.ports()) == 1


async def test_thirty_boards_in_a_room_are_all_listed():
    boards = [ScriptedBoard(f"A1:B2:C3:D4:E5:{number:02X}") for number in range(30)]
    async with desk(*boards) as here:
        here.source.attend()
        ports = await here.wait(30)
        assert len({port.serial_number for port in ports}) == 30


async def test_a_room_with_too_many_boards_keeps_the_latest():
    old = [ScriptedBoard(f"A1:B2:C3:D4:E5:{number:02X}") for number in range(3)]
    async with desk(*old, limit=3) as here:
        here.source.attend()
        await here.wait(3)
        old[0].silent = True
        here.bluez.add(ScriptedBoard("A1:B2:C3:D4:E5:FF"))
        while (there := {port.address for port in here.ports()}) & {"ble://" + old[0].address}:
            await asyncio.sleep(0.02)
        left = [old[1].address, old[2].address, "A1:B2:C3:D4:E5:FF"]
        assert there == {"ble://" + address for address in left}


async def test_a_strange_name_cannot_do_harm():
    name = "\x1b[2J" + "x" * 100
    async with desk(ScriptedBoard(name=name)) as here:
        here.source.attend()
        product = (await here.wait(1))[0].product
        assert product is not None
        assert product.isprintable()
        assert len(product) <= 40


async def test_the_service_of_boards_lists_what_is_in_the_air(catalog):
    board = ScriptedBoard()
    async with desk(board, silence_s=0.5) as here:
        service = BoardService(catalog, [here.source])
        changes: list[BoardChanges] = []
        news = asyncio.Event()

        def note(change: BoardChanges) -> None:
            changes.append(change)
            news.set()

        service.subscribe(note)
        await service.start()
        assert service.list() == []
        leave = here.source.attend()
        found = await _until(service, news, 1)
        assert found[0].id == "uno_r4_wifi-A1B2C3D4E5F6"
        assert found[0].model == "uno_r4_wifi"
        assert found[0].state is BoardState.READY
        board.silent = True
        await _until(service, news, 0)
        leave()
        await service.close()


async def _until(service: BoardService, news: asyncio.Event, count: int) -> list[Board]:
    while len(boards := service.list()) != count:
        news.clear()
        await news.wait()
    return boards


async def test_bluetooth_that_is_off_hides_the_boards_and_says_so():
    async with desk(ScriptedBoard()) as here:
        await here.bluez.set_state(AdapterState.OFF)
        here.source.attend()
        while here.radio.problem is None:
            await asyncio.sleep(0.01)
        assert here.ports() == []
        assert here.radio.problem.code == "ble-off"


async def test_the_number_of_an_arduino_board_does_not_count_from_an_improv_device():
    device = ScriptedBoard(name="Kitchen lamp", service=SERVICE_UUID)
    device.advertised = Advertisement(
        "Kitchen lamp", (SERVICE_UUID,), {COMPANY: bytes.fromhex("0123456789AB")}, {}
    )
    async with desk(device) as here:
        here.source.attend()
        (port,) = await here.wait(1)
        assert (port.service, port.serial_number) == ("improv", None)


async def test_a_flood_of_addresses_does_not_displace_a_board_that_we_are_connected_to():
    async with desk(ScriptedBoard(), limit=3) as here:
        here.source.attend()
        await here.wait(1)
        link = await open_ble(here.radio, ADDRESS)
        for number in range(9):
            here.bluez.add(ScriptedBoard(f"5A:00:00:00:00:{number:02X}"))
        heard = set[str]()
        here.radio.listen(lambda advert: heard.add(advert.address))
        while len(heard) < 9:
            await asyncio.sleep(0.02)
        assert "ble://" + ADDRESS in {port.address for port in here.ports()}
        await link.close()


async def test_an_impostor_does_not_displace_a_board_that_we_are_connected_to():
    impostor = ScriptedBoard(MOVED, mac=ADDRESS)
    async with desk(ScriptedBoard()) as here:
        here.source.attend()
        await here.wait(1)
        link = await open_ble(here.radio, ADDRESS)
        here.bluez.add(impostor)
        found = {port.address for port in await here.wait(2)}
        assert found == {"ble://" + ADDRESS, "ble://" + MOVED}
        await link.close()
