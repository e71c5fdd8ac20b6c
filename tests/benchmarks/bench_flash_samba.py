"""How long a SAMD21 board takes to be flashed and verified, against bossac in the same run.

The simulated loader runs in this process for both: real boards add their own time to each command,
and bossac sends more of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from agent.catalog import Catalog
from agent.flash.content import read_image
from agent.flash.method import FlashImage, FlashTarget
from agent.flash.samba import SambaFlasher
from agent.links import open_link
from agent.simulator.samba import SamdLoader
from agent.simulator.samba_port import SambaPort

Row = tuple[str, float, str, str | None]

SIZE_BYTES = 120_000
OFFSET = 0x2000
BEST_OF = 3


async def run() -> list[Row]:
    """Wall time of the best of a few runs, and commands sent."""
    stack_and_start = (0x20008000).to_bytes(4, "little") + (OFFSET + 9).to_bytes(4, "little")
    table = stack_and_start + bytes(20)
    data = table + hashlib.shake_128(b"sketch").digest(SIZE_BYTES - len(table))
    image = read_image("sketch.bin", data)
    ours_s, ours = min([await _ours(image, extended=True) for _ in range(BEST_OF)])
    slow_s, slow = await _ours(image, extended=False)
    rows: list[Row] = [
        ("SAM-BA: 120 kB written and verified", ours_s, "s", None),
        ("SAM-BA: commands for that", float(ours), "", None),
        ("SAM-BA: the same on a loader without extensions", slow_s, "s", None),
        ("SAM-BA: commands for that", float(slow), "", None),
    ]
    if shutil.which("bossac"):
        bossac_s, commands = min([await _bossac(image) for _ in range(BEST_OF)])
        rows += [
            ("SAM-BA: bossac, 120 kB written and verified", bossac_s, "s", None),
            ("SAM-BA: commands for that", float(commands), "", None),
            ("SAM-BA: ours against bossac", ours_s / bossac_s, "x", "<= 1.0"),
        ]
    return rows


async def _ours(image: FlashImage, *, extended: bool) -> tuple[float, int]:
    model = Catalog.load().get("mkr_wifi_1010")
    assert model is not None
    flasher = SambaFlasher(open_link)
    plan = flasher.plan(image, model)
    loader = SamdLoader(extended=extended)
    async with SambaPort(loader) as port:
        began = time.perf_counter()
        await flasher.run(plan, FlashTarget(address=port.address), lambda _: None)
        took_s = time.perf_counter() - began
    _require_written(loader, image)
    return took_s, loader.commands.total()


async def _bossac(image: FlashImage) -> tuple[float, int]:
    loader = SamdLoader()
    with TemporaryDirectory() as folder:
        file = Path(folder) / image.name
        file.write_bytes(image.data)
        async with SambaPort(loader) as port:
            words = ["-U", "-i", "-e", "-w", "-v", "-o", hex(OFFSET), str(file), "-R"]
            began = time.perf_counter()
            process = await asyncio.create_subprocess_exec(
                "bossac",
                f"--port={port.address}",
                *words,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            assert await process.wait() == 0
            took_s = time.perf_counter() - began
    _require_written(loader, image)
    return took_s, loader.commands.total()


def _require_written(loader: SamdLoader, image: FlashImage) -> None:
    assert loader.memory.flash[OFFSET : OFFSET + len(image.data)] == image.data
