"""One request over CoAP and its whole answer: repetitions, late answers, bodies in blocks.

After each call send what :meth:`Exchange.take` gives; it is over once ``answer`` or ``failed`` is
there. Source: RFC 7252, sections 4 and 5; RFC 7959, sections 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from agent.protocols.coap.messages import (
    ACK,
    BLOCK1,
    BLOCK2,
    CON,
    CONTENT_FORMAT,
    CONTINUE,
    EMPTY,
    ETAG,
    KNOWN_CRITICAL,
    RST,
    TOO_LARGE,
    URI_HOST,
    URI_PATH,
    Block,
    CoapMessage,
    WrongMessageError,
    decode,
    encode,
    pack_number,
)

ACK_TIMEOUT_S: Final = 2.0
"""Until the first repetition, at least; each later one waits twice as long (section 4.8)."""
ACK_RANDOM_FACTOR: Final = 1.5
MAX_RETRANSMIT: Final = 4
LARGEST_BLOCK: Final = 6
"""1024 bytes, as the power of two of :class:`Block`."""
BODY_LIMIT: Final = 1024 * 1024
"""Bytes of an answer; ThingsBoard's are the attributes of a device at most."""
_PREFIX_BYTES: Final = 5
_COUNTER_BYTES: Final = 3
_ANSWERS: Final = frozenset({2, 4, 5})
"""Classes of codes that are answers."""


class Failed(Enum):
    """Why there is no answer."""

    SILENT = "It does not answer."
    RESET = "It says that it cannot make sense of the request."
    OPTION = "Its answer has a part that must be understood and is not known here."
    BLOCKS = "The parts of its answer do not fit together."
    TOO_LONG = "Its answer is longer than any that is expected."


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. ``host``: a name that the server may want to know it was called by."""

    code: int
    path: tuple[str, ...]
    payload: bytes = field(default=b"", repr=False)
    content_format: int | None = None
    host: str = ""
    whole: bool = True
    """Whether the answer is wanted behind its first block."""

    @property
    def options(self) -> tuple[tuple[int, bytes], ...]:
        """All but those of blocks."""
        found = [(URI_PATH, part.encode()) for part in self.path]
        if self.host:
            found.append((URI_HOST, self.host.encode()))
        if self.content_format is not None:
            found.append((CONTENT_FORMAT, pack_number(self.content_format)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says. ``code`` has the class in its upper three bits: 2.01 is 0x41."""

    code: int
    payload: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.code >> 5 == 2


@dataclass(slots=True)
class _Waiting:
    """A message of ours that wants an answer."""

    mid: int
    token: bytes
    data: bytes = field(repr=False)
    due: float | None
    """When it is sent again; None: it has arrived."""
    wait_s: float
    tries: int = 1


class Exchange:
    """A request that is on its way. ``now`` is seconds of any clock that does not go back."""

    def __init__(
        self,
        request: Request,
        *,
        seed: bytes,
        exponent: int = LARGEST_BLOCK,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        """``seed``: 8 random bytes that nobody can guess; ``exponent``: size of blocks at most."""
        self._request = request
        self._prefix = seed[:_PREFIX_BYTES]
        self._mid = int.from_bytes(seed[_PREFIX_BYTES:7], "big")
        self._factor = 1 + (ACK_RANDOM_FACTOR - 1) * seed[7] / 255
        self._exponent = exponent
        self._body_limit = body_limit
        self._count = 0
        self._sent = 0
        """Bytes of our body that went before the block that is on its way."""
        self._block: Block | None = None
        """Of our body, on its way."""
        self._code = 0
        self._tags: list[bytes] = []
        self._body = bytearray()
        self._out: list[bytes] = []
        self._waiting: _Waiting | None = None
        self.answer: Answer | None = None
        self.failed: Failed | None = None

    def start(self, now: float) -> None:
        """Send the request."""
        self._send_body(now)

    def take(self) -> list[bytes]:
        """Datagrams that are to be sent now."""
        out, self._out = self._out, []
        return out

    @property
    def deadline(self) -> float | None:
        """When :meth:`tick` is due; None: it is the server's turn, or over."""
        return self._waiting.due if self._waiting is not None else None

    def tick(self, now: float) -> None:
        """Time has passed."""
        waiting = self._waiting
        if waiting is None or waiting.due is None or now < waiting.due:
            return
        if waiting.tries > MAX_RETRANSMIT:
            self._fail(Failed.SILENT)
            return
        waiting.tries += 1
        waiting.wait_s *= 2
        waiting.due = now + waiting.wait_s
        self._out.append(waiting.data)

    def feed(self, data: bytes, now: float) -> None:
        """A datagram of the server; what is none of this exchange is passed over."""
        try:
            message = decode(data)
        except WrongMessageError:
            return
        waiting = self._waiting
        if waiting is None:
            return
        if message.code == EMPTY:
            self._empty(message, waiting)
        elif message.code >> 5 not in _ANSWERS:
            self._refuse(message)
        elif message.kind == ACK:
            if (message.mid, message.token) == (waiting.mid, waiting.token):
                self._read(message, now)
        elif message.kind != RST:
            self._separate(message, waiting, now)

    # --- messages ---

    def _empty(self, message: CoapMessage, waiting: _Waiting) -> None:
        if message.kind == CON:
            self._refuse(message)  # a ping, which is answered so
        elif message.mid == waiting.mid and message.kind == ACK:
            waiting.due = None
        elif message.mid == waiting.mid and message.kind == RST:
            self._fail(Failed.RESET)

    def _separate(self, message: CoapMessage, waiting: _Waiting, now: float) -> None:
        if message.token != waiting.token and not self._is_earlier(message.token):
            self._refuse(message)
            return
        if message.kind == CON:
            self._out.append(encode(CoapMessage(ACK, EMPTY, message.mid)))
        if message.token == waiting.token:
            self._read(message, now)

    def _is_earlier(self, token: bytes) -> bool:
        """Whether it was a request of ours that has its answer; that one comes again."""
        number = int.from_bytes(token[_PREFIX_BYTES:], "big")
        ours = len(token) == _PREFIX_BYTES + _COUNTER_BYTES and token.startswith(self._prefix)
        return ours and number < self._count

    def _refuse(self, message: CoapMessage) -> None:
        if message.kind == CON:
            self._out.append(encode(CoapMessage(RST, EMPTY, message.mid)))

    def _read(self, message: CoapMessage, now: float) -> None:
        if any(number % 2 and number not in KNOWN_CRITICAL for number, _ in message.options):
            self._fail(Failed.OPTION)
            return
        try:
            taken, part = message.block(BLOCK1), message.block(BLOCK2)
        except WrongMessageError:
            self._fail(Failed.BLOCKS)
            return
        if self._block is not None and self._went_on(message.code, self._block, taken, now):
            return
        self._block = None
        if part is None:
            # Between the blocks of an answer nothing but an error can be without one.
            if self._body and message.code >> 5 == 2:
                self._fail(Failed.BLOCKS)
            else:
                self._finish(message.code, message.payload)
            return
        self._collect(message, part, now)

    # --- our body ---

    def _send_body(self, now: float) -> None:
        """The block that is next; the whole if it is none."""
        body = self._request.payload
        if len(body) <= Block(0, False, self._exponent).size and self._sent == 0:
            self._send(body, (), now)
            return
        size = Block(0, False, self._exponent).size
        more = self._sent + size < len(body)
        self._block = Block(self._sent // size, more, self._exponent)
        payload = body[self._sent : self._sent + size]
        self._send(payload, ((BLOCK1, self._block.pack()),), now)

    def _went_on(self, code: int, sent: Block, taken: Block | None, now: float) -> bool:
        """Whether this was about a block of ours, and not yet the answer."""
        smaller = taken is not None and taken.exponent < sent.exponent
        if code == TOO_LARGE and smaller and sent.number == 0 and taken is not None:
            self._exponent = taken.exponent
            self._send_body(now)
            return True
        if code >> 5 != 2 or (code != CONTINUE and not sent.more):
            return False
        if not sent.more or taken is None or taken.number != sent.number:
            self._fail(Failed.BLOCKS)
            return True
        self._sent += sent.size
        if smaller:
            self._exponent = taken.exponent
        self._send_body(now)
        return True

    # --- the answer's body ---

    def _collect(self, message: CoapMessage, part: Block, now: float) -> None:
        tags = message.values(ETAG)
        if not self._body:
            self._code, self._tags = message.code, tags
        fits = (
            message.code == self._code
            and tags == self._tags
            and part.number * part.size == len(self._body)
            and len(message.payload) <= part.size
            and (len(message.payload) == part.size or not part.more)
        )
        if not fits:
            self._fail(Failed.BLOCKS)
            return
        self._body += message.payload
        if len(self._body) > self._body_limit:
            self._fail(Failed.TOO_LONG)
        elif part.more and self._request.whole:
            wanted = Block(len(self._body) // part.size, False, part.exponent)
            self._send(b"", ((BLOCK2, wanted.pack()),), now)
        else:
            self._finish(self._code, bytes(self._body))

    # --- how it goes on ---

    def _send(self, payload: bytes, more: tuple[tuple[int, bytes], ...], now: float) -> None:
        self._count += 1
        self._mid = (self._mid + 1) % 0x10000
        token = self._prefix + self._count.to_bytes(_COUNTER_BYTES, "big")
        options = self._request.options + more
        data = encode(CoapMessage(CON, self._request.code, self._mid, token, options, payload))
        wait_s = ACK_TIMEOUT_S * self._factor
        self._waiting = _Waiting(self._mid, token, data, now + wait_s, wait_s)
        self._out.append(data)

    def _finish(self, code: int, payload: bytes) -> None:
        self._waiting = None
        self.answer = Answer(code, payload)

    def _fail(self, reason: Failed) -> None:
        self._waiting = None
        self.failed = reason
