"""Serial monitors: one link per board, shared by the watchers of one party.

The first watcher takes the lease and opens the link; the last one closes it. Each watcher has a
bounded queue of its own in both directions, so a stopped page loses only its own data.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from agent.bridge import limits
from agent.bridge.outbox import Notification
from agent.errors import (
    ErrorReport,
    InputError,
    InternalError,
    MooringError,
    PortBusy,
    PortGone,
    RateExceeded,
)

if TYPE_CHECKING:
    from agent.bridge.outbox import Stream
    from agent.bridge.peer import Peer
    from agent.bridge.services import Boards
    from agent.jobs.surroundings import Lease
    from agent.links.link import Link

WRITE_BYTES = 4096
"""Handed to the port at once: a board that reads slowly is then not taken for a stuck one."""

_logger = logging.getLogger(__name__)


class Closed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Payload of ``serial.closed``: nothing more comes on this channel."""

    channel: int
    error: ErrorReport | None = None
    """Why, unless the peer closed it itself."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of ``serial.refused``: input that did not fit because the board reads too slowly."""

    channel: int
    count: int
    """Bytes of this message."""


class Channel:
    """One watcher of a monitor."""

    __slots__ = ("monitor", "number", "peer", "queued", "stream")

    def __init__(self, monitor: Monitor, peer: Peer, number: int) -> None:
        self.monitor = monitor
        self.peer = peer
        self.number = number
        self.stream: Stream = peer.outbox.open_stream(number)
        self.queued = 0
        """Bytes of this channel that wait for the board."""


class Monitor:
    """An open link that several watchers share."""

    def __init__(self, boards: Boards, board_id: str, baud: int, party: str, holder: str) -> None:
        self.board_id = board_id
        self.baud = baud
        self.party = party
        self.holder = holder
        self.channels: list[Channel] = []
        self.closing = False
        """The last watcher left; the port is being given back."""
        self._has_board = False
        """Until it gives it back, which nothing may interrupt."""
        self._recalled: MooringError | None = None
        self._boards = boards
        self._input: deque[tuple[Channel, bytes, asyncio.Future[None] | None]] = deque()
        self._has_input = asyncio.Event()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Every opener may have left before the port turned out to be busy.
        self._opened.add_done_callback(lambda opened: opened.cancelled() or opened.exception())
        self.task = asyncio.create_task(self._run())

    async def opened(self) -> None:
        """Return when the link is open; raises :class:`MooringError` if it cannot be opened."""
        await asyncio.shield(self._opened)

    def write(
        self, channel: Channel, data: bytes, written: asyncio.Future[None] | None = None
    ) -> None:
        """Queue ``data`` for the board; ``written`` is resolved once the port has taken it."""
        channel.queued += len(data)
        self._input.append((channel, data, written))
        self._has_input.set()

    async def close(self) -> None:
        """Close the link and give the lease back."""
        self.closing = True
        self.task.cancel()
        await asyncio.wait({self.task})

    def _let_go(self, why: MooringError) -> None:
        """The board is wanted back; watchers are told why."""
        if self._recalled is None and self._has_board and not self.closing:
            self._recalled = why
            self.task.cancel()

    async def _run(self) -> None:
        end: MooringError = PortGone(port=self.board_id)
        try:
            async with self._boards.lease(
                self.board_id, self.holder, via="usb", recall=self._let_go
            ) as lease:
                self._has_board = True
                try:
                    await self._relay(lease)
                finally:
                    self._has_board = False
        except MooringError as error:
            end = error
        except Exception as error:
            _logger.exception("the serial monitor of %s failed", self.board_id)
            end = InternalError(kind=type(error).__name__)
        finally:
            self._report(self._recalled or end)

    async def _relay(self, lease: Lease) -> None:
        link = await lease.open(self.baud)
        ways = {asyncio.create_task(self._read(link)), asyncio.create_task(self._write(link))}
        try:
            self._opened.set_result(None)
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            await link.close()

    async def _read(self, link: Link) -> None:
        while True:
            data = await link.receive()
            for channel in self.channels:
                channel.stream.offer(data)

    async def _write(self, link: Link) -> None:
        while True:
            self._has_input.clear()
            while self._input:
                channel, data, written = self._input[0]
                for start in range(0, len(data), WRITE_BYTES):
                    await link.write(data[start : start + WRITE_BYTES])
                self._input.popleft()
                channel.queued -= len(data)
                if written is not None and not written.done():
                    written.set_result(None)
            await self._has_input.wait()

    def _report(self, error: MooringError) -> None:
        for _, _, written in self._input:
            if written is not None and not written.done():
                written.set_exception(error)
        if not self._opened.done():
            self._opened.set_exception(error)
            return
        for channel in self.channels:
            closed = Closed(channel=channel.number, error=error.report())
            # The number is free again once the peer has been told.
            channel.stream.end(Notification("serial.closed", closed), partial(forget, channel))


class Relay:
    """All serial monitors of the agent."""

    def __init__(self, boards: Boards) -> None:
        self._boards = boards
        self._monitors: dict[str, Monitor] = {}

    async def open(self, peer: Peer, query: str, baud: int) -> Channel:
        """Watch a board; raises UnknownBoard, PortBusy, NoPermission or PortGone."""
        board_id = self._boards.find(query).id
        while (monitor := self._monitors.get(board_id)) is not None and (
            monitor.closing or monitor.task.done()
        ):
            await asyncio.wait({monitor.task})
            if self._monitors.get(board_id) is monitor:
                del self._monitors[board_id]
        if monitor is None:
            holder = f"the serial monitor of {peer.label}"
            monitor = Monitor(self._boards, board_id, baud, peer.party, holder)
            self._monitors[board_id] = monitor
        else:
            _check_shared(monitor, peer, baud)
        channel = Channel(monitor, peer, _free_number(peer))
        peer.channels[channel.number] = channel
        monitor.channels.append(channel)
        peer.hold(_name(channel), partial(self._leave, channel))
        try:
            await monitor.opened()
        except BaseException:
            await self._leave(channel)
            raise
        return channel

    async def close(self, peer: Peer, number: int) -> None:
        """Stop watching; returns when the port is free, if this was the last watcher."""
        await self._leave(_find(peer, number))

    async def write(self, peer: Peer, number: int, data: bytes) -> None:
        """Send ``data`` to the board; returns when the port has taken it."""
        channel = _find(peer, number)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if channel.monitor.task.done():
            raise PortGone(port=channel.monitor.board_id)
        channel.monitor.write(channel, data, written)
        await written

    def take_data(self, peer: Peer, message: bytes) -> None:
        """A binary message of a peer: channel number, then data for the board.

        What is for a channel that has just been closed is ignored: it was under way.
        """
        channel = peer.channels.get(message[0]) if message else None
        if channel is None or channel.monitor.task.done():
            return
        data = message[1:]
        if channel.queued + len(data) > limits.BOARD_INPUT_BYTES:
            peer.outbox.notify(
                Notification("serial.refused", Refused(channel=channel.number, count=len(data))),
                key=f"serial.refused {channel.number}",
                merge=_add_refused,
            )
            return
        channel.monitor.write(channel, data)

    async def stop(self) -> None:
        """Close all monitors: the agent ends, and waits only so long for ports that hang."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limits.SHUTDOWN_S):
                await asyncio.gather(*(monitor.close() for monitor in self._monitors.values()))

    async def _leave(self, channel: Channel) -> None:
        monitor = channel.monitor
        forget(channel)
        if monitor.channels or monitor.closing:
            return
        await monitor.close()
        if self._monitors.get(monitor.board_id) is monitor:
            del self._monitors[monitor.board_id]


def forget(channel: Channel) -> None:
    """Take the channel from its monitor and its peer; may be called again."""
    if channel in channel.monitor.channels:
        channel.monitor.channels.remove(channel)
    channel.peer.outbox.close_stream(channel.stream)
    channel.peer.channels.pop(channel.number, None)
    channel.peer.drop(_name(channel))


def _check_shared(monitor: Monitor, peer: Peer, baud: int) -> None:
    if monitor.party != peer.party:
        raise PortBusy(port=monitor.board_id, holder=monitor.holder)
    if monitor.baud != baud:
        raise PortBusy(port=monitor.board_id, holder=f"{monitor.holder} at {monitor.baud} baud")


def _free_number(peer: Peer) -> int:
    if len(peer.channels) >= limits.CHANNELS:
        raise RateExceeded(what="serial channels", limit=limits.CHANNELS)
    return peer.new_number()


def _find(peer: Peer, number: int) -> Channel:
    channel = peer.channels.get(number)
    if channel is None:
        raise InputError(field="channel", problem=f"there is no open channel {number}")
    return channel


def _name(channel: Channel) -> str:
    return f"serial channel {channel.number}"


def _add_refused(older: Refused, newer: Refused) -> Refused:
    return Refused(channel=newer.channel, count=older.count + newer.count)
