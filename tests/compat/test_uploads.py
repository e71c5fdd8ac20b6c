"""Uploads with real parts: ports, bootloaders, jobs, the journal; and all that may go wrong."""

from __future__ import annotations

import asyncio
import base64
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.clouds.clock import SystemClock
from agent.flash.flashers import Flashers
from agent.flash.toolstore.tool import ToolId
from agent.jobs.job import JobKind, JobState
from agent.simulator.config import BootloaderConfig
from tests.compat.upload_bench import (
    BOSSAC,
    DONE,
    KILLED,
    OTHER,
    PAGE,
    REAL_BOSSAC,
    STARTING,
    TOOL,
    a_desk,
    alive,
    body,
    script,
)
from tests.flash.toolstore.archives import tar
from tests.jobs.flashing import fault, happens, running, sketch, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.device import SimulatedDevice
    from tests.compat.upload_bench import Desk

POSIX = pytest.mark.system("linux", "darwin")
HANGS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0 and os.fork() == 0 and sys.platform == "linux":
    os.setsid()
print("pid", os.getpid(), flush=True)
time.sleep(600)
"""


class Brisk(SystemClock):
    """Pauses are a quarter as long, which a busy machine still keeps."""

    def monotonic(self) -> float:
        return super().monotonic() * 4

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 4)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as made:
        yield made


async def plugged(desk: Desk, **config) -> SimulatedDevice:
    device = await desk.bench.plug(model="mkr_wifi_1010", sketch="other", **config)
    await desk.begin()
    return device


def program(desk: Desk) -> bytes:
    data: bytes = sketch(desk.bench, "mkr_wifi_1010").data
    return data


async def test_a_line_that_we_do_ourselves_is_a_job_like_any_other(desk: Desk):
    device = await plugged(desk)
    answer = await desk.post(body(desk.port(), BOSSAC, program(desk)))
    assert (answer.status, answer.body) == (202, b"")
    assert await desk.ended() == DONE
    await running(device, "application")
    heard = desk.heard[PAGE]
    assert heard[0] == STARTING
    assert any("Write and verify" in line for line in desk.lines())
    (job,) = await desk.bench.jobs.list(10)
    assert (job.kind, job.state) == (JobKind.FLASH, JobState.DONE)
    assert desk.monitors.asked
    assert await desk.cleaned()


@pytest.mark.needs("bossac")
@POSIX
async def test_the_real_bossac_writes_a_board_from_202_to_done(desk: Desk):
    device = await plugged(desk)
    desk.install("bossac", Path(shutil.which("bossac") or "").read_bytes(), "1.9.1")
    answer = await desk.post(body(desk.port(), REAL_BOSSAC, program(desk)))
    assert answer.status == 202
    assert await desk.ended() == DONE
    await running(device, "application")
    lines = desk.lines()
    assert any("Verify successful" in line for line in lines)
    assert any(line.startswith("Flashing with command: ") for line in lines)
    assert told(desk.bench).count("touch") == 1
    (job,) = await desk.bench.jobs.list(10)
    assert job.result is not None
    assert (job.state, job.result["tool"]) == (JobState.DONE, "bossac")
    assert {step.state.value for step in job.steps} == {"done"}
    assert desk.bench.board.holder is None
    assert await desk.cleaned()


@pytest.mark.needs("bossac")
@POSIX
async def test_two_boards_at_once_are_not_swapped(desk: Desk):
    first = await desk.bench.plug(model="mkr_wifi_1010", sketch="other")
    second = await desk.bench.plug(model="mkr_wifi_1010", sketch="other")
    await desk.begin()
    desk.install("bossac", Path(shutil.which("bossac") or "").read_bytes(), "1.9.1")
    other = sketch(desk.bench, "mkr_wifi_1010", "provisioning-2.0").data
    answers = await asyncio.gather(
        desk.post(body(desk.port(first), REAL_BOSSAC, program(desk)), PAGE),
        desk.post(body(desk.port(second), REAL_BOSSAC, other), OTHER),
    )
    assert [answer.status for answer in answers] == [202, 202]
    assert await desk.ended(PAGE) == await desk.ended(OTHER) == DONE
    await running(first, "application")
    await running(second, "provisioning-2.0")


@POSIX
async def test_a_method_that_lacks_its_program_leaves_the_board_to_the_tool_of_the_store(
    desk: Desk,
):
    desk.flashers = Flashers({"esptool": str(desk.folder / "none")})
    await desk.bench.plug(model="esp32", sketch="other")
    await desk.begin()
    line = (
        '"{runtime.tools.esptool_py.path}/esptool" --chip esp32 --port "{serial.port}" '
        'write_flash -z 0x0 "{build.path}/{build.project_name}.bin"'
    )
    fields = {"board": "esp32:esp32:esp32", "extra": {}}
    await desk.post(body(desk.port(), line, **fields))
    assert "esptool_py is not installed" in (await desk.ended())["Msg"]
    archive = tar({"t/esptool!": script("print('as the store has it')")})
    desk.tools.put(ToolId("esp32", "esptool_py", "4.9"), archive, now=time.time())
    await desk.post(body(desk.port(), line, **fields))
    await desk.until(lambda told: DONE in told)
    assert "as the store has it" in desk.lines()


async def test_what_is_wrong_with_a_body_is_400_in_the_words_of_the_original(desk: Desk):
    await plugged(desk)
    port = desk.port()
    for asked, said in [
        (b"{", "err with the payload"),
        (body(port, port=None), "port is required"),
        (body(port, board=None), "board is required"),
        (body(port, signature=None), "signature is required"),
        (body(port, commandline=None), "commandline is required"),
        (body(port, signature="00"), "signature is invalid"),
        (body(port, commandline=BOSSAC + " "), "signature is invalid"),
        (body(port, filename="../x.bin"), "unsafe path join"),
        (body(port, extrafiles=[{"filename": "../../x", "hex": ""}]), "unsafe path join"),
        (body(port, hex="YQ"), "illegal base64 data"),
    ]:
        answer = await desk.post(asked)
        assert answer.status == 400
        assert said in answer.body.decode()
        assert "\n" not in answer.body.decode()
    assert (await desk.post(body(port), may=False)).status == 403
    assert desk.heard == {}
    assert not desk.files.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"line": TOOL}, "tool is not installed"),
        ({"board": "arduino:renesas_uno:unor4wifi"}, "UNO R4 WiFi"),
        ({"port": "/dev/ttyACM99"}, "/dev/ttyACM99"),
        ({"extra": {"network": True}}, "network"),
    ],
)
async def test_what_cannot_work_is_told_on_the_socket_before_the_board_is_touched(
    desk: Desk, changes, said
):
    device = await plugged(desk)
    fields = dict(changes)
    asked = body(desk.port(), fields.pop("line", BOSSAC), program(desk), **fields)
    assert (await desk.post(asked)).status == 202
    end = await desk.ended()
    assert end["ProgrammerStatus"] == "Error"
    assert said in end["Msg"]
    assert "touch" not in told(desk.bench)
    await running(device, "other")
    assert await desk.bench.jobs.list(10) == []
    assert await desk.cleaned()


@POSIX
async def test_a_port_takes_one_upload_and_the_second_does_not_disturb_the_first(desk: Desk):
    await plugged(desk)
    go = desk.folder / "go"
    code = f"""
import os, time
print("waits", flush=True)
while not os.path.exists({str(go)!r}):
    time.sleep(0.01)
"""
    desk.install("tool", script(code))
    asked = body(desk.port(), TOOL, extra={})
    assert (await desk.post(asked)).status == 202
    await desk.until(lambda _: "waits" in desk.lines())
    again = await desk.post(asked)
    assert again.status == 409
    assert b"Writing a sketch" in again.body
    assert (await desk.post(asked, OTHER)).status == 202
    refused = await desk.ended(OTHER)
    assert refused["ProgrammerStatus"] == "Error"
    assert not any("Error" in each["ProgrammerStatus"] for each in desk.heard[PAGE])
    go.write_text("")
    assert await desk.ended() == DONE
    assert len(desk.heard[OTHER]) == 1
    assert await desk.cleaned()


async def test_a_board_that_a_job_of_ours_holds_is_not_touched(desk: Desk):
    await plugged(desk)
    async with desk.bench.boards.lease(desk.bench.board.id, "Setting up kitchen"):
        assert (await desk.post(body(desk.port(), BOSSAC, program(desk)))).status == 202
        end = await desk.ended()
    assert "Setting up kitchen" in end["Msg"]
    assert "touch" not in told(desk.bench)


@POSIX
async def test_a_tool_that_forks_and_ignores_its_end_is_gone_when_killed_is_told(desk: Desk):
    await plugged(desk)
    desk.install("tool", script(HANGS))
    await desk.post(body(desk.port(), TOOL, extra={}))
    await desk.until(lambda _: sum(line.startswith("pid") for line in desk.lines()) == 3)
    pids = [int(line.split()[1]) for line in desk.lines() if line.startswith("pid")]
    assert all(alive(pid) for pid in pids)
    assert await desk.kill() == [{"uploadStatus": "Killed"}]
    assert desk.heard[PAGE][-1] == KILLED
    await happens(desk.bench, lambda: not any(alive(pid) for pid in pids))
    assert await desk.cleaned()
    (job,) = await desk.bench.jobs.list(10)
    assert job.state is JobState.CANCELLED
    assert desk.bench.board.holder is None
    assert desk.heard[PAGE][-1] == KILLED


@POSIX
async def test_a_page_that_was_allowed_cannot_bring_a_script_for_a_tool(desk: Desk):
    await plugged(desk)
    desk.install("tool", script("import sys; print(open(sys.argv[1]).read())"))
    line = TOOL.replace("{serial.port}", "{runtime.platform.path}/board.cfg")
    secret = base64.b64encode(b"the script").decode()
    files = [{"filename": "board.cfg", "hex": secret}]
    asked = body(desk.port(), line, b"sketch", extrafiles=files)
    assert (await desk.post(asked, OTHER, scopes={"flash"})).status == 202
    (refused,) = desk.heard[OTHER]
    assert refused["ProgrammerStatus"] == "Error"
    assert "only pages of Arduino may bring such" in refused["Msg"]
    assert await desk.bench.jobs.list(10) == []
    assert (await desk.post(asked, PAGE)).status == 202
    assert await desk.ended() == DONE
    assert "the script" in desk.lines()
    plain = body(desk.port(), TOOL.replace("{serial.port}", "{fqbn}"), b"", extrafiles=files)
    assert (await desk.post(plain, OTHER, scopes={"flash"})).status == 202
    assert "Starting" in [each.get("ProgrammerStatus") for each in desk.heard[OTHER]]
    await desk.kill(OTHER)


async def test_a_disk_that_takes_no_files_refuses_the_upload_and_not_the_next_one(desk: Desk):
    await plugged(desk)
    desk.install("tool", script("print('written')"))
    desk.files.write_bytes(b"in the way")
    answer = await desk.post(body(desk.port(), TOOL, extra={}))
    assert answer.status == 400
    assert answer.body.startswith(b"the files cannot be written: ")
    assert b"\n" not in answer.body
    assert await desk.bench.jobs.list(10) == []
    desk.files.unlink()
    assert (await desk.post(body(desk.port(), TOOL, extra={}))).status == 202
    await desk.kill()


@POSIX
async def test_names_that_are_no_devices_are_not_looked_for_on_the_disk(desk: Desk, tmp_path: Path):
    await plugged(desk)
    link = tmp_path / "board"
    link.symlink_to(desk.port())
    for name in (f"{link}", f"/dev/..{link}"):
        desk.heard.clear()
        assert (await desk.post(body(name))).status == 202
        (refused,) = desk.heard[PAGE]
        assert "is no longer there" in refused["Msg"]


async def test_an_upload_that_waits_for_a_port_is_killed_at_once(desk: Desk):
    await plugged(desk, bootloader=BootloaderConfig(comes="never"))
    desk.install("tool", script("print('never run')"))
    await desk.post(body(desk.port(), TOOL))
    await happens(desk.bench, lambda: "touch" in told(desk.bench))
    assert await desk.kill() == [{"uploadStatus": "Killed"}]
    assert desk.heard[PAGE][-1] == KILLED
    assert desk.bench.jobs.active == 0
    assert await desk.cleaned()


async def test_an_upload_that_is_killed_before_its_first_step_leaves_no_file(desk: Desk):
    await plugged(desk)
    desk.install("tool", script("print('never run')"))
    await desk.post(body(desk.port(), TOOL))
    assert any(desk.files.iterdir())
    await desk.kill()
    assert desk.heard[PAGE] == [STARTING, KILLED]
    assert await desk.cleaned()
    assert "touch" not in told(desk.bench)


async def test_nothing_follows_the_word_that_our_own_method_was_killed(desk: Desk):
    await plugged(desk)
    data = sketch(desk.bench, "mkr_wifi_1010", size=120_000).data
    await desk.post(body(desk.port(), BOSSAC, data))
    await desk.until(lambda _: any("Restart into" in line for line in desk.lines()))
    await desk.kill()
    (job,) = await desk.bench.jobs.list(10)
    assert (await desk.bench.jobs.wait(job.id)).state is JobState.CANCELLED
    await happens(desk.bench, lambda: desk.bench.jobs.active == 0)
    assert desk.heard[PAGE][-1] == KILLED
    assert desk.heard[PAGE].count(KILLED) == 1


@pytest.mark.needs("bossac")
@POSIX
async def test_a_board_that_is_unplugged_while_a_tool_writes_is_written_when_it_is_back(desk: Desk):
    cut = fault("write", "unplug", back_after=1.0)
    device = await desk.bench.plug(cut, model="mkr_wifi_1010", sketch="other")
    await desk.begin(clock=Brisk())
    desk.install("bossac", Path(shutil.which("bossac") or "").read_bytes(), "1.9.1")
    await desk.post(body(desk.port(), REAL_BOSSAC, program(desk)))
    end = await desk.ended()
    assert end["ProgrammerStatus"] == "Error"
    assert "unplugged while bossac was writing" in end["Msg"]
    await happens(desk.bench, lambda: bool(desk.bench.boards.list()))
    await desk.post(body(desk.port(), REAL_BOSSAC, program(desk)))
    await desk.until(lambda told: DONE in told)
    await running(device, "application")


@POSIX
async def test_killupload_of_another_origin_or_without_the_right_touches_nothing(desk: Desk):
    await plugged(desk)
    desk.install("tool", script(HANGS))
    await desk.post(body(desk.port(), TOOL, extra={}))
    await desk.until(lambda _: any(line.startswith("pid") for line in desk.lines()))
    assert await desk.kill(OTHER) == [{"uploadStatus": "Killed"}]
    assert await desk.kill(PAGE, may=False) == [{"uploadStatus": "Killed"}]
    assert KILLED not in desk.heard[PAGE]
    assert OTHER not in desk.heard
    assert desk.bench.jobs.active == 1
    await desk.kill()
    assert KILLED in desk.heard[PAGE]


@POSIX
async def test_a_tool_that_prints_without_end_costs_neither_memory_nor_pages(desk: Desk):
    await plugged(desk)
    desk.install("tool", script("import os\nfor _ in range(1600):\n    os.write(1, b'x' * 65536)"))
    await desk.post(body(desk.port(), TOOL, extra={}))
    assert await desk.ended() == DONE
    lines = desk.lines()
    assert len(lines) < 10_000
    assert max(map(len, lines)) <= 1000
    assert any("lines are left out" in line for line in lines)


@POSIX
async def test_a_tool_that_fails_is_told_with_its_last_words(desk: Desk):
    await plugged(desk)
    desk.install("tool", script("import sys\nprint('No device found')\nsys.exit(3)"))
    await desk.post(body(desk.port(), TOOL, extra={}))
    end = await desk.ended()
    assert "status 3: No device found" in end["Msg"]
    (job,) = await desk.bench.jobs.list(10)
    assert job.state is JobState.FAILED
    assert await desk.cleaned()


@POSIX
async def test_a_person_who_stops_the_job_on_our_page_stops_the_upload(desk: Desk):
    await plugged(desk)
    desk.install("tool", script(HANGS))
    await desk.post(body(desk.port(), TOOL, extra={}))
    await desk.until(lambda _: any(line.startswith("pid") for line in desk.lines()))
    (job,) = await desk.bench.jobs.list(10)
    assert desk.bench.jobs.owner_of(job.id) == PAGE
    await desk.bench.jobs.cancel(job.id)
    assert await desk.ended() == KILLED


@POSIX
async def test_the_end_of_the_agent_ends_the_tool_and_removes_the_files(desk: Desk):
    await plugged(desk)
    desk.install("tool", script(HANGS))
    await desk.post(body(desk.port(), TOOL, extra={}))
    await desk.until(lambda _: any(line.startswith("pid") for line in desk.lines()))
    pid = int(next(line.split()[1] for line in desk.lines() if line.startswith("pid")))
    await desk.end()
    assert not alive(pid)
    assert not any(desk.files.iterdir())
    journal = await desk.bench.second_journal()
    (job,) = await journal.list(10, None)
    await journal.close()
    assert job.state is JobState.INTERRUPTED
    assert job.error is not None
    assert "incomplete" in job.error.meaning
