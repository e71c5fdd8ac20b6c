"""A gateway at work with a simulated server, and what is seen of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.clouds.route import Routes
from agent.clouds.system_proxy import SystemProxy
from agent.gateway.connection import Gateway, GatewayState
from agent.gateway.setup import read_setup
from agent.gateway.stored import GatewayStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from agent.clouds.clock import Clock
    from agent.gateway.connection import GatewayLink
    from agent.simulator.thingsboard import SimulatedThingsBoard

LIMIT_S = 30.0
PROVISIONING = "TB_GW_PROVISIONING_DEVICE_"


def direct() -> Routes:
    """Without a proxy, whatever this computer has."""
    return Routes(system=SystemProxy, environ={})


def variables(server: SimulatedThingsBoard, scheme: str = "mqtt", **more: str) -> dict[str, str]:
    """The least that registers a gateway; ``more`` without the prefix of provisioning."""
    return {
        "TB_GW_HOST": "127.0.0.1",
        "TB_GW_PORT": str(server.ports[scheme]),
        f"{PROVISIONING}KEY": server.create.key,
        f"{PROVISIONING}SECRET": server.create.secret.reveal(),
        f"{PROVISIONING}NAME": "gw-1",
        **{f"{PROVISIONING}{name}": text for name, text in more.items()},
    }


@dataclass
class Seen:
    """What a gateway told, and what was said to it."""

    store: GatewayStore
    states: list[GatewayState] = field(default_factory=list)
    limits: list[Any] = field(default_factory=list)
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    links: list[GatewayLink] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, state: GatewayState) -> None:
        self.states.append(state)
        self.poke()

    def poke(self) -> None:
        task = asyncio.get_running_loop().create_task(self._poke())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _poke(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def serve(self, link: GatewayLink, limits: Mapping[str, Any] | None) -> None:
        self.links.append(link)
        self.limits.append(limits)
        self.poke()
        async for message in link.messages:
            self.messages.append(message)
            self.poke()

    async def until(self, holds: Callable[[], object]) -> None:
        """Return when that holds."""
        async with asyncio.timeout(LIMIT_S), self.changed:
            await self.changed.wait_for(lambda: bool(holds()))

    async def connected(self, times: int = 1) -> None:
        """Return when it has been connected so often."""
        await self.until(
            lambda: (
                sum(each.phase == "connected" for each in self.states) >= times
                and len(self.limits) >= times
            )
        )

    @property
    def phase(self) -> str:
        """Where it is."""
        return self.states[-1].phase if self.states else ""

    def codes(self) -> list[str]:
        """The errors told when something had failed, in order; while it tries they stay told."""
        trying = {"connecting", "provisioning"}
        told = [each for each in self.states if each.phase not in trying]
        return [each.error.code for each in told if each.error is not None]


class QuickClock:
    """Waits of a gateway take next to nothing; ``slept`` has what they were."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead_s

    def wall(self) -> float:
        return time.time() + self.ahead_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(
    given: Mapping[str, str], file: Path, *, clock: Clock | None = None
) -> AsyncIterator[Seen]:
    """A gateway that keeps what it gets in ``file``."""
    setup = read_setup(given)
    assert setup is not None
    seen = Seen(GatewayStore(file))
    gateway = Gateway(
        setup,
        seen.store,
        serve=seen.serve,
        tell=seen.tell,
        routes=direct(),
        clock=clock,
        chance=lambda: 0.0,
    )
    task = asyncio.create_task(gateway.run())
    try:
        yield seen
        assert not task.done(), "it ended by itself"
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
