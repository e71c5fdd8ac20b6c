"""The whole agent, and a board and a cloud that are programs of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.app import build
from agent.jobs.job import JobState
from agent.settings.load import load_config
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[1]
NETWORK = {"kind": "wifi", "ssid": "HomeNet", "password": "correct horse"}
CONFIG = """
[ports]
system = false
simulated = "@"
[bluetooth]
scan = "never"
"""


@contextlib.asynccontextmanager
async def simulated(what: str, *words: str, home: Path) -> AsyncIterator[dict[str, Any]]:
    """What a simulator says of itself, while it runs."""
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "agent",
            "simulate",
            what,
            "--json",
            "--until-stdin-closes",
            *words,
        ),
        cwd=ROOT,
        env={**os.environ, "MOORING_HOME": str(home)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        await process.communicate(b"")


async def test_a_board_that_is_a_program_comes_into_a_cloud_that_is_one(tmp_path: Path) -> None:
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    paths.make()
    ports = tmp_path / "ports"
    paths.config_file.write_text(CONFIG.replace("@", ports.as_posix()), encoding="utf-8")
    words = ("--announce", str(ports), "--speed", "20", "--generation", "1")
    async with (
        simulated("blynk-cloud", home=tmp_path) as cloud,
        simulated("blynk", *words, "--cloud", cloud["mqtt"], home=tmp_path),
    ):
        app = build(load_config(paths.config_file, {}), paths)
        try:
            await app.start()
            account = json.loads(Path(cloud["account"]).read_text(encoding="utf-8"))
            await app.services.clouds["blynk"].login(account)
            (board,) = app.boards.list()
            jobs = app.services.jobs
            asked = {"kind": "provision", "cloud": "blynk", "board": board.id, "network": NETWORK}
            ended = await jobs.wait(await jobs.start(asked, attended=False))
            assert ended.state is JobState.DONE, ended.error
            result: dict[str, Any] = ended.result or {}
            assert (result["connected"], result["way"]) == ("cloud", "console")
            # The board answers on while it is connected.
            read = await jobs.wait(
                await jobs.start({"kind": "identify", "board": board.id}, attended=False)
            )
            assert (read.result or {})["blynk"]["name"] == "Blynk Thermo-FK8D"
        finally:
            await app.close()
