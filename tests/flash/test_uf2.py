"""Flashing by copying a UF2 file to a drive."""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec
import pytest

from agent.catalog import Catalog
from agent.errors import FlashFailed, ImageRefused, NoBootloader
from agent.flash.method import FlashTarget
from agent.flash.uf2 import Uf2Flasher
from agent.flash.volumes import read_info
from agent.protocols.elf import Segment
from agent.protocols.uf2 import Block, build_uf2, encode_block
from agent.simulator.uf2_volume import Uf2Volume
from tests.flash.images import Steps, arm_elf, cortex_image, image, noise

FLASH = 0x1000_0000
SAMD51 = 0x5511_4460


@pytest.fixture
def model():
    found = Catalog.load().get("pico_w")
    assert found is not None
    return found


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "RPI-RP2"


def memory(size: int) -> bytes:
    """A sketch that can start, behind its 256 bytes of boot code."""
    return noise(256) + cortex_image(size - 256, FLASH, 0x2004_0000)


def content(volume: Uf2Volume) -> bytes:
    return b"".join(volume.flash[address] for address in sorted(volume.flash))


async def flash(model, volume, file, steps=None, **options):
    flasher = Uf2Flasher(**options)
    plan = flasher.plan(file, model)
    await flasher.run(
        plan, FlashTarget(volume=str(volume.folder)), Steps() if steps is None else steps
    )


@pytest.mark.parametrize("form", ["bin", "elf", "uf2"])
async def test_each_kind_of_file_ends_up_in_flash_and_the_drive_vanishes(model, folder, form):
    sketch = memory(300_000)
    files = {
        "bin": sketch,
        "elf": arm_elf([(FLASH, sketch[:70_001]), (FLASH + 70_001, sketch[70_001:])]),
        "uf2": build_uf2([Segment(FLASH, sketch)]),
    }
    steps = Steps()
    with Uf2Volume(folder) as volume:
        await flash(model, volume, image(files[form], form), steps)
        assert volume.complete
        assert read_info(folder) is None
    assert content(volume)[: len(sketch)] == sketch
    assert steps.stages() == ["prepare", "write", "reset"]
    written = [step.done for step in steps if step.stage == "write"]
    assert written == sorted(written)
    assert written[-1] == steps[1].total
    assert len(written) > 10


async def test_the_vendors_elf_image_fits_the_nano_rp2040_connect(folder):
    model = Catalog.load().get("nano_rp2040_connect")
    assert model is not None
    with Uf2Volume(folder) as volume:
        file = image(arm_elf([(FLASH, noise(5000))]), "elf")
        await flash(model, volume, file, method="rp2040")
        assert volume.complete


def without_family(data: bytes) -> bytes:
    return encode_block(
        Block(address=FLASH, payload=data[:256], number=0, count=1, flags=0, family=0)
    )


def with_start(stack: int, code: int) -> bytes:
    """A memory image whose vector table says this."""
    return noise(256) + stack.to_bytes(4, "little") + code.to_bytes(4, "little") + noise(5000)


def refusals():
    sketch = noise(1000)
    large = noise(2_097_153)
    return [
        (image(build_uf2([Segment(FLASH, large)]), "uf2"), "not in the board's flash"),
        (image(arm_elf([(FLASH, large)]), "elf"), "not in the board's flash"),
        (image(without_family(sketch), "uf2"), "it is for no family"),
        (image(with_start(0x3000_0000, FLASH + 0x201)), "built for another board"),
        (image(with_start(0x2004_2004, FLASH + 0x201)), "built for another board"),
        (image(with_start(0x2004_2000, FLASH + 0x200)), "built for another board"),
        (image(b""), "is empty"),
        (image(noise(4_000_000)), "at most 2097152 fit"),
        (image(build_uf2([Segment(FLASH, sketch)], SAMD51), "uf2"), "family 0x55114460"),
        (image(build_uf2([Segment(FLASH, sketch)])[:-5], "uf2"), "multiple of 512"),
        (image(build_uf2([Segment(0x2000_0000, sketch)]), "uf2"), "not in the board's flash"),
        (image(build_uf2([Segment(FLASH + 8192, sketch)]), "uf2"), "cannot start"),
        (image(arm_elf([(0x2000_0000, sketch)]), "elf"), "not in the board's flash"),
        (image(arm_elf([(FLASH, sketch)], machine=94), "elf"), "ARM"),
        (image(arm_elf([(FLASH, sketch)])[:-1], "elf"), "outside the file"),
        (image(b"\xe9" + sketch, "esp"), "it is an image for ESP chips"),
        (image(b":100000000C9434000C943E000C943E000C943E0082\n"), "an Intel HEX file"),
        (image(cortex_image(5000, 0x2000, 0x2000_8000)), "built for another board"),
        (image(noise(5000)), "built for another board"),
    ]


@pytest.mark.parametrize(("file", "problem"), refusals())
def test_a_file_that_does_not_fit_is_refused_before_anything_is_touched(model, file, problem):
    with pytest.raises(ImageRefused) as refused:
        Uf2Flasher().plan(file, model)
    assert problem in refused.value.report().title


@pytest.mark.parametrize("stack", [0x2000_0004, 0x2004_2000])
def test_a_stack_may_begin_anywhere_in_the_memory_and_at_its_end(model, stack):
    Uf2Flasher().plan(image(with_start(stack, FLASH + 0x201)), model)


def test_a_memory_image_for_another_board_is_written_only_if_a_person_insists(model):
    other = image(cortex_image(5000, 0x2000, 0x2000_8000))
    plan = Uf2Flasher().plan(msgspec.structs.replace(other, any_board=True), model)
    assert plan.address == FLASH


def test_a_board_without_such_a_drive_is_refused():
    model = Catalog.load().get("mkr_wifi_1010")
    assert model is not None
    with pytest.raises(ImageRefused, match="knows no drive"):
        Uf2Flasher().plan(image(memory(1000)), model)


async def test_a_drive_of_another_chip_gets_nothing(model, folder):
    with Uf2Volume(folder, board_id="SAMD51G19A", family=SAMD51) as volume:
        with pytest.raises(NoBootloader, match="SAMD51G19A"):
            await flash(model, volume, image(memory(1000)))
        assert sorted(path.name for path in folder.iterdir()) == ["INDEX.HTM", "INFO_UF2.TXT"]


async def test_a_drive_that_is_not_there_is_no_bootloader_and_tells_how_to_enter_it(model, folder):
    with pytest.raises(NoBootloader) as missing:
        await flash(model, Uf2Volume(folder), image(memory(1000)))
    assert "BOOTSEL" in missing.value.report().remedy
    plan = Uf2Flasher().plan(image(memory(1000)), model)
    with pytest.raises(NoBootloader):
        await Uf2Flasher().run(plan, FlashTarget(), Steps())


async def test_a_drive_that_vanishes_early_is_a_failure(model, folder):
    with Uf2Volume(folder) as volume:
        steps = Unplugging(volume)
        with pytest.raises(FlashFailed, match="vanished before the last block"):
            await flash(model, volume, image(memory(1_900_000)), steps)
        assert not volume.complete
        assert steps


class Unplugging(Steps):
    """Pulls the cable at the first block."""

    def __init__(self, volume: Uf2Volume) -> None:
        super().__init__()
        self.volume = volume

    def __call__(self, step):
        self.append(step)
        if step.stage == "write":
            self.volume.unplug()


async def test_a_drive_that_stays_after_the_last_block_is_a_failure(model, folder):
    with (
        Uf2Volume(folder, deaf=True) as volume,
        pytest.raises(FlashFailed, match="does not start it"),
    ):
        await flash(model, volume, image(memory(1000)), vanish_s=0.05)


async def test_a_cancelled_copy_stops_and_the_next_one_succeeds(model, folder):
    sketch = memory(1_900_000)
    with Uf2Volume(folder) as volume:
        begun = asyncio.Event()

        def seen(step):
            if step.done:
                begun.set()

        run = asyncio.ensure_future(flash(model, volume, image(sketch), seen))
        await begun.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        if volume.complete:
            pytest.fail("the whole file was copied before it could be cancelled")
        await flash(model, volume, image(sketch))
        assert volume.complete
    assert content(volume)[: len(sketch)] == sketch


if sys.platform != "win32":

    async def test_a_cancelled_run_does_not_wait_for_a_drive_that_hangs(model, folder):
        with Uf2Volume(folder):
            pipe = folder / "MOORING.UF2"
            os.mkfifo(pipe)  # opening it hangs until somebody reads
            prepared = asyncio.Event()
            target = FlashTarget(volume=str(folder))
            plan = Uf2Flasher().plan(image(memory(100_000)), model)
            run = asyncio.create_task(Uf2Flasher().run(plan, target, lambda _: prepared.set()))
            await prepared.wait()
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            await asyncio.get_running_loop().shutdown_default_executor()
            assert os.read(reader, 1) == b""
            os.close(reader)


@pytest.mark.system("linux")
async def test_a_full_drive_is_named(model, folder):
    with Uf2Volume(folder) as volume:
        (folder / "MOORING.UF2").symlink_to("/dev/full")
        with pytest.raises(FlashFailed, match="the drive is full"):
            await flash(model, volume, image(memory(100_000)))


async def test_a_drive_that_refuses_the_file_is_a_failure_with_the_systems_word(model, folder):
    with Uf2Volume(folder) as volume:
        (folder / "MOORING.UF2").mkdir()
        with pytest.raises(FlashFailed, match=r"can only be read|the drive reported|may not write"):
            await flash(model, volume, image(memory(1000)))
