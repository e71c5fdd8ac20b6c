"""One client of Engine.IO 3, seen from the server: HTTP polls first, then perhaps a WebSocket.

No I/O and no clock: what happens on the wires goes in with the time, effects come out. The client
gives the signs of life (its pings); we answer them. While it tries a WebSocket, a waiting poll is
ended at once, for the client moves over only when none is left. Source: agent-api-compat.md, 5.2;
socketio/engine.io-protocol, revision 3.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Final

from agent.protocols.engineio.effects import (
    Accept,
    Answer,
    BinaryDropped,
    Closed,
    Effect,
    Frames,
    HangUp,
    Message,
    Opened,
    Problem,
    Reason,
    refuse,
)
from agent.protocols.engineio.packets import (
    Decoded,
    Kind,
    Malformed,
    Packet,
    decode_binary,
    decode_packet,
    decode_payload,
    encode_packet,
    encode_payload,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROBE: Final = "probe"
"""Data of the ping that tries a WebSocket, and of its answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes or characters. Clients are told the first two."""

    ping_interval_s: float = 25.0
    """Between two pings of a client; this and the next are the reference server's."""
    ping_timeout_s: float = 60.0
    """Added to the interval: browsers slow the timers of a hidden page down to one a minute."""
    hold_s: float = 20.0
    """A poll is held open: below what proxies allow (30 s and more)."""
    probe_hold_s: float = 0.1
    """The same while a WebSocket is tried: short, but no busy loop (the reference server's)."""
    upgrade_s: float = 10.0
    """For a WebSocket to take over, from its opening (the reference server's)."""
    close_s: float = 30.0
    """For a client to fetch our last words (the reference server's)."""
    body_bytes: int = 1 << 20
    """Of one POST or one WebSocket message: programs do not travel here, keystrokes do."""
    packets: int = 10_000
    """In one POST: a page that writes a file line by line."""
    packets_at_once: int = 200
    """Of one POST; then others have their turn. It is some ten milliseconds of work."""
    queue_packets: int = 2560
    """That wait for a client (the original agent's number); at more the session is closed."""
    queue_chars: int = 8 << 20
    """The same in characters: several seconds of a board at 1 MB/s, for a page that hangs."""
    batch_chars: int = 1 << 20
    """Given to a wire at once (one packet more may exceed it); the rest follows."""


class State(Enum):
    """Of a session."""

    OPENING = "opening"
    """Made; the client does not know it yet."""
    POLLING = "polling"
    """Packets travel over HTTP."""
    PROBING = "probing"
    """The same, and a WebSocket was tried with success: the client is about to move over."""
    WEBSOCKET = "websocket"
    """Packets travel over the WebSocket alone."""
    CLOSING = "closing"
    """We closed it; the last packets wait for a poll."""
    CLOSED = "closed"


_OVER: Final = frozenset({State.CLOSING, State.CLOSED})


class Session:
    """The machine of one client. Every method gives the effects, in order."""

    def __init__(self, sid: str, limits: Limits, now: float) -> None:
        self.sid = sid
        self.state = State.OPENING
        self._limits = limits
        self._queue: deque[Packet] = deque()
        self._queued_chars = 0
        self._poll: int | None = None
        self._poll_until = 0.0
        self._socket: int | None = None
        """The WebSocket: in WEBSOCKET what is used, before it what is tried."""
        self._unsent = 0
        """Times that the WebSocket was given something and has not said yet that it is sent."""
        self._given_chars = 0
        """What it was given then."""
        self._post: int | None = None
        self._posted: Iterator[Decoded] = iter(())
        self._upgrade_until = 0.0
        self._close_until = 0.0
        self._silent_until = 0.0
        self._heard(now)

    @property
    def next_deadline(self) -> float | None:
        """When :meth:`tick` is due; None once it is closed."""
        if self.state is State.CLOSED:
            return None
        due = [self._close_until if self.state is State.CLOSING else self._silent_until]
        if self._poll is not None:
            due.append(self._poll_until)
        if self._trying:
            due.append(self._upgrade_until)
        return min(due)

    @property
    def post_wire(self) -> int | None:
        """The POST that is not read to its end."""
        return self._post

    @property
    def waiting(self) -> int:
        """Packets that wait to be sent."""
        return len(self._queue)

    @property
    def waiting_chars(self) -> int:
        """Characters that wait, and those that the WebSocket was given and has not sent yet."""
        return self._queued_chars + self._given_chars

    def begin(self, wire: int, now: float, *, websocket: bool) -> list[Effect]:
        """The client's first request, by either transport."""
        upgrades = [] if websocket else ["websocket"]
        times = {
            "pingInterval": round(self._limits.ping_interval_s * 1000),
            "pingTimeout": round(self._limits.ping_timeout_s * 1000),
        }
        told = json.dumps({"sid": self.sid, "upgrades": upgrades, **times}, separators=(",", ":"))
        self._put(Packet(Kind.OPEN, told))
        effects: list[Effect] = []
        if websocket:
            self.state, self._socket = State.WEBSOCKET, wire
            effects.append(Accept(wire))
        else:
            self.state, self._poll, self._poll_until = State.POLLING, wire, now
        return [*effects, *self._flush(), Opened(self.sid)]

    def poll(self, wire: int, now: float) -> list[Effect]:
        """A GET that waits for packets. A second one takes the place of the first, which ends."""
        if self.state is State.WEBSOCKET:
            return [refuse(wire, Problem.REQUEST)]
        effects = self._end_poll(Kind.NOOP)
        probing = self.state is State.PROBING
        hold_s = self._limits.probe_hold_s if probing else self._limits.hold_s
        self._poll, self._poll_until = wire, now + hold_s
        return [*effects, *self._flush()]

    def post(self, wire: int, body: bytes, now: float) -> list[Effect]:
        """A POST with packets; of many :meth:`resume` takes the rest, and nothing else is taken.

        A body that cannot be read ends the session.
        """
        if self.state is State.WEBSOCKET or self._post is not None:
            return [refuse(wire, Problem.REQUEST)]
        if len(body) > self._limits.body_bytes:
            return [refuse(wire, Problem.TOO_LARGE), *self._close(Reason.TOO_LARGE)]
        self._post, self._posted = wire, decode_payload(body, self._limits.packets)
        return self.resume(wire, now)

    def resume(self, wire: int, now: float) -> list[Effect]:
        """Go on with a POST that has more packets than are taken at once."""
        if wire != self._post:
            return []
        packets = list(islice(self._posted, self._limits.packets_at_once))
        effects = self._take(packets, now)
        wrong = bool(packets) and isinstance(packets[-1], Malformed)
        if len(packets) == self._limits.packets_at_once and not wrong and self.state not in _OVER:
            return effects
        self._post, self._posted = None, iter(())
        return [*effects, refuse(wire, Problem.REQUEST) if wrong else Answer(wire)]

    def websocket(self, wire: int, now: float) -> list[Effect]:
        """A WebSocket of this session was asked for; only one is tried at a time."""
        if self.state is not State.POLLING or self._trying:
            return [refuse(wire, Problem.REQUEST)]
        self._socket, self._unsent, self._given_chars = wire, 0, 0
        self._upgrade_until = now + self._limits.upgrade_s
        return [Accept(wire)]

    def frame(self, wire: int, data: str | bytes, now: float) -> list[Effect]:
        """A message of a WebSocket; one of a WebSocket that was given up is ignored."""
        if wire != self._socket:
            return []
        decoded = decode_packet(data) if isinstance(data, str) else decode_binary(data)
        if self._trying:
            return self._try(decoded, now)
        if len(data) > self._limits.body_bytes:
            return self._close(Reason.TOO_LARGE)
        return self._take([decoded], now)

    def sent(self, wire: int) -> list[Effect]:
        """The WebSocket has sent what it was given."""
        if wire != self._socket:
            return []
        self._unsent = max(self._unsent - 1, 0)
        if not self._unsent:
            self._given_chars = 0
        return self._flush()

    def lost(self, wire: int) -> list[Effect]:
        """The request or the WebSocket is gone. Packets that wait for a poll wait for the next."""
        if wire == self._post:
            self._post, self._posted = None, iter(())
        elif wire == self._poll:
            self._poll = None
        elif wire == self._socket:
            if not self._trying:
                self._socket = None
                return self._close(Reason.LOST)
            self._give_up()
        return []

    def send(self, text: str) -> list[Effect]:
        """Send a message; once the session closes, nothing is sent any more.

        A client that does not take what is sent is closed when a limit of its queue is reached.
        """
        if self.state in _OVER:
            return []
        self._put(Packet(Kind.MESSAGE, text))
        return self._flush() or self._bounded()

    def close(self, now: float) -> list[Effect]:
        """End the session; a client without a waiting poll is told at its next one."""
        if self.state in _OVER:
            return []
        effects: list[Effect] = []
        if self.state is State.WEBSOCKET:
            # What waits goes out before the end, whatever is on its way already.
            self._put(Packet(Kind.CLOSE))
            while self._queue and self._socket is not None:
                effects.append(self._frames(self._socket))
            return [*effects, *self._close(Reason.SERVER)]
        if self._trying and self._socket is not None:
            effects.append(HangUp(self._socket))
            self._give_up()
        self.state, self._close_until = State.CLOSING, now + self._limits.close_s
        self._put(Packet(Kind.CLOSE))
        return [*effects, *self._flush()]

    def tick(self, now: float) -> list[Effect]:
        """The time has come that :attr:`next_deadline` said."""
        if self.state is State.CLOSED:
            return []
        if self.state is State.CLOSING and now >= self._close_until:
            return self._close(Reason.SERVER)
        if self.state is not State.CLOSING and now >= self._silent_until:
            return self._close(Reason.SILENT)
        effects: list[Effect] = []
        if self._poll is not None and now >= self._poll_until:
            effects += self._end_poll(Kind.NOOP)
        if self._trying and self._socket is not None and now >= self._upgrade_until:
            effects.append(HangUp(self._socket))
            self._give_up()
        return effects

    @property
    def _trying(self) -> bool:
        """Whether there is a WebSocket that has not taken over."""
        return self._socket is not None and self.state in {State.POLLING, State.PROBING}

    def _give_up(self) -> None:
        """Go on without the WebSocket that was tried."""
        self._socket, self.state = None, State.POLLING

    def _heard(self, now: float) -> None:
        self._silent_until = now + self._limits.ping_interval_s + self._limits.ping_timeout_s

    def _try(self, decoded: Decoded, now: float) -> list[Effect]:
        """What came over a WebSocket that has not taken over yet."""
        wire = self._socket
        if wire is None:
            return []
        if decoded == Packet(Kind.PING, PROBE):
            self._heard(now)
            self.state = State.PROBING
            self._unsent += 1
            answer = Frames(wire, (encode_packet(Packet(Kind.PONG, PROBE)),))
            return [answer, *self._end_poll(Kind.NOOP)]
        if isinstance(decoded, Packet) and decoded.kind is Kind.UPGRADE:
            self._heard(now)
            effects = self._end_poll(Kind.NOOP)
            self.state = State.WEBSOCKET
            return [*effects, *self._flush()]
        self._give_up()
        return [HangUp(wire)]

    def _take(self, packets: Iterable[Decoded], now: float) -> list[Effect]:
        """What the client said on the transport that is in use."""
        effects: list[Effect] = []
        for packet in packets:
            if self.state is State.CLOSED:
                break
            if isinstance(packet, Malformed):
                effects += self._close(Reason.MALFORMED)
                break
            self._heard(now)
            if packet.kind is Kind.CLOSE:
                effects += self._close(Reason.CLIENT)
            elif self.state is State.CLOSING:
                continue
            elif not isinstance(packet, Packet):
                effects.append(BinaryDropped(self.sid, packet.size))
            elif packet.kind is Kind.PING:
                self._put(Packet(Kind.PONG, packet.data))
                effects += self._bounded()
            elif packet.kind is Kind.MESSAGE:
                effects.append(Message(self.sid, packet.data))
        return [*effects, *self._flush()]

    def _put(self, packet: Packet) -> None:
        self._queue.append(packet)
        self._queued_chars += len(packet.data) + 1

    def _bounded(self) -> list[Effect]:
        """Close the session if more waits than its limits allow."""
        limits = self._limits
        if len(self._queue) > limits.queue_packets or self._queued_chars > limits.queue_chars:
            return self._close(Reason.SLOW)
        return []

    def _batch(self) -> list[Packet]:
        """Take what one wire is given at once."""
        batch: list[Packet] = []
        chars = 0
        while self._queue and chars <= self._limits.batch_chars:
            packet = self._queue.popleft()
            batch.append(packet)
            chars += len(packet.data) + 1
        self._queued_chars -= chars
        return batch

    def _frames(self, wire: int) -> Frames:
        self._unsent += 1
        frames = tuple(map(encode_packet, self._batch()))
        self._given_chars += sum(map(len, frames))
        return Frames(wire, frames)

    def _flush(self) -> list[Effect]:
        """Give what waits to the wire that can take it."""
        if not self._queue:
            return []
        if self.state is State.WEBSOCKET:
            free = self._socket is not None and not self._unsent
            return [self._frames(self._socket)] if free and self._socket is not None else []
        if self._poll is None:
            return []
        wire, self._poll = self._poll, None
        effects: list[Effect] = [Answer(wire, body=encode_payload(self._batch()))]
        if self.state is State.CLOSING and not self._queue:
            effects += self._close(Reason.SERVER)
        return effects

    def _end_poll(self, kind: Kind) -> list[Effect]:
        if self._poll is None:
            return []
        wire, self._poll = self._poll, None
        return [Answer(wire, body=encode_payload([Packet(kind)]))]

    def _close(self, reason: Reason) -> list[Effect]:
        """End it now: every wire is let go, and what waits is dropped with the client."""
        if self.state is State.CLOSED:
            return []
        effects = self._end_poll(Kind.NOOP if reason is Reason.CLIENT else Kind.CLOSE)
        if self._socket is not None:
            effects.append(HangUp(self._socket))
        self.state, self._socket = State.CLOSED, None
        self._queue.clear()
        self._queued_chars = self._given_chars = 0
        return [*effects, Closed(self.sid, reason)]
