"""Asking over CoAP: where a host is, how long silence is listened to, what is no answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.clouds.coap import CoapBroken, CoapSilent, ask, exchange
from agent.clouds.datagrams import Datagrams
from agent.protocols.coap import GET, Answer, Request
from agent.protocols.coap.messages import ACK, CON, EMPTY, RST, CoapMessage, decode, encode
from agent.simulator.coap_server import CoapAnswer, CoapServer
from tests.clouds.dtls_bench import Relay, bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONTENT = 0x45
HELLO = Request(GET, ("a",))
LIMIT_S = 30.0


@pytest.fixture
async def server() -> AsyncIterator[CoapServer]:
    running = CoapServer(lambda _: CoapAnswer(CONTENT, b"{}"))
    await running.start()
    yield running
    await running.stop()


async def test_of_the_addresses_of_a_host_one_that_answers_is_enough(server: CoapServer) -> None:
    # On many systems the first of these is ::1, where nobody listens.
    assert await ask("localhost", server.port, HELLO, limit_s=LIMIT_S) == Answer(CONTENT, b"{}")


async def test_where_nobody_listens_nothing_was_done(unused_udp_port: int) -> None:
    with pytest.raises(OSError) as caught:
        await ask("127.0.0.1", unused_udp_port, HELLO, limit_s=LIMIT_S)
    assert not isinstance(caught.value, TimeoutError)


async def test_silence_costs_the_limit(server: CoapServer) -> None:
    server.down = True
    with pytest.raises(CoapSilent):
        await ask("127.0.0.1", server.port, HELLO, limit_s=0.05)


async def test_a_server_that_refuses_to_understand_is_broken() -> None:
    def refused(to_server: bool, _number: int, data: bytes) -> list[bytes]:
        return [data] if to_server else [encode(CoapMessage(RST, EMPTY, decode(data).mid))]

    running = CoapServer(lambda _: CoapAnswer(CONTENT))
    await running.start()
    try:
        async with Relay(running.port, refused).running() as port:
            with pytest.raises(CoapBroken, match="cannot make sense"):
                await ask("127.0.0.1", port, HELLO, limit_s=LIMIT_S)
    finally:
        await running.stop()


async def test_a_server_that_goes_after_it_has_heard_may_have_done_it() -> None:
    class Half:
        """Says that it has the request, and is gone."""

        block_exponent = 6

        def __init__(self) -> None:
            self.said: list[bytes] = []

        def send(self, data: bytes) -> None:
            self.said.append(encode(CoapMessage(ACK, EMPTY, decode(data).mid)))

        async def receive(self) -> bytes:
            if not self.said:
                raise ConnectionRefusedError
            return self.said.pop()

        def close(self) -> None: ...

    with pytest.raises(CoapBroken, match="ended the connection"):
        await exchange(Half(), HELLO, LIMIT_S)


async def test_a_flood_of_strange_datagrams_does_not_lengthen_the_limit() -> None:
    async def flood() -> None:
        while True:
            peer.send(encode(CoapMessage(CON, EMPTY, 5)))
            await asyncio.sleep(0)

    class Quiet(asyncio.DatagramProtocol):
        pass

    loop = asyncio.get_running_loop()
    there, _ = await loop.create_datagram_endpoint(Quiet, ("127.0.0.1", 0))
    channel = await Datagrams.open(there.get_extra_info("sockname"))
    assert channel._transport is not None
    peer = await Datagrams.open(channel._transport.get_extra_info("sockname"))
    channel.send(encode(CoapMessage(ACK, EMPTY, 1)))
    task = asyncio.create_task(flood())
    try:
        with pytest.raises(CoapSilent):
            await exchange(channel, HELLO, 0.05)
    finally:
        task.cancel()
        channel.close()
        peer.close()
        there.close()


async def test_a_connection_that_ends_instead_of_an_answer_may_have_done_it() -> None:
    async with bench() as made:
        made.server._talk._answer = lambda _: end()

        def end() -> None:
            (session,) = made.server._sessions.values()
            session.connection.shutdown()

        with pytest.raises(CoapBroken, match="ended the connection"):
            await ask("127.0.0.1", made.port, HELLO, limit_s=LIMIT_S, dtls=made.client())
