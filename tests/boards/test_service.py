import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.boards.board import BoardChanges, BoardState
from agent.boards.known import KnownBoards
from agent.boards.service import BoardService, port_sources
from agent.boards.simulated_ports import SimulatedPorts
from agent.errors import AmbiguousBoard, PortBusy, PortGone, UnknownBoard
from agent.links import open_link
from agent.settings.config import PortsConfig

if sys.platform == "win32":
    pytest.skip("the ports of these tests are pseudo-terminals", allow_module_level=True)

UHWID = "a1" * 32
KITCHEN = {"serial_number": "F412FA65", "location": "sim-1"}
BATH = {"serial_number": "F412FA99", "location": "sim-2"}
BOARD = "uno_r4_wifi-F412FA65"


class Running:
    """A started service on the simulated ports, and what it told."""

    def __init__(self, catalog, ports, known: Path | None = None) -> None:
        self.service = BoardService(
            catalog, [SimulatedPorts(ports.folder)], known=KnownBoards(known)
        )
        self.told: asyncio.Queue[BoardChanges] = asyncio.Queue()
        self.service.subscribe(self.told.put_nowait)

    async def __aenter__(self) -> "Running":
        await self.service.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.service.close()

    async def until(self, condition) -> None:
        while not condition():
            await self.told.get()


@pytest.fixture
def running(catalog, ports, tmp_path):
    return Running(catalog, ports, tmp_path / "boards.json")


async def test_boards_that_are_there_are_listed_after_the_start(running, ports):
    ports.plug("kitchen", **KITCHEN)
    async with running:
        (board,) = running.service.list()
        assert (board.id, board.name) == (BOARD, "Arduino UNO R4 WiFi")
        assert board.ports[0].simulated


async def test_subscribers_hear_of_boards_that_come_and_go(running, ports):
    async with running:
        port = ports.plug("kitchen", **KITCHEN)
        assert [board.id for board in (await running.told.get()).appeared] == [BOARD]
        port.unplug()
        assert (await running.told.get()).vanished == [BOARD]
        assert running.service.list() == []


async def test_a_defect_of_one_subscriber_does_not_reach_the_others(running, ports, caplog):
    def broken(_changes: BoardChanges) -> None:
        raise RuntimeError("a defect")

    unsubscribe = running.service.subscribe(broken)
    last: asyncio.Queue[BoardChanges] = asyncio.Queue()
    running.service.subscribe(last.put_nowait)
    async with running:
        ports.plug("kitchen", **KITCHEN)
        assert (await last.get()).appeared
        assert "a subscriber of the boards failed" in caplog.text
        unsubscribe()
        unsubscribe()


async def test_a_subscriber_that_left_hears_nothing(running, ports):
    heard: list[BoardChanges] = []
    running.service.subscribe(heard.append)()
    async with running:
        ports.plug("kitchen", **KITCHEN)
        await running.told.get()
        assert heard == []


async def test_a_lease_opens_the_board_and_bytes_travel(running, ports):
    port = ports.plug("kitchen", **KITCHEN)
    async with running, running.service.lease(BOARD, "job") as lease:
        link = await lease.open(9600)
        await link.write(b"hello")
        assert os.read(port.master, 5) == b"hello"
        os.write(port.master, b"world")
        assert await link.receive() == b"world"


async def test_a_second_lease_is_told_who_holds_the_board(running, ports):
    ports.plug("kitchen", **KITCHEN)
    async with running:
        async with running.service.lease(BOARD, "Setting up kitchen"):
            board = running.service.find(BOARD)
            assert (board.state, board.holder) == (BoardState.BUSY, "Setting up kitchen")
            with pytest.raises(PortBusy) as caught:
                async with running.service.lease(BOARD, "the serial monitor"):
                    pass
            assert caught.value.facts["holder"] == "Setting up kitchen"
        assert running.service.find(BOARD).state is BoardState.READY


async def test_a_refused_lease_takes_nothing_from_its_holder(running, ports):
    ports.plug("kitchen", **KITCHEN)
    async with running, running.service.lease(BOARD, "first") as lease:
        link = await lease.open(9600)
        with pytest.raises(PortBusy):
            async with running.service.lease(BOARD, "second"):
                pass
        await link.write(b"still mine")
        assert lease.board.holder == "first"


@pytest.mark.parametrize("how", ["return", "error", "cancel"])
async def test_a_lease_is_released_however_it_ends(running, ports, how):
    port = ports.plug("kitchen", **KITCHEN)
    opened = asyncio.Event()

    async def use() -> None:
        async with running.service.lease(BOARD, "job") as lease:
            await lease.open(9600)
            opened.set()
            if how == "error":
                raise LookupError
            if how == "cancel":
                await asyncio.Event().wait()

    async with running:
        task = asyncio.create_task(use())
        await opened.wait()
        if how == "cancel":
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == (how == "cancel")
        assert how != "error" or isinstance(task.exception(), LookupError)
        assert running.service.find(BOARD).holder is None
        # The port itself is free too.
        link = await open_link(port.address, 9600)
        await link.close()


async def test_a_board_that_is_unplugged_in_use_is_unreachable_and_then_vanishes(running, ports):
    port = ports.plug("kitchen", **KITCHEN)
    async with running:
        async with running.service.lease(BOARD, "job") as lease:
            link = await lease.open(9600)
            port.unplug()
            with pytest.raises(PortGone):
                await link.receive()
            await running.until(lambda: not lease.board.ports)
            assert (lease.board.state, lease.board.holder) == (BoardState.UNREACHABLE, "job")
            with pytest.raises(PortGone):
                await lease.open(9600)
        await running.until(lambda: not running.service.list())


async def test_a_board_that_returns_under_another_name_is_waited_for_and_opened(running, ports):
    port = ports.plug("kitchen", **KITCHEN)
    async with running, running.service.lease(BOARD, "job") as lease:
        await lease.open(9600)
        before = port.address
        keep = os.open(before, os.O_RDWR | os.O_NOCTTY)  # so that the number is not given again
        port.unplug()
        waiting = asyncio.create_task(running.service.wait_back(BOARD, 10.0))
        await running.until(lambda: not lease.board.ports)
        assert not waiting.done()
        port.plug()
        os.close(keep)

        board = await waiting

        assert board.id == BOARD
        assert board.ports[0].address == port.address
        link = await lease.open(9600)
        await link.write(b"again")
        assert os.read(port.master, 5) == b"again"


async def test_a_lost_port_that_nobody_saw_vanish_is_not_taken_for_the_returned_board(
    running, ports
):
    port = ports.plug("kitchen", **KITCHEN)
    async with running, running.service.lease(BOARD, "job") as lease:
        link = await lease.open(9600)
        port.lose()
        with pytest.raises(PortGone):
            await link.receive()
        await link.close()
        waiting = asyncio.create_task(running.service.wait_back(BOARD, 10.0))
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
        port.plug()
        assert (await waiting).ports[0].address == port.address


@pytest.mark.parametrize("renamed", [False, True])
async def test_a_restart_too_short_to_be_seen_is_told_as_going_and_coming(renamed, running, ports):
    port = ports.plug("kitchen", **KITCHEN)
    async with running, running.service.lease(BOARD, "job"):
        assert (await running.told.get()).appeared
        assert (await running.told.get()).changed[0].state is BoardState.BUSY
        port.unplug()
        taken = os.openpty() if renamed else ()  # its name, which has become free
        port.plug()
        assert (await running.told.get()).changed[0].state is BoardState.UNREACHABLE
        assert (await running.told.get()).changed[0].state is BoardState.BUSY
    for descriptor in taken:
        os.close(descriptor)


async def test_a_board_that_never_left_is_back_at_once(running, ports):
    ports.plug("kitchen", **KITCHEN)
    async with running, running.service.lease(BOARD, "job") as lease:
        link = await lease.open(9600)
        await link.close()
        assert (await running.service.wait_back(BOARD, 10.0)).id == BOARD


async def test_waiting_for_a_board_ends_with_its_port_named(running, ports):
    port = ports.plug("kitchen", **KITCHEN)
    async with running:
        port.unplug()
        await running.until(lambda: not running.service.list())
        with pytest.raises(PortGone) as caught:
            await running.service.wait_back(BOARD, 0.05)
        assert caught.value.facts["port"] == port.address
        with pytest.raises(UnknownBoard):
            await running.service.wait_back("never-seen", 0.05)


async def test_boards_are_found_by_what_people_call_them(running, ports):
    port = ports.plug("kitchen", **KITCHEN)
    ports.plug("bath", **BATH)
    async with running:
        running.service.learn(BOARD, name="Kitchen")
        for query in (BOARD, "FA65", port.address, port.address[5:], "kitchen", "f412fa65"):
            assert running.service.find(query).id == BOARD
        with pytest.raises(AmbiguousBoard):
            running.service.find("uno")
        with pytest.raises(UnknownBoard):
            running.service.find("nano")


async def test_a_stable_link_to_a_port_finds_its_board(running, ports, tmp_path):
    port = ports.plug("kitchen", **KITCHEN)
    link = tmp_path / "usb-Arduino-if00"
    link.symlink_to(port.address)
    async with running:
        assert running.service.find(str(link)).id == BOARD


async def test_what_was_learned_is_told_and_survives_a_restart(catalog, ports, tmp_path):
    ports.plug("kitchen", **KITCHEN)
    file = tmp_path / "boards.json"
    async with Running(catalog, ports, file) as first:
        first.service.learn(BOARD, name="kitchen", uhwid=UHWID, installed="2.0")
        (board,) = (await first.told.get()).appeared
        (board,) = (await first.told.get()).changed
        assert (board.name, board.uhwid) == ("kitchen", UHWID)
    async with Running(catalog, ports, file) as second:
        (board,) = second.service.list()
        assert (board.name, board.uhwid) == ("kitchen", UHWID)
        assert board.provisioning.installed == "2.0"


async def test_a_merged_board_is_found_under_both_ids(running, ports):
    ports.plug("native", vid=0x303A, pid=0x1001, serial_number="3485185F1B2C", location="sim-1")
    ports.plug("bridge", vid=0x1A86, pid=0x7523, location="sim-2")
    async with running:
        bridge, native = (board.id for board in running.service.list())
        running.service.learn(native, uhwid=UHWID)
        running.service.learn(bridge, uhwid=UHWID)
        (board,) = running.service.list()
        assert running.service.find(bridge) == running.service.find(native) == board
        async with running.service.lease(bridge, "job"):
            assert running.service.find(native).holder == "job"


async def test_a_lease_outlives_the_merge_of_its_board(running, ports):
    ports.plug("native", vid=0x303A, pid=0x1001, serial_number="3485185F1B2C", location="sim-1")
    ports.plug("bridge", vid=0x1A86, pid=0x7523, location="sim-2")
    async with running:
        bridge, native = (board.id for board in running.service.list())
        running.service.learn(native, uhwid=UHWID)
        async with running.service.lease(bridge, "job") as lease:
            running.service.learn(bridge, uhwid=UHWID)
            assert lease.board.id == bridge
            link = await lease.open(9600)
            await link.close()
        (board,) = running.service.list()
        assert (board.id, board.holder) == (bridge, None)


async def test_thirty_two_boards_are_opened_at_once_each_its_own(running, ports):
    made = {
        f"uno_r4_wifi-F412{n:04X}": ports.plug(
            f"{n}", serial_number=f"F412{n:04X}", location=f"sim-{n}"
        )
        for n in range(32)
    }

    async def use(board_id: str) -> None:
        async with running.service.lease(board_id, f"job {board_id}") as lease:
            link = await lease.open(9600)
            await link.write(board_id.encode())

    async with running:
        assert {board.id for board in running.service.list()} == set(made)
        await asyncio.gather(*map(use, made))
        for board_id, port in made.items():
            assert os.read(port.master, 100) == board_id.encode()
        assert all(board.holder is None for board in running.service.list())


async def test_closing_may_be_repeated_and_closes_open_links(running, ports):
    ports.plug("kitchen", **KITCHEN)
    await running.service.start()
    async with running.service.lease(BOARD, "job") as lease:
        link = await lease.open(9600)
        await running.service.close()
        with pytest.raises(PortGone):
            await link.receive()
    await running.service.close()


def test_the_configuration_says_where_ports_are_looked_for(catalog, tmp_path):
    def kinds(config):
        sources = port_sources(config, catalog.models, find_drives=list, find_dfu=list)
        return [type(source).__name__ for source in sources]

    assert kinds(PortsConfig(system=False)) == []
    loaders = "UsbLoaders" if sys.platform == "linux" else "FoundLoaders"
    assert kinds(PortsConfig(simulated=str(tmp_path))) == [
        "SystemPorts",
        loaders,
        "LoaderDrives",
        "SimulatedPorts",
    ]


def test_importing_the_boards_loads_no_heavy_library():
    heavy = ["httpx", "cryptography", "keyring", "serialx", "serial", "rich", "cbor2"]
    code = f"import agent.boards.service, sys; sys.exit(bool(set({heavy}) & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
