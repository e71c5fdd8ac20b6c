"""The whole agent with boards in the air: found, recognised, gone, and quiet when nobody looks."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.app import build
from agent.errors import BleLost, BluetoothOff, NotSupported
from agent.sessions.blynk_ble import BLYNK, BlynkBle
from agent.settings.config import BluetoothConfig, Config, PortsConfig
from agent.settings.paths import find_paths
from agent.simulator.blynk_air import BlynkInTheAir
from tests.air import ON_LINUX, ImprovConfig, agent_in_air, ble_board

if TYPE_CHECKING:
    from agent.boards.board import Board, BoardChanges
    from agent.boards.service import BoardService
    from agent.links import Link

pytestmark = ON_LINUX
ROOT = Path(__file__).parent.parent


def agent_config(home: Path) -> Config:
    """As :func:`agent_in_air` has it, without a cloud."""
    return Config(
        ports=PortsConfig(system=False, simulated=str(home / "ports")),
        bluetooth=BluetoothConfig(scan="always"),
    )


async def until(boards: BoardService, count: int) -> list[Board]:
    """The boards, as soon as there are so many."""
    news = asyncio.Event()
    stop = boards.subscribe(lambda _: news.set())
    while len(found := boards.list()) != count:
        news.clear()
        await news.wait()
    stop()
    return found


async def receive_all(link: Link) -> None:
    """Take what the board says until the link ends."""
    while True:
        await link.receive()


async def test_a_board_in_the_air_is_on_the_list_while_somebody_attends(tmp_path):
    async with agent_in_air(tmp_path, improv=[ImprovConfig(name="Kitchen lamp")]) as agent:
        boards = agent.app.boards
        assert boards.list() == []
        leave = boards.attend()
        found = {board.provisioning.installed: board for board in await until(boards, 2)}
        assert found["2.0"].model == "uno_r4_wifi"
        assert found["improv"].name == "Kitchen lamp"
        assert {board.via for board in found.values()} == {"ble"}
        leave()
        assert agent.app.radio is not None
        await agent.app.radio.wait_idle()


async def test_a_board_of_blynk_in_the_air_is_listed_and_spoken_to_in_its_own_way_alone(tmp_path):
    async with agent_in_air(tmp_path, scan="always") as agent:
        there = BlynkInTheAir(speed=100)
        agent.air.room.add(there)
        found = {board.name: board for board in await until(agent.app.boards, 2)}
        board = found[there.device.name]
        assert board.provisioning.installed == "blynk"
        assert board.ports[0].service == "blynk"
        jobs = agent.app.services.jobs
        network = {"kind": "wifi", "ssid": "HomeNet", "password": "correct horse"}
        wanted = {"kind": "provision", "board": board.id, "cloud": "none", "name": "x"}
        with pytest.raises(NotSupported, match="in this way over Bluetooth"):
            await jobs.start({**wanted, "network": network}, attended=False)
        assert "Blynk" in (await jobs.decide(board.id, "none")).reason
        async with agent.app.boards.lease(board.id, "a test") as lease:
            session = BlynkBle(await lease.open_gatt(BLYNK))
            assert (await session.info()).name == there.device.name
            await session.close()
        there.close()


async def test_the_settings_begin_and_end_listening_while_the_agent_runs(tmp_path):
    async with agent_in_air(tmp_path) as agent:
        settings, radio = agent.app.services.settings, agent.app.radio
        assert radio is not None
        assert not radio.scanning
        await settings.set({"bluetooth.scan": "always"})
        assert radio.scanning
        await until(agent.app.boards, 1)
        await settings.set({"bluetooth.scan": "asked"})
        await radio.wait_idle()
        assert not radio.scanning
        seen = await settings.set({"bluetooth.scan": "never"})
        assert [each.key for each in seen.settings if each.pending and each.source == "file"] == [
            "bluetooth.scan"
        ]


async def test_a_board_on_both_links_is_one_after_a_session_and_after_a_restart(tmp_path):
    board = ble_board("F412FA65", usb=True)
    async with agent_in_air(tmp_path, [board], scan="always") as agent:
        boards, jobs = agent.app.boards, agent.app.services.jobs
        wired = next(each for each in await until(boards, 2) if each.via == "usb")
        job = await jobs.start({"kind": "identify", "board": wired.id}, attended=False)
        assert (await jobs.wait(job)).error is None
        (only,) = await until(boards, 1)
        assert (only.id, only.via) == (wired.id, "usb")
        assert [port.via for port in only.ports] == ["usb", "ble"]
        assert boards.find(agent.air.address()) == only
        await agent.app.close()

        again = build(agent_config(tmp_path), find_paths({"MOORING_HOME": str(tmp_path)}))
        await again.start()
        try:
            while len((found := again.boards.list())[0].ports) < 2:
                assert [each.id for each in found] == [wired.id]
                await asyncio.sleep(0.02)
            assert [each.id for each in found] == [wired.id]
        finally:
            await again.close()


async def test_a_board_that_restarts_and_moves_in_the_air_stays_one(tmp_path):
    board = ble_board("F412FA65", usb=True)
    async with agent_in_air(tmp_path, [board, ble_board("F412FA66")], scan="always") as agent:
        boards, jobs = agent.app.boards, agent.app.services.jobs
        found = await until(boards, 3)
        wired = next(each for each in found if each.via == "usb")
        job = await jobs.start({"kind": "identify", "board": wired.id}, attended=False)
        await jobs.wait(job)
        await until(boards, 2)
        seen: set[str] = set()
        boards.subscribe(lambda changes: seen.update(each.id for each in changes.appeared))
        agent.air.press_reset()
        address = agent.air.change_address()
        while not {address} <= {port.address for port in boards.find(wired.id).ports}:
            await asyncio.sleep(0.02)
        await agent.air.power_cycle()
        while boards.find(wired.id).via != "usb":
            await asyncio.sleep(0.02)
        assert seen <= {wired.id}
        assert len(boards.list()) == 2


@pytest.mark.slow
async def test_a_board_that_is_heard_no_more_leaves_the_list(tmp_path):
    async with agent_in_air(tmp_path, scan="always") as agent:
        boards = agent.app.boards
        (board,) = await until(boards, 1)
        async with boards.lease(board.id, "a test") as lease:
            link = await lease.open(9600)
            agent.air.go_out_of_range()
            with pytest.raises(BleLost):
                await receive_all(link)
        changes: list[BoardChanges] = []
        boards.subscribe(changes.append)
        await until(boards, 0)
        assert changes[-1].vanished == [board.id]


async def test_bluetooth_that_is_off_leaves_the_rest_alone_and_boards_come_when_it_is_on(tmp_path):
    async with agent_in_air(tmp_path, [ble_board("F412FA65", usb=True)], radio="off") as agent:
        boards, radio = agent.app.boards, agent.app.radio
        assert radio is not None
        boards.attend()
        while radio.problem is None:
            await asyncio.sleep(0.01)
        assert isinstance(radio.problem, BluetoothOff)
        assert [board.via for board in boards.list()] == ["usb"]
        await agent.air.radio("on")
        await until(boards, 2)
        assert radio.problem is None


async def test_an_agent_that_never_uses_bluetooth_has_no_radio(tmp_path):
    async with agent_in_air(tmp_path, scan="never") as agent:
        assert agent.app.radio is None
        assert agent.app.services.bluetooth is None
        agent.app.boards.attend()()
        assert agent.air.bluez.calls == []


async def test_the_end_of_the_agent_ends_the_scan_and_the_links(tmp_path):
    async with agent_in_air(tmp_path, scan="always") as agent:
        boards, radio = agent.app.boards, agent.app.radio
        assert radio is not None
        (board,) = await until(boards, 1)
        async with boards.lease(board.id, "a test") as lease:
            link = await lease.open(9600)
            await agent.air.until_linked()
            await agent.app.close()
            assert not radio.scanning
            assert not radio.connected
            with pytest.raises(BleLost):
                await receive_all(link)


IDLE = """
import asyncio, json, sys
from pathlib import Path
from agent.app import build
from agent.settings.config import Config, PortsConfig
from agent.settings.paths import find_paths

async def main():
    paths = find_paths({"MOORING_HOME": sys.argv[1]})
    paths.make()
    app = build(Config(ports=PortsConfig(system=False)), paths)
    await app.start()
    tasks = [str(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
    await app.close()
    libraries = sorted({"bleak", "dbus_fast"} & {name.split(".")[0] for name in sys.modules})
    print(json.dumps({"tasks": tasks, "libraries": libraries, "radio": app.radio is not None}))

asyncio.run(main())
"""


def test_while_nobody_looks_bluetooth_costs_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", IDLE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["radio"]
    assert found["libraries"] == []
    assert found["tasks"] == []
