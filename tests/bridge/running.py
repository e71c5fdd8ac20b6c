"""What the tests of the bridge run: a real server, boards on pseudo-terminals, jobs in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import websockets.asyncio.client as websockets

from agent.boards.ble_boards import BleBoards
from agent.boards.monitor import Monitors
from agent.boards.service import BoardService, port_sources
from agent.bridge.consent_service import Consent
from agent.bridge.origins import Origins
from agent.bridge.server import BridgeServer
from agent.bridge.services import About, Services
from agent.catalog import Catalog
from agent.clouds.cloud import CloudInfo
from agent.clouds.enrolment import DeviceLook, ProfileLook
from agent.errors import (
    Examination,
    Finding,
    InputError,
    JobNotAsking,
    JournalFailed,
    Level,
    Looked,
    NotAuthorised,
    UnknownJob,
)
from agent.flash.store import SketchStore
from agent.jobs.advice import Advice, OldDevice
from agent.jobs.fates import Fate
from agent.jobs.job import Action, Job, JobChange, JobKind, JobState, Question
from agent.links.access_point_wifi import AccessPoint
from agent.settings import Secret
from agent.settings.config import BridgeConfig, Config, PortsConfig
from agent.settings.file import SettingsFile
from agent.settings.live import LiveConfig
from agent.settings.service import SettingsService
from tests.clouds.vaults import vault_in
from tests.flash.toolstore.rig import toolbox_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from agent.bridge.guest import Guest
    from agent.bridge.pages import Pages
    from agent.errors import MooringError
    from agent.flash.toolstore.install import Toolbox
    from agent.jobs.which import Procedure
    from agent.links.ble_radio import BleRadio

TOKEN = "token-of-this-test"
FOREIGN = "https://app.example.com"
OTHER = "https://other.example.com"
UNKNOWN = "https://evil.example.net"
NOTICE = JournalFailed(path="/home/ann/journal.db", detail="disk I/O error").report()


def free_port() -> int:
    """A port that was free just now, to begin a range with."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class PtyBoard:
    """The far end of a pseudo-terminal that is announced as a simulated port."""

    master: int
    address: str
    _slave: int
    _file: Path
    _folder: Path
    _facts: dict[str, Any]

    def __init__(self, folder: Path, name: str = "uno", serial_number: str = "F412FA65") -> None:
        if sys.platform == "win32":
            raise NotImplementedError
        import tty

        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.address = os.ttyname(self._slave)
        self._file = folder / f"{name}.json"
        self._folder = folder
        self._facts = {
            "kind": "serial",
            "address": self.address,
            "vid": 0x2341,
            "pid": 0x1002,
            "serial_number": serial_number,
            "simulated": True,
            "process": os.getpid(),
        }

    def announce(self) -> None:
        draft = self._folder / f".{self._file.name}.draft"
        draft.write_text(json.dumps(self._facts))
        draft.replace(self._file)

    async def write(self, data: bytes) -> None:
        """Send to whoever has the port open, as fast as it is read."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.master, view) :]
            except BlockingIOError:
                await asyncio.sleep(0.001)

    async def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                data += os.read(self.master, count - len(data))
            except BlockingIOError:
                await asyncio.sleep(0.001)
        return data

    def rate(self) -> int:
        """The rate that somebody set last."""
        if sys.platform == "win32":
            raise NotImplementedError
        import termios

        rates: dict[int, int] = {termios.B1200: 1200, termios.B9600: 9600}
        return rates[termios.tcgetattr(self._slave)[5]]

    def unplug(self) -> None:
        self._file.unlink(missing_ok=True)
        for handle in (self.master, self._slave):
            with contextlib.suppress(OSError):
                os.close(handle)


class MemoryJobs:
    """Jobs that do what the test says; enough of the interface for the methods of the bridge."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.requests: list[dict[str, Any]] = []
        self.answers: list[tuple[str, dict[str, Any], int | None]] = []
        self.cancelled: list[str] = []
        self.files: dict[tuple[str, str], Secret] = {}
        self._subscribers: list[Callable[[JobChange], None]] = []
        self._ended: dict[str, asyncio.Event] = {}
        self._owners: dict[str, object] = {}
        self.started = asyncio.Event()

    async def start(self, request: dict[str, Any], *, attended: bool, owner: object = None) -> str:
        await asyncio.sleep(0)
        self.requests.append({**request, "attended": attended, "owner": owner})
        job = Job(
            id=str(len(self.jobs) + 1),
            kind=JobKind(request["kind"]),
            board=request["board"],
            title="A job",
            created_at=time.time(),
        )
        self._ended[job.id] = asyncio.Event()
        self._owners[job.id] = owner
        self.put(job)
        self.started.set()
        return job.id

    def put(self, job: Job) -> None:
        """Make ``job`` the state of its id and tell the subscribers."""
        self.jobs[job.id] = job
        for callback in list(self._subscribers):
            callback(JobChange(job=job.id, state=job.state, snapshot=job))
        if job.state.final:
            self._ended[job.id].set()

    def end(self, job: str, **fields: Any) -> None:
        self.put(msgspec.structs.replace(self.jobs[job], state=JobState.DONE, **fields))

    def ask(self, job: str) -> None:
        question = Question(
            id=1, step="join", title="Again?", actions=[Action(id="retry", label="Again")]
        )
        state = msgspec.structs.replace(self.jobs[job], state=JobState.ASKING, question=question)
        self.put(state)

    async def answer(self, job: str, answer: dict[str, Any], question: int | None = None) -> None:
        if (await self.get(job)).state is not JobState.ASKING:
            raise JobNotAsking(job=job)
        self.answers.append((job, answer, question))

    async def cancel(self, job: str) -> None:
        self.cancelled.append(job)
        self.put(msgspec.structs.replace(self.jobs[job], state=JobState.CANCELLED))

    async def get(self, job: str) -> Job:
        await asyncio.sleep(0)
        if job not in self.jobs:
            raise UnknownJob(job=job)
        return self.jobs[job]

    async def decide(
        self,
        board: str,
        cloud: str | None = None,
        procedure: Procedure | None = None,
        model: str | None = None,
    ) -> Advice:
        await asyncio.sleep(0)
        asked = {"board": board, "cloud": cloud, "procedure": procedure, "model": model}
        self.requests.append(asked)
        fates = (Fate(what="the sketch", fate="lost", detail="It goes."),)
        old = (OldDevice(id="d-1", name="kitchen"),)
        return Advice(
            procedure=procedure or "migrate",
            reason="Because.",
            flashes=True,
            fates=fates,
            possible=("provision-1.0",),
            old_devices=old,
        )

    async def file(self, job: str, name: str) -> Secret:
        await self.get(job)
        if (job, name) not in self.files:
            raise InputError(field="name", problem="is not a file of this job")
        return self.files[job, name]

    async def list(self, limit: int, board: str | None = None) -> list[Job]:
        await asyncio.sleep(0)
        found = [job for job in reversed(self.jobs.values()) if board in {None, job.board}]
        return found[:limit]

    def subscribe(self, callback: Callable[[JobChange], None]) -> Callable[[], None]:
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    @property
    def subscribers(self) -> int:
        return len(self._subscribers)

    @property
    def active(self) -> int:
        return sum(not job.state.final for job in self.jobs.values())

    def owner_of(self, job: str) -> object:
        known = self.jobs.get(job)
        return None if known is None or known.state.final else self._owners[job]

    async def wait(self, job: str) -> Job:
        await self._ended[job].wait()
        return self.jobs[job]


class OneCloud:
    """A cloud with one account."""

    id = "arduino"

    def __init__(self) -> None:
        self.account: dict[str, Any] | None = None

    async def info(self) -> CloudInfo:
        return CloudInfo(
            id=self.id,
            title="Arduino Cloud",
            signed_in=self.account is not None,
            needs_account=True,
            account_schema={"type": "object"},
            device_schema={"type": "object"},
            account={"client_id": self.account["client_id"]} if self.account else {},
        )

    async def login(self, account: dict[str, Any]) -> None:
        if account.get("client_secret") != "right":
            raise NotAuthorised(cloud="Arduino Cloud", detail="Wrong secret.")
        self.account = account

    async def logout(self) -> None:
        self.account = None


class CredentialsCloud(OneCloud):
    """One whose administrator sees a single device."""

    id = "thingsboard"

    async def look(self, name: str) -> DeviceLook | None:
        if name != "greenhouse":
            return None
        return DeviceLook(
            id="7",
            name=name,
            profile="boards",
            strategy="prepared",
            ours=True,
            used_up=False,
            kind="access_token",
            seen_at=0.0,
            link="https://tb.example.com/entities/devices/7",
        )

    async def profile(self) -> ProfileLook | None:
        return ProfileLook(name="boards", strategy="create")


class Wifi:
    """The Wi-Fi of this computer: it hears one board, unless there is a ``problem``."""

    def __init__(self) -> None:
        self.problem: MooringError | None = None

    async def seen(self) -> list[AccessPoint]:
        if self.problem:
            raise self.problem
        point = "02:00:00:00:00:01"
        return [AccessPoint(b"Blynk Thermo-4Y1H", point, 70, secured=False, adapter="wlan0")]


class Client:
    """A JSON-RPC client over a WebSocket."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.notifications: list[dict[str, Any]] = []
        self.data: dict[int, bytearray] = {}
        self._next = 0

    async def request(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole answer; what comes before it is kept."""
        self._next += 1
        identity = f"call-{self._next}"
        await self.send({"jsonrpc": "2.0", "id": identity, "method": method, "params": params})
        while True:
            message = await self.take()
            if message is not None and message.get("id") == identity:
                return message

    async def call(self, method: str, **params: Any) -> Any:
        answer = await self.request(method, **params)
        assert "error" not in answer, answer
        return answer["result"]

    async def fail(self, method: str, **params: Any) -> dict[str, Any]:
        """The error of a call that must fail."""
        error: dict[str, Any] = (await self.request(method, **params))["error"]
        return error

    async def send(self, message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def take(self) -> dict[str, Any] | None:
        """One message: a text as JSON, None for serial data, which is kept by channel."""
        message = await self.socket.recv()
        if isinstance(message, bytes):
            self.data.setdefault(message[0], bytearray()).extend(message[1:])
            return None
        decoded: dict[str, Any] = json.loads(message)
        if "method" in decoded:
            self.notifications.append(decoded)
        return decoded

    async def next(self, method: str) -> dict[str, Any]:
        """The params of the next notification of this kind, waiting for it if there is none."""
        while True:
            for index, notification in enumerate(self.notifications):
                if notification["method"] == method:
                    params: dict[str, Any] = self.notifications.pop(index)["params"]
                    return params
            await self.take()

    async def read(self, channel: int, count: int) -> bytes:
        """At least ``count`` bytes of serial data."""
        while len(self.data.get(channel, b"")) < count:
            await self.take()
        return bytes(self.data[channel])

    async def close(self) -> None:
        await self.socket.close()


class Bridge:
    """The running bridge and what stands behind it."""

    def __init__(self, server: BridgeServer, services: Services, ports: Path) -> None:
        self.server = server
        self.services = services
        self.ports = ports
        self.jobs: MemoryJobs = services.jobs  # type: ignore[assignment] # the one of this folder
        self.sketches: SketchStore = services.sketches  # type: ignore[assignment] # a real one
        self.clients: list[Client] = []
        self.boards_made: list[PtyBoard] = []
        self.quits = 0
        self.shown: list[str] = []
        self.desktop = True

    def quit(self) -> None:
        self.quits += 1

    async def examine(self, fix: bool, looked: Callable[[Looked], None]) -> Examination:
        looked(Looked(area="disk", done=1, total=1))
        found = Finding(
            code="disk-full",
            area="disk",
            level=Level.PROBLEM,
            title="The disk is full.",
            meaning="No job starts.",
            mend="Remove something.",
            fixable=True,
            will="Nothing, as this is a test.",
            facts={"free_bytes": 0},
        )
        return Examination(findings=[found], fixed=[found] if fix else [])

    async def report(self) -> tuple[str, str]:
        return "mooring-report-20260131-120000.txt", "A report.\n"

    def show(self, place: str) -> bool:
        self.shown.append(place)
        return self.desktop

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    async def open(
        self, origin: str | None = None, *, own: bool = False, token: str | None = TOKEN, **kw: Any
    ) -> Client:
        """Connect as the own page (``own``), as a page of ``origin``, or as a program."""
        headers = {}
        if own:
            origin = f"http://{self.host}"
        if origin is None and token is not None:
            headers["Authorization"] = f"Bearer {token}"
        socket = await websockets.connect(
            f"ws://{self.host}/rpc",
            origin=origin,  # type: ignore[arg-type] # a NewType of str
            additional_headers=headers,
            proxy=None,
            compression=None,
            **{"max_size": None, **kw},
        )
        client = Client(socket)
        self.clients.append(client)
        return client

    @contextlib.asynccontextmanager
    async def ask(self, origin: str | None, wants: str | None = None) -> AsyncIterator[Any]:
        """The socket over which a page of ``origin`` asks."""
        query = "" if wants is None else f"?wants={wants}"
        async with websockets.connect(
            f"ws://{self.host}/ask{query}",
            origin=origin,  # type: ignore[arg-type] # a NewType of str
            proxy=None,
            compression=None,
        ) as socket:
            yield socket

    async def board(
        self, name: str = "uno", serial_number: str = "F412FA65"
    ) -> tuple[PtyBoard, str]:
        """A board that is plugged in; it and its id."""
        board = PtyBoard(self.ports, name, serial_number)
        self.boards_made.append(board)
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def look(_changes: object = None) -> None:
            for known in self.services.boards.list():
                here = any(port.address == board.address for port in known.ports)
                if here and not found.done():
                    found.set_result(known.id)

        unsubscribe = self.services.boards.subscribe(look)
        board.announce()
        look()  # the system may give a new board the address of the last one
        try:
            return board, await found
        finally:
            unsubscribe()


@contextlib.asynccontextmanager
async def run_bridge(
    folder: Path,
    web: Pages | None = None,
    *,
    radio: BleRadio | None = None,
    wifi: Wifi | None = None,
    make_guest: Callable[[Services], Guest] | None = None,
    tools: Toolbox | None = None,
) -> AsyncIterator[Bridge]:
    """A bridge on a free port, with two allowed pages and no board yet.

    ``radio``: the Bluetooth of this computer, which is closed at the end; ``wifi``: its Wi-Fi.
    ``make_guest``: what else the server serves. ``tools``: the store of upload tools;
    without it one whose list cannot be reached.
    """
    ports = folder / "ports"
    ports.mkdir()
    boards = BoardService(
        Catalog.load(),
        port_sources(PortsConfig(system=False, simulated=str(ports))),
        air=None if radio is None else BleBoards(radio),
    )
    await boards.start()
    origins = Origins(folder / "origins.json", folder / "origins.lock")
    origins.allow(FOREIGN)
    origins.allow(OTHER)
    services = Services(
        about=About(
            version="1.2.3",
            platform=sys.platform,
            simulated=True,
            capabilities=("identify", "provision", "serial"),
        ),
        boards=boards,
        monitors=Monitors(boards),
        jobs=MemoryJobs(),
        # Enough of a cloud for the bridge.
        clouds={"arduino": OneCloud(), "thingsboard": CredentialsCloud()},  # type: ignore[dict-item]  # what methods use of a cloud
        catalog=Catalog.load(),
        sketches=SketchStore(folder / "sketches"),
        tools=tools or toolbox_in(folder),
        origins=origins,
        consent=Consent(origins),
        vault=vault_in(folder),
        settings=SettingsService(
            SettingsFile(folder / "config.toml", folder / "settings.lock"),
            LiveConfig(Config()),
            environ={},
        ),
        flash_urls=lambda: ["https://files.example.com/"],
        quit=lambda: running.quit(),
        examine=lambda fix, looked: running.examine(fix, looked),
        report=lambda: running.report(),
        show=lambda place: running.show(place),
        wifi=wifi or Wifi(),
        bluetooth=radio,
    )
    services.notices.set("journal", NOTICE)
    first = free_port()
    config = BridgeConfig(first_port=first, last_port=min(first + 20, 65535))
    guest = make_guest(services) if make_guest is not None else None
    server = BridgeServer(services, token=Secret(TOKEN), config=config, web=web, guest=guest)
    await server.start()
    running = Bridge(server, services, ports)
    try:
        yield running
    finally:
        for client in running.clients:
            await client.close()
        await server.stop()
        await boards.close()
        if radio is not None:
            await radio.close()
        for board in running.boards_made:
            board.unplug()
