"""The simulated Blynk board as a program: addresses, commands, and our session against it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from agent.simulator.blynk_air import BlynkInTheAir
from agent.simulator.blynk_board import BlynkBoard
from agent.simulator.blynk_board_cloud import FarCloud
from agent.simulator.blynk_process import BlynkCommands
from agent.simulator.blynk_settings import EdgentConfig

ROOT = Path(__file__).parents[2]


async def running(*words: str, folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "simulate", "blynk", *words),
        cwd=ROOT,
        env={**os.environ, "MOORING_HOME": str(folder)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, (await process.stdout.readline()).decode()


async def test_it_says_where_it_is_is_announced_and_ends_with_its_input(tmp_path):
    boards = tmp_path / "boards"
    words = ("--json", "--tcp", "--generation", "2", "--announce", str(boards))
    process, line = await running(*words, "--until-stdin-closes", "--speed", "50", folder=tmp_path)
    where = json.loads(line)
    (announced,) = boards.glob("*.json")
    assert json.loads(announced.read_bytes())["address"] == where["port"]
    assert where["http"].startswith("http://127.0.0.1:")
    assert where["name"].startswith("Blynk Thermo-")
    out, err = await process.communicate(b'{"id":1,"status":true}\n')
    assert json.loads(out)["id"] == 1
    assert (process.returncode, err) == (0, b"")
    assert not list(boards.glob("*.json"))


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_in_the_air_it_says_first_how_it_is_heard_and_obeys(tmp_path):
    boards = tmp_path / "boards"
    words = ("--ble", "--usb", "--rssi", "-70", "--speed", "50", "--announce", str(boards))
    process, line = await running("--json", *words, "--until-stdin-closes", folder=tmp_path)
    assert list(json.loads(line)["environment"]) == ["DBUS_SYSTEM_BUS_ADDRESS"]
    assert process.stdout is not None
    assert process.stdin is not None
    where = json.loads(await process.stdout.readline())
    assert where["ble"] == "ble://A0:B1:C2:2F:91:C5"
    (announced,) = boards.glob("*.json")
    port = json.loads(announced.read_bytes())
    assert (port["vid"], port["serial_number"]) == (0x303A, "A0:B1:C2:2F:91:C3")
    advertises = False
    while not advertises:  # it starts, in its own time
        process.stdin.write(b'{"status":true}\n')
        advertises = json.loads(await process.stdout.readline())["advertises"]
    gone = [
        b'{"range":"out","status":true}',
        b'{"rssi":-50,"drop":true,"radio":"off","status":true}',
    ]
    out, err = await process.communicate(b"\n".join(gone) + b"\n")
    assert [json.loads(each)["advertises"] for each in out.splitlines()] == [False, True]
    assert (process.returncode, err) == (0, b"")


async def test_a_board_without_a_cable_is_in_the_air_alone():
    commands = BlynkCommands()
    commands.board = BlynkInTheAir()
    assert (await commands.handle_line(b'{"range":"out"}'))["error"] == "it is not in the air"
    assert (await commands.handle_line(b'{"button":"down","status":true}'))["stored"] is False
    commands.board.close()


@pytest.mark.parametrize("line", [b"{", b'{"fly":1}', b'{"world":{"moon":1}}'])
async def test_wrong_commands_are_answered(line):
    commands = BlynkCommands()
    async with BlynkBoard(tcp=True) as commands.board:
        assert "error" in await commands.handle_line(line)


async def test_commands_change_what_is_around_it():
    commands = BlynkCommands()
    board = BlynkBoard(EdgentConfig(generation=1), speed=1000, tcp=True, cloud=commands.cloud)
    async with board:
        commands.board = board
        assert await commands.handle_line(b'{"cloud":"refused","world":{"internet":false}}') == {
            "ok": True
        }
        assert commands.cloud("", "") == "refused"
        assert not board.device.world.internet
        await commands.handle_line(b'{"button":"down"}')
        status = await commands.handle_line(b'{"button":"up","leave":true,"status":true}')
        assert status["stored"] is False
        await commands.handle_line(b'{"stop":true}')
        assert commands.stopped.is_set()


async def test_a_simulated_cloud_decides_and_sends_the_board_back_to_its_access_point():
    commands = BlynkCommands()
    commands.far = FarCloud("127.0.0.1", 1, "TMPLdemo00000")
    assert commands.cloud("x" * 32, "blynk.cloud") == "silent"
    commands.reconfigure()  # there is no board yet, and nothing to do
    async with BlynkBoard(tcp=True) as board:
        commands.board = board
        commands.reconfigure()
        assert board.device.state == "WAIT_CONFIG"
        commands.far = None
        assert commands.cloud("x" * 32, "blynk.cloud") == "ok"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "mqtt://elsewhere:1", "mqtt://127.0.0.1", "x"]
)
async def test_a_cloud_that_is_none_is_refused(tmp_path, url):
    process, line = await running("--cloud", url, folder=tmp_path)
    _, err = await process.communicate()
    assert (process.returncode, line) == (2, "")
    assert b"--cloud" in err
