"""The simulated ThingsBoard as a program: addresses, accounts, commands."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_commands import Commands
from agent.simulator.thingsboard_credentials import token_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).parents[2]
LIMIT_S = 30
"""Starts in a second; a busy machine may take many."""
PROGRAM = pytest.mark.timeout(60)


@contextmanager
def start(*words: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "simulate", "thingsboard", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(process: subprocess.Popen[str], said: Any) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(said) + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


@PROGRAM
def test_it_provisions_obeys_and_takes_its_accounts_away(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    with start("--json", "--until-stdin-closes", "--account", str(file)) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        assert set(where) == {"http", "https", "mqtt", "mqtts", "coap", "coaps", "ca", "account"}
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert Path(where["ca"]).read_text().startswith("-----BEGIN CERTIFICATE")
        profile = json.loads(file.read_text())["profiles"][0]
        said = {
            "deviceName": "board-1",
            "provisionDeviceKey": profile["provision_key"],
            "provisionDeviceSecret": profile["provision_secret"],
        }
        url = f"{where['http']}/api/v1/provision"
        with urllib.request.urlopen(url, json.dumps(said).encode(), timeout=LIMIT_S) as answer:
            token = json.load(answer)["credentialsValue"]
        status = ask(process, {"id": 1, "status": True})
        assert status["id"] == 1
        assert [device["name"] for device in status["devices"]] == ["board-1"]
        assert status["requests"] == [
            {"carrier": "http", "operation": "provision", "outcome": "SUCCESS"}
        ]
        assert token not in json.dumps(status)
        _, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, errors) == (0, "")
    assert not file.exists()
    assert not Path(where["ca"]).exists()


@PROGRAM
@pytest.mark.system("linux", "darwin")
def test_without_options_it_prints_a_line_for_each_address() -> None:
    with start() as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(8)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert [line.partition("://")[0] for line in lines[:6]] == [
        *("http", "mqtt", "https", "mqtts", "coap", "coaps")
    ]
    assert not Path(lines[7]).exists()


@PROGRAM
def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text("mine")
    with start("--account", str(file)) as process:
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 2
    assert "--account" in errors
    assert file.read_text() == "mine"


class TestCommands:
    @pytest.fixture
    async def server(self) -> AsyncIterator[SimulatedThingsBoard]:
        async with SimulatedThingsBoard(coap=False, tls=False) as running:
            yield running

    @pytest.fixture
    def commands(self, server: SimulatedThingsBoard) -> Commands:
        return Commands(server)

    async def say(self, commands: Commands, **said: Any) -> dict[str, Any]:
        return await commands.handle_line(json.dumps(said).encode())

    async def test_devices_are_prepared_released_told_and_deleted(self, server, commands):
        assert await self.say(commands, prepare="a") == {"ok": True}
        device = server.state.devices["a"]
        device.attributes["SERVER_SCOPE"]["provisionState"] = "provisioned"
        assert await self.say(commands, forget="a", shared={"a": {"s": 1}}) == {"ok": True}
        assert device.attributes["SERVER_SCOPE"] == {}
        assert device.attributes["SHARED_SCOPE"] == {"s": 1}
        assert await self.say(commands, delete="a") == {"ok": True}
        assert not server.state.devices

    async def test_things_go_wrong_on_command_until_they_do_not(self, server, commands):
        fault = {"act": "status", "status": 429, "times": None}
        assert await self.say(commands, fault=fault) == {"ok": True}
        assert server.faults.waiting[0].status == 429
        assert await self.say(commands, clear=True, down=True, clock_ahead_s=5.0) == {"ok": True}
        assert (server.faults.waiting, server.down, server.clock_ahead_s) == ([], True, 5.0)

    async def test_a_device_is_called(self, server, commands):
        server.state.add_device("a", server.create, token_credentials("tok"))
        said = {"device": "a", "method": "m", "seconds": 0.01}
        answer = await self.say(commands, call=said)
        assert answer["error"]["facts"]["field"] == "call.device"

    @pytest.mark.parametrize(
        "line",
        [
            b"x",
            b"[]",
            b'{"other": 1}',
            b'{"fault": {"act": "other"}}',
            b'{"delete": "nobody"}',
            b'{"prepare": ""}',
            b'{"shared": {"nobody": {}}}',
            b'{"certificate": "expired"}',
            b'{"call": {"device": "nobody", "method": "m"}}',
        ],
    )
    async def test_what_is_no_command_is_an_error(self, commands, line):
        assert set(await commands.handle_line(line)) == {"error"}

    async def test_it_stops(self, commands):
        assert await self.say(commands, stop=True) == {"ok": True}
        assert commands.stopped.is_set()
