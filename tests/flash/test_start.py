"""A board in its bootloader is told to start its sketch; nothing is written."""

from __future__ import annotations

import asyncio
import os

import pytest

from agent.errors import FlashFailed, NoBootloader, NotSupported, OtherChip, PortGone, SketchGone
from agent.flash.dfu import DfuFlasher, leaving
from agent.flash.espressif import EspFlasher
from agent.flash.method import FlashTarget
from agent.flash.tools import DFU_UTIL, ESPTOOL, FoundTool, RealFiles, find_tool, places_here
from agent.flash.uf2 import Uf2Flasher
from agent.flash.unsupported import UnsupportedFlasher
from agent.links import open_link
from agent.simulator.esp_rom import EspRom
from agent.simulator.samba import End, LoaderFaults
from agent.simulator.samba_port import SambaPort
from tests.flash.esp_board import esp_board
from tests.flash.samba_rig import LOADERS, flasher, model
from tests.flash.test_dfu import C33, FIRST, H7, usb
from tests.flash.test_espressif import TOOL as ESP
from tests.flash.test_espressif import posix
from tests.flash.usb import usb_bus

MKR = "mkr_wifi_1010"
UNO = "uno_r4_wifi"


@pytest.mark.parametrize("name", sorted(LOADERS))
async def test_a_sam_ba_loader_is_reset_and_its_flash_stays(name):
    loader = LOADERS[name]()
    before = bytes(loader.memory.flash)
    async with SambaPort(loader, stays=name == UNO) as port:
        await flasher(name).start(model(name), FlashTarget(address=port.address))
        assert await port.wait_ended() is End.RESET
    assert bytes(loader.memory.flash) == before


async def test_behind_the_bridge_a_loader_that_answers_again_shows_that_there_is_no_sketch():
    loader = LOADERS[UNO]()
    async with SambaPort(loader, stays=True) as port:

        async def without_sketch() -> None:
            await port.wait_ended()
            loader.ended = None

        again = asyncio.create_task(without_sketch())
        with pytest.raises(SketchGone):
            await flasher(UNO).start(model(UNO), FlashTarget(address=port.address))
        await again


async def test_a_port_on_which_no_loader_answers_is_no_bootloader():
    loader = LOADERS[MKR]()
    loader.faults = LoaderFaults(silent=True)
    async with SambaPort(loader) as port:
        with pytest.raises(NoBootloader, match="nothing answers"):
            await flasher(MKR).start(model(MKR), FlashTarget(address=port.address))


async def test_another_chip_than_the_models_is_not_reset():
    loader = LOADERS["wio_terminal"]()
    async with SambaPort(loader) as port:
        with pytest.raises(NoBootloader, match="SAMD21"):
            await flasher(MKR).start(model(MKR), FlashTarget(address=port.address))
    assert loader.ended is None


async def test_a_port_that_is_gone_says_so():
    with pytest.raises(PortGone):
        await flasher(MKR, open_link).start(model(MKR), FlashTarget(address="/dev/ttyACM99"))


async def test_without_a_port_nothing_is_tried():
    target = FlashTarget(location="1-1")
    with pytest.raises(NoBootloader):
        await flasher(MKR).start(model(MKR), target)
    with pytest.raises(NoBootloader):
        await EspFlasher(ESP).start(model("esp32"), target)


@usb
@pytest.mark.parametrize(("kind", "name"), [(H7, "portenta_h7"), (C33, "portenta_c33")])
async def test_a_dfu_board_leaves_its_bootloader_and_nothing_is_erased(kind, name):
    tool = await find_tool(DFU_UTIL, places_here(os.environ), RealFiles())
    with usb_bus(kind) as bus:
        dfu = DfuFlasher(tool, model(name).upload.method, environ=bus.environ)
        await dfu.start(model(name), FlashTarget(location="1-1"))
        (board,) = bus.report()
    assert (board["started"], board["erases"]) == (True, 0)


@usb
async def test_a_sketch_with_dfu_makes_way_at_once():
    tool = await find_tool(DFU_UTIL, places_here(os.environ), RealFiles())
    with usb_bus({**C33, "pid": 0x0068, "run_time": True}) as bus:
        dfu = DfuFlasher(tool, "dfu", environ=bus.environ)
        sketch = FlashTarget(vid=0x2341, pid=0x0068, location="1-1")
        await dfu.detach(model("portenta_c33"), sketch)
        (board,) = bus.report()
        assert board["detached"]
        with pytest.raises(FlashFailed, match="restarted"):
            await dfu.detach(model("portenta_c33"), sketch)


@usb
async def test_a_dfu_board_that_refuses_is_a_failure_with_the_tools_word():
    with usb_bus({**H7, "pid": 0x0368}) as bus:
        dfu = DfuFlasher(FoundTool(DFU_UTIL, ("dfu-util",), (0, 11)), "dfu", environ=bus.environ)
        with pytest.raises(FlashFailed, match="can't detach"):
            await dfu.start(model("portenta_c33"), FlashTarget(location="1-1"))


@usb
async def test_no_dfu_board_in_the_socket_is_no_bootloader():
    with usb_bus(H7) as bus:
        dfu = DfuFlasher(FoundTool(DFU_UTIL, ("dfu-util",), (0, 11)), environ=bus.environ)
        with pytest.raises(NoBootloader):
            await dfu.start(model("portenta_h7"), FlashTarget(location="1-2"))


def test_a_dfu_board_of_another_brand_is_named_by_its_own_ids():
    finder = FlashTarget(vid=0x35D1, pid=0x0364, location="1-4")
    words = leaving(model("opta"), finder, "linux")
    assert words == ["-d", "35d1:0364", "-p", "1-4", "-a", "0", "-s", "0x08040000:leave"]
    assert leaving(model("portenta_h7"), FIRST, "win32")[2:4] == ["-S", "H7-A"]


@posix
@pytest.mark.parametrize("chip", ["esp32", "esp32c3"])
async def test_an_espressif_chip_is_reset_and_its_flash_stays(chip):
    rom = EspRom(chip)
    before = bytes(rom.flash)
    async with esp_board(rom) as address:
        await EspFlasher(ESP).start(model(chip), FlashTarget(address=address))
    assert bytes(rom.flash) == before


@posix
async def test_another_espressif_chip_than_the_models_is_named():
    async with esp_board(EspRom("esp32s3")) as address:
        with pytest.raises(OtherChip, match="ESP32-S3"):
            await EspFlasher(ESP).start(model("esp32"), FlashTarget(address=address))


async def test_a_tool_that_cannot_be_run_is_named():
    dfu = DfuFlasher(FoundTool(DFU_UTIL, ("/no/such/tool",), (0, 11)))
    with pytest.raises(FlashFailed, match="dfu-util cannot be run"):
        await dfu.start(model("portenta_h7"), FIRST)
    esp = EspFlasher(FoundTool(ESPTOOL, ("/no/such/tool",), (5, 6)))
    with pytest.raises(FlashFailed, match="esptool cannot be run"):
        await esp.start(model("esp32"), FlashTarget(address="/dev/ttyUSB0"))


async def test_where_only_a_person_can_start_the_sketch_they_are_told_how():
    with pytest.raises(NotSupported) as caught:
        await Uf2Flasher().start(model("pico_w"), FlashTarget(volume="/media/RPI-RP2"))
    assert "Press RESET" in caught.value.report().remedy
    with pytest.raises(NotSupported):
        await UnsupportedFlasher("adb").start(model("portenta_x8"), FlashTarget())
