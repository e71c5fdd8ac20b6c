"""A computer with an account of a simulated ThingsBoard and a board with the serial console."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.clouds.accounts import AccountStore
from agent.clouds.thingsboard.cloud import ThingsBoard
from agent.clouds.vault import Vault, open_vault
from agent.protocols import board_keys
from agent.settings import Secret
from agent.settings.credentials import AccessToken, BoardSettings, CloudSettings
from agent.settings.paths import find_paths
from agent.simulator.loopback_server import HOST
from agent.simulator.thingsboard import ADMINISTRATOR, SimulatedThingsBoard
from tests.cli.conftest import Ended, finish
from tests.jobs.enrol_bench import FACTS, ConsoleBoard

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).parents[2]
NAME = f"esp32-{FACTS['id']}"
BOARD = f"usb-303a-1001-{FACTS['id'].upper()}"


class BoardHome:
    """An asynchronous context manager; ``mooring`` runs in processes of its own."""

    def __init__(self, folder: Path, *, prepared: bool = False, administrator: bool = True) -> None:
        folder.mkdir()
        ports = folder / "ports"
        ports.mkdir()
        self.folder = folder
        self.board = ConsoleBoard(ports)
        self.server = SimulatedThingsBoard(coap=False)
        self.paths = find_paths({"MOORING_HOME": str(folder)})
        self._prepared = prepared
        self._administrator = administrator
        self._running = AsyncExitStack()
        first = 20_000 + os.getpid() % 20_000
        folder.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {first}\nlast_port = {first + 40}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(str(ports))}\n"
            "[updates]\ncheck = false\n",
            encoding="utf-8",
        )

    async def __aenter__(self) -> Self:
        await self._running.enter_async_context(self.server)
        await self.board.plug()
        self._running.push_async_callback(self.board.close)
        self.paths.make()
        cloud = ThingsBoard(accounts=AccountStore(self.paths.accounts_file, use_keyring=False))
        try:
            await cloud.login(self._account())
        finally:
            await cloud.close()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.aclose()

    def _account(self) -> dict[str, Any]:
        profile = self.server.check if self._prepared else self.server.create
        account = {
            "server": self.server.addresses["https"],
            "board_server": self.server.addresses["mqtts"],
            "provision_key": profile.key,
            "provision_secret": profile.secret,
            "ca": self.server.ca,
        }
        if self._administrator:
            user = self.server.administrator
            account |= {"admin_user": ADMINISTRATOR, "admin_password": user.password}
        return account

    @property
    def vault(self) -> Vault:
        """As another process sees it."""
        return open_vault(self.paths)

    @property
    def token(self) -> str:
        """Of the board."""
        return self.board.values["tb_token"].decode()

    async def start(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        environ = {
            **os.environ,
            "MOORING_HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", *words, env=environ, **(pipes | options)
        )

    async def run(self, *words: str, stdin: str = "") -> Ended:
        return await finish(await self.start(*words), stdin)

    async def set_up(self) -> str:
        """The board is a device of the server and works with the only entry of the vault, its id."""
        device = self.server.prepare(NAME, self.server.create)
        settings = CloudSettings(
            cloud="thingsboard",
            name=NAME,
            host=HOST,
            port=self.server.ports["mqtts"],
            scheme="mqtts",
            ca=self.server.ca,
            credentials=AccessToken(token=Secret(device.credentials.id)),
        )
        self.board.values |= board_keys.flatten(BoardSettings(cloud=settings))
        entry = await self.vault.add(
            board=BOARD,
            board_name="porch",
            cloud="thingsboard",
            device=NAME,
            job="1",
            settings=settings,
            hardware_id=FACTS["id"],
        )
        await self.vault.prove(entry)
        return entry
