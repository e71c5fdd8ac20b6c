"""Serial monitors over a running server and real pseudo-terminals."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import psutil
import pytest

from agent.bridge import limits
from agent.errors import PortBusy
from tests.bridge.running import FOREIGN, OTHER, Bridge, Client

pytestmark = pytest.mark.system("linux", "darwin")

MIB = 1 << 20


def numbered(size: int) -> bytes:
    """Text in which every gap shows."""
    return b"".join(b"%07d\n" % number for number in range(size // 8))


async def open_serial(client: Client, board: str, baud: int = 115200) -> int:
    channel: int = (await client.call("serial.open", board=board, baud=baud))["channel"]
    return channel


async def until_free(bridge: Bridge, board: str) -> None:
    """Wait until nobody holds the board."""
    while bridge.services.boards.find(board).holder is not None:
        await asyncio.sleep(0.005)


async def test_bytes_travel_both_ways_unchanged(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    client = await bridge.open(own=True)
    channel = await open_serial(client, board)
    every_byte = bytes(range(256)) * 20
    await pty.write(every_byte)
    assert await client.read(channel, len(every_byte)) == every_byte
    await client.socket.send(bytes([channel]) + every_byte)
    assert await pty.read(len(every_byte)) == every_byte
    assert await client.call("serial.write", channel=channel, text="grün\n") == {}
    assert await pty.read(6) == "grün\n".encode()


async def test_a_pause_closes_the_monitors_and_tells_their_watchers_why(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    clients = [await bridge.open(FOREIGN), await bridge.open(FOREIGN)]
    channels = [await open_serial(client, board) for client in clients]
    own = await bridge.open()
    await own.call("agent.subscribe")
    await pty.write(b"last words")
    for client, channel in zip(clients, channels, strict=True):
        assert await client.read(channel, 10) == b"last words"
    info = await own.call("agent.pause")
    assert (info["paused"], info["pausing"]) == (True, 0)
    assert bridge.services.boards.find(board).holder is None
    for client, channel in zip(clients, channels, strict=True):
        closed = await client.next("serial.closed")
        assert (closed["channel"], closed["error"]["code"]) == (channel, "paused")
        assert (await client.fail("serial.open", board=board))["data"]["code"] == "paused"
        assert (await client.call("agent.info"))["paused"] is True
        assert (await client.fail("agent.resume"))["data"]["code"] == "not-allowed"
    assert (await own.call("agent.resume"))["paused"] is False
    while (await own.next("agent.changed"))["paused"]:
        pass
    channel = await open_serial(clients[0], board)
    await pty.write(b"again")
    assert await clients[0].read(channel, 5) == b"again"


async def test_a_monitor_that_closes_by_itself_is_not_interrupted_by_a_pause(
    bridge: Bridge,
) -> None:
    pty, board = await bridge.board()
    client, own = await bridge.open(FOREIGN), await bridge.open()
    for _ in range(20):
        channel = await open_serial(client, board)
        closing = client.call("serial.close", channel=channel)
        pausing = own.call("agent.pause")
        await asyncio.gather(closing, pausing)
        assert bridge.services.boards.pause.state.waiting == 0
        await own.call("agent.resume")
    channel = await open_serial(client, board)
    await pty.write(b"fine")
    assert await client.read(channel, 4) == b"fine"


async def test_the_board_is_busy_while_it_is_watched_and_free_after_it(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open(FOREIGN)
    channel = await open_serial(client, board)
    held = bridge.services.boards.find(board)
    assert held.holder == f"the serial monitor of {FOREIGN}"
    with pytest.raises(PortBusy):
        async with bridge.services.boards.lease(board, "a job"):
            pass
    assert await client.call("serial.close", channel=channel) == {}
    async with bridge.services.boards.lease(board, "a job") as lease:
        link = await lease.open(9600)
        await link.close()


async def test_a_page_that_leaves_frees_the_board(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    await open_serial(client, board)
    await client.close()
    await until_free(bridge, board)


async def test_watchers_of_one_party_share_a_board(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    first, second = await bridge.open(own=True), await bridge.open()
    one, two = await open_serial(first, board), await open_serial(second, board)
    await pty.write(b"hello")
    assert await first.read(one, 5) == b"hello"
    assert await second.read(two, 5) == b"hello"
    await first.socket.send(bytes([one]) + b"a")
    await second.socket.send(bytes([two]) + b"b")
    assert sorted(await pty.read(2)) == [ord("a"), ord("b")]
    await first.call("serial.close", channel=one)
    await pty.write(b" again")
    assert await second.read(two, 11) == b"hello again"


async def test_two_tabs_of_one_page_share_and_another_page_never_joins(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    page, tab = await bridge.open(FOREIGN), await bridge.open(FOREIGN)
    other, own = await bridge.open(OTHER), await bridge.open(own=True)
    one = await open_serial(page, board)
    two = await open_serial(tab, board)
    for client in (other, own):
        error = await client.fail("serial.open", board=board, baud=115200)
        assert error["data"]["code"] == "port-busy"
        assert error["data"]["facts"]["holder"] == f"the serial monitor of {FOREIGN}"
        error = await client.fail("serial.write", channel=one, text="x")
        assert error["data"]["facts"]["field"] == "channel"
        await client.socket.send(bytes([one]) + b"x")
    await pty.write(b"private")
    assert await page.read(one, 7) == b"private"
    assert await tab.read(two, 7) == b"private"
    for client in (other, own):
        await client.call("boards.list")
        assert client.data == {}


async def test_another_rate_is_refused_and_named(bridge: Bridge) -> None:
    _, board = await bridge.board()
    first, second = await bridge.open(), await bridge.open()
    await open_serial(first, board, 115200)
    error = await second.fail("serial.open", board=board, baud=9600)
    assert error["data"]["code"] == "port-busy"
    assert "115200" in error["data"]["facts"]["holder"]


async def test_a_rate_that_no_port_has_is_refused(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    for baud in (0, -1, 49, 10**9, 9600.5, "9600", 1200, 2400):
        error = await client.fail("serial.open", board=board, baud=baud)
        assert error["data"]["facts"]["field"] == "baud", baud
    await open_serial(client, board)


async def test_a_job_that_holds_the_board_is_named(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    async with bridge.services.boards.lease(board, "Setting up kitchen (job 1)"):
        error = await client.fail("serial.open", board=board, baud=9600)
    assert error["data"]["facts"]["holder"] == "Setting up kitchen (job 1)"
    # A failed attempt holds nothing.
    await open_serial(client, board)


async def test_an_unplugged_board_ends_every_watcher_with_the_reason(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    first, second = await bridge.open(), await bridge.open()
    one, two = await open_serial(first, board), await open_serial(second, board)
    await pty.write(b"last words")
    await first.read(one, 10)
    pty.unplug()
    for client, channel in ((first, one), (second, two)):
        closed = await client.next("serial.closed")
        assert closed["channel"] == channel
        assert closed["error"]["code"] == "port-gone"
        assert client.data[channel] == b"last words"
        error = await client.fail("serial.write", channel=channel, text="x")
        assert error["data"]["facts"]["field"] == "channel"
        await client.socket.send(bytes([channel]) + b"late")
    again, same = await bridge.board()
    assert same == board
    channel = await open_serial(first, board)
    assert channel != one
    await again.write(b"back")
    assert await first.read(channel, 4) == b"back"


async def test_a_channel_that_is_closed_or_was_never_open_is_refused(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    channel = await open_serial(client, board)
    await client.call("serial.close", channel=channel)
    for method in ("serial.close", "serial.write"):
        for number in (channel, 200):
            params: dict[str, Any] = {"channel": number}
            if method == "serial.write":
                params["text"] = "x"
            assert (await client.fail(method, **params))["data"]["code"] == "input"
    for message in (b"", b"\0", b"\xff" * 100, bytes([channel])):
        await client.socket.send(message)
    assert (await client.call("agent.info"))["name"] == "mooring"


async def test_closing_and_opening_in_turns_never_meets_a_busy_port(bridge: Bridge) -> None:
    _, board = await bridge.board()
    clients = [await bridge.open() for _ in range(3)]
    for client in itertools.islice(itertools.cycle(clients), 12):
        channel = await open_serial(client, board)
        closing = asyncio.ensure_future(client.call("serial.close", channel=channel))
        other = clients[(clients.index(client) + 1) % 3]
        joined = await open_serial(other, board)
        await closing
        await other.call("serial.close", channel=joined)
    assert bridge.services.boards.find(board).holder is None


async def test_opening_together_opens_once(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    clients = [await bridge.open() for _ in range(5)]
    channels = await asyncio.gather(*(open_serial(client, board) for client in clients))
    await pty.write(b"x")
    for client, channel in zip(clients, channels, strict=True):
        assert await client.read(channel, 1) == b"x"


async def test_who_leaves_while_the_port_opens_holds_nothing(bridge: Bridge) -> None:
    _, board = await bridge.board()
    for _ in range(5):
        client = await bridge.open()
        request = {"jsonrpc": "2.0", "id": 1, "method": "serial.open", "params": {"board": board}}
        await client.send(request)
        await client.close()
        await until_free(bridge, board)


async def test_a_stuck_page_loses_only_its_own_data_and_is_told_how_much(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    stuck = await bridge.open(own=True, max_queue=1)
    others = [await bridge.open() for _ in range(4)]
    lost_channel = await open_serial(stuck, board)
    channels = [await open_serial(client, board) for client in others]
    before = psutil.Process().memory_info().rss
    data = numbered(6 * MIB)
    readers = [
        asyncio.ensure_future(client.read(channel, len(data)))
        for client, channel in zip(others, channels, strict=True)
    ]
    await pty.write(data)
    for reader in readers:
        assert await reader == data
    # What the others hold in this test is ours, not the agent's.
    grown = psutil.Process().memory_info().rss - before - 3 * len(others) * len(data)
    assert grown < 16 * MIB

    dropped = 0
    await pty.write(b"end")
    while not stuck.data.get(lost_channel, b"").endswith(b"end"):
        await stuck.take()
        for note in stuck.notifications:
            assert note["method"] == "serial.dropped"
            assert note["params"]["channel"] == lost_channel
            dropped += note["params"]["count"]
        stuck.notifications.clear()
    kept = len(stuck.data[lost_channel])
    assert dropped > 0
    assert kept + dropped == len(data) + 3
    assert all(client.notifications == [] for client in others)


async def test_input_that_the_board_does_not_read_is_refused_and_counted(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    channel = await open_serial(client, board)
    part = bytes([channel]) + bytes(32 << 10)
    parts = limits.BOARD_INPUT_BYTES // (32 << 10) + 4
    for _ in range(parts):
        await client.socket.send(part)
    refused = 0
    while refused < 3 * (32 << 10):
        note = await client.next("serial.refused")
        assert note["channel"] == channel
        refused += note["count"]
    # The page itself still works, and can let go.
    await client.call("serial.close", channel=channel)


async def test_a_long_text_is_answered_once_the_board_has_read_it(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    client = await bridge.open()
    channel = await open_serial(client, board)
    text = numbered(64 << 10).decode()
    writing = asyncio.ensure_future(client.call("serial.write", channel=channel, text=text))
    assert await pty.read(len(text)) == text.encode()
    await writing
    error = await client.fail("serial.write", channel=channel, text=text + "x")
    assert error["data"]["facts"]["field"] == "text"


async def test_a_write_that_waits_ends_with_the_board(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    client = await bridge.open()
    channel = await open_serial(client, board)
    text = "x" * (64 << 10)
    failing = asyncio.ensure_future(client.fail("serial.write", channel=channel, text=text))
    await pty.read(1)
    pty.unplug()
    assert (await failing)["data"]["code"] == "port-gone"


async def test_channels_are_numbered_anew_and_bounded(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    seen = [await open_serial(client, board) for _ in range(limits.CHANNELS)]
    assert len(set(seen)) == limits.CHANNELS
    error = await client.fail("serial.open", board=board, baud=115200)
    assert error["data"]["code"] == "rate-exceeded"
    for channel in seen:
        await client.call("serial.close", channel=channel)
    again = await open_serial(client, board)
    assert again not in seen


async def test_the_end_of_the_agent_frees_the_port(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    await open_serial(client, board)
    await bridge.server.stop()
    assert bridge.services.boards.find(board).holder is None


async def test_the_end_of_the_agent_does_not_wait_for_a_board_that_reads_nothing(
    bridge: Bridge,
) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    channel = await open_serial(client, board)
    for _ in range(4):
        await client.socket.send(bytes([channel]) + bytes(60_000))
    await client.call("boards.list")
    async with asyncio.timeout(2.0):  # the contract
        await bridge.server.stop()
