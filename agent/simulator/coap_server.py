"""A small CoAP server on a UDP port of loopback: one answer per request, bodies in blocks.

It answers a repeated message as it answered it the first time, also with silence. DTLS is in
``coaps_server``; not here: observing. Source: RFC 7252, sections 4 and 5; RFC 7959.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar, cast

from agent.protocols.coap.messages import (
    ACK,
    BLOCK1,
    BLOCK2,
    CON,
    CONTENT_FORMAT,
    CONTINUE,
    EMPTY,
    KNOWN_CRITICAL,
    NON,
    RST,
    TOO_LARGE,
    URI_PATH,
    Block,
    CoapMessage,
    WrongMessageError,
    decode,
    encode,
    pack_number,
)
from agent.simulator.loopback_server import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

_K = TypeVar("_K")
_V = TypeVar("_V")
Address = tuple[str, int]
BAD_REQUEST, BAD_OPTION, INCOMPLETE = 0x80, 0x82, 0x88
BLOCK_EXPONENT: Final = 6
"""1024 bytes, the largest block there is."""
BODY_LIMIT: Final = 64 * 1024
REMEMBERED: Final = 1000
"""Messages whose answers are kept, and bodies that are coming in; the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class CoapRequest:
    """What was asked, its body whole."""

    method: int
    path: tuple[str, ...]
    payload: bytes = field(repr=False)
    chain: tuple[bytes, ...] = ()
    """What DTLS proved of the client (DER, its own certificate first)."""


@dataclass(frozen=True, slots=True)
class CoapAnswer:
    """What is said."""

    code: int
    payload: bytes = field(default=b"", repr=False)
    delay_s: float = 0.0
    """Above 0 the request is confirmed at once and answered in a message of its own."""
    content_format: int | None = None
    """What the payload is said to be; None: nothing is said."""


class CoapTalk:
    """What is said to whom. ``answer`` decides, None is silence; ``send`` carries a datagram."""

    def __init__(
        self,
        answer: Callable[[CoapRequest], CoapAnswer | None],
        send: Callable[[bytes, Address], None],
    ) -> None:
        self._answer = answer
        self._send = send
        self._said: OrderedDict[tuple[Address, int], bytes | None] = OrderedDict()
        self._bodies: OrderedDict[tuple[Address, tuple[bytes, ...]], bytes] = OrderedDict()
        self._answers: OrderedDict[tuple[Address, tuple[bytes, ...]], CoapAnswer] = OrderedDict()
        self._mid = secrets.randbelow(0x10000)
        self._timers: set[asyncio.TimerHandle] = set()

    def stop(self) -> None:
        """Say nothing more of what was to come later."""
        for timer in self._timers:
            timer.cancel()

    def forget(self, address: Address) -> None:
        """Somebody else is at this address now."""
        _drop(self._said, address)
        _drop(self._bodies, address)
        _drop(self._answers, address)

    def hear(self, data: bytes, address: Address, chain: tuple[bytes, ...] = ()) -> None:
        """A datagram; ``chain`` is what DTLS proved of who sent it."""
        try:
            message = decode(data)
            if message.kind not in {CON, NON} or message.code >> 5:
                return  # an answer, or an end of something that was never begun
            if message.code == EMPTY:
                self._send(encode(CoapMessage(RST, EMPTY, message.mid)), address)
                return
            self._request(message, address, chain)
        except WrongMessageError:
            return

    def _request(self, message: CoapMessage, address: Address, chain: tuple[bytes, ...]) -> None:
        known = (address, message.mid)
        if known not in self._said:
            self._said[known] = None
            _forget(self._said)
            self._said[known] = self._first(message, address, chain)
        said = self._said[known]
        if said is not None:
            self._send(said, address)

    def _first(
        self, message: CoapMessage, address: Address, chain: tuple[bytes, ...]
    ) -> bytes | None:
        """The answer to a message that is new, as bytes; None: silence."""
        path = tuple(message.values(URI_PATH))
        wrong = [n for n, _ in message.options if n % 2 and n not in KNOWN_CRITICAL]
        if wrong:
            return self._pack(message, CoapAnswer(BAD_OPTION))
        later, earlier = message.block(BLOCK2), (address, path)
        if later is not None and later.number and earlier in self._answers:
            return self._pack(message, self._answers[earlier], later)
        part = message.block(BLOCK1)
        body, refusal = self._collect(earlier, part, message.payload)
        if refusal:
            return self._pack(message, CoapAnswer(refusal), part=part)
        try:
            names = tuple(name.decode() for name in path)
            asked = CoapRequest(message.code, names, body, chain)
        except UnicodeDecodeError:
            return self._pack(message, CoapAnswer(BAD_REQUEST))
        answer = self._answer(asked)
        if answer is None:
            return None
        if answer.delay_s > 0:
            self._answer_later(message, answer, address)
            return encode(CoapMessage(ACK, EMPTY, message.mid)) if message.kind == CON else None
        if len(answer.payload) > Block(0, False, BLOCK_EXPONENT).size:
            self._answers[earlier] = answer
            _forget(self._answers)
        return self._pack(message, answer, later, part)

    def _collect(
        self, key: tuple[Address, tuple[bytes, ...]], part: Block | None, payload: bytes
    ) -> tuple[bytes, int]:
        """The body as far as it is there, and the code that is to be answered; 0: it is whole."""
        if part is None:
            return payload, 0
        before = self._bodies.pop(key, b"") if part.number else b""
        if part.number * part.size != len(before):
            return b"", INCOMPLETE
        body = before + payload
        if len(body) > BODY_LIMIT:
            return b"", TOO_LARGE
        if part.more:
            self._bodies[key] = body
            _forget(self._bodies)
            return b"", CONTINUE
        return body, 0

    def _answer_later(self, message: CoapMessage, answer: CoapAnswer, address: Address) -> None:
        def say() -> None:
            self._timers.discard(timer)
            self._send(self._pack(message, answer, separate=True), address)

        timer = asyncio.get_running_loop().call_later(answer.delay_s, say)
        self._timers.add(timer)

    def _pack(
        self,
        message: CoapMessage,
        answer: CoapAnswer,
        block: Block | None = None,
        part: Block | None = None,
        *,
        separate: bool = False,
    ) -> bytes:
        options = []
        payload = answer.payload
        if part is not None:
            options.append((BLOCK1, part.pack()))
        exponent = min(block.exponent if block else BLOCK_EXPONENT, BLOCK_EXPONENT)
        size = Block(0, False, exponent).size
        if len(payload) > size:
            number = block.number if block else 0
            more = len(payload) > (number + 1) * size
            payload = payload[number * size : (number + 1) * size]
            options.append((BLOCK2, Block(number, more, exponent).pack()))
        if payload and answer.content_format is not None:
            options.append((CONTENT_FORMAT, pack_number(answer.content_format)))
        kind, mid = ACK, message.mid
        if separate or message.kind == NON:
            self._mid = (self._mid + 1) % 0x10000
            kind, mid = message.kind, self._mid
        return encode(CoapMessage(kind, answer.code, mid, message.token, tuple(options), payload))


class CoapServer(asyncio.DatagramProtocol):
    """One port in clear. ``answer`` decides; None is silence."""

    def __init__(
        self, answer: Callable[[CoapRequest], CoapAnswer | None], *, port: int = 0
    ) -> None:
        self.port = port
        self._talk = CoapTalk(answer, self._send)
        self._transport: asyncio.DatagramTransport | None = None
        self.down = False
        """Whether nothing is heard."""

    async def start(self) -> None:
        """Listen; ``port`` is known afterwards. ``OSError`` if it is taken."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, (HOST, self.port))
        self.port = transport.get_extra_info("sockname")[1]

    async def stop(self) -> None:
        """Stop listening."""
        self._talk.stop()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See the base class."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: Address) -> None:
        """See the base class."""
        if not self.down:
            self._talk.hear(data, address)

    def _send(self, data: bytes, address: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, address)


def _forget(kept: OrderedDict[_K, _V]) -> None:
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)


def _drop(kept: OrderedDict[tuple[Address, _K], _V], address: Address) -> None:
    for key in [key for key in kept if key[0] == address]:
        del kept[key]
