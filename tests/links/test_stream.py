import asyncio
import socket

import pytest

from agent.errors import PortGone, ReceiverStuck
from agent.links.stream import StreamLink


async def _connected(link: StreamLink) -> socket.socket:
    """A far end that nobody reads."""
    near, far = socket.socketpair()
    near.setblocking(False)
    await asyncio.get_running_loop().create_connection(lambda: link, sock=near)
    return far


async def test_a_board_that_takes_nothing_more_is_reported_and_gets_no_more_bytes():
    link = StreamLink("tcp://127.0.0.1:1", write_limit_s=0.05)
    with await _connected(link) as far:
        with pytest.raises(ReceiverStuck):
            await link.write(bytes(5_000_000))
        # The rest must not follow half a frame.
        with pytest.raises(PortGone):
            await link.write(b"x")
        with pytest.raises(PortGone):
            await link.receive()
        far.setblocking(False)
        taken = 0
        while data := await asyncio.get_running_loop().sock_recv(far, 2**20):
            taken += len(data)
        assert taken < 5_000_000
        await link.close()


async def test_a_slow_port_is_given_the_time_that_its_bits_need():
    link = StreamLink("COM3", baud=9600, write_limit_s=0.0)
    with await _connected(link) as far:
        writing = asyncio.create_task(link.write(bytes(3_000_000)))
        far.setblocking(False)
        got = 0
        while got < 3_000_000:
            got += len(await asyncio.get_running_loop().sock_recv(far, 65536))
        await writing
        await link.close()


async def test_two_writers_do_not_mix_their_frames():
    link = StreamLink("COM3")
    with await _connected(link) as far:
        far.setblocking(False)
        frames = [bytes([n]) * 200_000 for n in (1, 2, 3)]
        writing = asyncio.gather(*(link.write(frame) for frame in frames))
        got = b""
        while len(got) < 600_000:
            got += await asyncio.get_running_loop().sock_recv(far, 65536)
        await writing
        assert got == b"".join(frames)
        await link.close()


async def test_a_link_that_was_never_connected_is_gone_and_can_be_closed():
    link = StreamLink("COM3")
    with pytest.raises(PortGone):
        await link.receive()
    await link.close()


@pytest.mark.slow  # waits for CLOSE_LIMIT_S, 2 s
async def test_closing_with_bytes_that_nobody_takes_ends_within_its_limit():
    link = StreamLink("COM3")
    with await _connected(link):
        writing = asyncio.create_task(link.write(bytes(5_000_000)))
        await asyncio.sleep(0)
        await link.close()
        with pytest.raises(PortGone):
            await writing


async def test_bytes_that_waited_when_the_owner_closed_are_dropped():
    link = StreamLink("COM3")
    with await _connected(link) as far:
        far.sendall(b"late")
        while not link._chunks:
            await asyncio.sleep(0)
        await link.close()
        with pytest.raises(PortGone):
            await link.receive()
