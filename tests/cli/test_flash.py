"""Writing sketches to simulated boards, in real processes, alone and through a running agent."""

from __future__ import annotations

import hashlib
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.bridge.limits import IMAGE_BYTES
from agent.simulator.config import BootloaderConfig
from tests.cli.conftest import Mooring, finish, line_with, running_agent
from tests.cli.flashing import OLD_MKR, SERIAL, image, workshop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.system("linux", "darwin")

STEPS = ["fetch", "enter", "write", "restart"]


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Mooring]:
    async with workshop(tmp_path, OLD_MKR) as mooring:
        yield mooring


@pytest.fixture(params=["alone", "through the agent"])
async def mooring(request: pytest.FixtureRequest, alone: Mooring) -> AsyncIterator[Mooring]:
    if request.param == "alone":
        yield alone
        return
    async with running_agent(alone):
        yield alone


SLOW = BootloaderConfig(delay_ms=300)
"""A sketch is written for four seconds: time to interrupt it, on a busy computer too."""


@pytest.fixture
def sketch(tmp_path: Path) -> Path:
    path = tmp_path / "Blink.ino.bin"
    path.write_bytes(image("mkr_wifi_1010"))
    return path


async def test_a_file_is_written_step_by_step_with_its_progress(mooring: Mooring, sketch: Path):
    ended = await mooring.run("flash", SERIAL, str(sketch), "--yes", "--json")
    assert ended.status == 0, ended.err
    *steps, last = ended.lines
    assert [step["step"] for step in steps if step["step_state"] == "done"] == STEPS
    shares = [s["progress"] for s in steps if s["step"] == "write" and "progress" in s]
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert last["state"] == "done"
    assert last["sketch"] == "Blink.ino.bin"
    assert last["sha256"] == hashlib.sha256(sketch.read_bytes()).hexdigest()
    assert last["bytes"] == sketch.stat().st_size


async def test_the_provisioning_sketch_and_one_of_the_store_are_found_by_name(alone: Mooring):
    ended = await alone.run("flash", SERIAL, "provisioning-1.0", "--yes")
    assert ended.status == 0, ended.err
    assert ended.out.splitlines()[-1].startswith("Written: ")
    (stored,) = (await alone.run("sketches", "--json")).document["sketches"]
    again = await alone.run("flash", SERIAL, stored["id"][:8], "--yes", "--json")
    assert again.lines[-1]["sha256"] == stored["sha256"]


async def test_the_sketch_of_a_board_in_its_bootloader_is_started(mooring: Mooring):
    await mooring.demo.boards.command({"press": "bootloader"})
    ended = await mooring.run("flash", SERIAL, "--start")
    assert ended.status == 0, ended.err
    assert ended.out.splitlines()[-1] == "Its sketch runs."
    again = await mooring.run("flash", SERIAL, "--start", "--json")
    assert again.lines[-1]["started"] is False


async def test_what_to_write_is_named_unless_nothing_is_written(alone: Mooring, sketch: Path):
    for words in ((), (str(sketch), "--start")):
        ended = await alone.run("flash", SERIAL, *words)
        assert (ended.status, ended.out) == (2, "")
        assert "What to write" in ended.err


async def test_a_board_in_its_bootloader_is_shown_with_what_to_do(alone: Mooring):
    await alone.demo.boards.command({"press": "bootloader"})
    listed = await alone.run("boards")
    assert "bootloader" in listed.out
    assert "mooring flash" in listed.err
    ended = await alone.run("flash", SERIAL, "provisioning-1.0", "--yes")
    assert ended.status == 0, ended.err
    assert (await alone.run("boards")).err == ""


async def test_an_interrupt_while_it_is_written_leaves_a_board_that_takes_the_next_sketch(
    tmp_path: Path, sketch: Path
):
    slow = msgspec.structs.replace(OLD_MKR, bootloader=SLOW)
    async with workshop(tmp_path, slow) as mooring:
        process = await mooring.start("flash", SERIAL, str(sketch), "--yes", "--json")
        await line_with(b"Writing", process.stdout)
        process.send_signal(signal.SIGINT)
        ended = await finish(process)
        assert (ended.status, ended.lines[-1]["state"]) == (130, "cancelled")
        assert ended.lines[-1]["error"]["code"] == "flash-stopped"
        assert "mooring flash" in ended.err
        again = await mooring.run("flash", SERIAL, str(sketch), "--yes", "--json")
        assert again.lines[-1]["state"] == "done", again.err


async def test_a_command_first_finishes_what_one_that_was_killed_left(tmp_path: Path, sketch: Path):
    slow = msgspec.structs.replace(OLD_MKR, bootloader=SLOW)
    async with workshop(tmp_path, slow) as mooring:
        process = await mooring.start("flash", SERIAL, str(sketch), "--yes", "--json")
        await line_with(b"Writing", process.stdout)
        process.kill()
        await finish(process)
        again = await mooring.run("identify", SERIAL, "--json")
        assert again.status == 0, again.err
        assert "First this is finished, which was cut off" in again.err
        first, *_ = (await mooring.run("jobs", "--json")).document["jobs"][::-1]
        assert (first["kind"], first["state"]) == ("flash", "done")
        assert "flashed" in [event.event for event in mooring.demo.boards.events]


async def test_a_file_that_cannot_be_is_refused_before_the_board_hears_of_it(
    alone: Mooring, tmp_path: Path
):
    (tmp_path / "empty.bin").touch()
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(IMAGE_BYTES + 1)
    problems = {
        "empty.bin": "is empty",
        "large.bin": f"is larger than {IMAGE_BYTES} bytes",
        "missing.bin": "is neither a file nor a sketch in the store",
        ".": "is a folder",
    }
    for name, problem in problems.items():
        ended = await alone.run("flash", SERIAL, str(tmp_path / name), "--yes", "--json")
        error = ended.document["error"]
        assert (ended.status, error["code"]) == (2, "input"), name
        assert problem in error["title"]
    assert alone.demo.boards.events == ()


@pytest.mark.system("linux")
async def test_a_file_that_cannot_be_read_is_refused(alone: Mooring):
    # It is a file, and its first byte belongs to nobody.
    ended = await alone.run("flash", SERIAL, "/proc/self/mem", "--yes")
    assert ended.status == 2
    assert "cannot be read: Input/output error" in ended.err


async def test_a_file_that_does_not_fit_the_board_is_refused_before_it_is_erased(
    mooring: Mooring, sketch: Path
):
    sketch.write_bytes(sketch.read_bytes() + bytes(300_000))
    ended = await mooring.run("flash", SERIAL, str(sketch), "--yes", "--json")
    assert (ended.status, ended.lines[-1]["error"]["code"]) == (2, "flash-image")
    assert "enter" not in {line.get("step") for line in ended.lines if "progress" in line}
    assert mooring.demo.boards.events == ()


async def test_a_file_for_another_board_needs_the_name_of_this_one(alone: Mooring, sketch: Path):
    sketch.write_bytes(image("nano_esp32"))
    refused = await alone.run("flash", SERIAL, str(sketch), "--yes", "--json")
    assert (refused.status, refused.lines[-1]["error"]["code"]) == (2, "flash-image")
    # A stack that would begin in no memory of this chip.
    sketch.write_bytes(b"\x00\x00\x00\x00" + image("mkr_wifi_1010")[4:])
    refused = await alone.run("flash", SERIAL, str(sketch), "--yes", "--json")
    assert (refused.status, refused.lines[-1]["error"]["code"]) == (2, "flash-image")
    wrong = await alone.run("flash", SERIAL, str(sketch), "--yes", "--override", "opta", "--json")
    assert wrong.document["error"]["facts"]["field"] == "override"
    assert alone.demo.boards.events == ()
    named = ("--override", "mkr_wifi_1010")
    ended = await alone.run("flash", SERIAL, str(sketch), "--yes", *named, "--json")
    assert ended.status == 0, ended.err
    assert alone.demo.boards.events != ()


async def test_where_nobody_can_be_asked_yes_must_be_given(alone: Mooring, sketch: Path):
    ended = await alone.run("flash", SERIAL, str(sketch))
    assert ended.status == 2
    assert "--yes" in ended.err
    assert alone.demo.boards.events == ()
    assert (await alone.run("jobs", "--json")).document == {"jobs": []}


async def test_an_unknown_board_is_status_3(alone: Mooring, sketch: Path):
    ended = await alone.run("flash", "teapot", str(sketch), "--yes", "--json")
    assert (ended.status, ended.document["error"]["code"]) == (3, "board-unknown")
