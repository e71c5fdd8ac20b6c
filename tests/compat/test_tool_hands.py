"""The port of an upload: found by socket or number after a touch, also of boards nobody knows."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.catalog import Catalog
from agent.clouds.clock import SystemClock
from agent.compat.tool_hands import ToolHands
from agent.compat.tool_steps import AwaitSketch, EnterPort, PortNow, RunProgram, ToolUpload
from agent.compat.upload_plan import RunTool
from agent.errors import FlashFailed, NoPermission, PortGone
from agent.jobs.kit import Hold
from tests.jobs.bench import Hurried
from tests.jobs.test_faces import Desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.jobs.surroundings import Lease

STRANGER, ITS_LOADER = (0x1234, 0x0001), (0x1234, 0x0002)
"""A board that is not in the catalogue."""


class Around:
    """What hands need of their surroundings."""

    def __init__(self, desk: Desk, clock: Any) -> None:
        self.boards = desk.service
        self.clock = clock


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path, Catalog.load())
    try:
        yield made
    finally:
        await made.stack.aclose()


def upload(*words: str, program: str = sys.executable, **fields: Any) -> ToolUpload:
    run = RunTool(program=program, folder="", words=words or ("{serial.port}",), needs_port=True)
    given: dict[str, Any] = {"touch": True, "wait_for_port": True, "on_line": lambda _: None}
    given |= fields
    given["folder"] = Path("none")
    return ToolUpload(name="s.bin", data=b"abc", run=run, port="/dev/a", **given)


def hands(desk: Desk, lease: Lease | None, clock: Any = None) -> ToolHands:
    around: Any = Around(desk, clock or SystemClock())
    hold = Hold(
        surroundings=around,
        board="b",
        lease=lease,
        job="1",
        deliver=None,
        advanced=lambda *_: None,
    )
    return ToolHands(hold)


async def entered(desk: Desk, clock: Any = None, **fields: Any) -> PortNow:
    await desk.begin()
    ours = hands(desk, await desk.hold(), clock)
    port: PortNow = await ours.perform(EnterPort(upload(**fields)))
    return port


async def test_the_loader_of_an_unknown_board_is_found_in_its_socket(desk: Desk):
    desk.show("a", STRANGER, "N1")

    def happens() -> None:
        desk.remove("a")
        desk.show("x", ITS_LOADER, "N1", location="9-2")
        desk.show("b", ITS_LOADER, "other")

    desk.at_touch = [happens]
    assert await entered(desk) == PortNow("/dev/b", "other")
    assert desk.touches == ["/dev/a"]
    assert [port.address for port in desk.service.find("/dev/b").ports] == ["/dev/b"]
    assert desk.service.find("/dev/b").holder == "a job"


async def test_another_new_port_is_not_taken_and_the_chosen_one_is_gone(desk: Desk):
    desk.show("a", STRANGER, "N1")
    desk.at_touch = [desk.becomes("a", "b", ITS_LOADER, "N2", location="9-2")]
    with pytest.raises(PortGone):
        await entered(desk, Hurried())


async def test_a_board_that_stays_after_its_touch_is_written_where_it_is(desk: Desk):
    desk.show("a", STRANGER, "N1")
    assert await entered(desk, Hurried()) == PortNow("/dev/a", "N1")
    assert desk.touches == ["/dev/a"]


async def test_without_a_touch_nothing_is_done_to_the_board(desk: Desk):
    desk.show("a", STRANGER, "N1")
    assert await entered(desk, touch=False) == PortNow("/dev/a", "N1")
    assert desk.touches == []


async def test_without_a_wait_the_chosen_port_is_taken(desk: Desk):
    desk.show("a", STRANGER, "N1")
    assert await entered(desk, wait_for_port=False) == PortNow("/dev/a", "N1")
    assert desk.touches == ["/dev/a"]


async def test_a_board_of_the_catalogue_is_found_by_what_it_says_of_its_loader(desk: Desk):
    desk.show("a")
    desk.at_touch = [desk.becomes("a", "b", (0x2341, 0x0054), None)]
    assert await entered(desk, model=desk.model()) == PortNow("/dev/b", "")


async def test_a_touch_that_is_not_permitted_ends_the_upload(desk: Desk):
    desk.show("a", STRANGER, "N1")
    desk.at_touch = [NoPermission(port="/dev/a", group="dialout")]
    with pytest.raises(NoPermission):
        await entered(desk)


async def test_the_wait_for_a_port_ends_at_once_when_it_is_cancelled(desk: Desk):
    desk.show("a", STRANGER, "N1")
    touched = asyncio.Event()
    desk.at_touch = [touched.set]
    await desk.begin()
    waiting = asyncio.create_task(hands(desk, await desk.hold()).perform(EnterPort(upload())))
    await touched.wait()
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=15)
    assert waiting.cancelled()


async def test_the_board_is_back_when_it_shows_its_sketch_again(desk: Desk):
    desk.show("a", STRANGER, "N1")
    desk.at_touch = [desk.becomes("a", "b", ITS_LOADER, None)]
    await desk.begin()
    ours = hands(desk, await desk.hold())
    port = await ours.perform(EnterPort(upload()))
    back = asyncio.create_task(ours.perform(AwaitSketch(upload(), port, 15.0)))
    await asyncio.sleep(0)
    desk.becomes("b", "a", STRANGER, "N1")()
    assert await back is True


async def test_a_board_that_does_not_come_back_is_not_waited_for_long(desk: Desk):
    desk.show("a", (0x2341, 0x0054))
    await desk.begin()
    lease = await desk.hold()
    asked = AwaitSketch(upload(model=desk.model()), PortNow("/dev/a", ""), 1.0)
    assert await hands(desk, lease, Hurried()).perform(asked) is False


async def test_a_program_is_run_without_a_shell_and_its_lines_are_told(desk: Desk):
    lines: list[str] = []
    code = "import sys; print(sys.argv[1:])"
    asked = upload("-IS", "-c", code, "{serial.port}", "$HOME;x", on_line=lines.append)
    request = RunProgram(asked, PortNow("COM3", "N1"))
    assert await hands(desk, None).perform(request) is None
    assert lines[0].startswith("Flashing with command: ")
    assert lines[1] == "['COM3', '$HOME;x']"


async def test_a_program_that_cannot_be_started_is_an_error_with_its_name(desk: Desk, tmp_path):
    asked = upload(program=str(tmp_path / "no such tool"))
    with pytest.raises(FlashFailed, match="no such tool cannot be run"):
        await hands(desk, None).perform(RunProgram(asked, PortNow("/dev/a", "")))
