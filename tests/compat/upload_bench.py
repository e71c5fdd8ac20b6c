"""Uploads on the bench of the jobs: simulated boards, real tools in a real store, a key of our own."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import psutil

from agent.catalog import Catalog
from agent.compat.answer import Answer, Asked
from agent.compat.page import Page
from agent.compat.signature import CommandKey
from agent.compat.tool_kit import ToolKit
from agent.compat.uploads import Uploads
from agent.flash.flashers import Flashers
from agent.flash.toolstore.store import ToolStore
from agent.flash.toolstore.tool import ToolId
from tests.flash.toolstore.archives import tar
from tests.jobs.bench import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from agent.simulator.device import SimulatedDevice

LIMIT_S = 30.0
"""For anything that a loaded machine does late."""
PAGE, OTHER = "https://app.arduino.cc", "https://other.example"
MKR = "arduino:samd:mkrwifi1010"
BOSSAC = (
    '"{runtime.tools.bossac.path}/bossac" -i --port={serial.port} -U -i -e -w -v '
    '-o 0x2000 "{build.path}/{build.project_name}.bin" -R'
)
"""What the vendor signs for a SAMD21; Mooring does it itself."""
REAL_BOSSAC = BOSSAC.replace("-R", "-o 0x2000 -R")
"""The same for bossac; the second ``-o`` is nothing that Mooring knows."""
TOOL = '"{runtime.tools.tool.path}/tool" {serial.port} "{build.path}/{build.project_name}.bin"'


@cache
def signing_key() -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return generate_private_key(65537, 2048)


def sign(text: str) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return signing_key().sign(text.encode(), PKCS1v15(), SHA256()).hex()


def public_pem() -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = signing_key().public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@cache
def public_key() -> CommandKey:
    return CommandKey(public_pem())


def body(port: str, line: str = BOSSAC, sketch: bytes = b"sketch", /, **fields: Any) -> bytes:
    """What the client sends; None takes a field out."""
    asked = {
        "port": port,
        "board": MKR,
        "commandline": line,
        "signature": sign(line),
        "hex": base64.b64encode(sketch).decode(),
        "filename": "sketch.bin",
        "extra": {"use_1200bps_touch": True, "wait_for_upload_port": True, "network": False},
    }
    return json.dumps({k: v for k, v in (asked | fields).items() if v is not None}).encode()


def script(code: str) -> bytes:
    """A tool in Python."""
    return f"#!{sys.executable} -IS\n{code}\n".encode()


class Outlet:
    """What a page hears, kept."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def emit(self, sid: str, text: str) -> None:
        assert sid
        self.heard.append(json.loads(text))

    def waiting(self, _sid: str) -> int:
        return 0

    def close(self, sid: str) -> None:
        raise AssertionError(sid)


class Monitors:
    """Who was asked to let go of a port, and whether the board was held by then."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    async def let_go(self, port: str, origin: str | None) -> None:
        self.asked.append((port, origin))


class Desk:
    """One agent, its boards, its tools and what pages heard."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.bench = Bench(folder, catalog)
        self.folder = folder
        self.files = folder / "uploads"
        self.tools = ToolStore(folder / "tools")
        self.flashers = Flashers()
        self.monitors = Monitors()
        self.heard: dict[str | None, list[dict[str, str]]] = {}
        self._changed = asyncio.Event()
        self.uploads: Uploads

    async def begin(self, **config: Any) -> None:
        """An agent starts; boards are plugged before."""
        await self.bench.start_agent(kits=(ToolKit(),), **config)
        self.uploads = Uploads(
            jobs=self.bench.jobs,
            boards=self.bench.boards,
            catalog=self.bench.catalog,
            flashers=self.flashers,
            tools=self.tools,
            key=public_key,
            tell=self._tell,
            monitors=self.monitors,
            folder=self.files,
            system="linux",
        )
        self.uploads.sweep()

    async def end(self) -> None:
        await self.uploads.close()
        await self.bench.stop_agent()

    def install(self, name: str, program: bytes, version: str = "1.0.0") -> None:
        archive = tar({f"t/{name}!": program})
        self.tools.put(ToolId("arduino", name, version), archive, now=time.time())

    def port(self, device: SimulatedDevice | None = None) -> str:
        """Where a board is now."""
        for board in self.bench.boards.list():
            for port in board.ports:
                if device is None or port.serial_number == device.board.serial_number:
                    return port.address
        raise AssertionError(self.bench.boards.list())

    async def post(
        self,
        body: bytes,
        origin: str | None = PAGE,
        *,
        may: bool = True,
        scopes: set[str] | None = None,
    ) -> Answer:
        """``scopes``: a page that was allowed these."""

        def holds(scope: str) -> bool:
            return may if scopes is None else scope in scopes

        asked = Asked("POST", "/upload", body, origin, holds)
        return await self.uploads.upload(asked)

    async def kill(self, origin: str | None = PAGE, *, may: bool = True) -> list[Any]:
        outlet = Outlet()
        page = Page("sid", origin, lambda scope: may and scope == "flash", outlet)
        await self.uploads.kill(page, "")
        return outlet.heard

    async def until(
        self, condition: Callable[[list[dict[str, str]]], bool], origin: str | None = PAGE
    ) -> list[dict[str, str]]:
        """What the pages of an origin heard, once that holds."""
        async with asyncio.timeout(LIMIT_S):
            while not condition(heard := self.heard.get(origin, [])):
                self._changed.clear()
                await self._changed.wait()
            return heard

    async def ended(self, origin: str | None = PAGE) -> dict[str, str]:
        """The last word of an upload."""
        heard = await self.until(lambda told: bool(told) and is_end(told[-1]), origin)
        return heard[-1]

    async def cleaned(self) -> bool:
        """Whether no file is left once the uploads have ended."""
        async with asyncio.timeout(LIMIT_S):
            while self.files.exists() and any(self.files.iterdir()):
                await asyncio.sleep(0.005)
        return True

    def lines(self, origin: str | None = PAGE) -> list[str]:
        return [each["Msg"] for each in self.heard.get(origin, []) if is_busy(each)]

    def _tell(self, origin: str | None, text: str) -> None:
        self.heard.setdefault(origin, []).append(json.loads(text))
        self._changed.set()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent to look does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_end(message: dict[str, str]) -> bool:
    return message["ProgrammerStatus"] in {"Done", "Error", "Killed"}


def is_busy(message: dict[str, str]) -> bool:
    return message["ProgrammerStatus"] == "Busy"


DONE = {"ProgrammerStatus": "Done", "Flash": "Ok"}
STARTING = {"ProgrammerStatus": "Starting", "Cmd": "Serial"}
KILLED = {"ProgrammerStatus": "Killed"}


@asynccontextmanager
async def a_desk(folder: Path) -> AsyncIterator[Desk]:
    """Plug boards in, then begin."""
    made = Desk(folder, Catalog.load())
    await made.bench.start()
    try:
        yield made
    finally:
        if hasattr(made, "uploads"):
            await made.uploads.close()
        await made.bench.stop()
