"""A production line: sockets with boards, a simulated ThingsBoard, and ``mooring batch`` beside them."""

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
from agent.settings.paths import find_paths
from agent.simulator.announcement import Announcement, announce
from agent.simulator.ports import open_port
from agent.simulator.thingsboard import SimulatedThingsBoard
from tests.cli.conftest import Ended, finish
from tests.jobs.enrol_bench import ConsoleBoard

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PASSWORD = "MARKER-wifi-71c"


class LineBoard(ConsoleBoard):
    """One of many: it has its own number and its own socket."""

    def __init__(self, folder: Path, number: int, *, serial: bool = True) -> None:
        self.number = number
        self.serial = serial
        self.socket = number
        super().__init__(folder)
        self.facts["id"] = self.hardware_id
        self._restart()

    @property
    def hardware_id(self) -> str:
        return f"3cc6610a{self.number:04x}"

    @property
    def device(self) -> str:
        """The device that it is."""
        return self.values.get("tb_name", b"").decode()

    async def plug(self) -> None:
        self._restart()
        self._port = await open_port(
            tcp=True, dtr=False, not_at=None, on_data=self._hear, on_host=lambda _: None
        )
        found = Announcement(
            address=self._port.address,
            vid=0x303A,
            pid=0x1001,
            serial_number=self.hardware_id.upper() if self.serial else "",
            location=f"1-{self.socket}",
            manufacturer="Espressif",
            product="USB JTAG/serial debug unit",
            process=os.getpid(),
        )
        self._file = announce(self._folder, found, f"socket-{self.socket}")


class Line:
    """An asynchronous context manager; nothing is plugged in yet."""

    def __init__(self, folder: Path, boards: int) -> None:
        self.folder = folder
        ports = folder / "ports"
        ports.mkdir(parents=True)
        self.home = folder / "home"
        self.home.mkdir()
        self.boards = [LineBoard(ports, number) for number in range(1, boards + 1)]
        self.server = SimulatedThingsBoard(coap=False)
        self._ports = ports
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Line:
        await self._stack.enter_async_context(self.server)
        port = 20_000 + os.getpid() % 20_000
        self.home.joinpath("config.toml").write_text(
            f"[bridge]\nfirst_port = {port}\nlast_port = {port + 40}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(str(self._ports))}\n"
            '[updates]\ncheck = false\n[bluetooth]\nscan = "never"\n',
            encoding="utf-8",
        )
        paths = find_paths({"MOORING_HOME": str(self.home)})
        paths.make()
        cloud = ThingsBoard(accounts=AccountStore(paths.accounts_file, use_keyring=False))
        profile = self.server.create
        try:
            await cloud.login(
                {
                    "server": self.server.addresses["https"],
                    "board_server": self.server.addresses["mqtts"],
                    "provision_key": profile.key,
                    "provision_secret": profile.secret,
                    "ca": self.server.ca,
                }
            )
        finally:
            await cloud.close()
        return self

    async def __aexit__(self, *_: object) -> None:
        for board in self.boards:
            await board.close()
        await self._stack.aclose()

    async def plug_all(self) -> None:
        for board in self.boards:
            await board.plug()

    def manifest(self, text: str, name: str = "line.csv") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "MOORING_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
            "MOORING_WIFI_PASSWORD": PASSWORD,
        }

    async def start(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *words), env=self.environ, **(pipes | options)
        )

    async def run(self, *words: str, stdin: str = "") -> Ended:
        return await finish(await self.start(*words), stdin)

    async def batch(self, manifest: Path, *words: str) -> Ended:
        return await self.run("batch", str(manifest), "--json", *words)

    def results(self, name: str = "line") -> str:
        return (self.folder / f"{name}.results.csv").read_text(encoding="utf-8")

    @property
    def devices(self) -> list[str]:
        """Names of all devices that the server has."""
        return sorted(self.server.state.devices)

    def wrong_pairings(self, ended: Ended) -> list[str]:
        """Boards that are another device than the command says, or none."""
        by_id = {board.hardware_id: board for board in self.boards}
        told = [line for line in ended.lines if line.get("state") == "done"]
        wrong = []
        for line in told:
            board = by_id[line["hardware_id"]]
            token = board.values.get("tb_token", b"").decode()
            known = self.server.state.devices.get(board.device)
            if board.device != line["device"] or known is None or known.credentials.id != token:
                wrong.append(f"{line} is {board.device}")
        return wrong


async def line_of(process: asyncio.subprocess.Process, wanted: Callable[[Any], bool]) -> Any:
    """Read until an object that is wanted."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        document = json.loads(line)
        if wanted(document):
            return document
    msg = "the command ended before"
    raise AssertionError(msg)


async def killed_when(asked: asyncio.Event, process: asyncio.subprocess.Process) -> None:
    """Kill the command once a board was asked something."""
    waiting = asyncio.ensure_future(asked.wait())
    ending = asyncio.ensure_future(process.communicate(b""))
    await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
    assert asked.is_set(), ending.result()
    process.kill()
    await ending
