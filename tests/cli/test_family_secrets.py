"""Secrets of nRF Cloud and Blynk go through provisionings, and are looked for in all that is left."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.cli.demo import demo_surroundings
from agent.desktop.instance import find_instance
from agent.settings import Secret
from agent.simulator import blynk_cloud_faults, nrf_cloud_faults
from tests.desktop.report.search import found_in

from .callers import Caller, command_line, in_state, page, program
from .conftest import Ended, Mooring, finish, line_with

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

    from agent.desktop.instance import Instance

pytestmark = pytest.mark.timeout(60)

SPEED = 50.0
WRONG = "MARKER-wrong-word"
RIGHT = "MARKER-right-word"
PASTED = "MARKER-pasted_token_of_32_chars-"
OTHER_PAGE = "https://other.example"
FINAL = ("done", "failed", "cancelled")
TOKEN_CHARS = 24
"""Of an attestation token: in these all tokens of one board are alike."""


class Leaves:
    """An agent that logs all it can, pages that listen, and everything that both leave."""

    def __init__(self, mooring: Mooring) -> None:
        self.mooring = mooring
        self.demo = mooring.demo
        self.places: dict[str, bytes] = {}
        self.own: Caller
        self.other: Caller
        self.instance: Instance
        self._agent: asyncio.subprocess.Process | None = None

    def add(self, name: str, ended: Ended) -> Ended:
        """What a command has printed."""
        self.places[name] = (ended.out + ended.err).encode()
        return ended

    async def start(self) -> None:
        assert (await self.mooring.run("origins", "allow", OTHER_PAGE)).status == 0
        self._agent = await self.mooring.start("run", "--headless", "--json")
        await line_with(b"url", self._agent.stdout)
        instance = find_instance(self.demo.paths)
        assert instance is not None
        self.instance = instance
        self.own, self.other = await program(instance), await page(instance, OTHER_PAGE)
        for each in (self.own, self.other):
            await each.call("boards.subscribe")
            await each.call("jobs.subscribe")

    async def begin(self, **request: Any) -> str:
        return str((await self.own.call("jobs.start", kind="provision", **request))["job"])

    async def asks(self, job: str) -> None:
        """Whether it does before it is over."""
        states = [in_state(job, each) for each in ("asking", *FINAL)]
        told = await self.own.until(lambda said: any(is_it(said) for is_it in states))
        assert told["params"]["snapshot"]["state"] == "asking", told

    async def ends(self, job: str, state: str) -> None:
        """How it does."""
        states = [in_state(job, each) for each in FINAL]
        told = await self.own.until(lambda said: any(is_it(said) for is_it in states))
        assert told["params"]["snapshot"]["state"] == state, told

    async def close(self) -> None:
        """End what still runs."""
        if self._agent is not None and self._agent.returncode is None:
            self._agent.kill()
            await finish(self._agent)
            await self.own.close()
            await self.other.close()

    async def crash(self) -> None:
        """Look at the report of the agent, end it so that it leaves a crash file, and read all."""
        assert self._agent is not None
        self.places["command line"] = command_line(self._agent.pid)
        self.add("report", await self.mooring.run("report", "-"))
        crashes = sys.platform != "win32"
        self._agent.send_signal(signal.SIGSEGV if crashes else signal.SIGTERM)
        self.add("output", await finish(self._agent))
        for name, caller in (("own page", self.own), ("another page", self.other)):
            await caller.close()
            self.places[name] = "\n".join(caller.received).encode()
        for file in Path(self.mooring.home).rglob("*"):
            if file.is_file() and file.name != "accounts.json" and "ports" not in file.parts:
                self.places[file.name] = file.read_bytes()
        assert crashes == any(name.endswith(".crash") for name in self.places)
        self.add("jobs", await self.mooring.run("jobs", "--json"))
        assert {"journal.sqlite3", "mooring.log"} <= self.places.keys()
        assert b"job.changed" not in self.places["another page"]

    def found(self, *secrets: str) -> list[str]:
        return [
            f"{secret} in {place} ({way})"
            for place, data in self.places.items()
            for secret in secrets
            for way in found_in(secret, data)
        ]


@pytest.fixture
async def leaves() -> AsyncIterator[Leaves]:
    async with demo_surroundings(
        password=Secret(RIGHT), boards=1, families=True, speed=SPEED
    ) as demo:
        mooring = Mooring(demo)
        assert demo.nrf is not None
        url = demo.nrf.cloud.base_url
        config = mooring.home / "config.toml"
        config.write_text(
            config.read_text(encoding="utf-8")
            + f'[nrf]\nprovisioning_url = "{url}"\ndevices_url = "{url}"\n'
            '[log]\nlevel = "debug"\n[bluetooth]\nscan = "never"\n[updates]\ncheck = false\n',
            encoding="utf-8",
        )
        made = Leaves(mooring)
        try:
            yield made
        finally:
            await made.close()


async def test_nothing_of_nrf_cloud_is_left_by_a_board_that_failed_and_then_came_in(
    leaves: Leaves,
) -> None:
    nrf = leaves.demo.nrf
    assert nrf is not None
    key, serial = nrf.cloud.key.secret.reveal(), nrf.board.serial_number
    words = ("cloud", "login", "nrf", "--password-stdin")
    assert leaves.add("sign-in", await leaves.mooring.run(*words, stdin=f"{key}\n")).status == 0
    token = nrf.board.identity.attest()
    # A service that quotes what it was given.
    quoted = f'claimToken "{token}" of "Bearer {key}" is malformed'
    nrf.cloud.faults.add(nrf_cloud_faults.Fault("status", "claim", status=400, text=quoted))
    await leaves.start()
    await leaves.ends(await leaves.begin(board="", cloud="nrf", token=token), "failed")
    cut = token[:-30]
    words = ("provision", "--cloud", "nrf", "--token-stdin")
    assert leaves.add("cut token", await leaves.mooring.run(*words, stdin=cut)).status == 2
    faults = nrf.cloud.faults
    faults.add(nrf_cloud_faults.Fault("status", "rule", status=403, text=f"Bearer {key}: viewer"))
    await leaves.ends(await leaves.begin(board=serial, cloud="nrf"), "failed")
    await leaves.ends(await leaves.begin(board=serial, cloud="nrf", name="pump"), "done")
    await leaves.crash()
    assert leaves.found(token[:TOKEN_CHARS], key) == []


async def test_nothing_of_blynk_is_left_by_a_board_that_failed_and_then_came_in(
    leaves: Leaves,
) -> None:
    blynk = leaves.demo.blynk
    assert blynk is not None
    account = blynk.cloud.account
    secret = account["client_secret"]
    given = [f"{name}={account[name]}" for name in ("server", "client_id", "owner_id")]
    words = ["cloud", "login", "blynk", "--password-stdin"]
    words += [word for each in given for word in ("--set", each)]
    assert leaves.add("sign-in", await leaves.mooring.run(*words, stdin=f"{secret}\n")).status == 0
    await leaves.start()
    network = {"kind": "wifi", "ssid": leaves.demo.network.ssid}
    board = {"board": blynk.serial_number, "cloud": "blynk"}
    said = f'{{"error":{{"message":"{PASTED} is no token for {secret}"}}}}'
    blynk.cloud.faults.add(
        blynk_cloud_faults.Fault("text", "device", path="/isHardwareConnected", text=said)
    )
    pasted = await leaves.begin(**board, token=PASTED, network={**network, "password": RIGHT})
    await leaves.asks(pasted)
    await leaves.own.call("jobs.answer", job=pasted, answer={"action": "stop"})
    await leaves.ends(pasted, "failed")
    job = await leaves.begin(**board, name="Hall", network={**network, "password": WRONG})
    await leaves.asks(job)
    await leaves.own.call("jobs.answer", job=job, answer={"action": "retry", "password": RIGHT})
    await leaves.ends(job, "done")
    await leaves.crash()
    (device,) = (each for each in blynk.cloud.state.devices.values() if each.name == "Hall")
    assert leaves.found(WRONG, RIGHT, PASTED, secret, device.token) == []
    assert b"Bearer" not in leaves.places["mooring.log"]
