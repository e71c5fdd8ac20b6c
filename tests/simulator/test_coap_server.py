"""The small CoAP server: repeated messages, bodies in blocks, silence, late answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.protocols.coap.messages import (
    ACK,
    CON,
    EMPTY,
    GET,
    NON,
    POST,
    RST,
    Block,
    CoapMessage,
    decode,
    encode,
)
from agent.simulator.coap_server import CoapAnswer, CoapRequest, CoapServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT_S = 30.0
"""An answer over loopback takes less than a millisecond; a busy machine may take long."""
CONTENT = 0x45
SILENT = b"to this nothing is said"


class Peer(asyncio.DatagramProtocol):
    """A socket that speaks to the server, and can wait for what it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, _address: object) -> None:
        self.heard.put_nowait(data)

    def say(self, message: CoapMessage | bytes) -> None:
        assert self.transport is not None
        self.transport.sendto(message if isinstance(message, bytes) else encode(message))

    async def hear(self) -> CoapMessage:
        async with asyncio.timeout(LIMIT_S):
            return decode(await self.heard.get())

    async def ask(self, message: CoapMessage | bytes) -> CoapMessage:
        self.say(message)
        return await self.hear()


class Answers:
    """What the server is to say, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[CoapRequest] = []
        self.next: CoapAnswer | None = CoapAnswer(CONTENT, b"{}", content_format=50)

    def __call__(self, request: CoapRequest) -> CoapAnswer | None:
        self.asked.append(request)
        return None if request.payload == SILENT else self.next


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
async def peer(answers: Answers) -> AsyncIterator[Peer]:
    server = CoapServer(answers)
    await server.start()
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(
        Peer, remote_addr=("127.0.0.1", server.port)
    )
    peer.transport = transport
    yield peer
    transport.close()
    await server.stop()
    await server.stop()


def post(
    mid: int, payload: bytes = b"", *options: tuple[int, bytes], kind: int = CON
) -> CoapMessage:
    path = ((11, b"a"), (11, b"b"))
    return CoapMessage(kind, POST, mid, b"tok", (*path, *options), payload)


async def test_a_request_is_answered_with_its_confirmation(peer, answers):
    answer = await peer.ask(post(7, b"hello"))
    assert (answer.kind, answer.code, answer.mid, answer.token) == (ACK, CONTENT, 7, b"tok")
    assert (answer.payload, answer.values(12)) == (b"{}", [b"\x32"])
    assert answers.asked == [CoapRequest(POST, ("a", "b"), b"hello")]


async def test_a_repeated_message_is_answered_alike_and_asked_once(peer, answers):
    first = await peer.ask(post(7))
    answers.next = None
    assert await peer.ask(post(7)) == first
    assert len(answers.asked) == 1


async def test_silence_stays_silence(peer, answers):
    peer.say(post(1, SILENT))
    peer.say(post(1, SILENT))
    assert (await peer.ask(post(2))).mid == 2
    assert len(answers.asked) == 2


async def test_what_needs_no_confirmation_gets_none(peer):
    answer = await peer.ask(post(7, kind=NON))
    assert (answer.kind, answer.token) == (NON, b"tok")


async def test_a_late_answer_comes_by_itself(peer, answers):
    answers.next = CoapAnswer(CONTENT, b"{}", delay_s=0.01)
    confirmed = await peer.ask(post(7))
    assert (confirmed.kind, confirmed.code, confirmed.mid) == (ACK, EMPTY, 7)
    late = await peer.hear()
    assert (late.kind, late.code, late.token, late.payload) == (CON, CONTENT, b"tok", b"{}")
    peer.say(CoapMessage(ACK, EMPTY, late.mid))
    assert (await peer.ask(post(8))).kind == ACK


async def test_a_body_comes_in_blocks(peer, answers):
    for number, part in enumerate([b"x" * 16, b"y" * 16]):
        answer = await peer.ask(post(number, part, (27, Block(number, True, 0).pack())))
        assert answer.code == 0x5F
        assert answer.block(27) == Block(number, True, 0)
    last = await peer.ask(post(2, b"z", (27, Block(2, False, 0).pack())))
    assert last.code == CONTENT
    assert answers.asked == [CoapRequest(POST, ("a", "b"), b"x" * 16 + b"y" * 16 + b"z")]


async def test_a_body_that_begins_in_the_middle_or_is_too_large_is_refused(peer, answers):
    answer = await peer.ask(post(1, b"x" * 16, (27, Block(3, True, 0).pack())))
    assert answer.code == 0x88
    for number in range(65):
        answer = await peer.ask(post(10 + number, b"x" * 1024, (27, Block(number, True, 6).pack())))
    assert answer.code == 0x8D
    assert not answers.asked


async def test_a_long_answer_goes_out_in_blocks(peer, answers):
    text = bytes(range(256)) * 10
    answers.next = CoapAnswer(CONTENT, text)
    got = b""
    for number in range(3):
        later = ((23, Block(number, False, 6).pack()),) if number else ()
        answer = await peer.ask(post(number, b"", *later))
        assert answer.block(23) == Block(number, number < 2, 6)
        got += answer.payload
    assert got == text
    assert len(answers.asked) == 1


async def test_a_smaller_block_can_be_asked_for(peer, answers):
    answers.next = CoapAnswer(CONTENT, b"x" * 100)
    answer = await peer.ask(post(1, b"", (23, Block(0, False, 2).pack())))
    assert (len(answer.payload), answer.block(23)) == (64, Block(0, True, 2))


async def test_pings_wrong_options_and_what_is_no_coap(peer, answers):
    pong = await peer.ask(CoapMessage(CON, EMPTY, 9))
    assert (pong.kind, pong.mid) == (RST, 9)
    assert (await peer.ask(post(1, b"", (9, b"x")))).code == 0x82
    peer.say(b"no CoAP at all")
    peer.say(CoapMessage(ACK, CONTENT, 3))
    peer.say(post(2, b"", (27, b"\x07")))
    assert (await peer.ask(CoapMessage(CON, GET, 4, b"", ((11, b"\xff"),)))).code == 0x80
    assert not answers.asked


async def test_while_it_is_down_nothing_is_heard(answers):
    server = CoapServer(answers)
    server.down = True
    server.datagram_received(encode(post(1)), ("127.0.0.1", 1))
    assert not answers.asked
