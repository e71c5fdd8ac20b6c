"""A simulated board in real time, behind a real port."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.catalog import Catalog
from agent.errors import InputError
from agent.protocols.v2.messages import CommandCode
from agent.settings import Secret
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.arduino_state import Signer
from agent.simulator.config import (
    MILESTONES,
    BoardConfig,
    LineFaults,
    SimulatorConfig,
    StepFault,
)
from agent.simulator.device import DeviceEvent, SimulatedDevice
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import Network, World, big_list
from tests.simulator.boards import CONNECT, DISCONNECT, GONE, Host, command, status, timestamp, wifi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SPEED = 20.0
"""The board's unasked scan, which comes after 120 s of its time, stays away from these tests."""
WIFI_LIST = ("0x12001", ["HomeNet", -45])
ENDINGS = [pytest.param(True, id="tcp")]
if sys.platform != "win32":
    ENDINGS.insert(0, pytest.param(False, id="pty"))


class Seen:
    """Events of a device, and waiting for them."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []
        self._changed = asyncio.Event()

    def __call__(self, event: DeviceEvent) -> None:
        self.events.append(event)
        self._changed.set()

    async def wait_for(self, event: str, *, times: int = 1, step: str | None = None) -> DeviceEvent:
        async with asyncio.timeout(30):
            while True:
                found = [e for e in self.events if e.event == event and step in {None, e.step}]
                if len(found) >= times:
                    return found[times - 1]
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def plugged_in(**config: Any) -> AsyncIterator[tuple[SimulatedDevice, Seen]]:
    seen = Seen()
    config.setdefault("speed", SPEED)
    config.setdefault("timing", VECTOR_TIMING)
    config.setdefault("world", World(networks=[home()]))
    device = SimulatedDevice(SimulatorConfig(**config), Catalog.load(), on_event=seen)
    async with device:
        yield device, seen


def home() -> Network:
    return Network(ssid="HomeNet", rssi=-45, password=Secret("correct horse"))


def address_of(device: SimulatedDevice) -> str:
    assert device.address is not None
    return device.address


async def until_left(device: SimulatedDevice) -> None:
    """Until the board has noticed that its host is gone; nothing on the wire tells it."""
    async with asyncio.timeout(30):
        while device.status().host_connected:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("tcp", ENDINGS)
async def test_a_host_connects_asks_and_is_answered(tcp: bool) -> None:
    async with plugged_in(tcp=tcp) as (device, _), Host(address_of(device)) as host:
        assert await host.connect() == [WIFI_LIST]
        assert await host.ask(command(CommandCode.GET_SKETCH_VERSION)) == ("0x12015", ["0.6.2"])
        assert device.status().host_connected


@pytest.mark.parametrize("tcp", ENDINGS)
async def test_an_unplugged_board_is_gone_for_its_host_and_boots_when_it_is_back(
    tcp: bool,
) -> None:
    async with plugged_in(tcp=tcp) as (device, seen):
        first = address_of(device)
        async with Host(first) as host:
            await host.connect()
            device.unplug()
            assert await host.hear() == (GONE, None)
        assert device.status().state == "UNPLUGGED"
        await device.plug()
        assert address_of(device) != first
        assert [e.event for e in seen.events if e.event != "step"] == [
            "plugged",
            "unplugged",
            "plugged",
        ]
        async with Host(address_of(device)) as host:
            assert await host.connect() == [WIFI_LIST]


@pytest.mark.system("linux", "darwin")
async def test_a_port_may_be_opened_many_times_and_old_output_is_not_seen_again() -> None:
    async with plugged_in() as (device, seen):
        for visit in range(1, 4):
            async with Host(address_of(device)) as host:
                # An earlier host left without a word: the board does not know yet.
                host.send(DISCONNECT)
                await until_left(device)
                assert await host.connect() == [WIFI_LIST]
                host.send(command(CommandCode.GET_SKETCH_VERSION))
                await seen.wait_for("step", step="version", times=visit)


@pytest.mark.system("linux", "darwin")
async def test_with_dtr_a_host_that_closes_the_port_ends_its_link() -> None:
    board = BoardConfig(model="nano_33_iot")
    async with plugged_in(board=board, dtr=True) as (device, _):
        for _ in range(2):
            async with Host(address_of(device)) as host:
                assert await host.connect() == [WIFI_LIST]
            await until_left(device)


async def test_only_one_host_at_a_time_gets_a_socket() -> None:
    async with plugged_in(tcp=True) as (device, _), Host(address_of(device)) as first:
        await first.connect()
        async with Host(address_of(device)) as second:
            assert await second.hear() == (GONE, None)
        assert (await first.ask(command(CommandCode.GET_SKETCH_VERSION)))[0] == "0x12015"


async def test_a_board_is_announced_only_while_it_is_plugged_in(tmp_path: Path) -> None:
    folder = tmp_path / "ports"
    async with plugged_in(folder=str(folder)) as (device, _):
        (file,) = folder.glob("*.json")
        said = json.loads(file.read_text())
        assert said["address"] == device.address
        assert (said["kind"], said["vid"], said["pid"]) == ("serial", 0x2341, 0x1002)
        assert said["serial_number"] == device.board.serial_number
        device.unplug()
        assert list(folder.iterdir()) == []
        await device.plug()
        assert json.loads(file.read_text())["address"] == device.address
    assert list(folder.iterdir()) == []


async def test_boards_of_a_series_have_their_own_numbers_and_identities() -> None:
    catalog, config = Catalog.load(), SimulatorConfig()
    boards = [SimulatedDevice(config, catalog, number=n).board for n in range(3)]
    assert len({b.serial_number for b in boards}) == 3
    assert len({b.uhwid_bytes for b in boards}) == 3
    assert len({b.ble_address_bytes for b in boards}) == 3
    assert boards == [SimulatedDevice(config, catalog, number=n).board for n in range(3)]


async def test_every_model_with_provisioning_2_can_be_simulated() -> None:
    catalog = Catalog.load()
    models = [m.id for m in catalog.models if "2.0" in m.provisioning]
    assert len(models) >= 9
    for model in models:
        async with (
            plugged_in(board=BoardConfig(model=model), tcp=True) as (device, _),
            Host(address_of(device)) as host,
        ):
            assert WIFI_LIST in await host.connect()


def test_a_model_without_provisioning_2_is_refused_with_the_names_of_those_that_have_it() -> None:
    config = SimulatorConfig(board=BoardConfig(model="thingy91"))
    with pytest.raises(InputError, match="uno_r4_wifi"):
        SimulatedDevice(config, Catalog.load())


async def test_the_reset_button_keeps_the_port_of_a_bridged_board() -> None:
    async with plugged_in() as (device, seen), Host(address_of(device)) as host:
        await host.connect()
        before = device.address
        device.press_reset()
        await seen.wait_for("reset")
        assert device.address == before
        assert await host.connect() == [WIFI_LIST]


async def test_a_reset_of_native_usb_takes_the_port_away_for_a_moment() -> None:
    board = BoardConfig(model="nano_33_iot")
    async with plugged_in(board=board) as (device, seen):
        async with Host(address_of(device)) as host:
            await host.connect()
            device.press_reset()
            assert await host.hear() == (GONE, None)
        await seen.wait_for("plugged", times=2)
        async with Host(address_of(device)) as host:
            assert await host.connect() == [WIFI_LIST]


async def test_the_reconfigure_pin_restarts_the_board_without_its_network() -> None:
    async with plugged_in() as (device, seen), Host(address_of(device)) as host:
        await host.connect()
        assert await host.join() == [status(1), status(2)]
        await seen.wait_for("step", step="certificate")
        device.press_reconfigure(1.0)
        device.press_reconfigure(3.5)
        await seen.wait_for("reset")
        await host.connect()
        assert await host.ask(command(CommandCode.CONNECT)) == status(-4)


@pytest.mark.parametrize("step", MILESTONES)
async def test_a_board_can_vanish_at_every_step_and_come_back(step: str) -> None:
    fault = msgspec.convert({"at": step, "do": "unplug", "back_after": 0.01}, StepFault)
    async with plugged_in(faults=(fault,), tcp=True) as (device, seen):
        async with Host(address_of(device)) as host:
            await provision_until_gone(host)
        await seen.wait_for("plugged", times=2)
        assert seen.events[-2].event == "unplugged"
        assert [e.step for e in seen.events if e.event == "step"][-1] == step
        async with Host(address_of(device)) as host:
            await host.connect()


async def provision_until_gone(host: Host) -> None:
    """The whole procedure, without waiting for answers; until the port is gone."""
    conversation = [
        command(CommandCode.GET_SKETCH_VERSION),
        timestamp(),
        command(CommandCode.GET_ID),
        command(CommandCode.RESET),
        wifi("HomeNet", "correct horse"),
        command(CommandCode.CONNECT),
    ]
    host.send(CONNECT)
    heard = await host.hear()
    for frame in conversation:
        if heard[0] == GONE:
            return
        host.send(frame)
        if frame not in {timestamp(), wifi("HomeNet", "correct horse")}:
            heard = await host.hear()
            while heard[0] in {"0x12017", "0x12010"}:
                heard = await host.hear()
    while heard[0] != GONE:
        heard = await host.hear()


async def test_a_silent_board_keeps_its_port_but_says_nothing_until_it_is_reset() -> None:
    fault = StepFault(at="version", do="silence")
    async with plugged_in(faults=(fault,)) as (device, seen), Host(address_of(device)) as host:
        await host.connect()
        host.send(command(CommandCode.GET_SKETCH_VERSION))
        await seen.wait_for("step", step="version")
        assert device.status().state == "DEAD"
        device.press_reset()
        assert await host.connect() == [WIFI_LIST]


async def test_a_wedged_board_answers_once_more_and_then_nothing_until_it_is_unplugged() -> None:
    fault = StepFault(at="version", do="wedge")
    async with plugged_in(faults=(fault,)) as (device, _):
        async with Host(address_of(device)) as host:
            await host.connect()
            ask = command(CommandCode.GET_SKETCH_VERSION)
            assert (await host.ask(ask))[0] == "0x12015"
            host.send(ask)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(host.hear(), 0.05)
        device.unplug()
        await device.plug()
        async with Host(address_of(device)) as host:
            assert await host.connect() == [WIFI_LIST]


async def test_a_reboot_in_the_middle_of_joining_forgets_the_host() -> None:
    fault = StepFault(at="joining", do="reboot")
    async with plugged_in(faults=(fault,)) as (device, seen), Host(address_of(device)) as host:
        await host.connect()
        host.send(wifi("HomeNet", "correct horse"), command(CommandCode.CONNECT))
        await seen.wait_for("reset")
        assert not device.status().host_connected
        heard = await host.connect()
        assert heard[-1] == WIFI_LIST


@pytest.mark.parametrize(
    "line",
    [
        LineFaults(noise=1.0),
        LineFaults(split=3),
        LineFaults(merge_ms=5),
        LineFaults(noise=0.5, split=1),
    ],
)
async def test_a_bad_line_loses_no_frame(line: LineFaults) -> None:
    async with (
        plugged_in(line=line, board=BoardConfig(log=True)) as (device, _),
        Host(address_of(device)) as host,
    ):
        assert await host.connect() == [WIFI_LIST]
        for _ in range(10):
            version = await host.ask(command(CommandCode.GET_SKETCH_VERSION))
            assert version == ("0x12015", ["0.6.2"])


async def test_a_damaged_frame_of_the_host_is_answered_with_nack() -> None:
    async with plugged_in() as (device, _), Host(address_of(device)) as host:
        await host.connect()
        device.set_line(LineFaults(corrupt=1.0))
        assert await host.ask(command(CommandCode.GET_SKETCH_VERSION)) == ("control", "NACK")
        device.set_line(LineFaults())
        assert (await host.ask(command(CommandCode.GET_SKETCH_VERSION)))[0] == "0x12015"


async def test_the_surroundings_can_change_while_the_board_runs() -> None:
    async with plugged_in() as (device, _), Host(address_of(device)) as host:
        await host.connect()
        device.change_world({"networks": [{"ssid": "New", "rssi": -30}]})
        assert await host.ask(command(CommandCode.SCAN)) == status(100)
        assert await host.hear() == ("0x12001", ["New", -30])
        with pytest.raises(InputError, match="wheather"):
            device.change_world({"wheather": "rain"})
        device.change_world({"networks": [], "scans": False})
        assert await host.ask(command(CommandCode.SCAN)) == status(100)
        assert await host.hear() == status(-101)


async def test_too_many_long_names_keep_the_board_silent_until_there_are_fewer() -> None:
    async with (
        plugged_in(world=World(networks=big_list()), speed=100.0) as (device, _),
        Host(address_of(device)) as host,
    ):
        host.send(CONNECT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(host.hear(), 0.03)
        device.change_world({"networks": [{"ssid": "One"}]})
        assert await host.hear() == ("0x12001", ["One", -60])


async def test_the_certificate_comes_from_the_cloud_and_only_then_the_link_is_closed() -> None:
    async with (
        SimulatedArduinoCloud() as cloud,
        plugged_in(cloud=cloud.base_url) as (device, seen),
        Host(address_of(device)) as host,
    ):
        await host.connect()
        host.send(timestamp(int(time.time())))
        public_key = (await host.ask(command(CommandCode.GET_ID)))[1][0]
        await host.hear()
        token = (await host.hear())[1][0].decode()
        assert await host.join() == [status(1), status(2)]
        # Not claimed yet: refused, and the board asks again with longer and longer pauses.
        refused = await seen.wait_for("cloud")
        assert refused.status in range(400, 500)
        assert device.status().device_id == ""
        assert device.status().state.startswith("CSR")
        cloud.know_board(device.board.uhwid_bytes.hex(), public_key)
        claim = {
            "ble_mac": "F4:12:FA:00:00:01",
            "board_token": token,
            "connection_type": "wifi",
            "device_name": "bench",
        }
        cloud.state.claim(claim, Signer("somebody", ""))
        assert await host.hear() == ("control", "DISCONNECT")
        assert len(device.status().device_id) == 36
        assert device.status().state.startswith("RUN")


async def test_a_cloud_that_is_down_is_asked_again() -> None:
    async with (
        plugged_in(cloud="http://127.0.0.1:1") as (device, seen),
        Host(address_of(device)) as host,
    ):
        await host.connect()
        await host.join()
        assert (await seen.wait_for("cloud", times=2)).status is None


async def test_no_password_of_the_surroundings_is_ever_printed() -> None:
    config = SimulatorConfig(world=World(networks=[home()]))
    assert "correct horse" not in repr(config)
    async with plugged_in() as (device, seen), Host(address_of(device)) as host:
        await host.connect()
        await host.join()
        shown = repr([device.world, device.board, device.status(), seen.events])
    assert "correct horse" not in shown


@pytest.mark.parametrize("tcp", ENDINGS)
async def test_a_board_that_is_unplugged_while_it_gets_its_port_has_none(tcp: bool) -> None:
    async with plugged_in(tcp=tcp) as (device, _):
        device.unplug()
        plugging = asyncio.create_task(device.plug())
        await asyncio.sleep(0)
        device.unplug()
        await plugging
        assert device.address is None
        await device.plug()
        async with Host(address_of(device)) as host:
            assert await host.connect() == [WIFI_LIST]
