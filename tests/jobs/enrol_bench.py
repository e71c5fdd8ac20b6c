"""A simulated ThingsBoard, a board with the serial console, and everything real between them."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from agent.clouds.clock import SystemClock
from agent.clouds.route import Routes
from agent.clouds.thingsboard.cloud import ThingsBoard
from agent.clouds.thingsboard.proof import prove
from agent.errors import MooringError
from agent.protocols import board_keys
from agent.protocols.console.board import BoardConsole
from agent.simulator.announcement import Announcement, announce, withdraw
from agent.simulator.ports import open_port
from agent.simulator.thingsboard import ADMINISTRATOR, SimulatedThingsBoard
from tests.jobs.agent_bench import AgentBench, accounts_in, vault_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from agent.catalog import Catalog
    from agent.clouds.vault import Vault
    from agent.jobs.service import JobService
    from agent.simulator.ports import BoardPort

FACTS = {"id": "3cc661051a2b", "family": "esp32", "firmware": "bench", "version": "1.0"}


class ConsoleBoard:
    """A board whose sketch has the console, and connects with what it was given."""

    def __init__(self, folder: Path) -> None:
        self.facts = dict(FACTS)
        self.numbered = True
        """It has a serial number; else only its socket tells it."""
        self.keys = frozenset(board_keys.BY_NAME)
        """Settings that its firmware knows."""
        self.wifi: dict[bytes, bytes] | None = None
        """Names and passwords of networks that it can join; None: it needs none."""
        self.values: dict[str, bytes] = {}
        self.mute_after: str | None = None
        """Unplugged when it is asked this."""
        self.muted = asyncio.Event()
        """It was."""
        self.when_asked: dict[str, Callable[[], None]] = {}
        """What happens when it is asked this, once."""
        self._folder = folder
        self._port: BoardPort | None = None
        self._file: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._restart()

    def _restart(self) -> None:
        self.console = BoardConsole(self, self.facts, keys=self.keys, on_line=self._asked)

    async def plug(self) -> None:
        """Power on."""
        self._restart()
        port = self._port = await open_port(
            tcp=True, dtr=False, not_at=None, on_data=self._hear, on_host=lambda _: None
        )
        found = Announcement(
            address=port.address,
            vid=0x303A,
            pid=0x1001,
            serial_number=self.facts["id"].upper() if self.numbered else "",
            location="1-1",
            manufacturer="Espressif",
            product="USB JTAG/serial debug unit",
            process=os.getpid(),
        )
        self._file = announce(self._folder, found, "console")
        self._begin()

    def unplug(self) -> None:
        """Power off; nothing that was not stored is left."""
        if self._port is not None and self._file is not None:
            withdraw(self._file)
            self._port.close()
        self._port = None

    async def close(self) -> None:
        self.unplug()
        for task in self._tasks:
            task.cancel()

    def read(self) -> dict[str, bytes]:
        return dict(self.values)

    def write(self, values: Mapping[str, bytes]) -> bool:
        self.values = dict(values)
        return True

    def _asked(self, verb: str) -> None:
        if happens := self.when_asked.pop(verb, None):
            happens()
        if verb == self.mute_after:
            self.mute_after = None
            self.unplug()
            self.muted.set()

    def _hear(self, data: bytes) -> None:
        for answer in self.console.hear(data):
            if self._port is not None:
                self._port.write(answer)
        if self.console.fresh:
            self.console.fresh = False
            self._begin()

    def _begin(self) -> None:
        """Connect with what is stored."""
        self.console.state = "connecting"
        task = asyncio.create_task(self._connect(self.console))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, console: BoardConsole) -> None:
        settings = board_keys.unflatten(self.values).cloud
        if settings is None:
            console.state = "idle"
            return
        if self.wifi is not None and not self._joins(self.wifi):
            console.state, console.detail = "network-failed", "wrong password"
            return
        try:
            works = await prove(settings, Routes(), title="its cloud", clock=SystemClock())
        except MooringError:
            works = False
        console.state = "connected" if works else "refused"

    def _joins(self, networks: Mapping[bytes, bytes]) -> bool:
        known = networks.get(self.values.get("wifi_ssid", b""))
        return known is not None and known == self.values.get("wifi_pass", b"")


class EnrolBench(AgentBench):
    """A server, one board, and an agent with a vault."""

    vault: Vault

    def __init__(self, folder: Path, catalog: Catalog, *, vault_home: Path | None = None) -> None:
        """``vault_home``: where the vault and its keys are, if not in ``folder``."""
        super().__init__(folder, catalog)
        self.vault_home = vault_home or folder
        self.board = ConsoleBoard(self.ports)
        self.server = SimulatedThingsBoard(coap=False)

    async def start(self) -> None:
        await self._always.enter_async_context(self.server)
        await self.board.plug()
        self._always.push_async_callback(self.board.close)

    def account(self, *, prepared: bool = False, administrator: bool = False) -> dict[str, Any]:
        profile = self.server.check if prepared else self.server.create
        account = {
            "server": self.server.addresses["https"],
            "board_server": self.server.addresses["mqtts"],
            "provision_key": profile.key,
            "provision_secret": profile.secret,
            "ca": self.server.ca,
        }
        if administrator:
            user = self.server.administrator
            account |= {"admin_user": ADMINISTRATOR, "admin_password": user.password}
        return account

    async def start_agent(self, account: dict[str, Any] | None = None) -> JobService:
        await self.open_parts()
        cloud = ThingsBoard(accounts=accounts_in(self.folder))
        self._agent.push_async_callback(cloud.close)
        if account is not None:
            await cloud.login(account)
        self.vault = vault_in(self.vault_home)
        return await self.open_jobs(enrolments={cloud.id: cloud}, vault=self.vault)

    async def provision(self, *, attended: bool = True, **changes: Any) -> str:
        request = {
            "kind": "provision",
            "board": self.only_board().id,
            "cloud": "thingsboard",
            **changes,
        }
        return await self.jobs.start(request, attended=attended)

    async def plugged(self, serial_number: str) -> None:
        """Once the only board is the one with this number."""
        changed = asyncio.Event()
        unsubscribe = self.boards.subscribe(lambda _: changed.set())
        try:
            while [serial_number] != [
                port.serial_number for board in self.boards.list() for port in board.ports
            ]:
                changed.clear()
                await changed.wait()
        finally:
            unsubscribe()
