"""What only CoAP has: codes, datagrams of anybody, answers in blocks without end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import aiocoap
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clouds.route import Routes
from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.over_coap import CoapCarrier
from agent.errors import Unreachable
from agent.protocols.thingsboard.provisioning import NotAsked, NotUnderstood, Overloaded
from agent.protocols.thingsboard.replies import Issued, Refused, Unusable
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from tests.clouds.thingsboard.small_server import KEY, SECRET, Devices, over_coap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.clouds.thingsboard.carrier import Asked

WISH = ProvisionRequest(name="n", key=Secret(KEY), secret=Secret(SECRET))
OUTCOMES = (Issued, Refused, Unusable, NotAsked, Overloaded, NotUnderstood)


class Datagrams(asyncio.DatagramProtocol):
    """Answers each datagram with what ``make`` makes of it."""

    def __init__(self, make: Callable[[bytes], list[bytes]]) -> None:
        self.heard: list[bytes] = []
        self._make = make

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.append(data)
        for answer in self._make(data):
            self._transport.sendto(answer, addr)


@contextlib.asynccontextmanager
async def datagrams(make: Callable[[bytes], list[bytes]]) -> AsyncIterator[tuple[int, Datagrams]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: Datagrams(make), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1], protocol
    finally:
        transport.close()


async def ask(port: int, *, limit_s: float = 5.0, wish: ProvisionRequest = WISH) -> Asked:
    server = Server("coap", "127.0.0.1", port)
    return await CoapCarrier(server, Routes(), title="TB", answer_limit_s=limit_s).ask(wish)


@pytest.mark.parametrize(
    ("code", "maybe_done"),
    [
        (aiocoap.BAD_REQUEST, False),
        (aiocoap.NOT_FOUND, False),
        (aiocoap.INTERNAL_SERVER_ERROR, True),
        (aiocoap.SERVICE_UNAVAILABLE, True),
        (aiocoap.REQUEST_ENTITY_TOO_LARGE, False),
        (aiocoap.CREATED, True),
    ],
)
async def test_a_code_without_a_status_says_whether_something_may_be_done(
    devices: Devices, code: Any, maybe_done: bool
) -> None:
    devices.instead = [aiocoap.Message(code=code)]
    async with over_coap(devices) as url:
        outcome = (await ask(int(url.rpartition(":")[2]))).outcome
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done is maybe_done


async def test_too_many_requests_is_patience_asked_for(devices: Devices) -> None:
    devices.instead = [aiocoap.Message(code=aiocoap.numbers.codes.Code(0x9D))]
    async with over_coap(devices) as url:
        assert isinstance((await ask(int(url.rpartition(":")[2]))).outcome, Overloaded)


async def test_the_path_has_three_segments_and_the_payload_is_json() -> None:
    async with datagrams(lambda _: []) as (port, protocol):
        await ask(port, limit_s=1.0)
    sent = aiocoap.Message.decode(protocol.heard[0])
    assert sent.opt.uri_path == ("api", "v1", "provision")
    assert (sent.mtype, sent.code, sent.opt.content_format) == (0, aiocoap.POST, 50)
    assert sent.payload == WISH.encode()


async def test_a_datagram_that_is_lost_is_sent_again() -> None:
    def second(data: bytes) -> list[bytes]:
        if len(protocol.heard) == 1:
            return []
        body = b'\xff{"status":"SUCCESS","credentialsValue":"abc"}'
        token = data[4 : 4 + (data[0] & 15)]
        return [bytes([0x60 | len(token), 0x41]) + data[2:4] + token + body]

    async with datagrams(second) as (port, protocol):
        assert isinstance((await ask(port)).outcome, Issued)
    assert protocol.heard[0] == protocol.heard[1]  # the same message id: done once


async def test_an_answer_in_blocks_without_end_costs_the_limit() -> None:
    def another(data: bytes) -> list[bytes]:
        request = aiocoap.Message.decode(data)
        number = request.opt.block2.block_number if request.opt.block2 else 0
        answer = aiocoap.Message(
            code=aiocoap.CREATED, mtype=aiocoap.ACK, mid=request.mid, token=request.token
        )
        answer.opt.block2 = (number, True, 6)
        answer.payload = b"[" * 1024
        return [answer.encode()]

    async with datagrams(another) as (port, _):
        outcome = (await ask(port, limit_s=0.3)).outcome
    assert isinstance(outcome, NotUnderstood)


noise = st.binary(max_size=40)
headers = st.tuples(st.sampled_from([0x40, 0x60, 0x70, 0x50]), st.integers(0, 255), noise)


@settings(max_examples=25, deadline=None)
@given(st.lists(noise | headers, max_size=3))
def test_whatever_datagrams_come_there_is_an_outcome(sent: list[Any]) -> None:
    def answers(data: bytes) -> list[bytes]:
        token = data[4 : 4 + (data[0] & 15)]
        return [
            each
            if isinstance(each, bytes)
            else bytes([each[0] | len(token), each[1]]) + data[2:4] + token + each[2]
            for each in sent
        ]

    async def run() -> Asked:
        async with datagrams(answers) as (port, _):
            return await ask(port, limit_s=0.05)

    assert isinstance(asyncio.run(run()).outcome, OUTCOMES)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 255), noise)
def test_whatever_answers_the_question_for_a_token_it_is_yes_no_or_unreachable(
    code: int, body: bytes
) -> None:
    def answers(data: bytes) -> list[bytes]:
        token = data[4 : 4 + (data[0] & 15)]
        return [bytes([0x60 | len(token), code]) + data[2:4] + token + body]

    async def run() -> bool | None:
        async with datagrams(answers) as (port, _):
            carrier = CoapCarrier(
                Server("coap", "127.0.0.1", port), Routes(), title="TB", answer_limit_s=0.05
            )
            try:
                return await carrier.knows("abc/../x")
            except Unreachable:
                return None

    assert asyncio.run(run()) in {True, False, None}
