"""What a board sends, on its way to one page: the three kinds of buffer of the original.

========== ============================ ==========================================================
default    given out at once            text
timed      at most every TICK_S         text
timedraw   at most every TICK_S         base64 of the bytes
========== ============================ ==========================================================

Text is cut between characters: an incomplete one (up to three bytes) waits for its rest, a byte
that belongs to none becomes U+FFFD at once. After silence the timed kinds give out at once as well,
so that what a person types comes back without delay. (The original's ``default`` waits for ever behind such
a byte, and its ``timed`` destroys what a tick cuts.) What waits is bounded; the oldest goes, and is
counted. No I/O, and time is an argument. Source: agent-api-compat, section 7.6.
"""

from __future__ import annotations

import base64
import codecs
from collections import deque
from enum import Enum
from typing import Final

TICK_S: Final = 0.016
"""Of the timed kinds; the original's."""
PIECE_BYTES: Final = 64 << 10
"""Of one value: 64 ms at 1 MB/s, and small beside the buffers of a socket."""
KEEP_BYTES: Final = 1 << 20
"""What waits for one page and port: one second at 1 MB/s."""

_CONTINUES: Final = range(0x80, 0xC0)
"""Bytes of UTF-8 that begin no character."""


class Kind(Enum):
    """As pages name them."""

    DEFAULT = "default"
    TIMED = "timed"
    TIMEDRAW = "timedraw"


class Buffer:
    """One page's own; :meth:`feed` it, and :meth:`take` when :attr:`due` has come."""

    def __init__(self, kind: Kind, limit: int = KEEP_BYTES) -> None:
        self.kind = kind
        self.size = 0
        """Bytes that wait."""
        self.dropped = 0
        """Bytes that were lost because the page did not take them; whoever tells it sets it to 0."""
        self.due: float | None = None
        """When there is something to take; None: nothing waits."""
        self._chunks: deque[bytes] = deque()
        self._not_before = 0.0
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes, now: float) -> None:
        """The board sent this."""
        if not data:
            return
        self._chunks.append(data)
        self.size += len(data)
        if self.size > self._limit:
            self._drop(self.size - self._limit)
        if self.due is None:
            self.due = max(now, self._not_before)

    def take(self, now: float) -> str | None:
        """The next value of ``D``; None: nothing, or only the beginning of a character."""
        if self.kind is not Kind.DEFAULT:
            self._not_before = now + TICK_S
        while self._chunks:
            data = self._piece()
            if not self._chunks:
                self.due = None
            if self.kind is Kind.TIMEDRAW:
                return base64.b64encode(data).decode()
            text = self._decoder.decode(data)
            if text:
                return text
        return None

    def end(self) -> str | None:
        """What is left of a character once :meth:`take` gives nothing more."""
        return self._decoder.decode(b"", final=True) or None

    def clear(self) -> None:
        """Lose what waits."""
        self.dropped += self.size
        self.size, self.due = 0, None
        self._chunks.clear()
        self._decoder.reset()

    def _piece(self) -> bytes:
        parts = [self._chunks.popleft()]
        size = len(parts[0])
        while self._chunks and size + len(self._chunks[0]) <= PIECE_BYTES:
            size += len(self._chunks[0])
            parts.append(self._chunks.popleft())
        data = b"".join(parts)
        if size > PIECE_BYTES:
            self._chunks.appendleft(data[PIECE_BYTES:])
            data = data[:PIECE_BYTES]
        self.size -= len(data)
        return data

    def _drop(self, count: int) -> None:
        """Lose the oldest, and the rest of a character that is cut by that."""
        if self.kind is not Kind.TIMEDRAW:
            held, _ = self._decoder.getstate()
            self.dropped += len(held)
            self._decoder.reset()
        lost = 0
        while lost < count:
            chunk = self._chunks.popleft()
            cut = min(count - lost, len(chunk))
            lost += cut
            if cut < len(chunk):
                self._chunks.appendleft(chunk[cut:])
        if self.kind is not Kind.TIMEDRAW and self._chunks:
            first = self._chunks.popleft()
            cut = 0
            while cut < min(3, len(first)) and first[cut] in _CONTINUES:
                cut += 1
            lost += cut
            if cut < len(first):
                self._chunks.appendleft(first[cut:])
        self.size -= lost
        self.dropped += lost
