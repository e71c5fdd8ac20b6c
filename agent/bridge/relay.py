"""Serial monitors of pages and programs that speak the bridge's own interface.

Who shares a board with whom is decided by :mod:`agent.boards.monitor`. Each watcher has a bounded
queue of its own in both directions, so a stopped page loses only its own data.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from agent.boards.monitor import forget
from agent.bridge import limits
from agent.bridge.outbox import Notification
from agent.errors import ErrorReport, InputError, PortGone, RateExceeded

if TYPE_CHECKING:
    from agent.boards.monitor import Monitors, Watch
    from agent.bridge.outbox import Stream
    from agent.bridge.peer import Peer
    from agent.errors import MooringError


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

    __slots__ = ("number", "peer", "stream", "watch")

    def __init__(self, peer: Peer, number: int) -> None:
        self.peer = peer
        self.number = number
        self.stream: Stream = peer.outbox.open_stream(number)
        self.watch: Watch | None = None
        """Its place in the monitor, once there is one."""

    def offer(self, data: bytes) -> None:
        """The board sent this."""
        self.stream.offer(data)

    def end(self, error: MooringError) -> None:
        """The link ended by itself."""
        closed = Closed(channel=self.number, error=error.report())
        # The number is free again once the peer has been told.
        self.stream.end(Notification("serial.closed", closed), partial(_forget, self))


class Relay:
    """The serial monitors of pages and programs that speak the bridge's own interface."""

    def __init__(self, monitors: Monitors) -> None:
        self._monitors = monitors

    async def open(self, peer: Peer, query: str, baud: int) -> Channel:
        """Watch a board; raises UnknownBoard, PortBusy, NoPermission or PortGone."""
        channel = Channel(peer, _free_number(peer))
        peer.channels[channel.number] = channel
        peer.hold(_name(channel), partial(self._leave, channel))
        try:
            channel.watch = await self._monitors.join(
                query, baud, channel, party=peer.party, label=peer.label
            )
            await channel.watch.opened()
        except BaseException:
            await self._leave(channel)
            raise
        return channel

    async def close(self, peer: Peer, number: int) -> None:
        """Stop watching; returns when the port is free, if this was the last watcher."""
        await self._leave(_find(peer, number))

    async def write(self, peer: Peer, number: int, data: bytes) -> None:
        """Send ``data`` to the board; returns when the port has taken it."""
        watch = _find(peer, number).watch
        if watch is None:
            raise _unknown(number)
        if watch.ended:
            raise PortGone(port=watch.monitor.board_id)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watch.write(data, written)
        await written

    def take_data(self, peer: Peer, message: bytes) -> None:
        """A binary message of a peer: channel number, then data for the board.

        What is for a channel that has just been closed is ignored: it was under way.
        """
        channel = peer.channels.get(message[0]) if message else None
        watch = channel.watch if channel is not None else None
        if channel is None or watch is None or watch.ended:
            return
        data = message[1:]
        if watch.queued + len(data) > limits.BOARD_INPUT_BYTES:
            peer.outbox.notify(
                Notification("serial.refused", Refused(channel=channel.number, count=len(data))),
                key=f"serial.refused {channel.number}",
                merge=_add_refused,
            )
            return
        watch.write(data)

    async def _leave(self, channel: Channel) -> None:
        _forget(channel)
        if channel.watch is not None:
            await self._monitors.leave(channel.watch)


def _forget(channel: Channel) -> None:
    """Take the channel from its monitor and its peer; may be called again."""
    if channel.watch is not None:
        forget(channel.watch)
    channel.peer.outbox.close_stream(channel.stream)
    channel.peer.channels.pop(channel.number, None)
    channel.peer.drop(_name(channel))


def _free_number(peer: Peer) -> int:
    if len(peer.channels) >= limits.CHANNELS:
        raise RateExceeded(what="serial channels", limit=limits.CHANNELS)
    return peer.new_number()


def _find(peer: Peer, number: int) -> Channel:
    channel = peer.channels.get(number)
    if channel is None:
        raise _unknown(number)
    return channel


def _unknown(number: int) -> InputError:
    return InputError(field="channel", problem=f"there is no open channel {number}")


def _name(channel: Channel) -> str:
    return f"serial channel {channel.number}"


def _add_refused(older: Refused, newer: Refused) -> Refused:
    return Refused(channel=newer.channel, count=older.count + newer.count)
