"""The surroundings of ``mooring demo``."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agent.app import build
from agent.cli.demo import OLD_DEVICES, demo_surroundings
from agent.jobs.job import JobState
from agent.simulator.arduino_state import Signer
from tests.cli.conftest import SPEED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.app import App
    from agent.boards.board import Board
    from agent.cli.demo import Demo


def network(demo: Demo) -> dict[str, Any]:
    return {"kind": "wifi", "ssid": demo.network.ssid, "password": demo.network.password}


async def test_boards_of_provisioning_1_0_stand_beside_and_the_cloud_has_their_devices():
    async with demo_surroundings(boards=2, old_boards=True, speed=SPEED) as demo:
        runs = [(status.runs, status.state) for status in await demo.boards.status()]
        assert [each[0] for each in runs] == ["provisioning-2.0"] * 2 + ["provisioning-1.0"] * 2
        assert [port.pid for port in demo.boards.ports] == [0x1002, 0x1002, 0x8054, 0x1002]
        devices = demo.cloud.devices.of_owner(Signer(demo.cloud.client_id, ""), None)
        assert [device.name for device in devices] == list(OLD_DEVICES.values())
        assert [d.serial for d in devices] == [p.serial_number for p in demo.boards.ports[2:]]


async def test_the_list_of_1_0_sketches_is_there_and_signed():
    async with demo_surroundings(old_boards=True, speed=SPEED) as demo:
        app = build(demo.config, demo.paths)
        try:
            got = await app.sketches.obtain("arduino:samd:mkrwifi1010", "provisioning-1.0")
        finally:
            await app.close()
        assert len(got.data) > 100_000


@pytest.mark.parametrize("place", [1, 2], ids=list(OLD_DEVICES))
async def test_a_board_of_provisioning_1_0_can_be_migrated(place: int):
    async with demo_surroundings(old_boards=True, speed=SPEED) as demo:
        board = demo.boards.ports[place].serial_number
        app: App = build(demo.config, demo.paths)
        try:
            await app.start()
            await demo.sign_in(app)
            request = {"kind": "migrate", "board": board, "name": "new", "confirmed": True}
            jobs = app.services.jobs
            job = await jobs.wait(
                await jobs.start(request | {"network": network(demo)}, attended=False)
            )
            assert job.state is JobState.DONE, job.error
            assert job.result is not None
            (old,) = job.result["old_devices"]
            assert old["name"] == list(OLD_DEVICES.values())[place - 1]
            await demo.boards.wait_for("flashed", board=board)
        finally:
            await app.close()
        status = (await demo.boards.status())[place]
        assert (status.runs, status.device_id) == ("provisioning-2.0", job.result["device_id"])


class InTheAir:
    """A demo with what is only heard, and an agent that listens; its bus ends with it."""

    def __init__(self, demo: Demo, app: App) -> None:
        self.demo = demo
        self.app = app

    async def heard(self, address: str) -> Board:
        """The board in the air at this address."""
        async with asyncio.timeout(30):
            while True:
                for board in self.app.boards.list():
                    if address in {port.address for port in board.ports}:
                        return board
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def demo_in_the_air() -> AsyncIterator[InTheAir]:
    from tests.simulator.radios import forget_bleak

    async with demo_surroundings(in_air=True, speed=SPEED) as demo:
        app = build(demo.config, demo.paths)
        try:
            await app.start()
            await demo.sign_in(app)
            app.boards.attend()
            yield InTheAir(demo, app)
        finally:
            await app.close()
            await forget_bleak()


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_a_board_and_an_improv_device_are_in_the_air():
    async with demo_in_the_air() as there:
        _, board, lamp = there.demo.boards.ports
        assert there.demo.air_address == board.address
        assert there.demo.left_out == ""
        heard = await there.heard(board.address)
        assert (heard.model, [port.kind for port in heard.ports]) == ("uno_r4_wifi", ["ble"])
        device = await there.heard(lamp.address)
        assert (device.name, device.provisioning.installed) == ("Reading lamp", "improv")


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_the_board_in_the_air_can_be_provisioned_and_switches_its_bluetooth_off():
    async with demo_in_the_air() as there:
        heard = await there.heard(there.demo.air_address)
        jobs = there.app.services.jobs
        request = {"kind": "provision", "board": heard.id, "cloud": "arduino", "name": "garden"}
        job = await jobs.wait(
            await jobs.start(request | {"network": network(there.demo)}, attended=False)
        )
        assert job.state is JobState.DONE, job.error
        statuses = {each.board: each for each in await there.demo.boards.status()}
        provisioned = statuses[there.demo.boards.ports[1].serial_number]
        assert provisioned.device_id
        assert not provisioned.advertises


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_the_improv_device_joins_and_its_page_is_there():
    async with demo_in_the_air() as there:
        heard = await there.heard(there.demo.boards.ports[2].address)
        jobs = there.app.services.jobs
        request = {"kind": "provision", "board": heard.id, "cloud": "none"}
        job = await jobs.wait(
            await jobs.start(request | {"network": network(there.demo)}, attended=False)
        )
        assert job.state is JobState.DONE, job.error
        assert job.result is not None
        async with httpx.AsyncClient(trust_env=False) as client:
            page = await client.get(job.result["redirect"])
        assert "Reading lamp" in page.text


@pytest.mark.system("linux")
async def test_without_a_bus_the_demo_leaves_out_the_air_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    async with demo_surroundings(in_air=True, speed=SPEED) as demo:
        assert "dbus-daemon is not installed" in demo.left_out
        assert "\n" not in demo.left_out
        # The Bluetooth of whoever runs the demo is never listened to.
        assert demo.config.bluetooth.scan == "never"
        assert os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") == before
        assert len(demo.boards.ports) == 1


async def test_a_demo_that_was_not_asked_for_the_air_never_listens():
    async with demo_surroundings(speed=SPEED) as demo:
        assert (demo.config.bluetooth.scan, demo.left_out, demo.air_address) == ("never", "", "")


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_a_browser_that_the_demo_opens_gets_the_bus_of_the_person(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    told = tmp_path / "told"
    browser = tmp_path / "xdg-open"
    browser.write_text(
        f'#!/bin/sh\necho "$1 $DBUS_SYSTEM_BUS_ADDRESS" > {told}.new\nmv {told}.new {told}\n'
    )
    browser.chmod(0o755)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/of/the/person")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.delenv("BROWSER", raising=False)
    async with demo_surroundings(in_air=True, speed=SPEED) as demo:
        assert os.environ["DBUS_SYSTEM_BUS_ADDRESS"] != "unix:path=/of/the/person"
        demo.open_page("http://127.0.0.1:8991/")
        while not told.exists():
            await asyncio.sleep(0.01)
        assert told.read_text() == "http://127.0.0.1:8991/ unix:path=/of/the/person\n"
    assert os.environ["DBUS_SYSTEM_BUS_ADDRESS"] == "unix:path=/of/the/person"
