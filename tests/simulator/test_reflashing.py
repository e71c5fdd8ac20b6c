"""Boards that move between sketch, bootloader and the sketch that was flashed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from agent.errors import FlashFailed, NoBootloader, VerifyFailed
from agent.links import open_link
from agent.protocols.v2.messages import CommandCode
from agent.simulator.config import BoardConfig, BootloaderConfig, StepFault
from agent.simulator.world import Uplink, World
from tests.simulator.boards import Host, command
from tests.simulator.flashing import flash, image_of, into_loader, touch
from tests.simulator.test_device import ENDINGS, address_of, plugged_in, until_left

if TYPE_CHECKING:
    from pathlib import Path

MKR = BoardConfig(model="mkr_wifi_1010", sketch="provisioning-1.0")
UNO = BoardConfig(model="uno_r4_wifi", sketch="provisioning-1.0")
BOTH = pytest.mark.parametrize("board", [MKR, UNO], ids=["mkr", "uno"])
SLOW = 0.5
"""Board time half as fast: the countdown of a touch lasts half a second."""


@pytest.mark.parametrize("tcp", ENDINGS)
@BOTH
async def test_a_1_0_board_answers_as_2_0_after_it_was_flashed(tcp, board):
    async with plugged_in(board=board, tcp=tcp) as (device, seen):
        assert device.status().state == "PROVISIONING_1.0"
        assert device.status().runs == "provisioning-1.0"
        await into_loader(device, seen)
        assert device.status().in_bootloader
        await flash(device, image_of(device, "provisioning-2.0", version="0.7.3"))
        assert (await seen.wait_for("flashed")).runs == "provisioning-2.0"
        await seen.wait_for("sketch")
        async with Host(address_of(device)) as host:
            await host.connect()
            said = await host.ask(command(CommandCode.GET_SKETCH_VERSION))
        assert said == ("0x12015", ["0.7.3"])
        assert device.status().runs == "provisioning-2.0"


@BOTH
async def test_a_2_0_board_answers_as_1_0_after_it_was_flashed(board):
    board = BoardConfig(model=board.model)
    async with plugged_in(board=board) as (device, seen):
        await into_loader(device, seen)
        await flash(device, image_of(device, "provisioning-1.0"))
        await seen.wait_for("sketch")
        assert device.status().state == "PROVISIONING_1.0"


async def test_native_usb_leaves_the_bus_and_comes_as_its_loader_and_back(tmp_path: Path):
    async with plugged_in(board=MKR, folder=str(tmp_path)) as (device, seen):
        (file,) = tmp_path.glob("*.json")
        sketch = json.loads(file.read_text())
        await into_loader(device, seen)
        loader = json.loads(file.read_text())
        assert (sketch["vid"], sketch["pid"]) == (0x2341, 0x8054)
        assert (loader["vid"], loader["pid"]) == (0x2341, 0x0054)
        for same in ("serial_number", "location", "kind"):
            assert loader[same] == sketch[same]
        assert loader["address"] != sketch["address"]
        await flash(device, image_of(device, "provisioning-2.0"))
        await seen.wait_for("sketch")
        assert json.loads(file.read_text())["pid"] == 0x8054
    assert [e.event for e in seen.events if e.event not in {"step", "reset"}] == [
        "plugged",
        "touch",
        "unplugged",
        "plugged",
        "bootloader",
        "flashed",
        "unplugged",
        "plugged",
        "sketch",
        "unplugged",
    ]


async def test_the_port_of_an_uno_r4_stays_and_its_loader_answers_a_moment_later(tmp_path: Path):
    async with plugged_in(board=UNO, folder=str(tmp_path)) as (device, seen):
        (file,) = tmp_path.glob("*.json")
        before = file.read_text()
        await into_loader(device, seen)
        assert file.read_text() == before
        await flash(device, image_of(device, "provisioning-2.0"))
        await seen.wait_for("sketch")
        assert file.read_text() == before
    assert [e.event for e in seen.events if e.event.endswith("plugged")] == ["plugged", "unplugged"]


@pytest.mark.parametrize("tcp", ENDINGS)
async def test_who_opens_the_port_again_in_time_cancels_the_touch(tcp):
    async with plugged_in(board=MKR, tcp=tcp, speed=SLOW) as (device, seen):
        before = address_of(device)
        await touch(device)
        await seen.wait_for("touch")
        async with Host(before):
            await asyncio.sleep(0.6)
        assert device.address == before
        assert device.status().runs == "provisioning-1.0"
        await into_loader(device, seen)


async def test_from_the_touch_on_a_samd_board_comes_back_in_its_loader():
    async with plugged_in(board=MKR) as (device, seen):
        await into_loader(device, seen)
        assert device.status().runs is None
        for times in (2, 3):
            device.unplug()
            await device.plug()
            await seen.wait_for("bootloader", times=times)
        device.press_reset()
        await seen.wait_for("bootloader", times=4)
        await flash(device, image_of(device, "provisioning-2.0"))
        await seen.wait_for("sketch")


async def test_the_sketch_of_an_uno_r4_that_was_only_touched_is_there_after_a_reset():
    async with plugged_in(board=UNO) as (device, seen):
        await into_loader(device, seen)
        device.press_reset()
        await seen.wait_for("sketch")
        assert device.status().runs == "provisioning-1.0"
        await into_loader(device, seen)


@BOTH
async def test_two_presses_of_the_button_lead_to_the_loader_and_erase_nothing(board):
    async with plugged_in(board=board) as (device, seen):
        device.press_reset(times=2)
        await seen.wait_for("bootloader")
        assert device.status().runs == "provisioning-1.0"
        device.press_reset()
        await seen.wait_for("sketch")


async def test_a_touch_restarts_the_loader_of_an_uno_r4_that_waits_for_the_rest_of_something():
    async with plugged_in(board=UNO) as (device, seen):
        await into_loader(device, seen)
        link = await open_link(address_of(device), 230_400)
        await link.write(b"S0,1000#half")
        await link.close()
        await into_loader(device, seen)
        await flash(device, image_of(device, "provisioning-2.0"))
        await seen.wait_for("sketch")


async def test_a_lora_board_tells_its_number_after_it_was_flashed():
    board = BoardConfig(model="mkr_wan_1310", sketch="other")
    async with plugged_in(board=board, world=World(modem=Uplink.OK)) as (device, seen):
        await into_loader(device, seen)
        await flash(device, image_of(device, "lora-1.0"))
        await seen.wait_for("sketch")
        link = await open_link(address_of(device), 57_600)
        heard = b""
        async with asyncio.timeout(30):
            while b"\n" not in heard:
                heard += await link.receive()
        await link.close()
        assert heard.split()[0].decode() == device.board.device_eui


async def test_a_wio_terminal_has_the_same_loader_at_another_place():
    board = BoardConfig(model="wio_terminal", sketch="other")
    async with plugged_in(board=board) as (device, seen):
        await into_loader(device, seen)
        await flash(device, image_of(device, "application"))
        assert (await seen.wait_for("flashed")).runs == "application"


@BOTH
async def test_what_is_in_the_secure_element_survives_flashing(board):
    board = BoardConfig(model=board.model)
    async with plugged_in(board=board) as (device, seen), Host(address_of(device)) as host:
        await host.connect()
        await host.join()
        await seen.wait_for("step", step="certificate")
        await until_left(device)
        device_id = device.status().device_id
        assert device_id
        device.press_reset(times=2)
        await seen.wait_for("bootloader")
        await flash(device, image_of(device, "provisioning-1.0"))
        await seen.wait_for("sketch")
        assert device.status().device_id == device_id


@BOTH
@pytest.mark.parametrize(
    ("step", "after"), [("erase", 0), ("write", 1), ("verify", 2), ("restart", 0)]
)
async def test_a_board_that_is_unplugged_while_it_is_flashed_can_be_flashed_again(
    board, step, after
):
    fault = StepFault(at=step, do="unplug", back_after=0.02, after=after)
    async with plugged_in(board=board, faults=(fault,)) as (device, seen):
        await into_loader(device, seen)
        image = image_of(device, "provisioning-2.0", version="0.9.0")
        # A port that goes with the reset is what is wanted then.
        with contextlib.nullcontext() if step == "restart" else pytest.raises(FlashFailed):
            await flash(device, image)
        await seen.wait_for("plugged", times=3 if board is MKR else 2)
        if step in {"erase", "write"}:
            await seen.wait_for("bootloader", times=2)
            assert device.status().runs is None
        else:
            await seen.wait_for("sketch")
            assert device.status().runs == "provisioning-2.0"
            await into_loader(device, seen)
        await flash(device, image)
        await seen.wait_for("flashed")


@BOTH
async def test_a_byte_that_flips_while_it_is_written_is_found_and_the_loader_stays(board):
    fault = StepFault(at="write", do="flip", after=1)
    async with plugged_in(board=board, faults=(fault,)) as (device, seen):
        await into_loader(device, seen)
        image = image_of(device, "provisioning-2.0")
        with pytest.raises(VerifyFailed):
            await flash(device, image)
        assert device.status().in_bootloader
        assert device.status().runs is None


async def test_a_touch_may_lead_nowhere():
    board = BoardConfig(model="mkr_wifi_1010", bootloader=BootloaderConfig(comes="never"))
    async with plugged_in(board=board) as (device, seen):
        await touch(device)
        await seen.wait_for("unplugged")
        assert device.status().state == "RESTARTING"
        await asyncio.sleep(0.05)
        assert device.address is None
        device.unplug()
        await device.plug()
        assert device.address is None


async def test_a_port_may_glitch_before_it_stays():
    board = BoardConfig(model="mkr_wifi_1010", bootloader=BootloaderConfig(comes="glitch"))
    async with plugged_in(board=board) as (device, seen):
        await into_loader(device, seen)
        happened = [e.event for e in seen.events]
        assert happened[-6:] == [
            "touch",
            "unplugged",
            "plugged",
            "unplugged",
            "plugged",
            "bootloader",
        ]
        await flash(device, image_of(device, "provisioning-2.0"))


@pytest.mark.parametrize(("says", "shown"), [("none", ""), ("other", "0123456789ABCDEF")])
async def test_a_loader_may_have_no_serial_number_or_another(tmp_path: Path, says, shown):
    how = BootloaderConfig(serial_number=says)
    board = BoardConfig(model="nano_33_iot", bootloader=how)
    async with plugged_in(board=board, folder=str(tmp_path)) as (device, seen):
        await into_loader(device, seen)
        (file,) = tmp_path.glob("*.json")
        assert json.loads(file.read_text())["serial_number"] == shown
        await flash(device, image_of(device, "provisioning-2.0"))
        await seen.wait_for("sketch")
        assert json.loads(file.read_text())["serial_number"] == device.board.serial_number


async def test_a_loader_may_have_the_name_that_the_sketch_had():
    how = BootloaderConfig(keeps_name=True)
    async with plugged_in(board=BoardConfig(model="mkr_wifi_1010", bootloader=how), tcp=True) as (
        device,
        seen,
    ):
        before = address_of(device)
        await into_loader(device, seen)
        assert device.address == before


async def test_after_flashing_another_board_may_come_back(tmp_path: Path):
    board = BoardConfig(model="mkr_wifi_1010", bootloader=BootloaderConfig(back_as="OTHER1"))
    async with plugged_in(board=board, folder=str(tmp_path)) as (device, seen):
        await into_loader(device, seen)
        await flash(device, image_of(device, "provisioning-2.0"))
        await seen.wait_for("sketch")
        (file,) = tmp_path.glob("*.json")
        assert json.loads(file.read_text())["serial_number"] == "OTHER1"


async def test_a_loader_may_be_silent_or_slow_or_without_the_fast_commands():
    silent = BoardConfig(model="mkr_wifi_1010", bootloader=BootloaderConfig(silent=True))
    async with plugged_in(board=silent) as (device, seen):
        await into_loader(device, seen)
        with pytest.raises((NoBootloader, FlashFailed)):
            await flash(device, image_of(device, "provisioning-2.0"))
    for how in (BootloaderConfig(delay_ms=5), BootloaderConfig(extended=False)):
        board = BoardConfig(model="mkr_wifi_1010", bootloader=how)
        async with plugged_in(board=board) as (device, seen):
            await into_loader(device, seen)
            await flash(device, image_of(device, "provisioning-2.0", size=4096))
            await seen.wait_for("sketch")


async def test_a_sketch_of_somebody_prints_text_and_can_be_touched():
    async with plugged_in(board=MKR) as (device, seen):
        await into_loader(device, seen)
        await flash(device, image_of(device, "other"))
        await seen.wait_for("sketch")
        assert (device.status().runs, device.status().state) == ("other", "OTHER")
        link = await open_link(address_of(device), 9600)
        heard = b""
        async with asyncio.timeout(30):
            while b"uptime" not in heard:
                heard += await link.receive()
        await link.close()
        await into_loader(device, seen)


@pytest.mark.needs("bossac")
@pytest.mark.system("linux")
async def test_bossac_flashes_a_board_that_was_touched(tmp_path: Path):
    async with plugged_in(board=MKR) as (device, seen):
        image = image_of(device, "provisioning-2.0", version="1.2.3", size=20_000)
        file = tmp_path / "sketch.bin"
        file.write_bytes(image.data)
        await into_loader(device, seen)
        words = ["-U", "-i", "-e", "-w", "-v", "-o", "0x2000", str(file), "-R"]
        process = await asyncio.create_subprocess_exec(
            "bossac",
            f"--port={device.address}",
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        await seen.wait_for("sketch")
        async with Host(address_of(device)) as host:
            await host.connect()
            said = await host.ask(command(CommandCode.GET_SKETCH_VERSION))
        assert said == ("0x12015", ["1.2.3"])
