"""Espressif boards, drives and DFU devices: from sketch to bootloader to the flashed sketch."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import pytest

from agent.catalog import Catalog
from agent.errors import FlashError, FlashFailed, VerifyFailed
from agent.flash.espressif import EspFlasher
from agent.flash.method import FlashTarget
from agent.flash.tools import ESPTOOL, FoundTool
from agent.flash.uf2 import Uf2Flasher
from agent.links import open_link
from agent.simulator.config import BoardConfig, StepFault
from tests.simulator.boards import Host
from tests.simulator.flashing import image_of, into_loader, model_of, touch
from tests.simulator.test_device import ENDINGS, address_of, plugged_in

TOOL = FoundTool(ESPTOOL, (sys.executable, "-P", "-m", "esptool"), (5, 6))
posix = pytest.mark.system("linux", "darwin")


async def esptool(device, image) -> None:
    flasher = EspFlasher(TOOL)
    plan = flasher.plan(image, model_of(device))
    await flasher.run(plan, FlashTarget(address=device.address), lambda _: None)


async def lines_of(device, wanted: bytes) -> None:
    link = await open_link(address_of(device), 9600)
    try:
        heard = b""
        async with asyncio.timeout(30):
            while wanted not in heard:
                heard += await link.receive()
    finally:
        await link.close()


async def copy(device, image) -> None:
    """Onto the drive."""
    flasher = Uf2Flasher(model_of(device).upload.method)
    plan = flasher.plan(image, model_of(device))
    await flasher.run(plan, FlashTarget(volume=device.address), lambda _: None)


# --- Espressif --------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("model", ["esp32", "esp32s3", "esp32c3", "esp8266"])
async def test_esptool_flashes_the_board_on_its_own_port(model):
    async with plugged_in(board=BoardConfig(model=model, sketch="other")) as (device, seen):
        await lines_of(device, b"uptime")
        before = device.address
        await esptool(device, image_of(device, "application"))
        assert (await seen.wait_for("flashed")).runs == "application"
        await seen.wait_for("sketch")
        assert device.address == before
        assert device.status().state.startswith("APPLICATION")
        assert not device.status().in_bootloader


@posix
async def test_a_byte_that_flips_on_an_esp_is_found():
    fault = StepFault(at="write", do="flip")
    board = BoardConfig(model="esp32", sketch="other")
    async with plugged_in(board=board, faults=(fault,)) as (device, seen):
        with pytest.raises(VerifyFailed):
            await esptool(device, image_of(device, "application"))
        await seen.wait_for("flashed")
        assert device.status().runs is None
        await esptool(device, image_of(device, "application"))
        assert (await seen.wait_for("flashed", times=2)).runs == "application"


@posix
async def test_an_esp_that_is_unplugged_while_it_is_written_can_be_written_again():
    fault = StepFault(at="write", do="unplug", back_after=0.02)
    board = BoardConfig(model="esp32c3", sketch="other")
    async with plugged_in(board=board, faults=(fault,)) as (device, seen):
        with pytest.raises(FlashError):
            await esptool(device, image_of(device, "application"))
        await seen.wait_for("plugged", times=2)
        await esptool(device, image_of(device, "application"))
        assert (await seen.wait_for("flashed")).runs == "application"


# --- drives -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tcp", ENDINGS)
@pytest.mark.parametrize("model", ["nano_rp2040_connect", "pico_w"])
async def test_a_drive_appears_after_the_touch_and_the_sketch_when_all_blocks_came(
    tmp_path: Path, tcp, model
):
    board = BoardConfig(model=model, sketch="other")
    async with plugged_in(board=board, tcp=tcp, folder=str(tmp_path)) as (device, seen):
        (file,) = tmp_path.glob("*.json")
        sketch = json.loads(file.read_text())
        await into_loader(device, seen)
        drive = json.loads(file.read_text())
        assert (drive["kind"], drive["vid"], drive["pid"]) == ("volume", 0x2E8A, 3)
        assert drive["location"] == sketch["location"]
        assert (Path(drive["address"]) / "INFO_UF2.TXT").exists()
        await copy(device, image_of(device, "application"))
        assert (await seen.wait_for("flashed")).runs == "application"
        await seen.wait_for("sketch")
        assert json.loads(file.read_text())["kind"] == "serial"
        assert not Path(drive["address"]).parent.exists()


async def test_a_nano_rp2040_that_is_unplugged_while_it_is_written_comes_back_as_a_drive():
    fault = StepFault(at="write", do="unplug", back_after=0.02, after=5)
    board = BoardConfig(model="nano_rp2040_connect", sketch="provisioning-1.0")
    async with plugged_in(board=board, faults=(fault,)) as (device, seen):
        await into_loader(device, seen)
        # The host sees nothing of it if it had written all before the board took the sixth block.
        with contextlib.suppress(FlashFailed):
            await copy(device, image_of(device, "provisioning-2.0", size=120_000))
        await seen.wait_for("bootloader", times=2)
        assert device.status().runs is None
        await copy(device, image_of(device, "provisioning-2.0"))
        assert (await seen.wait_for("sketch")).runs == "provisioning-2.0"


async def test_a_drive_vanishes_with_its_board():
    board = BoardConfig(model="pico_w", sketch="other")
    async with plugged_in(board=board) as (device, seen):
        await into_loader(device, seen)
        drive = Path(address_of(device))
        assert drive.exists()
        device.unplug()
        assert not drive.parent.exists()
        await device.plug()
        assert device.status().state == "OTHER"


# --- DFU --------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["portenta_h7", "opta", "giga_r1_wifi", "nicla_vision"])
async def test_a_dfu_board_leaves_its_serial_port_until_it_is_plugged_in_again(
    tmp_path: Path, model
):
    async with plugged_in(board=BoardConfig(model=model), folder=str(tmp_path)) as (device, seen):
        await into_loader(device, seen)
        (file,) = tmp_path.glob("*.json")
        said = json.loads(file.read_text())
        assert (said["kind"], said["address"]) == ("usb", "usb:9-1")
        assert said["pid"] >> 8 == 3
        device.unplug()
        await device.plug()
        assert json.loads(file.read_text())["kind"] == "serial"


async def test_a_board_that_knows_no_touch_stays_in_its_sketch():
    board = BoardConfig(model="portenta_c33")
    async with plugged_in(board=board, tcp=True) as (device, seen):
        await touch(device)
        async with Host(address_of(device)) as host:
            await host.connect()
        assert {e.event for e in seen.events} <= {"plugged", "step"}


def test_every_board_with_a_known_bootloader_can_carry_a_sketch_of_somebody():
    from agent.simulator.config import complete

    for model in Catalog.load().models:
        if model.fqbn is not None and model.upload.method != "adb":
            complete(BoardConfig(model=model.id, sketch="other"), Catalog.load())
