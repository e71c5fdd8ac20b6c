"""The bounds of the bridge, in one place, and the rate limit.

A page is a program of somebody else: whatever it sends, or does not read, costs a bounded
amount of memory and time, and the others do not notice.
"""

from __future__ import annotations

MESSAGE_BYTES = 1 << 20
"""One incoming message. The largest request is a certificate chain of some 20 kB."""
MESSAGE_FRAGMENTS = 1024
"""Fragments of one incoming message; browsers send one, libraries a few."""
HEADER_BYTES = 32 << 10
"""Request line and headers; cookies of other servers on this host are sent to us as well."""
CONNECTIONS = 64
"""Open WebSockets in total: some thirty pages and as many programs."""
CONNECTIONS_PER_PARTY = 16
"""Open WebSockets of one foreign origin, so that one page cannot lock the others out."""
SOCKETS = 256
"""Open TCP connections: the WebSockets, as many again of pages for the Arduino Create Agent, and
six per browser that loads the page."""
FIRST_REQUEST_S = 3.0
"""A connection that has not sent a complete request by then is closed; loopback needs 1 ms."""

REQUESTS_PER_S = 200.0
REQUESTS_BURST = 400.0
"""A page with 32 boards asks some 100 things when it opens, then a few per second."""
DATA_MESSAGES_PER_S = 2000.0
DATA_MESSAGES_BURST = 4000.0
"""Serial input: a fast typist sends 20 per second, a pasted file one per 64 KiB."""
UNFINISHED_REQUESTS = 32
"""Requests of one peer at a time; a board.identify takes seconds."""

ANSWER_BYTES = 8 << 20
"""Answers waiting for one peer; the largest, 500 jobs of the journal, is about 2 MB."""
NOTIFICATIONS = 1024
"""Notifications waiting for one peer; above it the peer has stopped reading."""
BEHIND = 64
"""From so many waiting notifications on, newer ones merge with older ones of the same thing."""
STREAM_BYTES = 1 << 20
"""Serial data waiting for one peer and channel: one second at 1 MB/s."""
DATA_MESSAGE_BYTES = 64 << 10
"""Serial data of one outgoing message: 64 ms at 1 MB/s, and small beside the socket's buffer."""
BOARD_INPUT_BYTES = 256 << 10
"""Serial data waiting for the board, per channel; 23 s at 115200 baud."""
IMAGE_BYTES = 16 << 20
"""One file for a board: the largest flash of the catalogue."""
OFFERS = 2
"""Files that one peer may have offered and not used: one is sent while another one is written."""
OFFERED_BYTES = 128 << 20
OFFERED_BYTES_PER_PARTY = 32 << 20
"""The same in total, and of one foreign origin; they wait in memory."""
CHANNELS = 64
"""Open serial channels of one peer: twice the number of boards on a large hub."""

PING_INTERVAL_S = 20.0
PING_TIMEOUT_S = 20.0
"""A peer that answers no ping for this long is gone or stopped; browsers answer pings even
while their page is throttled."""
SOCKET_SEND_BYTES = 256 << 10
"""Send buffer asked of the system, so that a reader that stops is noticed early."""
CLOSE_S = 0.5
"""A closed connection may flush for this long, then it is cut."""
SHUTDOWN_S = 1
"""Whole seconds (of the HTTP server) that open requests may still take at the end."""


class RateLimit:
    """A token bucket: ``rate`` per second on average, ``burst`` at once. Time is an argument."""

    __slots__ = ("_burst", "_rate", "_stamp", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._stamp: float | None = None

    def take(self, now: float) -> float:
        """Take one token; 0.0 if there was one, else the seconds until there is one again."""
        if self._stamp is not None:
            elapsed = max(0.0, now - self._stamp)
            self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        self._stamp = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate
