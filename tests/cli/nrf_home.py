"""A computer with an account of a simulated nRF Cloud and boards with an nRF91."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.clouds.accounts import AccountStore
from agent.clouds.nrf.cloud import NrfCloud
from agent.settings.paths import find_paths
from agent.simulator.nrf_board import SimulatedNrfBoard
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_service import CloudService
from tests.cli.conftest import Ended, finish

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from agent.simulator.nrf_config import NrfConfig

ROOT = Path(__file__).parents[2]
SPEED = 100.0
"""Of the boards."""


class NrfHome:
    """An asynchronous context manager; ``mooring`` runs in processes of its own, in ``folder``."""

    def __init__(self, folder: Path, *boards: NrfConfig, tls: bool = False) -> None:
        ports = folder / "home" / "ports"
        ports.mkdir(parents=True)
        self.folder = folder
        self.paths = find_paths({"MOORING_HOME": str(folder / "home")})
        self.cloud = SimulatedNrfCloud(tls=tls)
        service = CloudService(self.cloud.state)
        self.boards = [
            SimulatedNrfBoard(
                each,
                number=number,
                speed=SPEED,
                folder=str(ports),
                location=f"9-{80 + number}",
                service=service,
            )
            for number, each in enumerate(boards)
        ]
        self._ports = ports
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._running.enter_async_context(self.cloud)
        url = self.cloud.base_url
        first = 20_000 + os.getpid() % 20_000
        self.paths.config_file.write_text(
            f"[bridge]\nfirst_port = {first}\nlast_port = {first + 40}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(str(self._ports))}\n"
            '[bluetooth]\nscan = "never"\n[updates]\ncheck = false\n'
            f'[nrf]\nprovisioning_url = "{url}"\ndevices_url = "{url}"\n',
            encoding="utf-8",
        )
        for board in self.boards:
            await board.start()
            self._running.push_async_callback(board.stop)
        self.paths.make()
        accounts = AccountStore(self.paths.accounts_file, use_keyring=False)
        client = NrfCloud(accounts=accounts, provisioning_url=url, devices_url=url)
        try:
            await client.login({"api_key": self.cloud.key.secret})
        finally:
            await client.close()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.aclose()

    async def start(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        """``mooring`` with these words."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        environ = {
            **os.environ,
            "MOORING_HOME": str(self.folder / "home"),
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *words),
            env=environ,
            cwd=self.folder,
            **(pipes | options),
        )

    async def run(self, *words: str, stdin: str = "") -> Ended:
        """Its end."""
        return await finish(await self.start(*words), stdin)

    def device(self, number: int) -> str:
        """The device id of a board."""
        return str(self.boards[number].identity.device_id)
