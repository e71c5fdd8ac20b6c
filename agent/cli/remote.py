"""The running agent, over its WebSocket; known by ``instance.json``."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from agent.cli.client import Client
from agent.errors import AgentGone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.client import ClientConnection

    from agent.desktop.instance import Instance

MESSAGE_BYTES = 16 << 20
"""Twice the most that the agent lets wait for one program (8 MiB of answers)."""
OPEN_S = 5.0
"""The agent answers on loopback within milliseconds; one that does not is stuck."""


class _Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: str | bytes) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._connection.send(message)
        except ConnectionClosed as error:
            raise AgentGone from error

    async def close(self) -> None:
        await self._connection.close()


@contextlib.asynccontextmanager
async def remote_client(instance: Instance) -> AsyncIterator[Client]:
    """A client of the running agent; raises :class:`AgentGone` if it does not answer."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake

    try:
        connection = await connect(
            instance.rpc_url,
            additional_headers={"Authorization": f"Bearer {instance.token.reveal()}"},
            # The agent is on this computer whatever proxy the system has.
            proxy=None,
            compression=None,
            max_size=MESSAGE_BYTES,
            open_timeout=OPEN_S,
        )
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise AgentGone from error
    client = Client(_Socket(connection))
    reader = asyncio.create_task(_read(connection, client))
    try:
        yield client
    finally:
        await connection.close()
        await reader


async def _read(connection: ClientConnection, client: Client) -> None:
    from websockets.exceptions import ConnectionClosed

    try:
        async for message in connection:
            client.receive(message)
    except ConnectionClosed:
        pass
    finally:
        client.lost()
