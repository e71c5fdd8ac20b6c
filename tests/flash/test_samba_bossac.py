"""Debian's bossac against our simulated loader, and side by side with our client."""

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.errors import FlashFailed
from agent.simulator.samba import End, LoaderFaults, SamdLoader, UnoR4Loader
from agent.simulator.samba_chip import SAMD51P19A
from agent.simulator.samba_port import SambaPort
from tests.flash.images import noise
from tests.flash.samba_rig import holds, plan, run

pytestmark = [pytest.mark.needs("bossac"), pytest.mark.system("linux")]

MKR = "mkr_wifi_1010"
WIO = "wio_terminal"


@asynccontextmanager
async def started(address: str, file: Path, offset: int) -> AsyncIterator[Process]:
    """The command line that the vendor's recipe gives; ended at the latest when this is left."""
    words = ["-U", "-i", "-e", "-w", "-v", "-o", hex(offset), str(file), "-R"]
    process = await asyncio.create_subprocess_exec(
        "bossac",
        f"--port={address}",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def bossac(address: str, file: Path, *, offset: int = 0x2000) -> tuple[int, str]:
    """Exit status and output of a run."""
    async with started(address, file, offset) as process:
        assert process.stdout is not None
        output = await process.stdout.read()
        return await process.wait(), output.decode()


def written(tmp_path: Path, size: int, name: str = MKR) -> Path:
    file = tmp_path / "sketch.bin"
    file.write_bytes(plan(name, size).image.data)
    return file


@pytest.mark.parametrize("size", [4096, 9000, 40_000])
async def test_bossac_flashes_verifies_and_starts_a_simulated_board(tmp_path, size):
    loader = SamdLoader()
    async with SambaPort(loader) as port:
        status, output = await bossac(port.address, written(tmp_path, size))
        assert await port.wait_ended() is End.RESET
    assert status == 0, output
    assert "Verify successful" in output
    assert "ATSAMD21x18" in output
    assert holds(loader, plan(MKR, size).image)


async def test_bossac_asks_for_what_the_bench_saw(tmp_path):
    loader = SamdLoader()
    async with SambaPort(loader) as port:
        await bossac(port.address, written(tmp_path, 40_000))
    seen = {"N": 1, "V": 2, "w": 4, "o": 4, "S": 11, "W": 3, "X": 1, "Y": 20, "Z": 625, "R": 1248}
    assert loader.commands == seen


async def test_bossac_flashes_a_simulated_samd51(tmp_path):
    loader = SamdLoader(SAMD51P19A)
    async with SambaPort(loader) as port:
        status, output = await bossac(port.address, written(tmp_path, 20_000, WIO), offset=0x4000)
    assert status == 0, output
    assert holds(loader, plan(WIO, 20_000).image)


@pytest.mark.parametrize("extended", [True, False])
async def test_our_client_and_bossac_leave_the_same_flash(tmp_path, extended):
    size = 64 * 66  # whole pages: bossac fills the rest of one with zeros, we leave it erased
    flashes = []
    for ours in (True, False):
        loader = SamdLoader(extended=extended)
        loader.memory.flash[0x2000:] = noise(len(loader.memory.flash) - 0x2000)
        async with SambaPort(loader) as port:
            if ours:
                await run(MKR, port, size)
            else:
                status, output = await bossac(port.address, written(tmp_path, size))
                assert status == 0, output
        assert loader.ended is End.RESET
        flashes.append(bytes(loader.memory.flash))
    assert flashes[0] == flashes[1]


async def test_a_board_on_which_bossac_was_killed_while_erasing_is_finished_by_us(tmp_path):
    loader = SamdLoader(faults=LoaderFaults(vanish_on="X"))
    async with (
        SambaPort(loader) as port,
        started(port.address, written(tmp_path, 9000), 0x2000),
    ):
        # It would wait for the end of the erase for ever: killed when this block is left.
        assert await port.wait_ended() is End.UNPLUGGED
    again = SamdLoader()
    again.memory.flash[:] = loader.memory.flash
    async with SambaPort(again) as port:
        await run(MKR, port)
    assert holds(again, plan(MKR).image)


async def test_a_board_on_which_our_run_broke_off_is_finished_by_bossac(tmp_path):
    loader = SamdLoader(faults=LoaderFaults(vanish_on="Y"))
    async with SambaPort(loader) as port:
        with pytest.raises(FlashFailed):
            await run(MKR, port)
    again = SamdLoader()
    again.memory.flash[:] = loader.memory.flash
    async with SambaPort(again) as port:
        status, output = await bossac(port.address, written(tmp_path, 9000))
    assert status == 0, output
    assert holds(again, plan(MKR).image)


async def test_a_flipped_byte_ends_bossac_with_2_and_without_a_reset_ours_mends_it(tmp_path):
    for ours in (False, True):
        loader = SamdLoader()
        data = plan(MKR).image.data
        loader.memory.flips[0x2000 + data.index(0x55)] = 1
        async with SambaPort(loader) as port:
            if ours:
                await run(MKR, port)
                assert holds(loader, plan(MKR).image)
                assert loader.ended is End.RESET
            else:
                status, _ = await bossac(port.address, written(tmp_path, 9000))
                assert status == 2
                assert loader.ended is None


async def test_a_silent_port_a_missing_port_and_an_uno_r4_end_bossac_with_1(tmp_path):
    file = written(tmp_path, 4096)
    for loader in (SamdLoader(faults=LoaderFaults(silent=True)), UnoR4Loader()):
        before = bytes(loader.memory.flash)
        async with SambaPort(loader) as port:
            status, _ = await bossac(port.address, file)
        assert status == 1
        assert bytes(loader.memory.flash) == before
    status, _ = await bossac(str(tmp_path / "ttyACM9"), file)
    assert status == 1


async def test_an_image_that_is_too_large_is_noticed_by_bossac_only_after_the_erase(tmp_path):
    file = tmp_path / "large.bin"
    file.write_bytes(noise(0x40000 - 0x2000 + 8192))
    loader = SamdLoader()
    async with SambaPort(loader) as port:
        status, _ = await bossac(port.address, file)
    assert status == 1
    assert loader.commands["X"] == 1
