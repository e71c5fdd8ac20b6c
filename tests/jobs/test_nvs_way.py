"""Delivery to the settings area of a simulated ESP32, found like any board, by the real esptool."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.boards.board import Board, Port
from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.catalog import Catalog
from agent.errors import (
    BoardHasNoDelivery,
    InputError,
    NvsInterrupted,
    NvsRefused,
    SettingsTooLong,
    ToolMissing,
)
from agent.flash.nvs_backup import NvsBackups
from agent.flash.tools import ESPTOOL, FoundTool
from agent.jobs.nvs_way import NvsDelivery, NvsWay
from agent.protocols.nvs.store import read_store
from agent.settings import Secret
from agent.settings.credentials import AccessToken, BoardSettings, CloudSettings
from agent.settings.network import WiFi
from agent.settings.nvs_names import NvsNames
from agent.simulator.announcement import Announcement, announce, withdraw
from agent.simulator.ports import open_port
from tests.flash.esp_flash import area, chip_with
from tests.protocols.nvs.judge import generated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.simulator.esp_rom import EspRom
    from agent.simulator.ports import BoardPort

pytestmark = pytest.mark.system("linux", "darwin")
CATALOG = Catalog.load()
OTHERS = generated([("sketch", "namespace", None), ("count", "u32", 77)])
CLOUD = CloudSettings(
    cloud="thingsboard",
    name="bench 7",
    host="tb.example.org",
    port=1883,
    scheme="mqtt",
    credentials=AccessToken(token=Secret("m4rker")),
)
SETTINGS = BoardSettings(network=WiFi(ssid="Net", password=Secret("secret 1")), cloud=CLOUD)
FULL = {
    "wifi_ssid": b"Net",
    "wifi_pass": b"secret 1",
    "tb_host": b"tb.example.org",
    "tb_port": b"1883",
    "tb_name": b"bench 7",
    "tb_token": b"m4rker",
}


class EspOnUsb:
    """A board behind a common USB bridge; its sketch says that it is connected."""

    def __init__(self, rom: EspRom, *, product: tuple[int, int] = (0x10C4, 0xEA60)) -> None:
        self.rom = rom
        self.unplug_at: int | None = None
        self._ids = product
        self._port: BoardPort | None = None
        self._file: Path | None = None
        self._again: asyncio.TimerHandle | None = None

    async def plug(self, folder: Path) -> None:
        self._port = await open_port(
            tcp=False, dtr=True, not_at=None, on_data=self._hear, on_host=self._opened
        )
        vid, pid = self._ids
        found = Announcement(
            address=self._port.address,
            vid=vid,
            pid=pid,
            serial_number="0001",
            location="9-1",
            manufacturer="Silicon Labs",
            product="CP2102",
            process=os.getpid(),
        )
        self._file = announce(folder, found, "esp")

    def unplug(self) -> None:
        self._quiet()
        if self._port is not None and self._file is not None:
            withdraw(self._file)
            self._port.close()
            self._port = None

    def _hear(self, data: bytes) -> None:
        self._quiet()  # the host talks to the loader
        answer = self.rom.feed(data)
        if self.unplug_at is not None and self.rom.blocks >= self.unplug_at:
            self.unplug()
        elif self._port is not None:
            self._port.write(answer)

    def _opened(self, there: bool) -> None:
        self._quiet()
        if there:
            self._print()
        else:
            self.rom.reset()

    def _print(self) -> None:
        """A line that comes before the host listens is lost, so sketches say it again."""
        if self._port is not None:
            self._port.write(b"rst:0x1 (POWERON)\r\nmooring: connected as bench\r\n")
            self._again = asyncio.get_running_loop().call_later(0.2, self._print)

    def _quiet(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None


@asynccontextmanager
async def opened(
    board: EspOnUsb, folder: Path, tool: Any = None, **options: Any
) -> AsyncIterator[NvsDelivery]:
    ports = folder / "ports"
    ports.mkdir(exist_ok=True)
    await board.plug(ports)
    boards = BoardService(CATALOG, [SimulatedPorts(ports)])
    await boards.start()
    try:
        (found,) = boards.list()
        way = NvsWay(CATALOG, tool or find_esptool, NvsBackups(folder / "nvs"), **options)
        async with boards.lease(found.id, "test") as lease:
            delivery = await way(lease)
            try:
                yield delivery
            finally:
                await delivery.close()
    finally:
        board.unplug()
        await boards.close()


async def find_esptool() -> FoundTool:
    return FoundTool(ESPTOOL, (sys.executable, "-P", "-m", "esptool"), (5, 6))


def tell_nobody(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def held(rom: EspRom, namespace: str = "mooring") -> dict[str, object]:
    store = read_store(area(rom))
    return {key: store.get(namespace, key) for key in store.keys(namespace)}


async def test_settings_reach_the_area_and_the_sketch_says_that_it_is_connected(tmp_path):
    board = EspOnUsb(chip_with(OTHERS, "esp32c3"))
    async with opened(board, tmp_path) as delivery:
        found = await delivery.identify()
        assert (found.hardware_id, found.family) == ("a01122334455", "esp32c3")
        assert (found.holds, found.networks) == ("", True)
        await delivery.put(SETTINGS, tell_nobody)
        state = await delivery.cloud_state(30)
    assert (state.outcome, state.detail) == ("connected", "as bench")
    assert held(board.rom) == FULL
    assert read_store(area(board.rom)).get("sketch", "count") == 77
    assert list((tmp_path / "nvs").iterdir()) == []


async def test_one_part_is_replaced_and_then_all_of_ours_is_erased(tmp_path):
    board = EspOnUsb(chip_with(OTHERS))
    async with opened(board, tmp_path, names=NvsNames("mine")) as delivery:
        await delivery.put(SETTINGS, tell_nobody)
        assert (await delivery.identify()).holds == "bench 7"
        await delivery.put(BoardSettings(network=WiFi(ssid="Open")), tell_nobody)
        expected = {**FULL, "wifi_ssid": b"Open"}
        del expected["wifi_pass"]
        assert held(board.rom, "mine") == expected
        await delivery.erase()
        assert held(board.rom, "mine") == {}
        assert read_store(area(board.rom)).get("sketch", "count") == 77


async def test_what_was_put_under_other_keys_is_not_ours_and_stays(tmp_path):
    earlier = {**FULL, "count": b"7"}
    rows: list[tuple[str, str, object]] = [("mooring", "namespace", None)]
    rows += [(key, "string", value.decode()) for key, value in earlier.items()]
    board = EspOnUsb(chip_with(generated(rows)))
    names = NvsNames(keys={name: name.removeprefix("tb_") for name in FULL if name[:3] == "tb_"})
    async with opened(board, tmp_path, names=names) as delivery:
        seen = await delivery.identify()
        strangers = "tb_host, tb_port, tb_name, tb_token, …"
        assert (seen.holds, seen.note) == (
            "",
            f"its namespace “mooring” has keys that are not ours: {strangers}",
        )
        await delivery.put(SETTINGS, tell_nobody)
        seen = await delivery.identify()
        assert (seen.holds, seen.note) == ("bench 7", "")
        assert held(board.rom) == earlier | names.placed(FULL)
        await delivery.erase()
        assert held(board.rom) == {key: earlier[key] for key in [*names.keys, "count"]}


async def test_a_cable_that_is_pulled_is_told_and_the_next_delivery_works(tmp_path):
    board = EspOnUsb(chip_with(OTHERS))
    board.unplug_at = 1
    async with opened(board, tmp_path) as delivery:
        with pytest.raises(NvsInterrupted):
            await delivery.put(SETTINGS, tell_nobody)
        # Nothing is restarted: its port may be another board's by now.
        assert not delivery._flash.stopped
    board.unplug_at = None
    async with opened(board, tmp_path) as delivery:
        await delivery.put(SETTINGS, tell_nobody)
    assert held(board.rom) == FULL
    assert read_store(area(board.rom)).get("sketch", "count") == 77


async def test_an_area_that_must_not_be_written_is_told_when_it_is_opened(tmp_path):
    board = EspOnUsb(chip_with(OTHERS))
    board.rom.flash[0x8000:0x8C00] = bytes(range(256)) * 12
    with pytest.raises(NvsRefused, match="partition table"):
        async with opened(board, tmp_path):
            pass
    assert board.rom.blocks == 0


async def test_wrong_settings_and_too_long_ones_write_nothing(tmp_path):
    rows: list[tuple[str, str, object]] = [("n", "namespace", None)]
    rows += [(f"k{number}", "string", "v" * 3900) for number in range(4)]
    board = EspOnUsb(chip_with(generated(rows)))
    async with opened(board, tmp_path) as delivery:
        with pytest.raises(InputError):
            await delivery.put(BoardSettings(), tell_nobody)
        pem = "-----BEGIN CERTIFICATE-----\n" + "A" * 3000 + "\n-----END CERTIFICATE-----\n"
        cloud = msgspec.structs.replace(CLOUD, scheme="mqtts", ca=pem)
        with pytest.raises(SettingsTooLong):
            await delivery.put(BoardSettings(cloud=cloud), tell_nobody)
    assert board.rom.blocks == 0


async def test_boards_of_another_kind_and_computers_without_esptool_have_no_such_delivery(tmp_path):
    async def missing() -> FoundTool:
        raise ToolMissing(tool="esptool", why="", mend="")

    with pytest.raises(BoardHasNoDelivery):
        async with opened(EspOnUsb(chip_with(OTHERS)), tmp_path, missing):
            pass
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(BoardHasNoDelivery):
        async with opened(EspOnUsb(chip_with(OTHERS), product=(0x2341, 0x8054)), other):
            pass


def test_of_a_board_of_another_family_it_is_known_without_asking_it(tmp_path):
    way = NvsWay(CATALOG, find_esptool, NvsBackups(tmp_path))
    port = Port(kind="serial", address="/dev/ttyUSB0")
    mkr = Board(id="b", name="b", model="mkr_wifi_1010", fqbn=None, ports=[port], first_seen=0.0)
    with pytest.raises(BoardHasNoDelivery) as caught:
        way.require_fit(mkr)
    assert "family" in caught.value.report().meaning
    way.require_fit(msgspec.structs.replace(mkr, model=None, candidates=("uno_r3", "esp32")))
    with pytest.raises(BoardHasNoDelivery):
        way.require_fit(msgspec.structs.replace(mkr, ports=[]))
