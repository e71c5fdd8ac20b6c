"""Boards in the air for everybody above: attend, lease, open, wait until one is back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from agent.boards.ble_advert import SERVICES
from agent.boards.ble_boards import BleBoards
from agent.boards.board import Board, BoardChanges, BoardState
from agent.boards.leases import STALE_S
from agent.boards.service import BoardService, port_sources
from agent.errors import (
    BleLost,
    BleNotHeard,
    BluetoothOff,
    NeedsCable,
    PortBusy,
    PortGone,
    UnknownBoard,
)
from agent.links import open_link
from agent.links.ble import PROVISIONING, with_ble
from agent.links.ble_gatt import open_gatt
from agent.links.ble_radio import BleRadio
from agent.settings.config import PortsConfig
from agent.simulator.ble_adapter import AdapterState
from agent.simulator.ble_bluez import BluezStandIn
from tests.links.air import ADDRESS, ScriptedBoard, air

from .conftest import Ports

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]

BOARD = "uno_r4_wifi-A1B2C3D4E5F6"


class Desk:
    """A service that listens to the air and looks into a folder, and what it told."""

    def __init__(self, bluez: BluezStandIn, radio: BleRadio, service: BoardService) -> None:
        self.bluez = bluez
        self.radio = radio
        self.service = service
        self.changes: list[BoardChanges] = []
        self._news = asyncio.Event()
        service.subscribe(self._note)

    async def until(self, count: int) -> list[Board]:
        """The boards, as soon as there are so many."""
        while len(boards := self.service.list()) != count:
            self._news.clear()
            await self._news.wait()
        return boards

    def _note(self, changes: BoardChanges) -> None:
        self.changes.append(changes)
        self._news.set()


@asynccontextmanager
async def desk(catalog, *boards: ScriptedBoard, ports=None, silence_s=25.0) -> AsyncIterator[Desk]:
    async with air(*boards) as bluez:
        radio = BleRadio(SERVICES)
        sources = []
        if ports is not None:
            sources = port_sources(PortsConfig(system=False, simulated=str(ports.folder)))
        service = BoardService(
            catalog,
            sources,
            air=BleBoards(radio, silence_s=silence_s),
            opener=with_ble(radio, open_link),
            gatt_opener=partial(open_gatt, radio),
        )
        await service.start()
        try:
            yield Desk(bluez, radio, service)
        finally:
            await service.close()
            await radio.close()


async def test_the_air_is_listened_to_while_somebody_attends(catalog):
    async with desk(catalog, ScriptedBoard()) as here:
        assert not here.radio.scanning
        leave, other = here.service.attend(), here.service.attend()
        (board,) = await here.until(1)
        assert (board.id, board.via, board.state) == (BOARD, "ble", BoardState.READY)
        leave()
        leave()
        assert here.radio.scanning
        other()
        await here.radio.wait_idle()


async def test_without_bluetooth_attending_means_nothing(catalog):
    service = BoardService(catalog, [])
    await service.start()
    leave = service.attend()
    leave()
    leave()
    await service.close()


async def test_the_end_of_the_service_ends_the_scan_whoever_attends(catalog):
    async with desk(catalog, ScriptedBoard()) as here:
        here.service.attend()
        await here.until(1)
        await here.service.close()
        await here.radio.wait_idle()


async def test_a_lease_through_the_air_attends_and_opens_the_board_there(catalog):
    board = ScriptedBoard()
    async with desk(catalog, board) as here:
        leave = here.service.attend()
        await here.until(1)
        async with here.service.lease(BOARD, "job") as lease:
            leave()
            assert here.radio.scanning
            assert (lease.via, lease.board.via, lease.board.state) == (
                "ble",
                "ble",
                BoardState.BUSY,
            )
            link = await lease.open(9600)
            assert link.address == f"ble://{ADDRESS}"
            with pytest.raises(PortBusy) as caught:
                async with here.service.lease(BOARD, "another job"):
                    pass
            assert caught.value.facts["port"] == f"ble://{ADDRESS}"
        with pytest.raises(BleLost):
            await link.receive()
        await here.radio.wait_idle()
        assert board.links == 1


async def test_a_lease_opens_single_characteristics_too(catalog):
    board = ScriptedBoard()
    async with desk(catalog, board) as here:
        here.service.attend()
        await here.until(1)
        async with here.service.lease(BOARD, "job") as lease:
            gatt = await lease.open_gatt(PROVISIONING)
            assert board.link is not None
            assert board.link.on_value is not None
            board.link.on_value(b"hello")
            assert await gatt.receive() == (PROVISIONING.from_board, b"hello")
            board.drop()
            with pytest.raises(PortGone):
                await gatt.receive()
            (sighting,) = here.service._registry.require(BOARD).sightings("ble")
            assert lease.is_stale(sighting)


async def test_a_lease_on_a_cable_has_no_characteristics(catalog, ports: Ports):
    ports.plug("a", serial_number="F412FA65")
    async with (
        desk(catalog, ports=ports) as here,
        here.service.lease("uno_r4_wifi-F412FA65", "job", via="usb") as lease,
    ):
        with pytest.raises(RuntimeError):
            await lease.open_gatt(PROVISIONING)


async def test_a_board_that_is_only_heard_needs_a_cable_for_its_serial_port(catalog):
    async with desk(catalog, ScriptedBoard()) as here:
        here.service.attend()
        await here.until(1)
        async with here.service.lease(BOARD, "the serial monitor", via="usb") as lease:
            assert lease.board.state is BoardState.UNREACHABLE
            with pytest.raises(NeedsCable):
                await lease.open(9600)


async def test_a_board_on_a_cable_that_is_not_heard_cannot_be_opened_in_the_air(
    catalog, ports: Ports
):
    ports.plug("a", serial_number="F412FA65")
    async with (
        desk(catalog, ports=ports) as here,
        here.service.lease("uno_r4_wifi-F412FA65", "job", via="ble") as lease,
    ):
        with pytest.raises(BleNotHeard):
            await lease.open(9600)
        await here.bluez.set_state(AdapterState.OFF)
        while here.radio.problem is None:
            await asyncio.sleep(0.01)
        with pytest.raises(BluetoothOff):
            await lease.open(9600)


async def test_both_links_become_one_board_and_the_cable_is_preferred(catalog, ports: Ports):
    ports.plug("a", serial_number="F412FA65")
    async with desk(catalog, ScriptedBoard(), ports=ports, silence_s=0.5) as here:
        leave = here.service.attend()
        await here.until(2)
        here.service.learn("uno_r4_wifi-F412FA65", ble_address=ADDRESS)
        (board,) = here.service.list()
        assert (board.via, [port.kind for port in board.ports]) == ("usb", ["serial", "ble"])
        async with here.service.lease(board.id, "job") as lease:
            assert (await lease.open(9600)).address == board.ports[0].address
        async with here.service.lease(BOARD, "job", via="ble") as lease:
            assert (await lease.open(9600)).address == f"ble://{ADDRESS}"
        leave()


async def test_a_board_whose_link_was_lost_is_back_when_it_is_heard_again(catalog):
    board = ScriptedBoard()
    async with desk(catalog, board) as here:
        here.service.attend()
        await here.until(1)
        async with here.service.lease(BOARD, "job") as lease:
            link = await lease.open(9600)
            board.silent = True
            board.drop()
            with pytest.raises(BleLost):
                await link.receive()
            waiting = asyncio.create_task(here.service.wait_back(BOARD, 10.0))
            await asyncio.wait({waiting}, timeout=STALE_S + 0.5)
            assert not waiting.done()
            board.silent = False
            assert (await waiting).id == BOARD
            assert (await lease.open(9600)).address == f"ble://{ADDRESS}"
    assert not any(change.vanished or change.appeared for change in here.changes[1:])


async def test_a_board_that_is_not_heard_again_is_gone(catalog):
    board = ScriptedBoard()
    async with desk(catalog, board) as here:
        here.service.attend()
        await here.until(1)
        async with here.service.lease(BOARD, "job") as lease:
            link = await lease.open(9600)
            board.silent = True
            board.drop()
            with pytest.raises(BleLost):
                await link.receive()
            with pytest.raises(PortGone) as caught:
                await here.service.wait_back(BOARD, 0.3)
            assert caught.value.facts["port"] == f"ble://{ADDRESS}"


async def test_a_board_that_advertises_under_a_new_address_is_back(catalog):
    board = ScriptedBoard()
    async with desk(catalog, board) as here:
        here.service.attend()
        await here.until(1)
        async with here.service.lease(BOARD, "job") as lease:
            link = await lease.open(9600)
            board.silent = True
            board.drop()
            with pytest.raises(BleLost):
                await link.receive()
            board.address, board.silent = "5A:00:00:00:00:01", False
            await here.service.wait_back(BOARD, 10.0)
            assert (await lease.open(9600)).address == "ble://5A:00:00:00:00:01"


async def test_waiting_in_the_air_does_not_count_the_cable(catalog, ports: Ports):
    ports.plug("a", serial_number="F412FA65")
    board = ScriptedBoard()
    async with desk(catalog, board, ports=ports, silence_s=0.4) as here:
        here.service.attend()
        await here.until(2)
        here.service.learn(BOARD, uhwid="ab" * 32)
        here.service.learn("uno_r4_wifi-F412FA65", uhwid="ab" * 32)
        async with here.service.lease(BOARD, "job", via="ble") as lease:
            board.silent = True
            while lease.board.state is not BoardState.UNREACHABLE:
                await asyncio.sleep(0.01)
            waiting = asyncio.create_task(here.service.wait_back(BOARD, 10.0))
            await asyncio.wait({waiting}, timeout=0.3)
            assert not waiting.done()
            board.silent = False
            await waiting


async def test_a_board_is_found_by_its_address_number_or_advertised_name(catalog):
    async with desk(catalog, ScriptedBoard()) as here:
        here.service.attend()
        await here.until(1)
        for query in (f"ble://{ADDRESS}", ADDRESS.lower(), "A1B2C3D4E5F6", "Arduino-2341-1002"):
            assert here.service.find(query).id == BOARD
        with pytest.raises(UnknownBoard):
            here.service.find("AA:BB:CC:DD:EE:FF")
