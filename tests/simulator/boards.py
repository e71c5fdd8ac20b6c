"""Helpers of these tests: a board under simulated time, and a host with nothing but a file."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Self

import cbor2

from agent.protocols.v2.frames import (
    PAYLOAD_LIMIT,
    Control,
    Frame,
    FrameDecoder,
    PacketType,
    encode_control,
    encode_frame,
)
from agent.protocols.v2.messages import CommandCode
from agent.simulator.board_cbor import NetworkKind
from agent.simulator.config import BoardConfig
from agent.simulator.firmware import Firmware
from agent.simulator.recorded import DEFAULT_WIFI, parse_networks
from agent.simulator.timing import VECTOR_TIMING, Timing
from agent.simulator.world import Uplink, World

if TYPE_CHECKING:
    from agent.simulator.hardware import Memory

GONE = "gone"
"""What a host reads from a port that was unplugged."""
WAIT_S = 30.0

Said = tuple[str, Any]
"""Tag and content of a message, or ("control", name), or ("text", bytes)."""


def tagged(tag: int, *values: Any) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(tag, list(values)))


def command(code: int) -> bytes:
    return encode_frame(PacketType.DATA, tagged(0x012003, int(code)))


def timestamp(seconds: int = 1_750_000_000) -> bytes:
    return encode_frame(PacketType.DATA, tagged(0x012002, seconds))


def wifi(ssid: str, password: str) -> bytes:
    return encode_frame(PacketType.DATA, tagged(0x012004, ssid, password))


CONNECT = encode_control(Control.CONNECT)
DISCONNECT = encode_control(Control.DISCONNECT)
NACK = encode_control(Control.NACK)


def said(data: bytes) -> list[Said]:
    """What a board sent, as values."""
    found: list[Said] = []
    for piece in FrameDecoder(PAYLOAD_LIMIT).feed(data):
        found.append(meaning(piece))
    return found


def meaning(piece: Any) -> Said:
    if not isinstance(piece, Frame):
        return "text", piece.data
    if piece.type is PacketType.CONTROL:
        return "control", Control(piece.payload[0]).name
    item = cbor2.loads(piece.payload)
    return f"{item.tag:#x}", list(item.value)


def status(code: int) -> Said:
    return "0x12000", [code]


NETWORKS: Said = ("0x12001", ["HomeNet", -45, "Office", -67, "NoInternet", -70])


class Bench:
    """A board on the bench: send bytes, let time pass, see what it said."""

    def __init__(
        self,
        world: World | None = None,
        *,
        memory: Memory | None = None,
        timing: Timing = VECTOR_TIMING,
        boot_ms: float = 2_000,
        asks_cloud: bool = False,
        **config: Any,
    ) -> None:
        self.world = world or World(
            networks=parse_networks(DEFAULT_WIFI), ethernet=Uplink.OK, modem=Uplink.OK
        )
        config.setdefault("networks", frozenset({NetworkKind.WIFI}))
        board = BoardConfig(serial_number="bench", **config)
        self.milestones: list[str] = []
        self.board = Firmware(
            board,
            timing,
            self.world,
            memory,
            asks_cloud=asks_cloud,
            on_milestone=self.milestones.append,
        )
        self.boot = self.wait(boot_ms)

    def wait(self, milliseconds: float) -> list[Said]:
        self.board.run(self.board.now + milliseconds, finish_turn=True)
        return said(b"".join(self.board.take_output()))

    def send(self, *frames: bytes, wait: float = 300) -> list[Said]:
        self.board.receive(b"".join(frames))
        return self.wait(wait)

    def connect(self) -> list[Said]:
        return self.send(CONNECT)

    def join(self, ssid: str = "HomeNet", password: str = "correct horse") -> list[Said]:
        return self.send(wifi(ssid, password)) + self.send(command(CommandCode.CONNECT), wait=5_000)


class Host:
    """A host that knows no protocol library: it opens the address and reads what comes."""

    def __init__(self, address: str) -> None:
        self._decoder = FrameDecoder(PAYLOAD_LIMIT)
        self._heard: asyncio.Queue[Said] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._file = -1
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._address.startswith("tcp://"):
            host, _, port = self._address.removeprefix("tcp://").partition(":")
            reader, self._writer = await asyncio.open_connection(host, int(port))
            self._task = self._loop.create_task(self._read_stream(reader))
        elif sys.platform != "win32":
            import termios

            self._file = os.open(self._address, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            termios.tcflush(self._file, termios.TCIFLUSH)  # as serial libraries do
            self._loop.add_reader(self._file, self._read_file)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None and self._writer is not None:
            self._task.cancel()
            self._writer.close()
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)

    def send(self, *frames: bytes) -> None:
        for frame in frames:
            if self._writer is not None:
                self._writer.write(frame)
            else:
                os.write(self._file, frame)

    async def hear(self) -> Said:
        """The next thing that arrives, log text aside."""
        async with asyncio.timeout(WAIT_S):
            while True:
                heard = await self._heard.get()
                if heard[0] != "text":
                    return heard

    async def connect(self) -> list[Said]:
        """Open the link; everything up to the network list."""
        self.send(CONNECT)
        heard = [await self.hear()]
        while heard[-1][0] != "0x12001":
            heard.append(await self.hear())
        return heard

    async def ask(self, *frames: bytes) -> Said:
        self.send(*frames)
        return await self.hear()

    async def join(self, ssid: str = "HomeNet", password: str = "correct horse") -> list[Said]:
        """Settings and CONNECT; the two statuses that follow."""
        self.send(wifi(ssid, password), command(CommandCode.CONNECT))
        return [await self.hear(), await self.hear()]

    def _read_file(self) -> None:
        try:
            data = os.read(self._file, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._file)
        self._take(data)

    async def _read_stream(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                data = await reader.read(65536)
            except ConnectionError:
                data = b""
            self._take(data)
            if not data:
                return

    def _take(self, data: bytes) -> None:
        if not data:
            self._heard.put_nowait((GONE, None))
        for piece in self._decoder.feed(data):
            self._heard.put_nowait(meaning(piece))
