import asyncio
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

import select
import termios

from agent.errors import InputError, PortBusy, PortGone
from agent.links.serial import open_serial
from agent.links.touch import touch


async def test_a_touch_sets_1200_baud_and_hangs_up(far_end):
    await touch(far_end.path)

    assert termios.tcgetattr(far_end.master)[4] == termios.B1200
    poll = select.poll()
    poll.register(far_end.master, select.POLLIN)
    assert poll.poll(0)[0][1] & select.POLLHUP


async def test_after_a_touch_the_port_is_free_at_once(far_end):
    await touch(far_end.path)
    link = await open_serial(far_end.path, 9600)
    await far_end.send(b"hello")
    assert await link.receive() == b"hello"
    await link.close()


async def test_a_port_that_somebody_uses_is_not_touched(far_end):
    link = await open_serial(far_end.path, 9600)
    with pytest.raises(PortBusy):
        await touch(far_end.path)
    assert termios.tcgetattr(far_end.master)[4] == termios.B9600
    await link.close()


async def test_a_port_that_is_gone_is_said_to_be_gone(tmp_path):
    with pytest.raises(PortGone):
        await touch(str(tmp_path / "ttyACM0"))


async def test_a_board_that_vanishes_during_the_touch_was_touched(far_end):
    touching = asyncio.create_task(touch(far_end.path))
    while termios.tcgetattr(far_end.master)[4] != termios.B1200 and not touching.done():
        await asyncio.sleep(0)
    far_end.unplug()
    await touching


async def test_the_socket_of_a_simulated_board_is_told_in_words():
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def board(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.read())
        writer.close()

    server = await asyncio.start_server(board, "127.0.0.1", 0)
    async with server:
        await touch(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert await heard.get() == b"\x00mooring touch 1200\n"


@pytest.mark.parametrize("address", ["tcp://192.0.2.1:9", "socket://127.0.0.1:9", "tcp://x"])
async def test_nothing_else_is_touched(address):
    with pytest.raises(InputError):
        await touch(address)
