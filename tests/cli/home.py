"""A home in which ``mooring`` runs in processes of its own, with ports of simulated boards."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.settings.paths import find_paths
from tests.cli.conftest import Ended, finish

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).parents[2]


class Home:
    """An asynchronous context manager; commands run in ``folder``, their files are in ``home``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.ports = self.home / "ports"
        self.ports.mkdir(parents=True)
        self.paths = find_paths({"MOORING_HOME": str(self.home)})
        self.running = AsyncExitStack()

    async def prepare(self) -> str:
        """Plug in, sign in; what the settings have besides."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        first = 20_000 + os.getpid() % 20_000
        more = await self.prepare()
        self.paths.config_file.write_text(
            f"[bridge]\nfirst_port = {first}\nlast_port = {first + 40}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(str(self.ports))}\n"
            f'[bluetooth]\nscan = "never"\n[updates]\ncheck = false\n{more}',
            encoding="utf-8",
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.running.aclose()

    @property
    def environment(self) -> dict[str, str]:
        """What commands run in."""
        return {
            **os.environ,
            "MOORING_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }

    async def start(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        """``mooring`` with these words."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *words),
            cwd=self.folder,
            **({"env": self.environment} | pipes | options),
        )

    async def run(self, *words: str, stdin: str = "") -> Ended:
        """Its end."""
        return await finish(await self.start(*words), stdin)

    def found(self, secrets: list[str]) -> set[str]:
        """Names of the files of the agent in which one of these stands."""
        files = [each for each in self.home.rglob("*") if each.is_file()]
        return {
            each.name
            for each in files
            if any(secret.encode() in each.read_bytes() for secret in secrets)
        }
