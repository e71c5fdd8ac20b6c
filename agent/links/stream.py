"""The part that all byte-stream links share: buffering, draining and closing."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, cast

from agent.errors import PortGone, ReceiverStuck

RECEIVE_BUFFER_BYTES: Final = 64 * 1024
"""Above this the port is no longer read until the owner has taken the bytes; then the operating
system's own buffer fills and holds the board back. About 65 ms at the 1 MB/s of native USB."""

WRITE_LIMIT_S: Final = 5.0
"""Longest wait for a port to take data, beyond the time the bits need at its speed. A board that
reads takes a frame within milliseconds; ten times the 0.5 s that its sketch may spend in one turn."""

CLOSE_LIMIT_S: Final = 2.0
"""Longest wait for the operating system to release a port; a healthy one needs a few ms."""

BITS_PER_BYTE: Final = 10
"""Start bit, eight data bits, stop bit."""


class StreamLink(asyncio.Protocol):
    """A :class:`agent.links.Link` over any asyncio transport.

    Nothing is lost or reordered: received bytes wait in a bounded buffer, and a full one stops
    the reading of the port. ``baud`` 0 means that the transport has no speed of its own.
    """

    def __init__(
        self, address: str, baud: int = 0, *, write_limit_s: float = WRITE_LIMIT_S
    ) -> None:
        self._address = address
        self._baud = baud
        self._write_limit_s = write_limit_s
        self._transport: asyncio.Transport | None = None
        self._chunks: deque[bytes] = deque()
        self._pending = 0
        self._paused = False
        self._closed = False
        self._ended = False
        self._lost = False
        self._received = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._released = asyncio.Event()

    @property
    def address(self) -> str:
        """The port this link is open on."""
        return self._address

    @property
    def lost(self) -> bool:
        """The port ended before its owner closed it: unplugged, reset, or the other side left."""
        return self._lost

    async def receive(self) -> bytes:
        """All bytes that wait, at least one; :class:`PortGone` when the port vanished or was closed.

        What arrived before the port vanished is still handed out first.
        """
        while not self._chunks:
            self._require_open()
            self._received.clear()
            await self._received.wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._pending = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Hand all of ``data`` to the port with one call and wait until it took them.

        A cancelled wait takes nothing back: the frame still goes out whole.
        Raises :class:`PortGone`, or :class:`ReceiverStuck` when the port takes nothing more
        (the link is unusable then, because half a frame may have gone out).
        """
        transport = self._require_open()
        try:
            transport.write(data)
        except OSError as error:
            self._end()
            raise PortGone(port=self._address) from error
        if not self._drained.is_set():
            try:
                async with asyncio.timeout(self._write_limit_s + self._bits_s()):
                    await self._drained.wait()
            except TimeoutError:
                self._end()
                transport.abort()
                raise ReceiverStuck(port=self._address) from None
        self._require_open()

    async def close(self) -> None:
        """Release the port and wait until it is free. May be called more than once; never raises."""
        self._closed = True
        self._chunks.clear()
        self._received.set()
        self._drained.set()
        transport = self._transport
        if transport is None:
            return
        transport.close()
        if not await self._wait_released():
            transport.abort()
            await self._wait_released()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio: the port is open."""
        self._transport = cast("asyncio.Transport", transport)
        # With limits of zero, resume_writing means that every byte has left this process.
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Asyncio: bytes arrived."""
        if self._closed:
            return
        self._chunks.append(data)
        self._pending += len(data)
        if self._pending >= RECEIVE_BUFFER_BYTES and not self._paused and self._transport:
            self._paused = True
            self._transport.pause_reading()
        self._received.set()

    def eof_received(self) -> bool:
        """Asyncio: the other side closed; the transport closes itself."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Asyncio: the port is closed, whoever did it."""
        self._end()
        self._released.set()

    def pause_writing(self) -> None:
        """Asyncio: some bytes still wait in this process."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """Asyncio: all bytes were taken."""
        self._drained.set()

    def _require_open(self) -> asyncio.Transport:
        transport = self._transport
        if transport is None or self._closed or self._ended or transport.is_closing():
            raise PortGone(port=self._address)
        return transport

    def _end(self) -> None:
        self._ended = True
        self._lost = self._lost or not self._closed
        self._received.set()
        self._drained.set()

    def _bits_s(self) -> float:
        """Twice the time that the waiting bytes need on the wire."""
        if not self._baud or self._transport is None:
            return 0.0
        return 2 * self._transport.get_write_buffer_size() * BITS_PER_BYTE / self._baud

    async def _wait_released(self) -> bool:
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._released.wait()
        except TimeoutError:
            return False
        return True
