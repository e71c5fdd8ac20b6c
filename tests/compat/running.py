"""The interface of the Arduino Create Agent on a real bridge, and clients of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import websockets.asyncio.client as websockets
from websockets.exceptions import ConnectionClosed

from agent.catalog import Catalog
from agent.drop_in import make_drop_in
from agent.protocols import engineio
from agent.settings.config import Config
from agent.settings.live import LiveConfig
from tests.bridge.running import Bridge, run_bridge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.bridge.services import Services
    from agent.compat.drop_in import DropIn
    from agent.flash.toolstore.install import Toolbox

LIMIT_S = 15.0
"""For what takes milliseconds, on a busy machine."""
VENDOR = "https://app.arduino.cc"
GREETING = 5
"""Messages that a new page hears unasked."""


class Clients:
    """Clients of the interface of an agent."""

    def __init__(self, host: str) -> None:
        """``127.0.0.1:8991`` for one."""
        self.host = host

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @contextlib.asynccontextmanager
    async def http(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client of HTTP with these headers, ``origin`` for one."""
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=LIMIT_S, trust_env=False
        ) as client:
            yield client

    @contextlib.asynccontextmanager
    async def polling(self, **headers: str) -> AsyncIterator[PollingClient]:
        """A client that never tries a WebSocket."""
        async with self.http(**headers) as http:
            client = PollingClient(http)
            await client.begin()
            yield client

    @contextlib.asynccontextmanager
    async def socket(
        self, origin: str | None = VENDOR, **kwargs: Any
    ) -> AsyncIterator[SocketClient]:
        """A client that begins with a WebSocket."""
        async with websockets.connect(
            f"ws://{self.host}/socket.io/?EIO=3&transport=websocket",
            origin=origin,  # type: ignore[arg-type] # a NewType of str
            proxy=None,
            compression=None,
            max_size=None,
            open_timeout=LIMIT_S,
            **kwargs,
        ) as socket:
            client = SocketClient(socket)
            assert (await client.packet())[0] == "0"
            assert await client.packet() == "40"
            yield client


class Running(Clients):
    """A bridge with the drop-in."""

    def __init__(self, bridge: Bridge, drop_in: DropIn, live: LiveConfig) -> None:
        super().__init__(bridge.host)
        self.bridge = bridge
        self.drop_in = drop_in
        self.hub = drop_in.hub
        self.live = live

    def make(self) -> DropIn:
        """Another one over the same services, for another server."""
        folder = self.bridge.ports.with_name("uploads")
        return make_drop_in(self.bridge.services, self.live, Catalog.load(), folder)


class _Client:
    """What both kinds of client do."""

    async def packet(self) -> str:
        raise NotImplementedError

    async def command(self, text: str) -> None:
        raise NotImplementedError

    async def message(self) -> str:
        """The next message."""
        while not (packet := await self.packet()).startswith("42"):
            assert packet[0] in "36", packet
        name, text = json.loads(packet[2:])
        assert name == "message"
        assert isinstance(text, str)
        return text

    async def messages(self, count: int) -> list[str]:
        return [await self.message() for _ in range(count)]

    async def find(self, key: str) -> dict[str, Any]:
        """The next message that is an object with this key; others are passed over."""
        while True:
            try:
                found = json.loads(await self.message())
            except ValueError:
                continue
            if key in found:
                assert isinstance(found, dict)
                return found


class SocketClient(_Client):
    """Over a WebSocket."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def packet(self) -> str:
        async with asyncio.timeout(LIMIT_S):
            packet = await self.socket.recv()
        assert isinstance(packet, str)
        return packet

    async def end(self) -> None:
        """Return once the server has closed it."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.packet()

    async def command(self, text: str) -> None:
        await self.socket.send("42" + json.dumps(["command", text]))


class PollingClient(_Client):
    """Over HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.path = "/socket.io/?EIO=3&transport=polling"
        self.open: dict[str, Any] = {}
        self._packets: list[str] = []

    async def begin(self) -> None:
        self.open = json.loads((await self.packet())[1:])
        self.path += f"&sid={self.open['sid']}"
        assert await self.packet() == "40"

    async def packet(self) -> str:
        while not self._packets:
            answer = await self.http.get(self.path)
            assert answer.status_code == 200, answer
            for each in engineio.decode_payload(answer.content, 1000):
                assert isinstance(each, engineio.Packet)
                self._packets.append(engineio.encode_packet(each))
        return self._packets.pop(0)

    async def command(self, text: str) -> None:
        packet = engineio.Packet(engineio.Kind.MESSAGE, "2" + json.dumps(["command", text]))
        answer = await self.http.post(self.path, content=engineio.encode_payload([packet]))
        assert (answer.status_code, answer.text) == (200, "ok")


@contextlib.asynccontextmanager
async def run_drop_in(
    folder: Path, config: Config | None = None, tools: Toolbox | None = None
) -> AsyncIterator[Running]:
    """The interface on a free port; the folder of its boards is ``folder / "ports"``.

    ``tools``: the store of upload tools; without it one whose list cannot be reached.
    """
    live = LiveConfig(config or Config())
    made: list[DropIn] = []

    def make_guest(services: Services) -> DropIn:
        made.append(make_drop_in(services, live, Catalog.load(), folder / "uploads"))
        return made[0]

    async with run_bridge(folder, make_guest=make_guest, tools=tools) as bridge:
        yield Running(bridge, made[0], live)
