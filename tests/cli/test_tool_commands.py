"""The commands about upload tools, in real processes, with a simulated list."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from agent.simulator.tool_index import SimulatedToolIndex
from tests.cli.conftest import Ended, finish
from tests.flash.toolstore.rig import program

ROOT = Path(__file__).parents[2]


class Home:
    """A computer with a list of tools in reach."""

    def __init__(self, folder: Path, index: SimulatedToolIndex) -> None:
        self.folder = folder
        folder.mkdir()
        folder.joinpath("key.asc").write_bytes(index.public_key)
        folder.joinpath("config.toml").write_text(
            "[ports]\nsystem = false\n"
            f"[compat]\ntool_index_url = {json.dumps(index.index_url)}\n"
            f"tool_index_key = {json.dumps(str(folder / 'key.asc'))}\n",
            encoding="utf-8",
        )

    async def run(self, *words: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "tools", *words),
            env={**os.environ, "MOORING_HOME": str(self.folder), "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return await finish(process)


@pytest.fixture
async def index():
    async with SimulatedToolIndex() as running:
        for version in ("1.7.0", "1.8.0"):
            running.publish(
                "arduino", "bossac", version, host="all", file="b.tar.gz", data=program()
            )
        yield running


@pytest.fixture
def home(tmp_path, index):
    return Home(tmp_path / "home", index)


async def test_a_tool_is_installed_listed_and_removed(home, index):
    first = await home.run("install", "bossac")
    assert (first.status, first.out) == (0, "arduino:bossac@1.8.0 is installed.\n")
    index.down = True
    again = (await home.run("install", "arduino:bossac@1.8.0", "--json")).document
    assert (again["version"], again["fetched"]) == ("1.8.0", False)
    assert Path(again["folder"], "bossac").is_file()
    listed = (await home.run("list", "--json")).document["tools"]
    assert [(each["packager"], each["name"], each["version"]) for each in listed] == [
        ("arduino", "bossac", "1.8.0")
    ]
    assert "arduino:bossac@1.8.0" in (await home.run()).out
    removed = await home.run("remove", "bossac")
    assert (removed.status, removed.out) == (0, "arduino:bossac@1.8.0 is removed.\n")
    assert "No page has had a tool" in (await home.run("list")).err


async def test_a_tool_that_is_not_there_or_not_one_is_told(home):
    unknown = await home.run("install", "nothing")
    assert unknown.status == 2
    assert unknown.err.strip().endswith("[tool-unknown]")
    for version in ("1.7.0", "1.8.0"):
        assert (await home.run("install", f"bossac@{version}")).status == 0
    for wanted, said in (("bossac", "(1.7.0, 1.8.0); name one"), ("x:bossac", "is not installed")):
        ended = await home.run("remove", wanted)
        assert ended.status == 2
        assert said in " ".join(ended.err.split())
