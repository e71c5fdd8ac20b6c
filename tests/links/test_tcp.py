import asyncio
import os
import socket

import pytest

from agent.errors import InputError, PortGone
from agent.links import open_link
from agent.links.tcp import open_tcp


class _Far:
    """The simulated board's side: one connection on a loopback server."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**22)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.close()
        if self.connected.is_set():
            self.writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.connected.set()


async def test_bytes_travel_both_ways_through_the_common_opener():
    async with _Far() as far:
        link = await open_link(f"tcp://127.0.0.1:{far.port}", 9600)
        await far.connected.wait()
        data = os.urandom(300_000)

        reading = asyncio.create_task(far.reader.readexactly(len(data)))
        await link.write(data)
        assert await reading == data

        far.writer.write(data)
        got = b""
        while len(got) < len(data):
            got += await link.receive()
        assert got == data
        await link.close()


async def test_the_other_side_closing_means_that_the_port_is_gone():
    async with _Far() as far:
        link = await open_tcp(f"tcp://127.0.0.1:{far.port}")
        await far.connected.wait()
        far.writer.write(b"bye")
        far.writer.close()

        assert await link.receive() == b"bye"
        with pytest.raises(PortGone):
            await link.receive()
        with pytest.raises(PortGone):
            await link.write(b"x")
        await link.close()


async def test_close_ends_a_waiting_receive():
    async with _Far() as far:
        link = await open_tcp(f"tcp://127.0.0.1:{far.port}")
        await far.connected.wait()
        waiting = asyncio.create_task(link.receive())
        await asyncio.sleep(0)
        await link.close()
        await link.close()
        with pytest.raises(PortGone):
            await waiting


async def test_a_port_nobody_listens_on_is_gone():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    with pytest.raises(PortGone):
        await open_tcp(f"tcp://127.0.0.1:{free}")


@pytest.mark.parametrize(
    "address",
    [
        "tcp://192.0.2.1:23",
        "tcp://example.org:80",
        "tcp://0.0.0.0:80",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:80/path",
        "tcp://127.0.0.1.example.org:80",
        "tcp://",
    ],
)
async def test_only_ports_of_this_computer_are_opened(address):
    with pytest.raises(InputError):
        await open_link(address, 9600)
