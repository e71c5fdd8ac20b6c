"""The published client of the Create Agent, as it is, in Chromium: finding, lists, serial monitors."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.compat.vendor import LIMIT_S, VERSIONS, Site, VendorPage, visit
from tests.compat.vendor_room import FIRST_PORT, LAST_PORT, Process, Room, agent_for
from tests.web.firefox import firefox
from tests.web.rig import PlainBoard, plain_boards

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser

pytestmark = [
    pytest.mark.needs("chromium", "create-agent-client"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

EDGE = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def room(served: Site, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    """One agent, which lets pages of this computer's site in."""
    async with agent_for(tmp_path_factory.mktemp("agent") / "home", served.origin) as there:
        yield there


async def opened(page: VendorPage, board: PlainBoard) -> None:
    """Have the client open its monitor on a board that it lists."""
    await page.do("openSerialMonitor", board.address)
    async with asyncio.timeout(LIMIT_S):
        await board.opened()
    await page.see("serialMonitorOpened", "v === true")
    await page.see("devicesList", "v.serial.some((p) => p.IsOpen)")


async def closed(page: VendorPage, board: PlainBoard) -> None:
    """Have it closed again."""
    await page.do("closeSerialMonitor", board.address)
    await page.see("serialMonitorOpened", "v === false")
    await page.see("devicesList", "v.serial.every((p) => !p.IsOpen)")
    async with asyncio.timeout(LIMIT_S):
        assert await board.receive(1) == b""


async def test_a_page_finds_the_agent_beside_another_server_and_follows_the_boards(
    chrome: Browser, served: Site, room: Room
) -> None:
    async with visit(chrome, served.origin) as page:
        await page.connected()
        # All four tools that it asks for are there, or are not for this system.
        await page.see("agentV2Found", "v === true")
        for _ in range(4):
            await page.see("downloading", "v.status === 'DOWNLOAD_DONE'")
        assert not [
            each for each in await page.all("downloading") if each["status"] == "DOWNLOAD_ERROR"
        ]
        info = await page.page.evaluate("daemon.agentInfo")
        assert info["http"] == room.url
        assert room.port > FIRST_PORT
        # It goes on to a WebSocket, and all that it ever asked is answered.
        await page.page.wait_for_function(
            "daemon.socket.io.engine.transport.name === 'websocket'", timeout=LIMIT_S * 1000
        )
        with plain_boards(room.ports, 1) as (one,):
            (port,) = await page.ports(one.address)
            assert port["VendorID"].lower() == "0x2341"
            assert port["SerialNumber"] == one.serial_number
            other = PlainBoard(room.ports, 7)
            other.plug()
            await page.ports(one.address, other.address)
            other.unplug()
            await page.ports(one.address)
            other.plug()
            await page.ports(one.address, other.address)
            other.close()
        await page.ports()
        assert [each for each in page.requests if each.startswith("POST")] == [
            each for each in page.requests if f"POST {room.url}/socket.io/" in each
        ]


async def test_a_monitor_opens_speaks_both_ways_and_closes(
    chrome: Browser, served: Site, room: Room
) -> None:
    async with visit(chrome, served.origin) as page:
        await page.connected()
        with plain_boards(room.ports, 1) as (board,):
            await page.ports(board.address)
            await opened(page, board)
            said = "Grüße, 温度 😀\r\n"
            await page.do("writeSerial", board.address, said)
            async with asyncio.timeout(LIMIT_S):
                assert (await board.receive(len(said.encode()))).decode() == said
            # Cut within a character: half of it waits for the rest, and nothing is lost.
            printed = "21.5 °C 😀 ok\n".encode()
            for at in range(0, len(printed), 3):
                await board.send(printed[at : at + 3])
            assert await page.page.evaluate("read('ok\\n')") == printed.decode()
            # What is no text at all does not end the text behind it.
            await board.send(b"\xff\xfe\x80 after\n")
            assert (await page.page.evaluate("read('after\\n')")).endswith(" after\n")
            await closed(page, board)
            await opened(page, board)
            await closed(page, board)


async def test_the_other_kinds_of_buffers_and_raw_bytes(
    chrome: Browser, served: Site, room: Room
) -> None:
    everything = bytes(range(256)) * 3
    async with visit(chrome, served.origin) as page:
        await page.connected()
        with plain_boards(room.ports, 1) as (board,):
            await page.ports(board.address)
            await page.command(f"open {board.address} 115200 timedraw")
            async with asyncio.timeout(LIMIT_S):
                await board.opened()
            seen = await page.see("appMessages", "v.Cmd === 'Open'")
            assert (seen["Port"], seen["Baud"], seen["BufferType"]) == (
                board.address,
                115200,
                "timedraw",
            )
            await page.see("devicesList", "v.serial.some((p) => p.IsOpen)")
            await page.command(f"sendraw {board.address} {base64.b64encode(everything).decode()}")
            async with asyncio.timeout(LIMIT_S):
                assert await board.receive(len(everything)) == everything
            await page.forget()
            await board.send(everything + b"\x04")
            await page.see("serialMonitorMessages", "atob(v).endsWith('\\u0004')")
            heard = [base64.b64decode(each) for each in await page.all("serialMonitorMessages")]
            assert b"".join(heard) == everything + b"\x04"
            await page.command(f"close {board.address}")
            await page.see("appMessages", "v.Cmd === 'Close'")
            await page.command(f"open {board.address} 115200 default")
            async with asyncio.timeout(LIMIT_S):
                await board.opened()
            await page.see("appMessages", "v.Cmd === 'Open' && v.BufferType === 'default'")
            await page.forget()
            await board.send("1 😀 2\n".encode())
            assert await page.page.evaluate("read('2\\n')") == "1 😀 2\n"
            await page.command(f"sendnobuf {board.address} at once")
            async with asyncio.timeout(LIMIT_S):
                assert await board.receive(7) == b"at once"
            await page.command(f"close {board.address}")
            await page.see("appMessages", "v.Cmd === 'Close'")


async def test_without_websockets_everything_goes_by_polling(
    chrome: Browser, served: Site, room: Room
) -> None:
    async with visit(chrome, served.origin, websockets=False) as page:
        await page.connected()
        with plain_boards(room.ports, 1) as (board,):
            await page.ports(board.address)
            await opened(page, board)
            await page.do("writeSerial", board.address, "😀 polled\n")
            async with asyncio.timeout(LIMIT_S):
                assert (await board.receive(12)).decode() == "😀 polled\n"
            await board.send("😀 answered\n".encode())
            assert await page.page.evaluate("read('answered\\n')") == "😀 answered\n"
            await closed(page, board)
        assert page.sockets == []


async def test_in_edge_the_client_first_looks_over_tls_and_finds_the_agent_at_once_all_the_same(
    chrome: Browser, served: Site, room: Room
) -> None:
    async with visit(chrome, served.origin, user_agent=EDGE) as page:
        await page.connected()
        asked = [each for each in page.requests if each.endswith("/info")]
        assert asked[0].startswith(f"GET https://localhost:{FIRST_PORT}")
        assert await page.page.evaluate("daemon.pluginURL") == room.url


@pytest.mark.needs("firefox")
async def test_in_firefox_a_page_lists_boards_and_speaks_with_one(
    served: Site, room: Room, tmp_path: Path
) -> None:
    # Nor does this browser look for the host of versions anywhere else.
    here = {"network__dns__localDomains": VERSIONS}
    with plain_boards(room.ports, 1) as (board,):
        async with firefox(tmp_path / "firefox", **here) as browser:
            tab = await browser.tab(f"{served.origin}/")
            await tab.until("daemon.v2 && daemon.devicesList.getValue().serial.length")
            await tab.until("daemon.socket.io.engine.transport.name === 'websocket'")
            await tab.run(f"void daemon.openSerialMonitor('{board.address}')")
            async with asyncio.timeout(LIMIT_S):
                await board.opened()
            await tab.until("daemon.serialMonitorOpened.getValue()")
            await tab.run(f"void daemon.writeSerial('{board.address}', 'über 😀')")
            async with asyncio.timeout(LIMIT_S):
                assert (await board.receive(10)).decode() == "über 😀"
            await board.send("21 °C\n".encode())
            assert await tab.run("read('C\\n')") == "21 °C\n"


async def test_two_pages_have_their_own_monitors_and_one_list(
    chrome: Browser, served: Site, room: Room
) -> None:
    async with visit(chrome, served.origin) as first, visit(chrome, served.origin) as second:
        await first.connected()
        with plain_boards(room.ports, 2) as (mine, yours):
            await first.see("devicesList", "v.serial.length === 2")
            await opened(first, mine)
            # A page closes every port when it sees the first list: those that it opened.
            await second.connected()
            await second.see("devicesList", "v.serial.some((p) => p.IsOpen)")
            await second.see("appMessages", "v.Error?.includes('trying to close')")
            await mine.send(b"still here\n")
            assert await first.page.evaluate("read('here\\n')") == "still here\n"
            await second.do("openSerialMonitor", yours.address)
            async with asyncio.timeout(LIMIT_S):
                await yours.opened()
            await second.see("devicesList", "v.serial.every((p) => p.IsOpen)")
            await first.see("devicesList", "v.serial.every((p) => p.IsOpen)")
            await yours.send(b"for the second\n")
            assert await second.page.evaluate("read('second\\n')") == "for the second\n"
            # Writing to the port of the other page is refused and reaches nobody.
            await second.do("writeSerial", mine.address, "not yours\n")
            await second.see("appMessages", f"v.Error?.includes('{mine.address}')")
            await mine.send(b"the end\n")
            assert await first.page.evaluate("read('end\\n')") == "the end\n"
            await first.do("writeSerial", mine.address, "mine\n")
            async with asyncio.timeout(LIMIT_S):
                assert await mine.receive(5) == b"mine\n"
        for page, board in ((first, mine), (second, yours)):
            heard = await page.all("serialMonitorMessagesWithPort")
            assert {each["P"] for each in heard} == {board.address}


async def test_what_cannot_be_done_is_told_to_the_page_that_asked_and_breaks_nothing(
    chrome: Browser, served: Site, room: Room
) -> None:
    async with visit(chrome, served.origin) as page, visit(chrome, served.origin) as other:
        await page.connected()
        await other.connected()
        with plain_boards(room.ports, 1) as (board,):
            await page.ports(board.address)
            await other.ports(board.address)
            await other.forget()
            gone = "/dev/ttyNOTHERE"
            await page.command(f"open {gone} 9600 timed")
            failed = await page.see("appMessages", "v.Cmd === 'OpenFail'")
            assert (failed["Port"], failed["Baud"]) == (gone, 9600)
            await page.command(f"open {board.address} 9600 sideways")
            await page.see("appMessages", "v.Cmd === 'OpenFail'")
            for wrong in (
                "open",
                f"open {board.address} fast",
                "close",
                f"close {gone}",
                f"send {gone} x",
                "send",
                f"sendraw {gone} !!!",
                "nothing of the kind",
            ):
                await page.forget()
                await page.command(wrong)
                told = await page.see("appMessages", "v.Error")
                assert isinstance(told["Error"], str)
            for poison in ("null", " null", '{"Error": 5}', '{"Ports": "x"}', "5", "[]", "", "\0"):
                await page.command(poison)
            await page.do("openSerialMonitor", board.address)
            async with asyncio.timeout(LIMIT_S):
                await board.opened()
            for each in (page, other):
                await each.see("devicesList", "v.serial.some((p) => p.IsOpen)")
            await page.see("serialMonitorOpened", "v === true")
            # The cable is pulled: nobody closed the monitor, and the page learns it all the same.
            board.close()
            await page.see("serialMonitorOpened", "v === false")
            await page.ports()
            await other.ports()
        assert not [each for each in await other.all("appMessages") if "OpenFail" in str(each)]


async def test_an_agent_that_is_killed_is_found_again_on_another_port(
    chrome: Browser, served: Site, tmp_path: Path
) -> None:
    # Another agent may let the usual origin in meanwhile.
    origin = f"http://localhost:{served.port}"
    agent = Process(tmp_path / "home", origin)
    try:
        with plain_boards(tmp_path / "home" / "ports", 1) as (board,):
            await agent.start(FIRST_PORT + 1, LAST_PORT - 1)
            async with visit(chrome, origin) as page:
                await page.connected()
                await page.ports(board.address)
                await opened(page, board)
                before = agent.port
                await page.forget()
                await agent.kill()
                await page.see("channelOpenStatus", "v === false")
                await page.ports()
                await agent.start(before + 1, LAST_PORT)
                await page.connected()
                # Its monitor is closed, and the page knows; else its next upload would never start.
                await page.see("serialMonitorOpened", "v === false")
                await page.ports(board.address)
                await opened(page, board)
                assert await page.page.evaluate("daemon.pluginURL") == (
                    f"http://127.0.0.1:{agent.port}"
                )
                assert agent.port != before
    finally:
        await agent.kill()
