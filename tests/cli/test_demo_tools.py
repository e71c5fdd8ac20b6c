"""The list of upload tools that ``mooring demo`` has for pages."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from agent.cli.demo_tools import STAND_INS, start_tool_list
from agent.clouds.route import Routes
from agent.compat.tool_installs import ToolInstalls
from agent.parts import make_toolbox
from agent.settings.config import Config
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_pages_ask_for_at_each_connect_is_there_without_the_internet(tmp_path: Path):
    async with contextlib.AsyncExitStack() as stack:
        compat = await start_tool_list(stack, tmp_path)
        paths = find_paths({"MOORING_HOME": str(tmp_path / "home")})
        installs = ToolInstalls(make_toolbox(Config(compat=compat), paths, Routes()))
        for name in STAND_INS:
            version = "1.7.0" if name == "bossac" else "latest"
            got = await installs.install("arduino", name, version, keep=True)
            assert got.fetched
            assert (got.tool.folder / "README.txt").is_file()
