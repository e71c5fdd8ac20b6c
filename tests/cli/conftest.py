"""Commands as people and scripts run them: real processes, a simulated board and cloud."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from agent.cli.demo import Demo, demo_surroundings
from agent.clouds.accounts import AccountStore
from agent.settings import Secret
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
SPEED = 20.0
"""How much faster the simulated boards are, so that a whole procedure takes a third of a second."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        """One JSON object per line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Mooring:
    """The command ``mooring`` in a home of its own."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.home = demo.paths.config_dir
        self.board = demo.boards.ports[0].serial_number
        self.environ = {
            **os.environ,
            "MOORING_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }
        for name in ("MOORING_WIFI_PASSWORD", "NO_COLOR"):
            self.environ.pop(name, None)
        # Away from the agents that other people and tests run.
        port = 20_000 + os.getpid() % 20_000
        self.home.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 40}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(demo.config.ports.simulated)}\n"
            f"[arduino]\nbase_url = {json.dumps(demo.cloud.base_url)}\n",
            encoding="utf-8",
        )

    async def start(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        environ = self.environ | options.pop("environ", {})
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", *words, env=environ, **(pipes | options)
        )

    async def run(
        self, *words: str, stdin: str = "", environ: dict[str, str] | None = None
    ) -> Ended:
        process = await self.start(*words, environ=environ or {})
        return await finish(process, stdin)

    async def provision(self, password: str, *words: str) -> Ended:
        return await self.run(*self.provisioning, *words, stdin=password + "\n")

    @property
    def provisioning(self) -> tuple[str, ...]:
        return (
            *("provision", self.board, "--cloud", "arduino", "--name", "kitchen-sensor"),
            *("--ssid", self.demo.network.ssid, "--password-stdin"),
        )

    async def have_account(self) -> None:
        """Be signed in, as after :meth:`sign_in`, without starting a process for it."""
        cloud, paths = self.demo.cloud, find_paths({"MOORING_HOME": str(self.home)})
        paths.make()
        accounts = AccountStore(paths.accounts_file, use_keyring=False)
        account = {"client_id": Secret(cloud.client_id), "client_secret": cloud.client_secret}
        await accounts.set("arduino", account)

    async def sign_in(self, *words: str) -> Ended:
        return await self.run(
            *("cloud", "login", "arduino", "--set", f"client_id={self.demo.cloud.client_id}"),
            *("--password-stdin", *words),
            stdin=self.demo.cloud.client_secret.reveal() + "\n",
        )

    @property
    def claims(self) -> list[object]:
        """Claims that the cloud holds and that have not ended."""
        onboardings = self.demo.cloud.state.onboardings.values()
        return [each for each in onboardings if each.ended_at is None]


async def line_with(part: bytes, stream: asyncio.StreamReader | None) -> bytes:
    """What came until a line has this part; fails as soon as the program has ended without it."""
    assert stream is not None
    told = b""
    while part not in told:
        line = await stream.readline()
        assert line, told
        told += line
    return told


async def finish(process: asyncio.subprocess.Process, stdin: str = "") -> Ended:
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Ended(process.returncode, (out or b"").decode(), err.decode())


@pytest.fixture
async def alone(request: pytest.FixtureRequest) -> AsyncIterator[Mooring]:
    """No agent runs: each command works by itself. A parameter is the number of boards."""
    async with demo_surroundings(boards=getattr(request, "param", 1), speed=SPEED) as demo:
        yield Mooring(demo)


class Starts(Protocol):
    """A home in which ``mooring`` runs."""

    async def start(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        """``mooring`` with these words."""


@contextlib.asynccontextmanager
async def running_agent(mooring: Starts) -> AsyncIterator[asyncio.subprocess.Process]:
    """The agent in a process of its own, until the context ends."""
    process = await mooring.start("run", "--headless", "--json")
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["url"].startswith("http://127.0.0.1:")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        ended = await finish(process)
    assert "Traceback" not in ended.err


@pytest.fixture
async def agent(alone: Mooring) -> AsyncIterator[asyncio.subprocess.Process]:
    """An agent that runs in the home of ``alone``."""
    async with running_agent(alone) as process:
        yield process


@pytest.fixture(params=["alone", "through the agent"])
async def mooring(request: pytest.FixtureRequest, alone: Mooring) -> AsyncIterator[Mooring]:
    """Each test runs twice: without an agent and through a running one."""
    if request.param == "alone":
        yield alone
        return
    async with running_agent(alone):
        yield alone
