"""A simulated ESP32 with a partition table and a settings area, through the real esptool."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from agent.catalog import Catalog
from agent.errors import NvsInterrupted
from agent.flash.esp_partitions import read_table, settings_area
from agent.flash.esp_program import EspProgram
from agent.flash.nvs import NvsFlash
from agent.flash.nvs_backup import NvsBackups
from agent.flash.nvs_place import place_of
from agent.flash.tools import ESPTOOL, FoundTool
from agent.links.open import open_link
from agent.protocols import board_keys
from agent.protocols.nvs.merge import make, merge
from agent.protocols.nvs.store import read_store
from agent.sessions.spoken import SpokenState
from agent.settings import Secret
from agent.settings.network import WiFi
from agent.settings.nvs_names import OUR_NAMES, NvsNames
from agent.simulator.board_flash import EspFlash
from agent.simulator.config import BoardConfig, StepFault, complete
from agent.simulator.esp_table import (
    OWN_NAMESPACE,
    OWN_SETTINGS,
    SETTINGS_AT,
    SETTINGS_BYTES,
    find_settings,
    table,
)
from agent.simulator.firmware import Firmware, new_memory
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import demo_world
from tests.simulator.moored_boards import HOME, board, settings, tell_nobody, thingsboard

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings.credentials import BoardSettings
    from agent.simulator.device import SimulatedDevice

TOOL = FoundTool(ESPTOOL, (sys.executable, "-P", "-m", "esptool"), (5, 6))
CATALOG = Catalog.load()
LOADER = pytest.mark.system("linux", "darwin")
"""A pseudo-terminal."""


async def write(device: SimulatedDevice, folder: Path, wanted: BoardSettings) -> None:
    """What the delivery does, with the real program."""
    model = CATALOG.get(device.board.model)
    assert model is not None
    assert device.address is not None
    flash = NvsFlash(EspProgram(TOOL), place_of(model, device.address), NvsBackups(folder))
    area = await flash.read()
    assert area.hardware_id == device.board.chip_id.hex()
    new = merge(area.base, "mooring", board_keys.flatten(wanted), ())
    await flash.write(area, new, tell_nobody)


async def heard(device: SimulatedDevice) -> str:
    """The first line about its connection."""
    assert device.address is not None
    link = await open_link(device.address, 115_200)
    spoken = SpokenState()
    try:
        async with asyncio.timeout(30):
            while (state := spoken.feed(await link.receive())) is None:
                pass
    finally:
        await link.close()
    return f"{state.outcome} {state.detail}".rstrip()


@LOADER
async def test_the_area_is_written_beside_the_sketch_which_connects_with_it(tmp_path: Path):
    async with thingsboard() as (server, seen), board("esp32s3", "nvs") as device:
        await write(device, tmp_path, settings(server))
        assert await heard(device) == "connected"
        assert seen.last_seen is not None
        assert device.status().state == "NVS/CONNECTED"
        assert device.status().runs == "nvs"


@LOADER
async def test_power_that_goes_while_it_is_written_is_mended_by_the_next_delivery(tmp_path: Path):
    fault = StepFault(at="write", do="unplug")
    async with thingsboard() as (server, _), board("esp32", "nvs", faults=(fault,)) as device:
        with pytest.raises(NvsInterrupted):
            await write(device, tmp_path, settings(server))
        await device.plug()
        await write(device, tmp_path, settings(server))
        assert await heard(device) == "connected"


class Bench:
    """A board in time that is only counted."""

    def __init__(self, area: bytes, names: NvsNames = OUR_NAMES) -> None:
        memory = new_memory()
        memory.settings_area = lambda: area
        config = complete(BoardConfig(model="esp32", sketch="nvs", nvs=names), CATALOG)
        self.board = Firmware(config, VECTOR_TIMING, demo_world(), memory)

    def said(self, milliseconds: float) -> list[str]:
        self.board.run(self.board.now + milliseconds)
        return [data.decode().strip() for data in self.board.take_output()]


def area_with(**values: bytes) -> bytes:
    return make(SETTINGS_BYTES, "mooring", values)


def test_without_settings_it_is_quiet() -> None:
    for area in (b"\xff" * SETTINGS_BYTES, area_with(), area_with(tb_host=b"tb.test")):
        bench = Bench(area)
        assert bench.said(30_000) == ["mooring_nvs 1.0"]
        assert bench.board.state_name == "NVS/IDLE"


def test_it_looks_for_the_names_that_it_was_written_with() -> None:
    area = make(SETTINGS_BYTES, "app", {"ssid": b"no such network"})
    assert "network-failed" in Bench(area, NvsNames("app", {"wifi_ssid": "ssid"})).said(30_000)[1]
    assert len(Bench(area, NvsNames("app")).said(30_000)) == 1


def test_an_area_that_is_damaged_is_said() -> None:
    damaged = bytearray(area_with(tb_host=b"tb.test"))
    damaged[40] ^= 1
    assert "cannot be used" in " ".join(Bench(bytes(damaged)).said(10_000))


def test_a_network_that_fails_is_said_again_and_again() -> None:
    wrong = WiFi(ssid=HOME.ssid, password=Secret("wrong"))
    bench = Bench(area_with(wifi_ssid=wrong.ssid_bytes, wifi_pass=b"wrong"))
    said = bench.said(30_000)[1:]
    assert set(said) == {"mooring: network-failed The Wi-Fi network was not joined."}
    assert 5 < len(said) < 15


def test_it_speaks_no_coap() -> None:
    values = {"wifi_ssid": b"HomeNet", "wifi_pass": b"correct horse", "tb_host": b"tb.test"}
    values |= {"tb_port": b"5683", "tb_proto": b"coap", "tb_name": b"n", "tb_token": b"t"}
    bench = Bench(area_with(**values))
    assert "mooring: network-failed This board speaks no CoAP." in bench.said(10_000)
    assert not bench.board.take_calls()


def test_the_table_is_one_that_others_can_read() -> None:
    place = settings_area(read_table(table()), "")
    assert (place.offset, place.size) == (SETTINGS_AT, SETTINGS_BYTES)
    flash = b"\xff" * 0x8000 + table() + b"\xff" * 0x10000
    assert find_settings(flash) == (SETTINGS_AT, SETTINGS_BYTES)
    moved = (("nvs", 1, 2, 0x1_0000, 0x3000, 0),)
    assert find_settings(b"\xff" * 0x8000 + table(moved) + b"\xff" * 0x20000) == (0x1_0000, 0x3000)
    assert find_settings(b"\xff" * 0x20000) is None


@pytest.mark.parametrize("model", ["esp32", "esp32s3", "esp32c6"])
def test_what_the_sketch_keeps_there_itself_is_there(model: str) -> None:
    found = CATALOG.get(model)
    assert found is not None
    config = complete(BoardConfig(model=model, sketch="nvs"), CATALOG)
    store = read_store(EspFlash(config, found).settings_area())
    assert {key: store.get(OWN_NAMESPACE, key) for key in store.keys(OWN_NAMESPACE)} == OWN_SETTINGS
