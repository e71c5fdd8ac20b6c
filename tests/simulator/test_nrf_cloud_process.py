"""The simulated nRF Cloud as a program: addresses, the key, commands."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_process import Commands
from agent.simulator.nrf_identity import ModemIdentity

ROOT = Path(__file__).parents[2]
LIMIT_S = 30


@pytest.mark.timeout(60)
def test_it_says_where_it_is_knows_its_key_and_takes_it_away(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    words = ("--json", "--until-stdin-closes", "--account", str(file))
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "simulate", "nrf-cloud", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            where = json.loads(process.stdout.readline())
            assert set(where) == {"http", "https", "proxy", "ca", "account"}
            if sys.platform != "win32":
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert Path(where["ca"]).read_text().startswith("-----BEGIN CERTIFICATE")
            key = json.loads(file.read_text())["api_key"]
            request = urllib.request.Request(
                f"{where['http']}/v1/account", headers={"Authorization": f"Bearer {key}"}
            )
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
                assert json.load(answer)["team"]["name"] == "team-1"
            out, errors = process.communicate('{"status": true}\n', timeout=LIMIT_S)
        finally:
            process.kill()
    status = json.loads(out)
    assert status["requests"] == [{"operation": "account", "status": 200}]
    assert key not in out
    assert (process.returncode, errors) == (0, "")
    assert not file.exists()
    assert not Path(where["ca"]).exists()


async def test_commands_change_what_it_knows_and_wrong_ones_are_told() -> None:
    async with SimulatedNrfCloud() as cloud:
        commands = Commands(cloud)
        identity = ModemIdentity("A")
        cloud.state.claim("team-1", identity.attest(), ("t",), dry=False)

        async def say(said: Any) -> dict[str, Any]:
            line = said if isinstance(said, bytes) else json.dumps(said).encode()
            return await commands.handle_line(line)

        status = await say({"id": 3, "status": True})
        assert status["claims"] == [{"id": str(identity.device_id), "tags": ["t"], "commands": []}]
        assert status["id"] == 3
        assert await say({"release": str(identity.device_id)}) == {"ok": True}
        assert "error" in await say({"release": str(identity.device_id)})
        assert (await say({"stranger": "x", "fault": {"act": "lose"}, "down": True}))["ok"]
        assert (cloud.state.strangers, cloud.down) == ({"x"}, True)
        assert [fault.act for fault in cloud.faults.waiting] == ["lose"]
        await say({"clear": True, "down": False})
        assert not cloud.faults.waiting
        wrongs: list[Any] = [b"{", [], {"tea": True}, {"fault": {"act": "tea"}}]
        for wrong in wrongs:
            assert "error" in await say(wrong)
        await say({"stop": True})
        assert commands.stopped.is_set()


@pytest.mark.parametrize("words", [["--port", "mqtt=1"], ["--ble"], ["--count", "2"]])
def test_options_that_are_not_its_own_are_refused(words: list[str]) -> None:
    from click.testing import CliRunner

    from agent.cli.simulate import simulate

    ended = CliRunner().invoke(simulate, ["nrf-cloud", *words])
    assert ended.exit_code == 2
    assert words[0] in ended.output
