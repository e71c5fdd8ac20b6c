"""Boards of nRF Cloud and Blynk as a person tries them: each part in a terminal of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import finish, running_agent
from tests.cli.home import Home

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.system("linux", "darwin"), pytest.mark.timeout(60)]

SPEED = ("--speed", "50")
NETWORK = ("--ssid", "HomeNet", "--password-stdin")


class Terminals(Home):
    """A home with simulated clouds and boards, all of them processes."""

    nrf_key = ""
    blynk: dict[str, str]

    async def prepare(self) -> str:
        """See the base class."""
        nrf, account = await self._cloud("nrf-cloud")
        self.nrf_key = account["api_key"]
        blynk, self.blynk = await self._cloud("blynk-cloud")
        boards = ("--announce", str(self.ports), "--json", *SPEED)
        await self._simulate("thingy91x", "--cloud", nrf["http"], *boards)
        mqtt = ("--generation", "2", "--cloud", blynk["mqtt"])
        await self._simulate("blynk", *mqtt, *boards)
        return f'[nrf]\nprovisioning_url = "{nrf["http"]}"\ndevices_url = "{nrf["http"]}"\n'

    async def _cloud(self, name: str) -> tuple[dict[str, str], dict[str, str]]:
        """Its addresses, and its account."""
        file = self.folder / f"{name}.json"
        said = await self._simulate(name, "--account", str(file), "--json")
        return said, json.loads(file.read_text())

    async def _simulate(self, *words: str) -> dict[str, Any]:
        process = await self.start("simulate", *words)
        self.running.push_async_callback(finish, process)
        self.running.callback(process.terminate)
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line, (await finish(process)).err
        return dict(json.loads(line))


async def test_both_are_signed_in_set_up_and_listed_through_a_running_agent(tmp_path: Path) -> None:
    async with Terminals(tmp_path) as home, running_agent(home):
        nrf = await home.run("cloud", "login", "nrf", "--password-stdin", stdin=home.nrf_key)
        assert nrf.status == 0, nrf.err
        given = [f"{name}={home.blynk[name]}" for name in ("server", "client_id", "owner_id")]
        words = [word for each in given for word in ("--set", each)]
        secret = home.blynk["client_secret"]
        blynk = await home.run("cloud", "login", "blynk", "--password-stdin", *words, stdin=secret)
        assert blynk.status == 0, blynk.err

        made = await home.run("provision", "Thingy", "--cloud", "nrf", "--name", "pump")
        assert made.status == 0, made.err
        assert "pump is in nRF Cloud (" in made.out

        board = ("provision", "CP210x", "--cloud", "blynk", "--name", "Hall", *NETWORK)
        wrong = await home.run(*board, stdin="wrong horse\n")
        assert wrong.status == 1
        assert "the password is wrong" in wrong.err.lower(), wrong.err
        right = await home.run(*board, stdin="correct horse\n")
        assert right.status == 0, right.err
        assert "Hall is online in HomeNet (" in right.out

        jobs = await home.run("jobs", "--json")
        ends = [each["state"] for each in jobs.document["jobs"]]
        assert ends == ["done", "failed", "done"]
