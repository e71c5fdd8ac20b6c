"""An agent with its tray on a desktop for tests: boards, a browser, and what a person does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import connect
from websockets.typing import Origin

from agent.cli.demo import Demo, demo_surroundings
from agent.cli.remote import remote_client
from agent.desktop.instance import find_instance
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from agent.cli.client import Client

ROOT = Path(__file__).parents[3]
SPEED = 20.0
"""How much faster the simulated boards are; a join that is refused takes 0.8 s."""
LIMIT_S = 30.0


@dataclass
class Desktop:
    """What a person has in front of them."""

    demo: Demo
    environ: dict[str, str]
    process: asyncio.subprocess.Process
    opened: Path

    @property
    def log(self) -> str:
        return self.demo.paths.log_file.read_text()

    async def logged(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(LIMIT_S):
            while self.log.count(text) < times:
                await asyncio.sleep(0.01)

    async def page(self) -> str:
        """The address that the browser was given, once it was."""
        async with asyncio.timeout(LIMIT_S):
            while not self.opened.exists():
                await asyncio.sleep(0.01)
        return self.opened.read_text().strip()

    async def command(self, *words: str, stdin: str = "") -> Any:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *words, "--json"),
            env=self.environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate(stdin.encode())
        return [json.loads(line) for line in out.splitlines()]

    async def ended(self) -> int:
        """The exit status of the agent, once it is gone."""
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)

    @contextlib.asynccontextmanager
    async def program(self) -> AsyncIterator[Client]:
        """A program of the person, connected to the agent."""
        instance = find_instance(find_paths({"MOORING_HOME": self.environ["MOORING_HOME"]}))
        assert instance is not None
        async with remote_client(instance) as client:
            yield client

    @contextlib.asynccontextmanager
    async def asking(
        self, page: str, wants: str
    ) -> AsyncIterator[Callable[[], Awaitable[dict[str, Any]]]]:
        """A page that asks whether it may use the agent; gives what it is told next."""
        instance = find_instance(find_paths({"MOORING_HOME": self.environ["MOORING_HOME"]}))
        assert instance is not None
        async with connect(
            f"ws://127.0.0.1:{instance.port}/ask?wants={wants}", origin=Origin(page), proxy=None
        ) as socket:

            async def told() -> dict[str, Any]:
                message: dict[str, Any] = json.loads(await socket.recv())
                return message

            assert (await told())["state"] == "asking"
            yield told

    @contextlib.asynccontextmanager
    async def provisioning(
        self, password: str, *, attended: Client | None = None
    ) -> AsyncIterator[None]:
        """Somebody sets a board up meanwhile, on the command line, or with a program that waits.

        On the command line the board falls silent while it joins, so that there is time to stop it.
        """
        if attended is not None:
            cloud, board = self.demo.cloud, self.demo.boards.ports[0].serial_number
            secret = cloud.client_secret.reveal()
            account = {"client_id": cloud.client_id, "client_secret": secret}
            await attended.call("clouds.login", cloud="arduino", account=account)
            network = {"kind": "wifi", "ssid": self.demo.network.ssid, "password": password}
            wanted = {"kind": "provision", "board": board, "cloud": "arduino", "name": "kitchen"}
            await attended.call("jobs.start", network=network, **wanted)
            yield
            return
        await self.demo.boards.command({"fault": {"at": "joining", "do": "silence"}})
        await self.command(
            *("cloud", "login", "arduino", "--set", f"client_id={self.demo.cloud.client_id}"),
            "--password-stdin",
            stdin=self.demo.cloud.client_secret.reveal() + "\n",
        )
        task = asyncio.create_task(
            self.command(
                *("provision", self.demo.boards.ports[0].serial_number, "--cloud", "arduino"),
                *("--name", "kitchen", "--ssid", self.demo.network.ssid, "--password-stdin"),
                stdin=password + "\n",
            )
        )
        try:
            yield
        finally:
            await asyncio.wait({task})


@contextlib.asynccontextmanager
async def desktop(
    environ: Mapping[str, str], folder: Path, *words: str, boards: int = 1
) -> AsyncIterator[Desktop]:
    """The agent in these surroundings; ``words`` go to ``mooring run``."""
    opened = folder / "opened"
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}.new"; mv "{opened}.new" "{opened}"\n')
    browser.chmod(0o700)
    async with demo_surroundings(boards=boards, speed=SPEED) as demo:
        home = demo.paths.config_dir
        port = 20_000 + os.getpid() % 20_000
        home.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 40}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(demo.config.ports.simulated)}\n"
            f"[arduino]\nbase_url = {json.dumps(demo.cloud.base_url)}\n"
            '[bluetooth]\nscan = "never"\n'
        )
        whole = {
            **os.environ,
            "DISPLAY": ":not-used",
            "XDG_CONFIG_HOME": str(folder),
            **environ,
            "BROWSER": f"{browser} %s",
            "MOORING_HOME": str(home),
            "PYTHONPATH": str(ROOT),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "run", "--json", *words),
            env=whole,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["url"]
        try:
            yield Desktop(demo, whole, process, opened)
        finally:
            if process.returncode is None:
                process.terminate()
            _, err = await process.communicate()
            assert b"Traceback" not in err
