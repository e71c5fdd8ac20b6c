"""From sketch to bootloader and back: which device is the board, and what is said if none is."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.errors import (
    FlashFailed,
    NoBootloader,
    NoPermission,
    OtherBoard,
    PortBusy,
    PortGone,
    SketchGone,
)
from agent.jobs.faces import BoardFaces
from tests.jobs.bench import Hurried

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from agent.catalog import Catalog, Model
    from agent.errors import MooringError
    from agent.flash.method import FlashTarget
    from agent.jobs.surroundings import Lease

OURS, OTHERS = "51AFEAA004A4", "51A5C59E3475"
WAIT_S = 4.0
"""On the hurried clock."""
SKETCH, LOADER = (0x2341, 0x8054), (0x2341, 0x0054)
"""An MKR WiFi 1010."""
FORBIDDEN = NoPermission(port="/dev/a", group="dialout")


class Desk:
    """Ports that come and go as told; a touch does what a test says."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.catalog = catalog
        self.touches: list[str] = []
        self.at_touch: list[Callable[[], None] | MooringError] = []
        self.service = BoardService(catalog, [SimulatedPorts(folder)], toucher=self._touch)
        self.stack = AsyncExitStack()

    async def _touch(self, address: str) -> None:
        self.touches.append(address)
        happens = self.at_touch.pop(0) if self.at_touch else None
        if isinstance(happens, Exception):
            raise happens
        if happens is not None:
            happens()

    def show(
        self, name: str, ids: tuple[int, int] = SKETCH, serial: str | None = OURS, **facts: Any
    ) -> None:
        said = {
            "kind": "serial",
            "address": f"/dev/{name}",
            "vid": ids[0],
            "pid": ids[1],
            "serial_number": serial,
            "location": "9-1",
            "process": os.getpid(),
        }
        draft = self.folder / f"{name}.tmp"
        draft.write_text(json.dumps({k: v for k, v in (said | facts).items() if v is not None}))
        draft.replace(self.folder / f"{name}.json")

    def remove(self, *names: str) -> None:
        for name in names:
            (self.folder / f"{name}.json").unlink()

    def becomes(self, old: str, new: str, *args: Any, **facts: Any) -> Callable[[], None]:
        """One device leaves and another comes."""

        def happen() -> None:
            self.remove(old)
            self.show(new, *args, **facts)

        return happen

    async def begin(self) -> None:
        await self.service.start()
        self.stack.push_async_callback(self.service.close)

    async def hold(self, query: str = "/dev/a") -> Lease:
        board = self.service.find(query)
        return await self.stack.enter_async_context(self.service.lease(board.id, "a job"))

    def model(self, name: str = "mkr_wifi_1010") -> Model:
        found = self.catalog.get(name)
        assert found
        return found

    def faces(self, lease: Lease, model: str = "mkr_wifi_1010") -> BoardFaces:
        return BoardFaces(self.service, lease, self.model(model), Hurried())


@pytest.fixture
async def desk(tmp_path: Path, catalog: Catalog) -> AsyncIterator[Desk]:
    made = Desk(tmp_path, catalog)
    try:
        yield made
    finally:
        await made.stack.aclose()


async def entered(desk: Desk) -> FlashTarget:
    """The board at /dev/a goes into its bootloader."""
    await desk.begin()
    return await desk.faces(await desk.hold()).enter(desk.model())


# --- into the bootloader ---------------------------------------------------------------------


@pytest.mark.parametrize("serial", [OURS, "51A000000001", None])
async def test_a_board_is_found_in_its_socket_whatever_its_loader_is_called(desk, serial):
    desk.show("a")
    desk.at_touch = [desk.becomes("a", "b", LOADER, serial)]
    found = await entered(desk)
    assert (found.address, found.serial_number) == ("/dev/b", serial)
    (board,) = desk.service.list()
    assert board.ports[0].address == "/dev/b"
    assert desk.touches == ["/dev/a"]


async def test_a_touch_that_had_no_effect_is_repeated_once(desk):
    desk.show("a")
    desk.at_touch = [lambda: None, desk.becomes("a", "b", LOADER)]
    assert (await entered(desk)).address == "/dev/b"
    assert desk.touches == ["/dev/a", "/dev/a"]


async def test_a_board_that_was_pulled_out_at_the_touch_is_touched_again_when_it_is_back(desk):
    desk.show("a")
    desk.at_touch = [desk.becomes("a", "c"), desk.becomes("c", "b", LOADER)]
    assert (await entered(desk)).address == "/dev/b"
    assert desk.touches == ["/dev/a", "/dev/c"]


async def test_a_board_that_leaves_at_the_second_touch_is_no_failure(desk):
    desk.show("a")

    def leave_and_come() -> None:
        desk.remove("a")
        desk.show("b", LOADER)
        raise PortGone(port="/dev/a")

    desk.at_touch = [lambda: None, leave_and_come]
    assert (await entered(desk)).address == "/dev/b"


async def test_a_bootloader_that_never_comes_is_told_with_the_way_by_hand(desk):
    desk.show("a")
    with pytest.raises(NoBootloader) as caught:
        await entered(desk)
    assert desk.model().bootloader_entry.manual in caught.value.report().remedy
    assert len(desk.touches) == 2


@pytest.mark.parametrize(
    "error", [FORBIDDEN, PortBusy(port="/dev/a", holder="x"), PortGone(port="/dev/a")]
)
async def test_a_port_that_cannot_be_touched_is_told_as_it_is(desk, error):
    desk.show("a")
    desk.at_touch = [error]
    with pytest.raises(type(error)):
        await entered(desk)


async def test_a_second_touch_that_is_refused_does_not_call_the_board_untouched(desk):
    desk.show("a")
    desk.at_touch = [lambda: None, FORBIDDEN]
    with pytest.raises(NoBootloader):
        await entered(desk)


async def test_a_board_that_is_not_there_is_gone(desk):
    desk.show("a")
    await desk.begin()
    lease = await desk.hold()
    desk.remove("a")
    with pytest.raises(PortGone):
        await desk.service.wait_back(lease.board.id, 0.2)
    with pytest.raises(PortGone):
        await desk.faces(lease).enter(desk.model())
    assert desk.touches == []


async def test_a_board_that_waits_in_its_bootloader_needs_no_touch(desk):
    desk.show("a", LOADER)
    assert (await entered(desk)).address == "/dev/a"
    assert desk.touches == []


async def test_the_loader_of_another_board_is_not_taken(desk):
    """Without sockets two loaders that come at once cannot be told apart."""
    desk.show("a", location=None)
    desk.show("x", serial=OTHERS, location=None)

    def both() -> None:
        desk.remove("a", "x")
        desk.show("b", LOADER, None, location=None)
        desk.show("y", LOADER, None, location=None)

    desk.at_touch = [both]
    with pytest.raises(NoBootloader):
        await entered(desk)


async def test_a_loader_that_somebody_else_holds_does_not_call_the_board_untouched(desk):
    desk.show("a", location=None)
    desk.at_touch = [desk.becomes("a", "b", LOADER, OTHERS, location=None)]
    await desk.begin()
    lease = await desk.hold()
    grabbing: list[asyncio.Task[Lease]] = []

    def grab(_: Any) -> None:
        if not grabbing and any(
            port.address == "/dev/b" for b in desk.service.list() for port in b.ports
        ):
            grabbing.append(asyncio.create_task(desk.hold("/dev/b")))

    desk.service.subscribe(grab)
    with pytest.raises(NoBootloader, match="a job uses it"):
        await desk.faces(lease).enter(desk.model())
    await grabbing[0]


async def test_two_boards_that_are_touched_at_once_are_not_swapped(desk):
    desk.show("a")
    desk.show("x", serial=OTHERS, location="9-2")
    await desk.begin()
    one, two = await desk.hold(), await desk.hold("/dev/x")

    def crosswise() -> None:
        """Under the other's name, and without numbers."""
        desk.remove("x")
        desk.show("a", LOADER, None, location="9-2")
        desk.show("x", LOADER, None, location="9-1")

    desk.at_touch = [lambda: desk.remove("a"), crosswise]
    found = await asyncio.gather(
        desk.faces(one).enter(desk.model()), desk.faces(two).enter(desk.model())
    )
    assert [target.location for target in found] == ["9-1", "9-2"]
    assert [lease.board.ports[0].location for lease in (one, two)] == ["9-1", "9-2"]


async def test_the_port_of_a_board_with_a_bridge_stays(desk):
    desk.show("a", (0x2341, 0x1002))
    await desk.begin()
    lease = await desk.hold()
    found = await desk.faces(lease, "uno_r4_wifi").enter(desk.model("uno_r4_wifi"))
    assert found.address == "/dev/a"
    assert desk.touches == ["/dev/a"]


async def test_a_chip_that_its_tool_restarts_is_not_touched(desk):
    desk.show("a", (0x1A86, 0x7523), None)
    await desk.begin()
    found = await desk.faces(await desk.hold(), "esp32").enter(desk.model("esp32"))
    assert found.address == "/dev/a"
    assert desk.touches == []


async def test_a_drive_may_be_mounted_later_than_its_device_comes(desk, tmp_path):
    usb = {"kind": "usb", "address": "usb:9-1"}
    desk.show("a", (0x2E8A, 0x0003), None, **usb)
    await desk.begin()
    lease = await desk.hold("usb:9-1")
    entering = asyncio.create_task(
        desk.faces(lease, "nano_rp2040_connect").enter(desk.model("nano_rp2040_connect"))
    )
    await asyncio.sleep(0)
    desk.show("d", (0x2E8A, 0x0003), None, kind="volume", address=str(tmp_path))
    assert (await entering).volume == str(tmp_path)


async def test_a_drive_that_nobody_mounts_is_told(desk):
    desk.show("a", (0x2E8A, 0x0003), None, kind="usb", address="usb:9-1")
    await desk.begin()
    lease = await desk.hold("usb:9-1")
    with pytest.raises(NoBootloader):
        await desk.faces(lease, "nano_rp2040_connect").enter(desk.model("nano_rp2040_connect"))


# --- back to the sketch ----------------------------------------------------------------------


async def in_loader(desk: Desk) -> BoardFaces:
    desk.show("a", LOADER, None)
    await desk.begin()
    faces = desk.faces(await desk.hold())
    await faces.enter(desk.model())
    return faces


@pytest.mark.parametrize("name", ["a", "c"])
async def test_the_sketch_is_there_under_whatever_name(desk, name):
    faces = await in_loader(desk)
    desk.remove("a")
    desk.show(name)
    await faces.wait_sketch(WAIT_S)
    assert faces.has_sketch


async def test_another_board_in_the_socket_is_told(desk):
    desk.show("a")
    desk.at_touch = [desk.becomes("a", "b", LOADER)]
    await desk.begin()
    faces = desk.faces(await desk.hold())
    await faces.enter(desk.model())
    desk.remove("b")
    desk.show("c", serial=OTHERS, location="9-1:1.0")
    with pytest.raises(OtherBoard):
        await faces.wait_sketch(WAIT_S)


async def test_a_board_that_is_in_its_bootloader_again_is_told(desk):
    faces = await in_loader(desk)
    with pytest.raises(SketchGone):
        await faces.wait_sketch(WAIT_S)


async def test_a_board_that_does_not_come_back_is_told(desk):
    faces = await in_loader(desk)
    desk.remove("a")
    with pytest.raises(FlashFailed):
        await faces.wait_sketch(WAIT_S)
