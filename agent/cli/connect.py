"""Finds the agent that a command asks: the running one, else one inside this process."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from agent.errors import AgentGone, ErrorReport
from agent.settings.load import load_config
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.bridge.connection import Close, Connection
    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.desktop.instance import Instance
    from agent.settings.paths import Paths

LOOK_S = 0.02
"""Between two looks at an agent that is just starting."""
MESSAGES_WAITING = 64
"""Messages of a command that wait for the agent inside; a command sends one at a time."""


@contextlib.asynccontextmanager
async def open_client(output: Output) -> AsyncIterator[Client]:
    """A client of the running agent, or of one inside this process, which then owns the ports.

    What is wrong with that agent itself is told first.
    """
    paths = find_paths()
    instance = await _find_agent(paths)
    if instance is not None:
        from agent.cli.remote import remote_client

        async with remote_client(instance) as client:
            await _tell_notices(output, client)
            yield client
        return
    from agent.app import build
    from agent.settings.crash import watch_crashes
    from agent.settings.log import start_logging

    config = load_config(paths.config_file)
    not_kept = paths.make()
    watch_crashes(start_logging(paths.log_file, config.log.level, stderr=False))
    app = build(config, paths)
    try:
        app.notices.set("folders", None if not_kept is None else not_kept.report())
        await app.start()
        async with inside_client(app.connection()) as client:
            await _tell_notices(output, client)
            yield client
    finally:
        await app.close()


@contextlib.asynccontextmanager
async def open_running() -> AsyncIterator[Client | None]:
    """A client of the running agent; None if none runs."""
    instance = await _find_agent(find_paths())
    if instance is None:
        yield None
        return
    from agent.cli.remote import remote_client

    async with remote_client(instance) as client:
        yield client


async def _find_agent(paths: Paths) -> Instance | None:
    """The agent that runs; one that is just starting is waited for, as it takes the ports."""
    from agent.desktop.instance import START_S, InstanceLock, find_instance

    loop = asyncio.get_running_loop()
    until = loop.time() + START_S
    while (instance := find_instance(paths)) is None and loop.time() < until:
        if not paths.lock_file.exists() or InstanceLock(paths).is_free():
            return None
        await asyncio.sleep(LOOK_S)
    return instance


async def _tell_notices(output: Output, client: Client) -> None:
    info = await client.call("agent.info")
    for notice in msgspec.convert(info["notices"], list[ErrorReport]):
        output.explain(notice)


class _Inside:
    """Messages to an agent in this process."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str | bytes | None] = asyncio.Queue(MESSAGES_WAITING)
        self._ended = False

    async def send(self, message: str | bytes) -> None:
        if self._ended:
            raise AgentGone
        await self.messages.put(message)

    def end(self) -> None:
        """Nobody takes messages any more; whoever waits for room gets it."""
        self._ended = True
        while not self.messages.empty():
            self.messages.get_nowait()

    async def close(self) -> None:
        if not self._ended:
            await self.messages.put(None)


@contextlib.asynccontextmanager
async def inside_client(connection: Connection) -> AsyncIterator[Client]:
    """A client of an agent in this process, through the same code as one outside."""
    from agent.cli.client import Client

    transport = _Inside()
    client = Client(transport, alone=True)

    async def take(message: str | bytes) -> None:
        client.receive(message)

    serving = asyncio.ensure_future(connection.serve(transport.messages.get, take))

    def ended(_: asyncio.Future[Close]) -> None:
        transport.end()
        client.lost()

    serving.add_done_callback(ended)
    try:
        yield client
    finally:
        await transport.close()
        await serving
