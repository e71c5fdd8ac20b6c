"""What it costs to flash through Mooring instead of calling esptool or dfu-util by hand.

Simulated boards behind the real tools: a chip on a pseudo-terminal, a board on a simulated USB bus.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.catalog import Catalog
from agent.flash.dfu import DfuFlasher
from agent.flash.dfu import arguments as dfu_arguments
from agent.flash.esp_program import ENVIRON
from agent.flash.espressif import EspFlasher
from agent.flash.espressif import arguments as esp_arguments
from agent.flash.method import FlashTarget
from agent.flash.tools import DFU_UTIL, ESPTOOL, FoundTool
from agent.simulator.esp_rom import EspRom
from tests.flash.esp_board import esp_board
from tests.flash.images import Steps, cortex_image, esp_image, image, noise
from tests.flash.usb import usb_bus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

IMAGE_BYTES = 600_000
BEST_OF = 5
"""The fastest of a few runs, taken in turns: what disturbs a measurement only makes it slower."""


async def run() -> list[tuple[str, float, str, str | None]]:
    """Wall time through us over that of the tool alone."""
    rows: list[tuple[str, float, str, str | None]] = []
    if sys.platform != "win32":
        ours, alone = await _in_turns(_esp_through_us, _esp_alone)
        rows += _rows("esptool", ours, alone)
    if shutil.which("umockdev-wrapper") and shutil.which("dfu-util"):
        ours, alone = await _in_turns(_dfu_through_us, _dfu_alone)
        rows += _rows("dfu-util", ours, alone)
    return rows


def _rows(tool: str, ours: float, alone: float) -> list[tuple[str, float, str, str | None]]:
    return [
        (f"{tool}, {IMAGE_BYTES // 1000} kB, through us", ours, "s", None),
        (f"{tool}, {IMAGE_BYTES // 1000} kB, alone", alone, "s", None),
        (f"{tool}: through us / alone", ours / alone, "x", "<= 1.1"),
    ]


async def _in_turns(
    ours: Callable[[], Awaitable[float]], alone: Callable[[], Awaitable[float]]
) -> tuple[float, float]:
    times = [(await ours(), await alone()) for _ in range(BEST_OF)]
    return min(first for first, _ in times), min(second for _, second in times)


async def _call(words: list[str], environ: dict[str, str]) -> float:
    """The tool by hand: its output thrown away."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environ},
        # As a terminal of its own has: Linux shares out the processor by session.
        start_new_session=True,
    )
    status = await process.wait()
    if status:
        raise RuntimeError(f"{words[0]} ended with {status}")
    return time.perf_counter() - began


# --- esptool ------------------------------------------------------------------------------------

ESP = FoundTool(ESPTOOL, (sys.executable, "-P", "-m", "esptool"), (5, 6))
CHIP = "esp32s3"


async def _esp_through_us() -> float:
    model = Catalog.load().get(CHIP)
    assert model is not None
    flasher, sketch = EspFlasher(ESP), image(esp_image(CHIP, noise(IMAGE_BYTES)), "esp")
    async with esp_board(EspRom(CHIP)) as address:
        began = time.perf_counter()
        plan = flasher.plan(sketch, model)
        await flasher.run(plan, FlashTarget(address=address), Steps())
        return time.perf_counter() - began


async def _esp_alone() -> float:
    model = Catalog.load().get(CHIP)
    assert model is not None
    plan = EspFlasher(ESP).plan(image(esp_image(CHIP, noise(IMAGE_BYTES)), "esp"), model)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sketch.bin"
        file.write_bytes(plan.image.data)
        async with esp_board(EspRom(CHIP)) as address:
            return await _call([*ESP.command, *esp_arguments(plan, address), str(file)], ENVIRON)


# --- dfu-util -----------------------------------------------------------------------------------

DFU = FoundTool(DFU_UTIL, ("dfu-util",), (0, 11))
BOARD = {"vid": 0x2341, "pid": 0x035B, "serial": "H7", "dfuse": True}
TARGET = FlashTarget(vid=0x2341, pid=0x035B, serial_number="H7", location="1-1")


async def _dfu_through_us() -> float:
    model = Catalog.load().get("portenta_h7")
    assert model is not None
    sketch = image(cortex_image(IMAGE_BYTES, 0x0804_0000, 0x2408_0000))
    with usb_bus(BOARD) as bus:
        flasher = DfuFlasher(DFU, environ=bus.environ)
        began = time.perf_counter()
        plan = flasher.plan(sketch, model)
        await flasher.run(plan, TARGET, Steps())
        return time.perf_counter() - began


async def _dfu_alone() -> float:
    model = Catalog.load().get("portenta_h7")
    assert model is not None
    plan = DfuFlasher(DFU).plan(image(cortex_image(IMAGE_BYTES, 0x0804_0000, 0x2408_0000)), model)
    with tempfile.TemporaryDirectory() as folder, usb_bus(BOARD) as bus:
        file = Path(folder) / "sketch.bin"
        file.write_bytes(plan.image.data)
        words = [*DFU.command, *dfu_arguments(plan, TARGET), "-D", str(file)]
        return await _call(words, bus.environ)
