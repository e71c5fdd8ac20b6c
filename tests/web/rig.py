"""What the tests of the page run on: the agent as people start it, boards and cloud simulated."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agent.catalog import Catalog
from agent.settings import Secret
from agent.simulator.config import BoardConfig, SimulatorConfig, complete
from agent.simulator.images import ImageIdentity, build_image
from agent.simulator.process import SimulatorHandle, start_simulator
from agent.simulator.stock import give_sketches, know_old_board
from agent.simulator.world import Network, Uplink, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.improv import ImprovConfig
    from agent.simulator.sketch_index import SimulatedSketchIndex
    from tests.air import Air

SPEED: Final = 40.0
"""How much faster than real boards the simulated ones are; a refused join then takes 0.4 s."""

PASSWORD: Final = "correct horse"
"""Of every network of the simulated world that needs one."""


CATALOG: Final = Catalog.load()
SKETCH_BYTES: Final = 16 * 1024
"""Of a provisioning sketch; real ones have 120 kB."""


def sketch_file(model_id: str) -> bytes:
    """The file of a sketch of a person's own, which a simulated board of this model can run."""
    model = CATALOG.get(model_id)
    assert model is not None
    return build_image(ImageIdentity(runs="application", fqbn=model.fqbn or ""), model)


def networks(*names: str | bytes) -> list[Network]:
    """A world of networks, each weaker than the one before."""
    return [
        Network(
            ssid="" if isinstance(name, bytes) else name,
            ssid_hex=name.hex() if isinstance(name, bytes) else "",
            rssi=-45 - 6 * number,
            password=Secret(PASSWORD),
        )
        for number, name in enumerate(names)
    ]


@dataclass
class Agent:
    """The agent in a process of its own, at an address that stays when it is started again."""

    home: Path
    cloud: SimulatedArduinoCloud
    index: SimulatedSketchIndex | None = None
    """The list of 1.0 sketches."""
    bluetooth: bool = False
    """It may look into the air that the environment points to; others are left alone."""
    more: str = ""
    """Further lines of its configuration."""
    port: int = 0
    _process: asyncio.subprocess.Process | None = None
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def url(self) -> str:
        """The page."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def ports(self) -> Path:
        """Where simulated ports are announced."""
        return self.home / "ports"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self.port = self.port or _free_port()
        self.home.mkdir(exist_ok=True)
        (self.home / "config.toml").write_text(
            f"[bridge]\nfirst_port = {self.port}\nlast_port = {self.port}\n"
            f"[ports]\nsystem = false\nsimulated = {json.dumps(str(self.ports))}\n"
            f'[bluetooth]\nscan = "{"asked" if self.bluetooth else "never"}"\n'
            f"[arduino]\nbase_url = {json.dumps(self.cloud.base_url)}\n"
            f'title = "Arduino Cloud (simulated)"\n{self._sketches()}{self.more}',
            encoding="utf-8",
        )
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "run", "--headless", "--json"),
            env={**os.environ, "MOORING_HOME": str(self.home)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        told = json.loads(await self._process.stdout.readline())
        assert told["url"] == self.url

    def _sketches(self) -> str:
        if self.index is None:
            return ""
        key = self.home / "key.asc"
        key.write_bytes(self.index.public_key)
        url, path = json.dumps(self.index.index_url), json.dumps(str(key))
        return f"[sketches]\nindex_url = {url}\nindex_key = {path}\n"

    @property
    def pid(self) -> int:
        """Process id of the running agent."""
        assert self._process is not None
        return self._process.pid

    async def kill(self) -> None:
        """End it without giving it a chance to say so."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def plug(
        self, *, world: Sequence[Network] = (), speed: float = SPEED, count: int = 1, **board: Any
    ) -> SimulatorHandle:
        """Plug simulated boards in; they are unplugged at the end of the test."""
        config = SimulatorConfig(
            board=BoardConfig(**board),
            count=count,
            world=World(networks=list(world) or networks("HomeNet", "Office"), modem=Uplink.OK),
            speed=speed,
            cloud=self.cloud.base_url,
            folder=str(self.ports),
        )
        return await self._stack.enter_async_context(await start_simulator(config))

    async def plug_old(
        self, model: str = "mkr_wifi_1010", device: str = "garage-door", **board: Any
    ) -> SimulatorHandle:
        """Plug a board of provisioning 1.0 in, which the cloud knows as ``device``."""
        found = CATALOG.get(model)
        assert found is not None
        config = BoardConfig(model=model, serial_number="A1B2C3D4", sketch="provisioning-1.0")
        know_old_board(self.cloud, complete(config, CATALOG, 0), found, device)
        fields: dict[str, Any] = {"serial_number": config.serial_number, "sketch": config.sketch}
        return await self.plug(model=model, **fields, **board)

    async def close(self) -> None:
        """Unplug all boards and end the agent."""
        await self._stack.aclose()
        await self.kill()


@contextlib.asynccontextmanager
async def running_agent(
    home: Path, *, stocked: bool = False, bluetooth: bool = False, more: str = ""
) -> AsyncIterator[Agent]:
    """An agent with a simulated cloud and no board; ``stocked``: with sketches for boards."""
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.sketch_index import SimulatedSketchIndex

    async with contextlib.AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(SimulatedArduinoCloud(catalog=CATALOG))
        agent = Agent(home, cloud, bluetooth=bluetooth, more=more)
        if stocked:
            give_sketches(cloud, CATALOG, size=SKETCH_BYTES)
            index = SimulatedSketchIndex(catalog=CATALOG)
            agent.index = await stack.enter_async_context(index)
        try:
            await agent.start()
            yield agent
        finally:
            await agent.close()


@contextlib.asynccontextmanager
async def agent_in_the_air(
    home: Path,
    boards: Sequence[BoardConfig] | int = 1,
    improv: Sequence[ImprovConfig] = (),
    **settings: Any,
) -> AsyncIterator[tuple[Agent, Air]]:
    """An agent that hears what is around it; ``settings`` as of :func:`tests.air.air`."""
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from tests.air import air

    usual: dict[str, Any] = {
        "world": World(networks=networks("HomeNet", "Office"), modem=Uplink.OK),
        "speed": SPEED,
        "folder": home / "ports",
    }
    async with SimulatedArduinoCloud(catalog=CATALOG) as cloud:
        given = usual | {"cloud": cloud.base_url} | settings
        async with air(boards, improv, **given) as around:
            agent = Agent(home, cloud, bluetooth=True)
            try:
                await agent.start()
                yield agent, around
            finally:
                await agent.close()


class PlainBoard:
    """A board whose sketch is the test: a loopback socket that is announced as a port."""

    def __init__(self, ports: Path, number: int = 0, **facts: Any) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._connection: socket.socket | None = None
        self._file = ports / f"plain-{number}.json"
        self._facts = {
            "kind": "serial",
            "address": f"tcp://127.0.0.1:{self._listener.getsockname()[1]}",
            "vid": 0x2341,
            "pid": 0x1002,
            "serial_number": f"F412FA65{number:04X}",
            "simulated": True,
            "process": os.getpid(),
            **facts,
        }

    @property
    def serial_number(self) -> str:
        """By which the agent finds it."""
        return str(self._facts["serial_number"])

    @property
    def address(self) -> str:
        """Of its port; never that of an earlier board, unlike the serial number."""
        return str(self._facts["address"])

    def plug(self) -> None:
        """Announce the port so that no reader sees half of the file."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".tmp")
        draft.write_text(json.dumps(self._facts), encoding="utf-8")
        draft.replace(self._file)

    async def opened(self) -> None:
        """Wait until the agent opened the port."""
        self.cut()
        self._connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        self._connection.setblocking(False)

    async def send(self, data: bytes) -> None:
        """Print something."""
        assert self._connection is not None
        await asyncio.get_running_loop().sock_sendall(self._connection, data)

    async def receive(self, count: int) -> bytes:
        """Wait for input of so many bytes; empty once the port was closed."""
        assert self._connection is not None
        data = b""
        while len(data) < count:
            part = await asyncio.get_running_loop().sock_recv(self._connection, count - len(data))
            if not part:
                return b""
            data += part
        return data

    def cut(self) -> None:
        """The cable is out for a moment; the port stays announced."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def unplug(self) -> None:
        """Withdraw the port."""
        self._file.unlink(missing_ok=True)
        self.cut()

    def close(self) -> None:
        """Unplug it for good."""
        self.unplug()
        self._listener.close()


@contextlib.contextmanager
def plain_boards(ports: Path, count: int, **facts: Any) -> Iterator[list[PlainBoard]]:
    """Some boards of which only the ports are there."""
    boards = [PlainBoard(ports, number, **facts) for number in range(count)]
    try:
        for board in boards:
            board.plug()
        yield boards
    finally:
        for board in boards:
            board.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
