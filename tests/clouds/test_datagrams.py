"""A socket for one server: what is kept, what is dropped, what is told."""

from __future__ import annotations

import asyncio

import pytest

from agent.clouds.datagrams import LARGEST, QUEUE, Datagrams, resolve

LIMIT_S = 30.0


class Peer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.heard.put_nowait((data, address))


async def test_datagrams_go_both_ways_and_a_closed_one_sends_none() -> None:
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(Peer, ("127.0.0.1", 0))
    channel = await Datagrams.open(transport.get_extra_info("sockname"))
    async with asyncio.timeout(LIMIT_S):
        channel.send(b"there")
        data, address = await peer.heard.get()
        assert data == b"there"
        transport.sendto(b"and back", address)
        assert await channel.receive() == b"and back"
        channel.send(b"last")
        channel.close()
        channel.close()
        channel.send(b"never")
        assert (await peer.heard.get())[0] == b"last"
    transport.close()


async def test_nobody_there_is_told(unused_udp_port: int) -> None:
    channel = await Datagrams.open(("127.0.0.1", unused_udp_port))
    channel.send(b"x")
    with pytest.raises(OSError) as caught:
        async with asyncio.timeout(LIMIT_S):
            await channel.receive()
    assert not isinstance(caught.value, TimeoutError)
    channel.close()


async def test_what_nobody_fetches_is_lost_and_what_is_too_long_too() -> None:
    channel = Datagrams()
    channel.datagram_received(bytes(LARGEST + 1), None)
    channel.datagram_received(b"", None)
    for number in range(QUEUE + 10):
        channel.datagram_received(bytes([number]), None)
    channel.error_received(OSError("late"))
    assert [await channel.receive() for _ in range(QUEUE)] == [bytes([n]) for n in range(QUEUE)]
    channel.error_received(ValueError("odd"))
    with pytest.raises(OSError, match="odd"):
        await channel.receive()


async def test_addresses_are_those_of_the_system() -> None:
    assert await resolve("127.0.0.1", 7) == [("127.0.0.1", 7)]
    assert set(await resolve("localhost", 7)) <= {("127.0.0.1", 7), ("::1", 7)}
