"""The same serial monitor through the drop-in for the Create Agent, beside our own bridge.

The agent's side runs in a process of its own. The board is a pseudo-terminal in this one, so that
one clock stamps what is sent and what arrives; the pages are WebSocket clients here.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import psutil
import websockets.asyncio.client as websockets

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bridge.running import TOKEN, PtyBoard
from tests.compat.running import VENDOR, run_drop_in

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

RATE = 1_000_000
"""Bytes per second that the issue asks for."""
SECONDS = 2.0
BEST_OF = 3
BLOCK = 2_000
"""Characters of one stamped block: 500 of them per second."""
STAMP = 20
PAGES = 20
FAST_BYTES = 16_000_000
KEYS = 100
KEY_S = 0.03
"""Between two keystrokes: a key that is held down."""
MIB = 1 << 20

Row = tuple[str, float, str, str | None]


class Page:
    """A page of the drop-in that reads: counts characters, losses, and how long blocks travel."""

    def __init__(self, socket: ClientConnection, port: str) -> None:
        self.socket = socket
        self.port = port
        self.chars = 0
        self.dropped = 0
        self.worst_s = 0.0
        self._rest = ""

    async def say(self, command: str) -> None:
        await self.socket.send("42" + json.dumps(["command", command]))

    async def next(self) -> dict[str, object]:
        """The next message that is an object."""
        while True:
            packet = await self.socket.recv()
            assert isinstance(packet, str)
            if packet.startswith("42"):
                try:
                    found = json.loads(json.loads(packet[2:])[1])
                except ValueError:
                    continue
                if isinstance(found, dict):
                    return found

    async def open(self, kind: str = "timed") -> None:
        await self.say(f"open {self.port} 115200 {kind}")
        while "Cmd" not in (found := await self.next()):
            pass
        assert found["Cmd"] == "Open", found

    async def value(self) -> str:
        """The next data; losses are counted on the way."""
        while True:
            found = await self.next()
            if isinstance(found.get("D"), str):
                return str(found["D"])
            if "Error" in found:
                self.dropped += int(str(found["Error"]).split()[0])

    async def read(self, count: int, *, stamped: bool = True) -> None:
        """Until so many characters arrived or are known to be lost."""
        while self.chars + self.dropped < count:
            value = await self.value()
            now = time.monotonic()
            self.chars += len(value)
            if not stamped:
                continue
            text = self._rest + value
            whole = len(text) - len(text) % BLOCK
            for start in range(0, whole, BLOCK):
                self.worst_s = max(self.worst_s, now - float(text[start : start + STAMP]))
            self._rest = text[whole:]


class OwnPage:
    """A page of the bridge, to compare with."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def open(self, board: str) -> None:
        request = {"jsonrpc": "2.0", "id": 1, "method": "serial.open", "params": {"board": board}}
        await self.socket.send(json.dumps(request))
        assert "result" in json.loads(await self.socket.recv())

    async def read(self, count: int) -> None:
        while count > 0:
            message = await self.socket.recv()
            assert isinstance(message, bytes), message
            count -= len(message) - 1


async def connect(host: str, port: str, max_queue: int | None = None) -> Page:
    """A page of the vendor's; with ``max_queue`` it stops reading after so many messages."""
    socket = await websockets.connect(
        f"ws://{host}/socket.io/?EIO=3&transport=websocket",
        origin=VENDOR,  # type: ignore[arg-type] # a NewType of str
        proxy=None,
        compression=None,
        max_queue=max_queue,
        max_size=None,
    )
    return Page(socket, port)


async def connect_own(host: str) -> OwnPage:
    """A program's connection to the bridge."""
    return OwnPage(
        await websockets.connect(
            f"ws://{host}/rpc",
            additional_headers={"Authorization": f"Bearer {TOKEN}"},
            proxy=None,
            compression=None,
            max_queue=None,
        )
    )


async def until_listed(host: str, board: PtyBoard) -> None:
    """Until the drop-in lists the board."""
    page = await connect(host, board.address)
    listed: object = []
    while board.address not in json.dumps(listed):
        await page.say("list")
        listed = (await page.next()).get("Ports", [])
    await page.socket.close()


async def send_paced(board: PtyBoard) -> None:
    """Send stamped blocks at ``RATE`` for ``SECONDS``."""
    begun = time.monotonic()
    for sent in range(0, int(RATE * SECONDS), BLOCK):
        await asyncio.sleep(max(0.0, begun + sent / RATE - time.monotonic()))
        stamp = f"{time.monotonic():{STAMP}.6f}"
        await board.write(stamp.encode() + b"." * (BLOCK - STAMP))


class Paced(NamedTuple):
    """What the pages together met."""

    worst_s: float
    """In the quietest of ``BEST_OF`` runs: what else runs here only makes it longer."""
    dropped: int
    """In all runs."""


async def measure_paced(host: str, board: PtyBoard, count: int) -> Paced:
    """Send at ``RATE`` to so many pages."""
    pages = [await connect(host, board.address) for _ in range(count)]
    for page in pages:
        await page.open()
    worst: list[float] = []
    sent = 0
    for _ in range(BEST_OF):
        for page in pages:
            page.worst_s = 0.0
        sent += int(RATE * SECONDS)
        await asyncio.gather(send_paced(board), *(page.read(sent) for page in pages))
        worst.append(max(page.worst_s for page in pages))
    for page in pages:
        await page.socket.close()
    return Paced(min(worst), sum(page.dropped for page in pages))


async def measure_unpaced(host: str, board: PtyBoard) -> tuple[float, int]:
    """MB/s that one page gets from a board that never pauses, and the bytes it lost."""
    page = await connect(host, board.address)
    await page.open()
    begun = time.monotonic()
    await asyncio.gather(board.write(b"." * FAST_BYTES), page.read(FAST_BYTES, stamped=False))
    seconds = time.monotonic() - begun
    await page.socket.close()
    return page.chars / seconds / 1e6, page.dropped


async def measure_own(host: str, board: PtyBoard) -> float:
    """MB/s through the bridge."""
    page = await connect_own(host)
    for _ in range(200):
        try:
            await page.open(board.address)
            break
        except AssertionError:
            # The drop-in's page of before is still giving the port back.
            await asyncio.sleep(0.01)
    begun = time.monotonic()
    await asyncio.gather(board.write(b"." * FAST_BYTES), page.read(FAST_BYTES))
    seconds = time.monotonic() - begun
    await page.socket.close()
    return FAST_BYTES / seconds / 1e6


async def measure_echo(host: str, board: PtyBoard, kind: str) -> list[float]:
    """Seconds from each keystroke to its echo, without those that the board took."""
    page = await connect(host, board.address)
    await page.open(kind)
    took: list[float] = []

    def echo() -> None:
        began = time.monotonic()
        os.write(board.master, os.read(board.master, 100))
        took.append(time.monotonic() - began)

    loop = asyncio.get_running_loop()
    loop.add_reader(board.master, echo)
    times: list[float] = []
    try:
        for number in range(KEYS):
            await asyncio.sleep(KEY_S)
            key = chr(ord("a") + number % 26)
            begun = time.monotonic()
            await page.say(f"send {board.address} {key}")
            while await page.value() != key:
                pass
            times.append(time.monotonic() - begun - took[-1])
    finally:
        loop.remove_reader(board.master)
    await page.socket.close()
    return times


async def until_free(host: str, board: PtyBoard) -> None:
    """Until no page has the board open."""
    page = await connect(host, board.address)
    is_open = True
    while is_open:
        await page.say("list")
        ports = (await page.next()).get("Ports")
        is_open = not isinstance(ports, list) or any(port["IsOpen"] for port in ports)
    await page.socket.close()


async def measure(host: str, agent: psutil.Process, board: PtyBoard) -> list[Row]:
    """All rows."""
    await until_listed(host, board)
    own: list[float] = []
    through: list[tuple[float, int]] = []
    for _ in range(BEST_OF):
        own.append(await measure_own(host, board))
        through.append(await measure_unpaced(host, board))
        await until_free(host, board)
    rate = max(each for each, _ in through)
    one = await measure_paced(host, board, 1)
    await until_free(host, board)
    echoes = {}
    for kind in ("timed", "default"):
        echoes[kind] = sorted(await measure_echo(host, board, kind))
        await until_free(host, board)
    before = agent.memory_info().rss
    stuck = await connect(host, board.address, max_queue=1)
    await stuck.open()
    many = await measure_paced(host, board, PAGES - 1)
    grown = (agent.memory_info().rss - before) / MIB
    await stuck.socket.close()
    crowd = f"drop-in: {PAGES} pages, one stuck"
    return [
        ("bridge: board that sends without pause", max(own), "MB/s", None),
        ("drop-in: board that sends without pause", rate, "MB/s", ">= 1"),
        ("drop-in: the same, of what the bridge carries", rate / max(own), "", ">= 0.5"),
        ("drop-in: lost without pause", float(min(lost for _, lost in through)), "bytes", None),
        ("drop-in: worst delay at 1 MB/s", one.worst_s * 1e3, "ms", "<= 50"),
        ("drop-in: lost at 1 MB/s", float(one.dropped), "bytes", "<= 0"),
        *(
            (
                f"drop-in: keystroke to echo ({kind}), {name}",
                pick(times) * 1e3,
                "ms",
                budget,
            )
            for kind, times in echoes.items()
            for name, pick, budget in (
                ("median", statistics.median, "<= 5"),
                ("95 of 100", lambda found: found[KEYS * 95 // 100], None),
            )
        ),
        (f"{crowd}: worst delay", many.worst_s * 1e3, "ms", "<= 100"),
        (f"{crowd}: lost by the others", float(many.dropped), "bytes", "<= 0"),
        (f"{crowd}: memory", grown, "MiB", "<= 16"),
    ]


async def run() -> list[Row]:
    """Start the agent's side, plug a board in, and measure."""
    with TemporaryDirectory() as folder:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            host = (await child.stdout.readline()).decode().strip()
            board = PtyBoard(Path(folder) / "ports")
            board.announce()
            try:
                return await measure(host, psutil.Process(child.pid), board)
            finally:
                board.unplug()
        finally:
            child.stdin.close()
            await child.wait()


async def serve(folder: Path) -> None:
    """The agent's side, until standard input ends."""
    async with run_drop_in(folder) as running:
        print(running.bridge.host, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
