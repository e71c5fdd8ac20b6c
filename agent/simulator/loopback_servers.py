"""Servers on loopback ports that start, are cut and end together: what simulated services are."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

from agent.simulator.loopback_server import HOST, LoopbackServer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Runs(Protocol):
    """What starts and stops."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End what has begun."""


class Server(Runs, Protocol):
    """One port of this computer."""

    port: int
    """Known after the start."""
    down: bool
    """Whether nobody gets through."""


class LoopbackServers:
    """A service with servers by scheme of URL; an asynchronous context manager.

    Subclasses put them into ``_servers``, in the order in which they start.
    """

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._running.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._running.aclose()

    @property
    def ports(self) -> dict[str, int]:
        """Port by scheme; only after the start."""
        return {scheme: server.port for scheme, server in self._servers.items()}

    @property
    def addresses(self) -> dict[str, str]:
        """URL by scheme; only after the start."""
        return {scheme: f"{scheme}://{HOST}:{port}" for scheme, port in self.ports.items()}

    @property
    def base_url(self) -> str:
        """Where it listens without encryption; only after the start."""
        return self.addresses["http"]

    @property
    def down(self) -> bool:
        """Whether every connection is cut."""
        return all(server.down for server in self._servers.values())

    @down.setter
    def down(self, value: bool) -> None:
        for server in self._servers.values():
            server.down = value

    async def _start(self) -> None:
        for server in self._servers.values():
            await self._run(server)

    async def _run(self, server: Runs) -> None:
        """Start it; it is stopped with the others, the last one first."""
        await server.start()
        self._running.push_async_callback(server.stop)

    def _cut(self, client: object) -> None:
        """End the connection of a client of HTTP without another byte."""
        for server in self._servers.values():
            if isinstance(server, LoopbackServer):
                server.cut(client)
