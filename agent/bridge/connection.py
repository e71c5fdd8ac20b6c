"""Serves one peer: reads its messages, writes its outbox, and ends with all that it had.

The transport is two functions, so that a WebSocket and a command in this process are served by
the same code. Requests of one peer run side by side; what may be unfinished is bounded.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from agent.bridge import limits
from agent.bridge.limits import RateLimit
from agent.errors import RateExceeded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.bridge.peer import Peer
    from agent.bridge.rpc import Dispatcher

    Receive: TypeAlias = Callable[[], Awaitable[str | bytes | None]]
    Send: TypeAlias = Callable[[str | bytes], Awaitable[None]]

_logger = logging.getLogger(__name__)


class Close(NamedTuple):
    """Why a connection ended: a WebSocket close code (RFC 6455, 7.4) and words."""

    code: int
    reason: str


GONE = Close(1000, "")
RESTART = Close(1012, "the agent stops")
REVOKED = Close(1008, "this page is no longer allowed")
SLOW = Close(1013, "this connection reads too slowly")
DEFECT = Close(1011, "internal error")


class Connection:
    """One peer, from accept to close."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        peer: Peer,
        take_data: Callable[[Peer, bytes], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``take_data`` receives the binary messages of the peer that belong to no file."""
        self.peer = peer
        self._dispatcher = dispatcher
        self._take_data = take_data
        self._clock = clock
        self._requests = RateLimit(limits.REQUESTS_PER_S, limits.REQUESTS_BURST)
        self._data = RateLimit(limits.DATA_MESSAGES_PER_S, limits.DATA_MESSAGES_BURST)
        self._running: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        peer.outbox.on_ready = self._on_ready

    def close(self, why: Close) -> None:
        """End the connection from this side; what waits is lost."""
        if not self._closing.done():
            self._closing.set_result(why)

    async def serve(self, receive: Receive, send: Send) -> Close:
        """Run until the peer leaves (``receive`` gives None) or :meth:`close`; then clean up."""
        reader = asyncio.ensure_future(self._read(receive))
        writer = asyncio.ensure_future(self._write(send))
        waiting: set[asyncio.Future[Close]] = {reader, writer, self._closing}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return first_end(done, self._closing, self.peer.label)
        finally:
            await cancel_all([reader, writer, *self._running])
            await self.peer.gone()

    async def _read(self, receive: Receive) -> Close:
        while (message := await receive()) is not None:
            if isinstance(message, bytes):
                wait_s = self._data.take(self._clock())
                self._take_binary(message)
            else:
                wait_s = self._requests.take(self._clock())
                self._take_text(message, refused=wait_s > 0)
            if wait_s:
                # A flood is slowed to the rate; it fills the sockets, not our memory.
                await asyncio.sleep(wait_s)
        return GONE

    def _take_binary(self, message: bytes) -> None:
        offer = self.peer.offers.get(message[0]) if message else None
        if offer is not None:
            offer.add(message[1:])
        else:
            self._take_data(self.peer, message)

    def _take_text(self, message: str, *, refused: bool) -> None:
        if refused:
            rate = RateExceeded(what="requests", limit=f"{limits.REQUESTS_PER_S:g} per second")
            self._dispatcher.refuse(self.peer, message, rate)
            return
        if len(self._running) >= limits.UNFINISHED_REQUESTS:
            error = RateExceeded(what="unfinished requests", limit=limits.UNFINISHED_REQUESTS)
            self._dispatcher.refuse(self.peer, message, error)
            return
        task = asyncio.create_task(self._dispatcher.handle(self.peer, message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _write(self, send: Send) -> Close:
        while True:
            self._ready.clear()
            while (message := self.peer.outbox.pop()) is not None:
                await send(message)
            await self._ready.wait()

    def _on_ready(self) -> None:
        if self.peer.outbox.failure is not None:
            # The writer itself may be held up by this very peer.
            self.close(SLOW)
        self._ready.set()


def first_end(
    done: set[asyncio.Future[Close]], closing: asyncio.Future[Close], label: str
) -> Close:
    """Why a connection ends, of which these tasks are ``done``; ``closing`` decides if it is."""
    for task in done:
        error = task.exception()
        if isinstance(error, OSError):
            return GONE
        if error is not None:
            _logger.error("serving %s failed", label, exc_info=error)
            return DEFECT
    return closing.result() if closing in done else next(iter(done)).result()


async def cancel_all(tasks: list[asyncio.Future[Close] | asyncio.Task[None]]) -> None:
    """Cancel and wait until all have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
