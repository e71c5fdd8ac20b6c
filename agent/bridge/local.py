"""The bridge without a server, for a command that works alone in its own process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.bridge.connection import GONE, Connection
from agent.bridge.peer import Peer
from agent.errors import AgentGone

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from agent.bridge.relay import Relay
    from agent.bridge.rpc import Dispatcher

QUEUE = 32
"""Messages under way in each direction; then the sender waits, as it would for a socket."""


class LocalConnection:
    """A program of this user, connected to the methods by queues: send and receive messages.

    The messages are those of the WebSocket, so that a client needs to know one language only.
    """

    def __init__(self, dispatcher: Dispatcher, relay: Relay) -> None:
        peer = Peer(origin=None, own=True)
        self._connection = Connection(dispatcher, peer, relay.take_data)
        self._to_agent: asyncio.Queue[str | bytes | None] = asyncio.Queue(QUEUE)
        self._from_agent: asyncio.Queue[str | bytes] = asyncio.Queue(QUEUE)
        self._serving = asyncio.create_task(
            self._connection.serve(self._to_agent.get, self._from_agent.put)
        )

    async def send(self, message: str | bytes) -> None:
        """Send one message; raises :class:`AgentGone` after the end."""
        if self._serving.done():
            raise AgentGone
        await self._to_agent.put(message)

    async def receive(self) -> str | bytes:
        """The next message; raises :class:`AgentGone` after the end."""
        getting = asyncio.ensure_future(self._from_agent.get())
        try:
            await asyncio.wait({getting, self._serving}, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
        finally:
            getting.cancel()
        raise AgentGone

    async def close(self) -> None:
        """End the connection and everything it holds; may be called again."""
        self._connection.close(GONE)
        await asyncio.wait({self._serving})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
