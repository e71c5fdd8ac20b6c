"""Boards of nRF Cloud and Blynk as a person tries them: each part in a terminal of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import Ended, finish, running_agent
from tests.cli.home import Home

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

pytestmark = [pytest.mark.system("linux", "darwin"), pytest.mark.timeout(60)]

SPEED = ("--speed", "50")
NETWORK = ("--ssid", "HomeNet", "--password-stdin")


class Terminals(Home):
    """A home beside simulated clouds and boards, all of them processes."""

    blynk: dict[str, str]
    """The account."""

    async def cloud(self, name: str) -> tuple[dict[str, str], dict[str, str]]:
        """Its addresses, and its account."""
        file = self.folder / f"{name}.json"
        process = await self.simulate(name, "--account", str(file))
        return await line_of(process), json.loads(file.read_text())

    async def simulate(self, *words: str) -> asyncio.subprocess.Process:
        process = await self.start("simulate", *words, "--json")
        self.running.push_async_callback(finish, process)
        self.running.callback(process.terminate)
        return process

    async def sign_in(self) -> Ended:
        """To Blynk.Cloud."""
        given = [f"{name}={self.blynk[name]}" for name in ("server", "client_id", "owner_id")]
        words = [word for each in given for word in ("--set", each)]
        secret = self.blynk["client_secret"]
        return await self.run("cloud", "login", "blynk", "--password-stdin", *words, stdin=secret)


async def line_of(process: asyncio.subprocess.Process) -> Any:
    """What it says next."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, (await finish(process)).err
    return json.loads(line)


class OnCables(Terminals):
    """A Thingy:91 X, a board of Blynk, and both clouds."""

    async def prepare(self) -> str:
        """See the base class."""
        nrf, self.nrf = await self.cloud("nrf-cloud")
        blynk, self.blynk = await self.cloud("blynk-cloud")
        boards = ("--announce", str(self.ports), *SPEED)
        await line_of(await self.simulate("thingy91x", "--cloud", nrf["http"], *boards))
        mqtt = ("--generation", "2", "--cloud", blynk["mqtt"])
        await line_of(await self.simulate("blynk", *mqtt, *boards))
        return f'[nrf]\nprovisioning_url = "{nrf["http"]}"\ndevices_url = "{nrf["http"]}"\n'


class InTheAir(Terminals):
    """A board of Blynk that has no cable, and its cloud."""

    async def prepare(self) -> str:
        """See the base class."""
        blynk, self.blynk = await self.cloud("blynk-cloud")
        board = await self.simulate("blynk", "--ble", "--cloud", blynk["mqtt"], *SPEED)
        self.environ: dict[str, str] = (await line_of(board))["environment"]
        self.board: str = (await line_of(board))["name"]
        return ""


async def test_both_are_signed_in_set_up_and_listed_through_a_running_agent(tmp_path: Path) -> None:
    async with OnCables(tmp_path) as home, running_agent(home):
        key = home.nrf["api_key"]
        nrf = await home.run("cloud", "login", "nrf", "--password-stdin", stdin=key)
        assert nrf.status == 0, nrf.err
        blynk = await home.sign_in()
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


@pytest.mark.system("linux")
@pytest.mark.needs("dbus")
async def test_a_board_of_blynk_in_the_air_is_heard_and_set_up(tmp_path: Path) -> None:
    async with InTheAir(tmp_path) as home:
        assert (await home.sign_in()).status == 0
        home.paths.config_file.write_text("[ports]\nsystem = false\n", encoding="utf-8")
        words = ("provision", home.board, "--cloud", "blynk", "--via", "ble", *NETWORK)
        process = await home.start(*words, env={**home.environment, **home.environ})
        ended = await finish(process, "correct horse\n")
        assert ended.status == 0, ended.err
        assert "over Bluetooth" in ended.out
        assert "is online in HomeNet (" in ended.out
