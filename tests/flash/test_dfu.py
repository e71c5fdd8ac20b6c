"""Flashing with dfu-util: the real tool, and boards on a simulated USB bus."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.catalog import Catalog
from agent.errors import FlashFailed, ImageRefused, LoaderRefused, NoBootloader
from agent.flash.child import ChildResult, LineCutter
from agent.flash.dfu import DfuFlasher, DfuReader, arguments, judge, plan_dfu
from agent.flash.method import FlashProgress, FlashTarget
from agent.flash.tools import DFU_UTIL, FoundTool, RealFiles, find_tool, places_here
from tests.flash.images import Steps, cortex_image, esp_image, image, noise
from tests.flash.usb import usb_bus

CATALOG = Catalog.load()
H7 = {"vid": 0x2341, "pid": 0x035B, "serial": "H7-A", "dfuse": True}
C33 = {
    "vid": 0x2341,
    "pid": 0x0368,
    "serial": "C33-A",
    "dfuse": False,
    "transfer_size": 64,
    "base": 0x10000,
}
FLASH_BYTES = 16 * 128 * 1024
FIRST = FlashTarget(vid=0x2341, pid=0x035B, serial_number="H7-A", location="1-1")
TOOL = FoundTool(DFU_UTIL, ("dfu-util",), (0, 11))

usb = pytest.mark.needs("usb")


def model(name):
    found = CATALOG.get(name)
    assert found is not None
    return found


def h7_sketch(size=300_000):
    return image(cortex_image(size, 0x0804_0000, 0x2408_0000))


def c33_sketch(size=30_000):
    return image(cortex_image(size, 0x1_0000, 0x2008_0000))


def flash_with(data: bytes, start: int) -> str:
    """Digest of a flash of 2 MiB, erased but for this."""
    flash = bytearray(b"\xff" * FLASH_BYTES)
    flash[start : start + len(data)] = data
    return hashlib.sha256(flash).hexdigest()


async def flasher(bus, method="dfuse"):
    tool = await find_tool(DFU_UTIL, places_here(os.environ), RealFiles())
    return DfuFlasher(tool, method, environ=bus.environ)


# --- the tool and simulated boards ------------------------------------------------------------


@usb
async def test_a_dfuse_board_gets_its_image_at_its_address_and_starts_it():
    sketch, steps = h7_sketch(), Steps()
    with usb_bus(H7) as bus:
        tool = await flasher(bus)
        plan = tool.plan(sketch, model("portenta_h7"))
        assert await tool.write(plan, FIRST, steps) == "done"
        (board,) = bus.report()
    assert board["sha256"] == flash_with(sketch.data, 0x4_0000)
    assert (board["started"], board["downloads"], board["erases"]) == (True, 153, 3)
    assert steps.stages() == ["prepare", "erase", "write", "reset"]
    written = [step.done for step in steps if step.stage == "write"]
    assert written == sorted(written)
    assert written[-1] == plan.size == 300_000
    assert len(written) > 20


@usb
@pytest.mark.parametrize("tolerant", [True, False])
async def test_a_plain_dfu_board_gets_its_image_in_its_own_block_size(tolerant):
    sketch, steps = c33_sketch(), Steps()
    with usb_bus({**C33, "tolerant": tolerant}) as bus:
        tool = await flasher(bus, "dfu")
        plan = tool.plan(sketch, model("portenta_c33"))
        # The board restarts at the reset, so the tool cannot see how it ended.
        assert await tool.write(plan, FlashTarget(location="1-1"), steps) == "done_pending"
        (board,) = bus.report()
    assert board["sha256"] == flash_with(sketch.data, 0)
    assert (board["started"], board["downloads"]) == (True, 470)
    assert steps.stages() == ["prepare", "write", "reset"]


@usb
@pytest.mark.parametrize("by", ["place", "serial number"])
async def test_of_two_equal_boards_only_the_right_one_is_flashed(by):
    sketch = h7_sketch(10_000)
    target = FlashTarget(location="1-2:1.0") if by == "place" else FlashTarget(serial_number="H7-B")
    with usb_bus(H7, {**H7, "serial": "H7-B"}) as bus:
        tool = await flasher(bus)
        await tool.run(tool.plan(sketch, model("portenta_h7")), target, Steps())
        first, second = bus.report()
    assert (first["downloads"], first["started"]) == (0, False)
    assert second["sha256"] == flash_with(sketch.data, 0x4_0000)
    assert second["started"]


@usb
async def test_a_board_in_its_error_state_is_a_failure_with_the_tools_word():
    with usb_bus({**H7, "error_at": 5}) as bus:
        tool = await flasher(bus)
        with pytest.raises(FlashFailed, match=r"\(write\): Failed to write whole chunk"):
            await tool.run(tool.plan(h7_sketch(), model("portenta_h7")), FIRST, Steps())


@usb
@pytest.mark.parametrize(
    ("kind", "at", "stage"), [(H7, 2, "erase"), (H7, 50, "write"), (C33, 50, "write")]
)
async def test_a_board_that_is_pulled_out_is_a_failure_that_names_the_stage(kind, at, stage):
    with usb_bus({**kind, "unplug_at": at}) as bus:
        dfuse = kind is H7
        tool = await flasher(bus, "dfuse" if dfuse else "dfu")
        sketch = h7_sketch() if dfuse else c33_sketch()
        plan = tool.plan(sketch, model("portenta_h7" if dfuse else "portenta_c33"))
        with pytest.raises(FlashFailed, match=rf"\({stage}\).*unplugged"):
            await tool.run(plan, FlashTarget(location="1-1"), Steps())


@usb
async def test_no_board_on_that_socket_is_no_bootloader():
    with usb_bus(H7) as bus:
        tool = await flasher(bus)
        plan = tool.plan(h7_sketch(9000), model("portenta_h7"))
        with pytest.raises(NoBootloader) as missing:
            await tool.run(plan, FlashTarget(location="1-9"), Steps())
        assert "RESET twice" in missing.value.report().remedy
        (board,) = bus.report()
    assert board["downloads"] == 0


@usb
async def test_a_cancelled_run_leaves_a_bootloader_that_takes_the_next_one():
    sketch = h7_sketch(1_000_000)
    with usb_bus(H7) as bus:
        tool = await flasher(bus)
        plan = tool.plan(sketch, model("portenta_h7"))
        writing = asyncio.Event()

        def seen(step: FlashProgress) -> None:
            if step.stage == "write" and step.done:
                writing.set()

        run = asyncio.ensure_future(tool.run(plan, FIRST, seen))
        waiting = asyncio.ensure_future(writing.wait())
        await asyncio.wait({run, waiting}, return_when=asyncio.FIRST_COMPLETED)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert not bus.report()[0]["started"]
        await tool.run(plan, FIRST, Steps())
        (board,) = bus.report()
    assert board["sha256"] == flash_with(sketch.data, 0x4_0000)


# --- what is decided without a board ----------------------------------------------------------


def test_a_running_sketch_that_can_make_way_is_named_with_its_bootloader():
    plan = plan_dfu(c33_sketch(), model("portenta_c33"), "dfu")
    words = arguments(plan, FlashTarget(vid=0x2341, pid=0x68, location="3-1.2:1.2"), "linux")
    assert words == ["-d", "2341:0068,2341:0368", "-p", "3-1.2", "-a", "0", "-R"]


def test_one_id_for_both_modes_is_given_once():
    sketch = image(esp_image("esp32s3", noise(5000)), "esp")
    plan = plan_dfu(sketch, model("nano_esp32"), "dfu")
    words = arguments(plan, FlashTarget(serial_number="F412FA"), "linux")
    assert words == ["-d", "2341:0070", "-S", "F412FA", "-a", "0", "-R"]


def test_a_board_of_another_brand_keeps_its_own_ids():
    plan = plan_dfu(h7_sketch(), model("opta"), "dfuse")
    target = FlashTarget(vid=0x35D1, pid=0x0364, serial_number="S", location="1-4")
    assert arguments(plan, target, "linux") == [
        *("-d", "35d1:0364", "-p", "1-4", "-a", "0", "-s", "0x08040000:leave")
    ]
    # Other systems number their buses in their own way.
    assert arguments(plan, target, "win32")[2:4] == ["-S", "S"]
    assert arguments(plan, FlashTarget(location="1-4"), "darwin")[2:4] == ["-p", "1-4"]


def test_a_board_that_cannot_be_told_from_others_is_not_flashed():
    plan = plan_dfu(h7_sketch(), model("opta"), "dfuse")
    with pytest.raises(NoBootloader, match="neither its USB place nor its serial number"):
        arguments(plan, FlashTarget(vid=0x2341, pid=0x0364))


@pytest.mark.parametrize(
    ("name", "method", "file", "problem"),
    [
        ("portenta_h7", "dfuse", image(cortex_image(1_966_084, 0x0804_0000, 0x2408_0000)), "room"),
        ("portenta_h7", "dfuse", image(cortex_image(5000, 0x2000, 0x2000_8000)), "code begins"),
        ("portenta_h7", "dfuse", image(b"\x7fELF" + bytes(99), "elf"), "an ELF file"),
        ("portenta_h7", "dfuse", image(b"\0\1\2"), "too short"),
        ("portenta_c33", "dfu", h7_sketch(5000), "outside the memory"),
        ("nano_esp32", "dfu", h7_sketch(5000), "takes an image for ESP chips"),
        ("nano_esp32", "dfu", image(esp_image("esp32", noise(99)), "esp"), "built for esp32"),
        ("mkr_wifi_1010", "dfuse", h7_sketch(5000), "another kind of bootloader"),
        ("portenta_c33", "dfuse", c33_sketch(), "another kind of bootloader"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_touched(
    name, method, file, problem
):
    with pytest.raises(ImageRefused, match=problem):
        DfuFlasher(TOOL, method).plan(file, model(name))


OUTPUT = (
    "dfu-util 0.11\n\nOpening DFU capable USB device...\n"
    "\rErase   \t[                         ]   0%            0 bytes"
    "\rErase   \t[=========================] 100%       300000 bytes\nErase    done.\n"
    "\rDownload\t[                         ]   0%            0 bytes"
    "\rDownload\t[============             ]  49%       147456 bytes"
    "\rDownload\t[=========================] 100%       300000 bytes\nDownload done.\n"
    "File downloaded successfully\nSubmitting leave request...\n"
)


@given(st.integers(1, 40))
def test_progress_is_understood_whatever_parts_the_output_comes_in(step):
    reader, cutter, seen = DfuReader(300_000), LineCutter(), []
    parts = [OUTPUT[at : at + step] for at in range(0, len(OUTPUT), step)]
    for line in [line for part in parts for line in cutter.feed(part)] + cutter.end():
        found = reader.feed(line)
        seen += [(found.stage, found.done)] if found else []
    assert seen == [
        ("erase", 0),
        ("erase", 300_000),
        ("write", 0),
        ("write", 147_456),
        ("write", 300_000),
        ("reset", 0),
    ]
    assert reader.complete


@given(st.text(max_size=200))
def test_any_line_is_read(line):
    DfuReader(100).feed(line)


def ended(status: int, *tail: str, complete: bool = False):
    reader = DfuReader(10)
    if complete:
        reader.feed("Done!")
    plan = plan_dfu(c33_sketch(), model("portenta_c33"), "dfu")
    return judge(plan, reader, ChildResult(status, tail))


def test_a_lost_device_after_everything_was_written_is_left_to_the_board():
    assert ended(0, complete=True) == "done"
    assert ended(251, "dfu-util: can't detach", complete=True) == "done_pending"
    assert ended(74, complete=True) == "done_pending"
    with pytest.raises(FlashFailed, match="can't detach"):
        ended(251, "dfu-util: can't detach")


def test_a_refusal_of_the_system_says_what_to_do():
    words = "dfu-util: Cannot open DFU device 2341:0368 found on devnum 5 (LIBUSB_ERROR_ACCESS)"
    with pytest.raises(LoaderRefused) as refused:
        ended(74, words)
    assert "LIBUSB_ERROR_ACCESS" in refused.value.report().meaning
    assert refused.value.report().remedy


def test_a_warning_about_the_file_is_not_taken_for_the_reason():
    with pytest.raises(FlashFailed, match="unable to write"):
        ended(
            74,
            "dfu-util: unable to write",
            "dfu-util: Warning: Invalid DFU suffix signature",
            "dfu-util: A valid DFU suffix will be required in a future dfu-util release",
        )
    with pytest.raises(FlashFailed, match="ended with status 64"):
        ended(64, "Usage: dfu-util")


async def test_a_tool_that_cannot_be_run_is_named():
    broken = DfuFlasher(FoundTool(DFU_UTIL, ("/nowhere/dfu-util",), (0, 11)))
    plan = broken.plan(h7_sketch(9000), model("portenta_h7"))
    with pytest.raises(FlashFailed, match="cannot be run"):
        await broken.run(plan, FIRST, Steps())


REFUSES = """
import pathlib, sys
calls = pathlib.Path(sys.argv[1])
calls.write_text(calls.read_text() + "x")
print("Erase   \t[                         ]   0%            0 bytes")
if calls.read_text() == "x" or sys.argv[2] == "always":
    print("dfu-util: Error during download get_status")
    sys.exit(74)
print("File downloaded successfully")
"""
"""A tool whose board refuses the first thing that it should do: once, or always."""


@pytest.mark.parametrize("how", ["once", "always"])
async def test_a_board_that_refuses_at_once_is_asked_one_more_time(tmp_path, how):
    calls = tmp_path / "calls"
    calls.write_text("")
    command = (sys.executable, "-c", REFUSES, str(calls), how)
    tool = DfuFlasher(FoundTool(DFU_UTIL, command, (0, 11)))
    plan = tool.plan(h7_sketch(9000), model("portenta_h7"))
    if how == "once":
        assert await tool.write(plan, FIRST, Steps()) == "done"
    else:
        with pytest.raises(FlashFailed, match="get_status"):
            await tool.write(plan, FIRST, Steps())
    assert calls.read_text() == "xx"


async def test_a_tool_that_falls_silent_is_a_failure():
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    tool = DfuFlasher(FoundTool(DFU_UTIL, command, (0, 11)), silence_s=0.1)
    plan = tool.plan(h7_sketch(9000), model("portenta_h7"))
    with pytest.raises(FlashFailed, match="did not answer"):
        await tool.run(plan, FIRST, Steps())
    with pytest.raises(FlashFailed, match="did not answer"):
        await tool.start(model("portenta_h7"), FIRST)
