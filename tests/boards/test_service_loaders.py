"""Boards that are touched and come back, with real ports and files, through the service."""

import asyncio
import json
import os
import select
import sys

import pytest

from agent.boards.board import BoardState
from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.boards.usb_loaders import FoundLoaders, ListedDevice
from agent.errors import PortBusy, PortGone

if sys.platform == "win32":
    pytest.skip("the ports of these tests are pseudo-terminals", allow_module_level=True)

import termios

H7 = {"vid": 0x2341, "pid": 0x025B}
H7_LOADER = {"vid": 0x2341, "pid": 0x035B}
PICO, ROM = {"vid": 0x2E8A, "pid": 0xF00A}, {"vid": 0x2E8A, "pid": 0x0003}


class Service:
    """A service on simulated ports that tests can wait for."""

    def __init__(self, catalog, ports, *sources) -> None:
        self.service = BoardService(catalog, [SimulatedPorts(ports.folder), *sources])
        self._changed = asyncio.Event()
        self.service.subscribe(lambda _changes: self._changed.set())

    async def __aenter__(self) -> "Service":
        await self.service.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.service.close()

    async def until(self, condition) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def board(self, board_id):
        return next((b for b in self.service.list() if b.id == board_id), None)


@pytest.fixture
def running(catalog, ports):
    return Service(catalog, ports)


def announce(ports, name, **facts):
    """A port without a pseudo-terminal behind it."""
    file = ports.folder / f"{name}.json"
    temporary = file.with_suffix(".tmp")
    temporary.write_text(json.dumps({"process": os.getpid(), **facts}))
    temporary.replace(file)
    return file


def was_touched(port):
    poll = select.poll()
    poll.register(port.master, select.POLLIN)
    hung_up = any(events & select.POLLHUP for _, events in poll.poll(0))
    return hung_up and termios.tcgetattr(port.master)[4] == termios.B1200


async def test_a_touched_board_comes_as_its_loader_and_goes_back(running, ports):
    port = ports.plug("h7", **H7, serial_number="002F0031313851", location="9-1")
    async with running:
        (sketch,) = running.service.list()
        async with running.service.lease(sketch.id, "job") as lease:
            link = await lease.open(9600)
            await lease.touch()
            with pytest.raises(PortGone):
                await link.receive()
            assert was_touched(port)

            port.unplug()
            announce(ports, "h7", kind="usb", address="usb:9-1", **H7_LOADER, location="9-1")
            await running.until(lambda: lease.board.ports and lease.board.ports[0].kind == "usb")
            assert running.service.find("usb:9-1").id == sketch.id
            with pytest.raises(PortGone):
                await lease.open(9600)

            port.plug()
            await running.until(lambda: lease.board.ports and lease.board.ports[0].kind == "serial")
            link = await lease.open(9600)
            await link.write(b"again")
            assert os.read(port.master, 5) == b"again"


async def test_a_board_that_somebody_holds_open_is_not_touched(running, ports):
    from agent.links import open_link

    port = ports.plug("h7", **H7, serial_number="002F0031313851", location="9-1")
    other = await open_link(port.address, 9600)
    async with running:
        (board,) = running.service.list()
        async with running.service.lease(board.id, "job") as lease:
            with pytest.raises(PortBusy):
                await lease.touch()
    assert termios.tcgetattr(port.master)[4] == termios.B9600
    await other.close()


async def test_a_drive_without_a_socket_is_adopted_and_waiting_ends(running, ports, tmp_path):
    port = ports.plug("pico", **PICO, serial_number="E66138528350")
    async with running:
        (sketch,) = running.service.list()
        async with running.service.lease(sketch.id, "job") as lease:
            await lease.touch()
            port.unplug()
            await running.until(lambda: not lease.board.ports)
            back = asyncio.create_task(running.service.wait_back(sketch.id, 10.0))
            announce(ports, "drive", kind="volume", address=str(tmp_path), **ROM)
            await running.until(lambda: len(running.service.list()) == 2)
            made = running.service.find(str(tmp_path))
            assert (made.state, made.candidates) == (
                BoardState.BOOTLOADER,
                ["nano_rp2040_connect", "pico_w"],
            )
            assert not back.done()

            running.service.adopt(sketch.id, made.ports[0])

            assert (await back).ports == made.ports
            assert [board.id for board in running.service.list()] == [sketch.id]
            assert running.service.find(str(tmp_path)).model == "pico_w"


@pytest.mark.parametrize("location", [True, False])
@pytest.mark.parametrize("serials", [("002F0031313851", "003A0026313851"), ("A50285BI77",) * 2])
async def test_two_boards_touched_at_once_are_each_written_with_their_own(
    running, ports, location, serials
):
    """Their loaders glitch and come in the other order; their ports take each other's place."""
    made = [
        ports.plug(
            name, **H7, serial_number=serial, **({"location": f"9-{number}"} if location else {})
        )
        for number, (name, serial) in enumerate(zip("ab", serials, strict=True), 1)
    ]
    service = running.service

    def loader(number, address):
        at = {"location": f"9-{number}"} if location else {"serial_number": serials[number - 1]}
        return announce(ports, f"loader {number}", kind="usb", address=address, **H7_LOADER, **at)

    async with running:
        ids = [service.find(port.address).id for port in made]
        assert len(set(ids)) == 2
        async with service.lease(ids[0], "one") as first, service.lease(ids[1], "two") as second:
            leases = (first, second)
            await asyncio.gather(first.touch(), second.touch())
            assert all(was_touched(port) for port in made)
            for port in made:
                port.unplug()
            await running.until(lambda: not first.board.ports and not second.board.ports)
            glitch = loader(2, "usb:x")
            await running.until(lambda: any(b.ports for b in service.list()))
            glitch.unlink()
            await running.until(lambda: not any(b.ports for b in service.list()))
            files = [loader(2, "usb:y"), loader(1, "usb:x")]
            seen = {"usb:x": first, "usb:y": second}
            if location or serials[0] != serials[1]:
                await running.until(lambda: first.board.ports and second.board.ports)
            else:
                await running.until(lambda: len(service.list()) == 4)
            for lease in leases:
                # Rather none than that of the other one.
                assert all(seen[port.address] is lease for port in lease.board.ports)
            for file in files:
                file.unlink()
            await running.until(lambda: not any(b.ports for b in service.list()))
            for port in reversed(made):
                port.plug()
            wanted = {port.address: lease for port, lease in zip(made, leases, strict=True)}
            await running.until(lambda: sum(len(b.ports) for b in service.list()) == 2)
            for lease in leases:
                assert all(wanted[port.address] is lease for port in lease.board.ports)
            if location or serials[0] != serials[1]:
                assert first.board.ports
                assert second.board.ports


async def test_a_program_is_asked_for_loaders_after_a_touch_and_while_a_board_is_awaited(
    catalog, ports
):
    asked = 0
    listed: list[ListedDevice] = []

    def find():
        nonlocal asked
        asked += 1
        return list(listed)

    port = ports.plug("h7", **H7, serial_number="002F0031313851", location="20-1")
    async with Service(catalog, ports, FoundLoaders(catalog.models, find)) as running:
        (board,) = running.service.list()
        assert asked == 0
        await running.service.wait_back(board.id, 10.0)
        assert asked >= 1
        before = asked
        async with running.service.lease(board.id, "job") as lease:
            link = await lease.open(9600)
            await link.close()
            assert asked == before
            await lease.touch()
            port.unplug()
            await running.until(lambda: not lease.board.ports)
            listed.append(ListedDevice(0x2341, 0x035B, "002F0031313851", "20-1"))
            await running.until(lambda: [p.kind for p in lease.board.ports] == ["usb"])
        await running.until(lambda: running.board(board.id) is None)
