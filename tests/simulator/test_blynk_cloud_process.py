"""The simulated Blynk.Cloud as a program: addresses, account, commands."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.simulator.blynk_cloud import SimulatedBlynkCloud
from agent.simulator.blynk_cloud_process import Commands

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
LIMIT_S = 30


@pytest.mark.timeout(60)
def test_it_tells_where_it_is_obeys_and_takes_its_account_away(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    words = ["--json", "--until-stdin-closes", "--account", str(file)]
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "simulate", "blynk-cloud", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            where = json.loads(process.stdout.readline())
            assert set(where) == {*("http", "mqtt", "elsewhere", "https", "mqtts", "ca", "account")}
            if sys.platform != "win32":
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
            account = json.loads(file.read_text())
            query = "grant_type=client_credentials"
            names = f"client_id={account['client_id']}&client_secret={account['client_secret']}"
            url = f"{where['http']}/oauth2/token?{query}&{names}"
            with urllib.request.urlopen(url, b"", timeout=LIMIT_S) as answer:
                assert json.load(answer)["expires_in"] == 300
            process.stdin.write('{"id": 1, "status": true}\n')
            process.stdin.flush()
            status = json.loads(process.stdout.readline())
            assert status["requests"][0]["what"] == "POST /oauth2/token"
            assert account["client_secret"] not in json.dumps(status)
            _, errors = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert not file.exists()
    assert not Path(where["ca"]).exists()


class TestCommands:
    @pytest.fixture
    async def server(self) -> AsyncIterator[SimulatedBlynkCloud]:
        async with SimulatedBlynkCloud() as running:
            yield running

    async def say(self, server: SimulatedBlynkCloud, **said: Any) -> dict[str, Any]:
        return await Commands(server).handle_line(json.dumps(said).encode())

    async def test_everything_can_be_changed_while_it_runs(self, server):
        code = (await self.say(server, prepare="TMPLdemo00000"))["code"]
        assert server.state.find_prepared(code) is not None
        device = server.state.create("TMPLdemo00000", "n", 101, 7)
        assert await self.say(server, delete=device.id) == {"ok": True}
        assert not server.state.devices
        said = {"plan": False, "permissions": [], "lifetime_s": 7.0, "rate_per_min": 3}
        assert await self.say(server, **said, clock_ahead_s=5.0, down=True) == {"ok": True}
        assert (server.platform.plan, server.client.permissions) == (False, set())
        assert (server.clients.lifetime_s, server.around.rate_per_min) == (7.0, 3)
        assert (server.clock_ahead_s, server.down) == (5.0, True)

    async def test_things_go_wrong_on_command_until_they_do_not(self, server):
        fault = {"act": "status", "status": 429, "times": None}
        assert await self.say(server, fault=fault) == {"ok": True}
        assert server.faults.waiting[0].status == 429
        assert await self.say(server, clear=True) == {"ok": True}
        assert not server.faults.waiting

    @pytest.mark.parametrize(
        "line",
        [
            b"x",
            b"[]",
            b'{"other": 1}',
            b'{"fault": {"act": "x"}}',
            b'{"delete": 1}',
            b'{"prepare": "x"}',
        ],
    )
    async def test_what_is_no_command_is_an_error(self, server, line):
        assert set(await Commands(server).handle_line(line)) == {"error"}

    async def test_it_stops(self, server):
        commands = Commands(server)
        assert await commands.handle_line(b'{"stop": true}') == {"ok": True}
        assert commands.stopped.is_set()
