"""The settings area of simulated chips, through the real esptool."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent.catalog import Catalog
from agent.errors import (
    DeliveryFailed,
    DigestDiffers,
    NoBootloader,
    NotSupported,
    NvsInterrupted,
    NvsRefused,
    OtherChip,
    PortGone,
)
from agent.flash.esp_program import EspProgram
from agent.flash.nvs import NvsFlash, changed_runs
from agent.flash.nvs_backup import Backup, NvsBackups
from agent.flash.nvs_place import NvsPlace, place_of
from agent.flash.tools import ESPTOOL, FoundTool
from agent.protocols.nvs.merge import make, merge
from agent.protocols.nvs.pages import BLANK, PAGE_BYTES
from agent.protocols.nvs.store import read_store
from agent.simulator.esp_rom import EspRom
from tests.flash.esp_board import esp_board
from tests.flash.esp_flash import AREA_AT, AREA_BYTES, area, chip_with
from tests.protocols.nvs.judge import generated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CATALOG = Catalog.load()
TOOL = FoundTool(ESPTOOL, (sys.executable, "-P", "-m", "esptool"), (5, 6))
pytestmark = pytest.mark.system("linux", "darwin")

OTHERS = generated(
    [
        ("sketch", "namespace", None),
        ("count", "u32", 77),
        ("blob", "binary", bytes(range(256)) * 20),
    ]
)
VALUES = {"tb_host": b"tb.example.org", "tb_token": b"m4rker", "tb_ca": b"c" * 3000}


def model(name: str):
    found = CATALOG.get(name)
    assert found is not None
    return found


@asynccontextmanager
async def settings_area(
    rom: EspRom, folder: Path, chip: str = "esp32", unplug_at: int | None = None, **options: Any
) -> AsyncIterator[NvsFlash]:
    async with esp_board(rom, unplug_at) as address:
        place = place_of(model(chip), address)
        yield NvsFlash(EspProgram(TOOL), place, NvsBackups(folder), **options)


def tell_nobody(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def held(rom: EspRom) -> dict[str, object]:
    store = read_store(area(rom))
    return {key: store.get("mooring", key) for key in store.keys("mooring")}


def others_are_whole(rom: EspRom) -> bool:
    store = read_store(area(rom))
    blob = store.get("sketch", "blob") == bytes(range(256)) * 20
    return blob and store.get("sketch", "count") == 77


@pytest.mark.parametrize(
    "chip",
    [
        "esp32",
        pytest.param("esp32s2", marks=pytest.mark.slow),
        "esp32s3",
        pytest.param("esp32c3", marks=pytest.mark.slow),
        "esp32c6",
    ],
)
async def test_values_reach_each_chip_beside_its_sketch(chip, tmp_path):
    rom, steps = chip_with(OTHERS, chip), []
    before = bytes(rom.flash)
    async with settings_area(rom, tmp_path, chip) as flash:
        found = await flash.read()
        assert (found.hardware_id, found.chip) == ("a01122334455", chip)
        assert found.image == found.base == OTHERS
        assert flash.stopped
        new = merge(found.base, "mooring", VALUES, ())
        await flash.write(found, new, lambda done, total: steps.append((done, total)))
        assert not flash.stopped
    assert held(rom) == VALUES
    assert others_are_whole(rom)
    assert rom.flash[:AREA_AT] == before[:AREA_AT]
    assert rom.flash[AREA_AT + AREA_BYTES :] == before[AREA_AT + AREA_BYTES :]
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1] > 0
    # Nothing of it is left on this computer.
    assert list(tmp_path.iterdir()) == []


async def test_a_chip_whose_stub_does_not_start_is_talked_to_by_its_rom(tmp_path):
    rom = chip_with(OTHERS)
    async with settings_area(rom, tmp_path, stub=False) as flash:
        found = await flash.read()
        await flash.write(found, merge(found.base, "mooring", VALUES, ()), tell_nobody)
    assert held(rom) == VALUES
    assert not rom.stub


async def test_an_area_elsewhere_is_found_by_its_name(tmp_path):
    rows = (("nvs", 1, 2, 0x9000, 0x5000, 0), ("mine", 1, 2, 0x3F_0000, 0x4000, 0))
    rom = chip_with(b"\xff" * 0x4000, rows=rows, at=0x3F_0000)
    async with settings_area(rom, tmp_path, partition="mine") as flash:
        found = await flash.read()
        await flash.write(found, merge(found.base, "mooring", VALUES, ()), tell_nobody)
    assert area(rom) == b"\xff" * AREA_BYTES
    assert read_store(area(rom, 0x3F_0000, 0x4000)).get("mooring", "tb_token") == b"m4rker"


async def test_the_same_content_is_not_written_again(tmp_path):
    rom = chip_with(merge(OTHERS, "mooring", VALUES, ()))
    async with settings_area(rom, tmp_path) as flash:
        found = await flash.read()
        await flash.write(found, merge(found.base, "mooring", VALUES, ()), tell_nobody)
    assert rom.blocks == 0


@pytest.mark.parametrize("unplug_at", [1, 2])
async def test_a_cable_that_is_pulled_in_the_middle_loses_nothing_for_good(unplug_at, tmp_path):
    # Two runs are written: a blank page and one that others use.
    rom = chip_with(OTHERS)
    wanted = {**VALUES, "more": b"x" * 3500}
    async with settings_area(rom, tmp_path, unplug_at=unplug_at) as flash:
        found = await flash.read()
        with pytest.raises(NvsInterrupted):
            await flash.write(found, merge(found.base, "mooring", wanted, ()), tell_nobody)
    assert len(list(tmp_path.iterdir())) == 1
    # And the sketch starts with what is left, and erases what it cannot read.
    tear(rom)
    async with settings_area(rom, tmp_path) as flash:
        found = await flash.read()
        await flash.write(found, merge(found.base, "mooring", wanted, ()), tell_nobody)
    assert held(rom) == wanted
    assert others_are_whole(rom)
    assert list(tmp_path.iterdir()) == []


def tear(rom: EspRom) -> None:
    """What the worst moment leaves: the page of others is gone, and firmware went on without it."""
    rom.flash[AREA_AT : AREA_AT + PAGE_BYTES] = BLANK
    rom.blocks = 0


async def test_a_page_that_was_half_written_is_taken_from_the_copy(tmp_path):
    rom = chip_with(OTHERS)
    new = merge(OTHERS, "mooring", VALUES, ())
    await NvsBackups(tmp_path).save("a01122334455", AREA_AT, Backup(old=OTHERS, new=new))
    rom.flash[AREA_AT : AREA_AT + 4096] = new[:20].ljust(4096, b"\xff")
    async with settings_area(rom, tmp_path) as flash:
        found = await flash.read()
        assert found.base == OTHERS
        await flash.write(found, new, tell_nobody)
    assert held(rom) == VALUES
    assert others_are_whole(rom)


async def test_a_copy_of_another_board_is_not_used(tmp_path):
    rom = chip_with(OTHERS)
    other = make(AREA_BYTES, "theirs", {"a": b"1"})
    await NvsBackups(tmp_path).save("ffffffffffff", AREA_AT, Backup(old=other, new=other))
    async with settings_area(rom, tmp_path) as flash:
        assert (await flash.read()).base == OTHERS


async def test_a_bit_that_was_stored_wrongly_is_found_and_the_copy_stays(tmp_path):
    rom = chip_with(OTHERS)
    rom._flip_at = 1
    async with settings_area(rom, tmp_path) as flash:
        found = await flash.read()
        with pytest.raises((NvsInterrupted, DigestDiffers)):
            await flash.write(found, merge(found.base, "mooring", VALUES, ()), tell_nobody)
    assert len(list(tmp_path.iterdir())) == 1


async def test_a_delivery_that_was_cancelled_can_be_done_again(tmp_path):
    rom = chip_with(OTHERS)
    async with settings_area(rom, tmp_path, stub=False) as flash:
        found = await flash.read()
        new = merge(found.base, "mooring", VALUES, ())
        begun = asyncio.Event()
        writing = asyncio.ensure_future(flash.write(found, new, lambda *_: begun.set()))
        await begun.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        found = await flash.read()
        await flash.write(found, merge(found.base, "mooring", VALUES, ()), tell_nobody)
    assert held(rom) == VALUES
    assert others_are_whole(rom)
    assert list(tmp_path.iterdir()) == []


ENCRYPTED = generated(
    [("n", "namespace", None), ("k", "string", "x" * 99)], key="1f" * 32 + "2e" * 32
)


@pytest.mark.parametrize(
    ("place", "spoilt", "problem"),
    [
        (0x8000, bytes(range(256)) * 12, "partition table"),  # as flash encryption leaves it
        (AREA_AT, ENCRYPTED, "it is encrypted"),
        (AREA_AT + 0x40 + 40, b"\0", "an entry is damaged"),
    ],
)
async def test_what_cannot_be_read_is_refused_and_nothing_is_written(
    place, spoilt, problem, tmp_path
):
    rom = chip_with(OTHERS)
    rom.flash[place : place + len(spoilt)] = spoilt
    before = bytes(rom.flash)
    async with settings_area(rom, tmp_path) as flash:
        with pytest.raises(NvsRefused, match=problem):
            await flash.read()
        assert flash.stopped
        await flash.restart()
        assert not flash.stopped
    assert (bytes(rom.flash), rom.blocks) == (before, 0)


async def test_another_chip_than_the_model_has_is_named(tmp_path):
    async with settings_area(chip_with(OTHERS, "esp32c3"), tmp_path, "esp32s3") as flash:
        with pytest.raises(OtherChip):
            await flash.read()


async def test_a_chip_that_nobody_named_is_recognised(tmp_path):
    async with esp_board(chip_with(OTHERS, "esp32c3")) as address:
        place = NvsPlace(name="a board", port=address)
        flash = NvsFlash(EspProgram(TOOL), place, NvsBackups(tmp_path))
        found = await flash.read()
    assert (found.chip, found.base) == ("esp32c3", OTHERS)


async def test_an_esp8266_that_nobody_named_is_refused(tmp_path):
    async with esp_board(chip_with(b"", "esp8266")) as address:
        place = NvsPlace(name="a board", port=address)
        with pytest.raises(NotSupported, match="a board"):
            await NvsFlash(EspProgram(TOOL), place, NvsBackups(tmp_path)).read()


async def test_a_port_that_is_not_there_is_gone(tmp_path):
    place = place_of(model("esp32"), "/dev/mooring-nowhere")
    flash = NvsFlash(EspProgram(TOOL), place, NvsBackups(tmp_path))
    with pytest.raises(PortGone):
        await flash.read()


@pytest.mark.slow
async def test_a_port_without_a_loader_is_no_bootloader(tmp_path):
    async with settings_area(EspRom("esp32", silent_at=0), tmp_path) as flash:
        with pytest.raises(NoBootloader):
            await flash.read()


async def test_a_computer_that_cannot_keep_a_copy_writes_nothing(tmp_path):
    rom = chip_with(OTHERS)
    folder = tmp_path / "folder"
    async with settings_area(rom, folder) as flash:
        found = await flash.read()
        (folder / f"a01122334455-{AREA_AT:x}.json").mkdir()
        with pytest.raises(DeliveryFailed, match="could not be put"):
            await flash.write(found, merge(found.base, "mooring", VALUES, ()), tell_nobody)
    assert rom.blocks == 0


@pytest.mark.parametrize(("name", "why"), [("esp8266", "no NVS"), ("mkr_wifi_1010", "has another")])
def test_boards_without_such_an_area_are_refused_with_the_reason(name, why):
    with pytest.raises(NotSupported) as refused:
        place_of(model(name), "COM3")
    assert why in refused.value.report().meaning


def test_only_pages_that_differ_are_written_and_blank_ones_first():
    old = b"A" * 4096 + b"B" * 4096 + BLANK * 3
    new = b"a" * 4096 + b"B" * 4096 + b"c" * 4096 + b"d" * 4096 + BLANK
    assert changed_runs(old, new) == [[(8192, b"c" * 4096 + b"d" * 4096)], [(0, b"a" * 4096)]]
    assert changed_runs(old, old) == []


async def test_a_copy_is_for_this_user_alone_and_a_damaged_one_is_none(tmp_path):
    backups = NvsBackups(tmp_path / "copies")
    assert await backups.find("aa", 1) is None
    await backups.save("aa", 1, Backup(old=b"o", new=b"n"))
    (path,) = (tmp_path / "copies").iterdir()
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    assert await backups.find("aa", 1) == Backup(old=b"o", new=b"n")
    assert await backups.find("aa", 2) is None
    path.write_bytes(path.read_bytes()[:-5])
    assert await backups.find("aa", 1) is None
    await backups.drop("aa", 1)
    assert list((tmp_path / "copies").iterdir()) == []
    assert "secret" not in repr(Backup(old=b"secret", new=b"secret"))
