"""What waits to be sent to one peer: bounded, with a stated policy per kind. No I/O.

=============  ==========================================================================
answers        never dropped; above ``ANSWER_BYTES`` the peer is closed (it does not read)
notifications  all of them while the peer keeps up; once ``BEHIND`` wait, a newer one merges
               into the last waiting one of the same key; above ``NOTIFICATIONS`` closed
serial data    per channel, oldest dropped, counted and reported in its place
=============  ==========================================================================
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge import limits
from agent.errors import SlowReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import MooringError


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of ``serial.dropped``: bytes of the board that this peer was too slow for."""

    channel: int
    count: int
    """Bytes lost since the last report."""


class Notification(msgspec.Struct, frozen=True):
    """A message that nobody asked for: ``method`` and its params."""

    method: str
    params: Any

    def encode(self) -> str:
        """As JSON-RPC."""
        return msgspec.json.encode(
            {"jsonrpc": "2.0", "method": self.method, "params": self.params}
        ).decode()


class Stream:
    """Serial data of one channel on its way to one peer; the oldest is dropped when it is full."""

    __slots__ = ("_chunks", "_ended", "_limit", "_wake", "dropped", "held", "number", "size")

    def __init__(self, number: int, wake: Callable[[], None], limit: int) -> None:
        self.number = number
        self.size = 0
        """Bytes waiting."""
        self.dropped = 0
        """Bytes lost and not reported yet."""
        self.held = True
        """Nothing leaves before the peer knows the channel."""
        self._chunks: deque[bytes] = deque()
        self._ended: tuple[Notification, Callable[[], None]] | None = None
        self._limit = limit
        self._wake = wake

    def offer(self, data: bytes) -> None:
        """Add data from the board."""
        self._chunks.append(data)
        self.size += len(data)
        while self.size > self._limit:
            lost = len(self._chunks.popleft())
            self.size -= lost
            self.dropped += lost
        self._wake()

    def release(self) -> None:
        """Let data leave: the peer has the number of the channel."""
        self.held = False
        self._wake()

    def end(self, last: Notification, then: Callable[[], None]) -> None:
        """No data follows; ``last`` is sent after what waits, and ``then`` is called with it."""
        self._ended = (last, then)
        self._wake()

    def pop(self) -> str | bytes | None:
        """The next message of this channel; None: nothing at the moment."""
        if self.held:
            return None
        if self.dropped:
            report = Notification(
                "serial.dropped", Dropped(channel=self.number, count=self.dropped)
            )
            self.dropped = 0
            return report.encode()
        if self._chunks:
            return self._pop_data()
        if self._ended is not None:
            (last, then), self._ended = self._ended, None
            then()
            return last.encode()
        return None

    def _pop_data(self) -> bytes:
        parts = [bytes((self.number,)), self._chunks.popleft()]
        size = len(parts[1])
        while self._chunks and size + len(self._chunks[0]) <= limits.DATA_MESSAGE_BYTES:
            size += len(self._chunks[0])
            parts.append(self._chunks.popleft())
        self.size -= size
        return b"".join(parts)


class _Waiting:
    """A notification that waits; merged in place while the peer is behind."""

    __slots__ = ("key", "notification")

    def __init__(self, notification: Notification, key: str) -> None:
        self.notification = notification
        self.key = key


class Outbox:
    """Everything that waits for one peer. ``on_ready`` is called when there is something to pop."""

    def __init__(self, on_ready: Callable[[], None] = lambda: None) -> None:
        self.on_ready = on_ready
        self.failure: MooringError | None = None
        """Set when a bound was passed that cannot be met by dropping: the peer must be closed."""
        self._texts: deque[bytes | _Waiting] = deque()
        self._latest: dict[str, _Waiting] = {}
        self._answer_bytes = 0
        self._streams: deque[Stream] = deque()

    def post(self, answer: bytes) -> None:
        """Queue an answer."""
        self._answer_bytes += len(answer)
        if self._answer_bytes > limits.ANSWER_BYTES:
            self._fail(limits.ANSWER_BYTES)
            return
        self._texts.append(answer)
        self.on_ready()

    def notify(
        self,
        notification: Notification,
        *,
        key: str,
        merge: Callable[[Any, Any], Any] = lambda _older, newer: newer,
    ) -> None:
        """Queue a notification; ``merge(older params, newer params)`` serves a peer that is behind."""
        if self.failure is not None:
            return
        waiting = self._latest.get(key)
        if waiting is not None and len(self._texts) >= limits.BEHIND:
            params = merge(waiting.notification.params, notification.params)
            waiting.notification = Notification(notification.method, params)
            return
        if len(self._texts) >= limits.NOTIFICATIONS:
            self._fail(limits.NOTIFICATIONS)
            return
        entry = _Waiting(notification, key)
        self._texts.append(entry)
        self._latest[key] = entry
        self.on_ready()

    def open_stream(self, number: int, limit: int = limits.STREAM_BYTES) -> Stream:
        """A new channel towards this peer."""
        stream = Stream(number, self._wake, limit)
        self._streams.append(stream)
        return stream

    def close_stream(self, stream: Stream) -> None:
        """Forget the channel and what waits in it."""
        if stream in self._streams:
            self._streams.remove(stream)

    def pop(self) -> str | bytes | None:
        """The next message: texts first, then the channels in turn; None: nothing waits."""
        if self._texts:
            return self._pop_text()
        for _ in range(len(self._streams)):
            self._streams.rotate(-1)
            message = self._streams[-1].pop()
            if message is not None:
                return message
        return None

    def clear(self) -> None:
        """Forget everything: the peer is gone."""
        self._texts.clear()
        self._latest.clear()
        self._streams.clear()
        self._answer_bytes = 0

    def _pop_text(self) -> str:
        entry = self._texts.popleft()
        if isinstance(entry, bytes):
            self._answer_bytes -= len(entry)
            return entry.decode()
        if self._latest.get(entry.key) is entry:
            del self._latest[entry.key]
        return entry.notification.encode()

    def _wake(self) -> None:
        self.on_ready()

    def _fail(self, limit: int) -> None:
        self.failure = SlowReader(limit=limit)
        self.clear()
        self.on_ready()
