"""A simulated Blynk board in real time: its console on a port, its access point on loopback.

Bluetooth LE has no port of its own here: who has a link hands messages to :attr:`BlynkBoard.ble`.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final, Self

from agent.simulator.blynk_ble import BlynkBleFace
from agent.simulator.blynk_console import BlynkConsoleFace
from agent.simulator.blynk_device import EdgentDevice
from agent.simulator.blynk_http import BlynkHttpFace
from agent.simulator.ports import open_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.blynk_settings import CloudAnswer, EdgentConfig
    from agent.simulator.loopback_server import LoopbackServer
    from agent.simulator.ports import BoardPort
    from agent.simulator.world import World

DEAF_MS: Final = 50.0
"""Between two looks whether a board that does something else serves its console again."""


class BlynkBoard:
    """An asynchronous context: plugged in inside it."""

    def __init__(
        self,
        config: EdgentConfig | None = None,
        world: World | None = None,
        *,
        speed: float = 1.0,
        tcp: bool = False,
        cloud: Callable[[str, str], CloudAnswer] = lambda _token, _host: "ok",
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        """``speed``: how much faster than a real board its time runs.

        ``cloud`` is asked with token and server, and ``leave`` told when the board has no network.
        """
        self.device = EdgentDevice(config, world, cloud=cloud, speed=speed)
        self.device.on_leave = leave
        self.console = BlynkConsoleFace(self.device)
        self.ble = BlynkBleFace(self.device)
        self.http = BlynkHttpFace(
            self.device, wait=self._wait, cut=self._cut, changed=self.pass_time
        )
        self.on_ble: Callable[[bytes], None] = lambda _: None
        """Told each notification, in its order."""
        self.on_time: Callable[[], None] = lambda: None
        """Called after it has done what was due."""
        self._speed = speed
        self._tcp = tcp
        self._began = 0.0
        self._port: BoardPort | None = None
        self._server: LoopbackServer | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def port(self) -> str:
        """Address of its console."""
        return "" if self._port is None else self._port.address

    @property
    def http_port(self) -> int:
        """On loopback, in the place of port 80 of 192.168.4.1."""
        return 0 if self._server is None else self._server.port

    async def __aenter__(self) -> Self:
        from agent.simulator.loopback_server import LoopbackServer

        self._began = asyncio.get_running_loop().time()
        self._port = await open_port(
            tcp=self._tcp, dtr=False, not_at=None, on_data=self._hear, on_host=lambda _: None
        )
        self._server = LoopbackServer(self.http)
        await self._server.start()
        self.pass_time()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._port is not None:
            self._port.close()
        if self._server is not None:
            await self._server.stop()

    def pass_time(self) -> None:
        """Let the board do what is due, and say what it has to say."""
        loop = asyncio.get_running_loop()
        device = self.device
        device.run((loop.time() - self._began) * 1000 * self._speed)
        said = self.console.take()
        if said and self._port is not None:
            self._port.write(said)
        for value in self.ble.take():
            self.on_ble(value)
        if self._timer is not None:
            self._timer.cancel()
        wake = min(device.wake_at, self.console.wake_at, self._deaf_ends())
        if wake < math.inf:
            self._timer = loop.call_at(self._began + wake / 1000 / self._speed, self.pass_time)
        self.on_time()

    def drop_ble(self) -> None:
        """The link falls."""
        self.ble.drop()
        self.pass_time()

    # --- inside ------------------------------------------------------------------------------

    def _hear(self, data: bytes) -> None:
        self.device.run((asyncio.get_running_loop().time() - self._began) * 1000 * self._speed)
        self.console.hear(data)
        self.pass_time()

    def _deaf_ends(self) -> float:
        """When the console is served again: lines wait for it."""
        return self.device.now + DEAF_MS if self.device.deaf else math.inf

    async def _wait(self, milliseconds: float) -> None:
        await asyncio.sleep(milliseconds / 1000 / self._speed)

    def _cut(self, client: object) -> None:
        if self._server is not None:
            self._server.cut(client)
