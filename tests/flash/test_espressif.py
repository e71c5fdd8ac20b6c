"""Flashing with esptool: the real tool, and simulated chips on pseudo-terminals."""

from __future__ import annotations

import ast
import asyncio
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agent
from agent.catalog import Catalog
from agent.errors import (
    FlashFailed,
    ImageRefused,
    NoBootloader,
    NoPermission,
    OtherChip,
    PortBusy,
    PortGone,
    VerifyFailed,
)
from agent.flash.child import ChildResult
from agent.flash.esp_program import EspReader
from agent.flash.espressif import EspFlasher, arguments, judge, plan_esp
from agent.flash.method import FlashProgress, FlashTarget
from agent.flash.tools import ESPTOOL, FoundTool
from agent.simulator.esp_rom import EspRom
from tests.flash.esp_board import esp_board
from tests.flash.images import Steps, cortex_image, esp_image, esp_merged, image, noise

CATALOG = Catalog.load()
TOOL = FoundTool(ESPTOOL, (sys.executable, "-P", "-m", "esptool"), (5, 6))
CHIPS = ("esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6", "esp8266")

posix = pytest.mark.system("linux", "darwin")


def model(name):
    found = CATALOG.get(name)
    assert found is not None
    return found


def sketch_for(chip: str, size: int = 60_000):
    return image(esp_image(chip, noise(size)), "esp")


async def flash(rom: EspRom, chip: str, file=None, steps=None, unplug_at=None, **options):
    flasher = EspFlasher(TOOL, **options)
    plan = flasher.plan(file or sketch_for(chip), model(chip))
    async with esp_board(rom, unplug_at) as address:
        target = FlashTarget(address=address)
        await flasher.run(plan, target, Steps() if steps is None else steps)
    return plan


# --- the tool and simulated chips -------------------------------------------------------------


@posix
@pytest.mark.parametrize("chip", CHIPS)
async def test_each_chip_gets_its_image_through_the_stub(chip):
    rom, steps = EspRom(chip), Steps()
    plan = await flash(rom, chip, steps=steps)
    at = 0 if chip == "esp8266" else 0x1_0000
    assert plan.address == at
    assert rom.flash[at : at + plan.size] == plan.image.data
    assert steps.stages() == ["prepare", "erase", "write", "verify", "reset"]
    written = [step.done for step in steps if step.stage == "write"]
    assert written == sorted(written)
    assert (len(written) >= 3, written[-1]) == (True, plan.size)


@posix
@pytest.mark.parametrize("chip", CHIPS)
async def test_each_chip_gets_its_image_through_its_rom(chip):
    rom, steps = EspRom(chip), Steps()
    plan = await flash(rom, chip, sketch_for(chip, 20_000), steps, stub=False)
    assert rom.flash[plan.address : plan.address + plan.size] == plan.image.data
    assert not rom.stub
    assert len([step for step in steps if step.stage == "write"]) >= 19


@posix
async def test_a_merged_image_goes_to_the_beginning_compressed():
    rom = EspRom("esp32")
    merged = image(esp_merged("esp32", 0x1000, esp_image("esp32", bytes(50_000))), "esp")
    plan = await flash(rom, "esp32", merged)
    assert plan.merged
    assert rom.flash[: plan.size] == merged.data
    assert rom.blocks < 4


@posix
async def test_a_bit_that_was_stored_wrongly_is_found():
    with pytest.raises(VerifyFailed) as failed:
        await flash(EspRom("esp32s3", flip_at=2), "esp32s3")
    facts = failed.value.facts
    assert facts["address"] == "0x10000"
    assert len(str(facts["found"])) == len(str(facts["expected"])) == 32
    assert facts["found"] != facts["expected"]


@posix
async def test_a_block_that_arrived_damaged_is_sent_again():
    rom = EspRom("esp32c3", refuse=range(2, 3))
    plan = await flash(rom, "esp32c3")
    assert rom.flash[plan.address : plan.address + plan.size] == plan.image.data


@posix
async def test_blocks_that_always_arrive_damaged_are_a_failure():
    with pytest.raises(FlashFailed, match=r"\(write\): Failed to write"):
        await flash(EspRom("esp32c3", refuse=range(2, 99)), "esp32c3")


@posix
@pytest.mark.slow
async def test_a_chip_that_falls_silent_is_a_failure():
    with pytest.raises(FlashFailed, match=r"\(write\)"):
        await flash(EspRom("esp32", silent_at=2), "esp32", stub=False)


@posix
async def test_a_board_that_is_pulled_out_is_a_failure():
    with pytest.raises(FlashFailed, match=r"\(write\).*unplugged"):
        await flash(EspRom("esp32c6"), "esp32c6", unplug_at=2)


@posix
@pytest.mark.slow
async def test_a_port_without_a_loader_is_no_bootloader():
    with pytest.raises(NoBootloader) as missing:
        await flash(EspRom("esp32", silent_at=0), "esp32")
    assert missing.value.report().remedy


@posix
async def test_another_chip_than_the_model_has_is_named():
    with pytest.raises(OtherChip, match=r"it is [\w-]+, not [\w-]+\.$"):
        await flash(EspRom("esp32c3"), "esp32s3")


@posix
async def test_a_cancelled_run_leaves_a_loader_that_takes_the_next_one():
    rom = EspRom("esp32s3")
    flasher = EspFlasher(TOOL, stub=False)
    plan = flasher.plan(sketch_for("esp32s3", 2_000_000), model("esp32s3"))
    async with esp_board(rom) as address:
        target = FlashTarget(address=address)
        writing = asyncio.Event()

        def seen(step: FlashProgress) -> None:
            if step.stage == "write":
                writing.set()

        run = asyncio.ensure_future(flasher.run(plan, target, seen))
        waiting = asyncio.ensure_future(writing.wait())
        await asyncio.wait({run, waiting}, return_when=asyncio.FIRST_COMPLETED)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert rom.blocks < plan.size // 1024
        short = flasher.plan(sketch_for("esp32s3", 5000), model("esp32s3"))
        await flasher.run(short, target, Steps())
    assert rom.flash[short.address : short.address + short.size] == short.image.data


async def test_a_port_that_is_not_there_is_gone():
    flasher = EspFlasher(TOOL)
    plan = flasher.plan(sketch_for("esp32"), model("esp32"))
    with pytest.raises(PortGone):
        await flasher.run(plan, FlashTarget(address="/dev/mooring-nowhere"), Steps())


# --- what is decided without a board ----------------------------------------------------------


def test_the_tool_is_called_with_everything_that_is_known():
    plan = plan_esp(sketch_for("esp32c6"), model("esp32c6"))
    assert " ".join(arguments(plan, "COM7", stub=False)) == (
        "--chip esp32c6 --port COM7 --baud 921600 --before default-reset --after hard-reset "
        "--no-stub write-flash --flash-size keep 0x10000"
    )


@pytest.mark.parametrize(
    ("chip", "data", "problem"),
    [
        ("esp32", esp_image("esp32s3", noise(99)), "built for esp32s3"),
        (
            "esp32",
            esp_merged("esp32", 0x1000, esp_image("esp32c3", noise(99))),
            "built for esp32c3",
        ),
        ("esp32s3", esp_merged("esp32", 0, esp_image("esp32s3", noise(99))), "built for esp32,"),
        ("esp32c3", esp_image("esp32c3", noise(5000))[:-200], "cut off"),
        ("esp8266", esp_image("esp8266", noise(5000))[:-200], "cut off"),
        ("esp32c3", esp_image("esp32c3", bytes(17 << 20)), "room for"),
        ("mkr_wifi_1010", esp_image("esp32c3", noise(99)), "another kind of bootloader"),
        ("nano_esp32", esp_image("esp32s3", noise(99)), "another kind of bootloader"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_touched(chip, data, problem):
    with pytest.raises(ImageRefused, match=problem):
        EspFlasher(TOOL).plan(image(data, "esp"), model(chip))


def test_a_file_of_another_format_is_refused():
    with pytest.raises(ImageRefused, match="takes an image for ESP chips"):
        plan_esp(image(cortex_image(5000, 0x2000, 0x2000_8000)), model("esp32"))


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Writing at 0x00014000 ━━   8.2% 16.00kB/195.36kB [0s] ", ("write", 82)),
        ("Writing at 0x00014000 [=>      ]   8.2% 16384/200119 bytes...", ("write", 82)),
        ("Writing at 0x00014000... (100 %)", ("write", 1000)),
        ("Flash will be erased from 0x00010000 to 0x00040fff...", ("erase", 0)),
        ("Hash of data verified.", ("verify", 0)),
        ("Hard resetting via RTS pin...", ("reset", 0)),
        ("Writing at nowhere", None),
        ("Compressed 10 bytes to 20...", None),
    ],
)
def test_progress_is_understood(line, step):
    found = EspReader(1000).feed(line)
    assert (found and (found.stage, found.done)) == step


@given(st.text(max_size=200))
def test_any_line_is_read(line):
    EspReader(100).feed(line)
    EspReader(100).feed("Writing at 0x0 " + line)


def ended(status: int, *tail: str, stage: str = "Flash will be erased") -> None:
    reader = EspReader(10)
    reader.feed(stage)
    judge(plan_esp(sketch_for("esp32"), model("esp32")), "COM3", reader, ChildResult(status, tail))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (
            "Could not open COM3, the port is busy or doesn't exist. (PermissionError(13))",
            NoPermission,
        ),
        ("Could not open COM3, the port is busy or doesn't exist. ([Errno 16] busy)", PortBusy),
        ("Could not open COM3, the port is busy or doesn't exist. ([Errno 2] no)", PortGone),
        ("Something else.", FlashFailed),
    ],
)
def test_the_words_of_the_tool_become_our_errors(said, error):
    with pytest.raises(error):
        ended(2, f"A fatal error occurred: {said}", stage="")


@pytest.mark.parametrize(
    "stage", ["Flash will be erased", "Writing at 0x00014000... (100 %)", "Verifying written data"]
)
def test_a_good_end_without_a_digest_is_not_believed(stage):
    with pytest.raises(FlashFailed, match="status 0"):
        ended(0, stage=stage)


async def test_a_tool_that_cannot_be_run_is_named():
    broken = EspFlasher(FoundTool(ESPTOOL, ("/nowhere/esptool",), (5, 6)))
    plan = broken.plan(sketch_for("esp32"), model("esp32"))
    with pytest.raises(FlashFailed, match="cannot be run"):
        await broken.run(plan, FlashTarget(address="COM3"), Steps())


async def test_a_board_without_a_serial_port_is_no_bootloader():
    flasher = EspFlasher(TOOL)
    plan = flasher.plan(sketch_for("esp32"), model("esp32"))
    with pytest.raises(NoBootloader):
        await flasher.run(plan, FlashTarget(), Steps())


def test_no_module_of_the_agent_imports_esptool():
    package = Path(agent.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            else:
                continue
            assert not {name.split(".")[0] for name in names} & {"esptool", "esp_pylib"}, path


def test_a_bad_end_is_a_failure_also_after_a_digest():
    with pytest.raises(FlashFailed, match="status 2"):
        ended(2, stage="Hash of data verified.")


async def test_a_tool_that_falls_silent_is_a_failure():
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    silent = EspFlasher(FoundTool(ESPTOOL, command, (5, 6)), silence_s=0.1)
    plan = silent.plan(sketch_for("esp32"), model("esp32"))
    with pytest.raises(FlashFailed, match="said nothing"):
        await silent.run(plan, FlashTarget(address="COM3"), Steps())


async def test_a_start_that_the_tool_could_not_do_is_a_failure():
    command = (sys.executable, "-c", "raise SystemExit(2)")
    failing = EspFlasher(FoundTool(ESPTOOL, command, (5, 6)))
    with pytest.raises(FlashFailed, match="status 2"):
        await failing.start(model("esp32"), FlashTarget(address="COM3"))
