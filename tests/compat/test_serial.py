"""Serial monitors of pages, over a real server and boards on real pseudo-terminals."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import random
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from agent.bridge.scopes import Scope
from agent.compat.serial import SerialPorts
from agent.errors import PortBusy
from tests.bridge.running import FOREIGN
from tests.compat.outlet import Outlet
from tests.compat.running import GREETING, LIMIT_S, VENDOR, Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.bridge.running import PtyBoard
    from tests.compat.running import SocketClient

pytestmark = pytest.mark.system("linux", "darwin")


class Monitor:
    """A page with what it was told, as the published client would sort it."""

    def __init__(self, client: SocketClient) -> None:
        self.client = client
        self.told: list[dict[str, Any]] = []

    async def say(self, command: str) -> None:
        await self.client.command(command)

    async def next(self, *keys: str) -> dict[str, Any]:
        """The next object with all these keys; what comes before it is kept in ``told``."""
        while True:
            with contextlib.suppress(ValueError):
                found = json.loads(await self.client.message())
                if isinstance(found, dict):
                    self.told.append(found)
                    if set(keys) <= set(found):
                        return found

    async def open(self, board: PtyBoard, rest: str = "115200 timed") -> dict[str, Any]:
        await self.say(f"open {board.address} {rest}")
        return await self.next("Cmd")

    async def read(self, board: PtyBoard, length: int) -> str:
        """So many characters of a board."""
        text = ""
        while len(text) < length:
            found = await self.next("D")
            assert list(found) == ["P", "D"]
            assert found["P"] == board.address
            text += found["D"]
        return text

    async def error(self, *words: str) -> str:
        """The next error, which has these words."""
        text: str = (await self.next("Error"))["Error"]
        for word in words:
            assert word in text
        return text

    async def is_open(self, board: PtyBoard) -> bool:
        """What the next list says."""
        for port in (await self.next("Ports"))["Ports"]:
            if port["Name"] == board.address:
                found: bool = port["IsOpen"]
                return found
        return False

    async def until_listed(self, board: PtyBoard, is_open: bool) -> None:
        while await self.is_open(board) is not is_open:
            pass


@contextlib.asynccontextmanager
async def page_of(
    running: Running, origin: str | None = VENDOR, **kwargs: Any
) -> AsyncIterator[Monitor]:
    async with running.socket(origin, **kwargs) as client:
        await client.messages(GREETING)
        yield Monitor(client)


async def until_free(running: Running, board: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while running.bridge.services.boards.find(board).holder is not None:
            await asyncio.sleep(0.005)


async def test_a_port_is_opened_listed_read_written_and_closed(running: Running) -> None:
    board, name = await running.bridge.board()
    async with page_of(running) as page:
        opened = await page.open(board)
        assert opened.pop("Desc")
        port = {"Port": board.address, "Baud": 115200}
        assert opened == {"Cmd": "Open", **port, "BufferType": "timed"}
        assert await page.is_open(board)
        assert running.bridge.services.boards.find(name).holder == (
            f"the serial monitor of {VENDOR}"
        )
        await board.write("grün €\n".encode())
        assert await page.read(board, 7) == "grün €\n"
        await page.say(f"send {board.address} a  b ü\n")
        assert await board.read(8) == "a  b ü\n".encode()
        await page.say(f"sendnobuf {board.address} x")
        await page.say(f"sendraw {board.address} {base64.b64encode(bytes(range(256))).decode()}")
        assert await board.read(257) == b"x" + bytes(range(256))
        await page.say(f"close {board.address}")
        await page.until_listed(board, is_open=False)
        closed = await page.next("Cmd")
        assert closed.pop("Desc")
        assert closed == {"Cmd": "Close", **port}
        assert running.bridge.services.boards.find(name).holder is None
        assert not any("Error" in each for each in page.told)


@pytest.mark.parametrize("kind", ["default", "timed", "timedraw"])
async def test_no_kind_of_buffer_loses_or_cuts_anything(running: Running, kind: str) -> None:
    board, _ = await running.bridge.board()
    text = "0123456789 é € 😀 \x00\n" * 2000
    async with page_of(running) as page:
        assert (await page.open(board, f"9600 {kind}"))["BufferType"] == kind
        sending = asyncio.ensure_future(board.write(text.encode()))
        got = b""
        while len(got) < len(text.encode()):
            value = (await page.next("D"))["D"]
            assert "\ufffd" not in value
            got += base64.b64decode(value) if kind == "timedraw" else value.encode()
        assert got.decode() == text
        await sending


async def test_an_invalid_byte_stalls_nothing(running: Running) -> None:
    board, _ = await running.bridge.board()
    async with page_of(running) as page:
        await page.open(board, "9600 default")
        await board.write(b"a\xff")
        assert await page.read(board, 2) == "a\ufffd"
        await board.write(b"b")
        assert await page.read(board, 1) == "b"


async def test_what_cannot_be_opened_is_said_with_the_reason(running: Running) -> None:
    board, name = await running.bridge.board()
    async with page_of(running) as page:
        for words, reason in (
            (f"{board.address} 9600 clever", "no buffer clever"),
            (f"{board.address} 7", "7 is not between"),
            (f"{board.address} 9999999999", "not between"),
            ("/dev/nothing 9600", "/dev/nothing"),
        ):
            await page.say(f"open {words}")
            failed = await page.next("Cmd")
            assert failed["Cmd"] == "OpenFail"
            assert reason in failed["Desc"]
            assert failed["Port"] == words.split()[0]
            assert isinstance(failed["Baud"], int)
        for words in ("", "/dev/x", "/dev/x fast", "/dev/x -1", "/dev/x ٣", "/dev/x 1e3"):
            await page.say(f"open {words}")
            await page.error("open PORT BAUD")
        async with running.bridge.services.boards.lease(name, "Setting up kitchen (job 1)"):
            failed = await page.open(board)
        assert "Setting up kitchen (job 1)" in failed["Desc"]
        assert (await page.open(board))["Cmd"] == "Open"


async def test_opening_again_is_fine_with_the_same_settings_only(running: Running) -> None:
    board, _ = await running.bridge.board()
    async with page_of(running) as page:
        for _ in range(2):
            opened = await page.open(board)
            assert (opened["Cmd"], opened["BufferType"]) == ("Open", "timed")
        for other in ("9600 timed", "115200 default"):
            failed = await page.open(board, other)
            assert failed["Cmd"] == "OpenFail"
            assert "115200 baud" in failed["Desc"]
        await board.write(b"still here")
        assert await page.read(board, 10) == "still here"


async def test_names_with_odd_characters_stay_valid_json(running: Running) -> None:
    async with page_of(running) as page:
        for name in ('\\\\.\\COM3"', "/dev/ü\u2028", "'}{", "\x01", "null", "/" + "x" * 5000):
            await page.say(f"open {name} 9600")
            assert (await page.next("Cmd"))["Port"] == name
            await page.say(f"close {name}")
            await page.error("trying to close")
            await page.say(f"send {name} x")
            await page.error("not open")


async def test_a_page_that_did_not_open_a_port_can_neither_close_nor_use_nor_hear_it(
    running: Running,
) -> None:
    board, name = await running.bridge.board()
    async with page_of(running) as page, page_of(running, FOREIGN) as other:
        await page.open(board)
        await other.until_listed(board, is_open=True)
        await other.say(f"close {board.address}")
        await other.error(board.address, "trying to close")
        for verb in ("send", "sendnobuf", "sendraw"):
            await other.say(f"{verb} {board.address} QUJD")
            await other.error(board.address)
        failed = await other.open(board)
        assert (failed["Cmd"], VENDOR in failed["Desc"]) == ("OpenFail", True)
        await board.write(b"private")
        assert await page.read(board, 7) == "private"
        assert running.bridge.services.boards.find(name).holder is not None
        await other.say("version")
        await other.next("Version")
        assert not any("D" in each for each in other.told)
        assert not any({"Error", "Close"} & set(each) for each in page.told)


async def test_two_pages_of_one_origin_may_watch_the_same_board(running: Running) -> None:
    board, name = await running.bridge.board()
    async with page_of(running) as page:
        async with page_of(running) as tab:
            await page.open(board)
            assert (await tab.open(board, "115200 default"))["Cmd"] == "Open"
            failed_rate = await tab.open(board, "9600")
            assert failed_rate["Cmd"] == "OpenFail"
            await board.write(b"both")
            assert await page.read(board, 4) == await tab.read(board, 4) == "both"
            await tab.say(f"close {board.address}")
            assert (await tab.next("Cmd"))["Cmd"] == "Close"
            await board.write(b"one")
            assert await page.read(board, 3) == "one"
            await tab.open(board)
        await board.write(b"left")
        assert await page.read(board, 4) == "left"
        await page.say(f"close {board.address}")
        while (await page.next("Cmd"))["Cmd"] != "Close":
            pass
        assert running.bridge.services.boards.find(name).holder is None


async def test_a_page_that_leaves_frees_its_ports_and_the_others_see_it(running: Running) -> None:
    board, name = await running.bridge.board()
    async with page_of(running, FOREIGN) as other:
        async with page_of(running) as page:
            await page.open(board)
            await other.until_listed(board, is_open=True)
        await other.until_listed(board, is_open=False)
        await until_free(running, name)
        assert (await other.open(board))["Cmd"] == "Open"


async def test_a_port_counts_as_open_until_it_is_free(running: Running) -> None:
    board, name = await running.bridge.board()
    async with page_of(running) as other:
        async with page_of(running) as page:
            await page.open(board)
            await page.say(f"send {board.address} " + "x" * 900_000)
            await other.until_listed(board, is_open=True)
        # The page is gone; what it sent may still leave.
        await other.say("list")
        await other.until_listed(board, is_open=False)
        assert running.bridge.services.boards.find(name).holder is None


async def test_a_page_that_is_gone_before_its_port_is_open_holds_nothing(running: Running) -> None:
    board, name = await running.bridge.board()
    services = running.bridge.services
    serial = SerialPorts(services.boards, services.monitors, lambda: None)
    outlet = Outlet()
    page = outlet.page("sid")
    page.leave()
    await serial.open(page, f"{board.address} 9600")
    await until_free(running, name)
    assert not serial.is_open(board.address)


async def test_who_leaves_while_the_port_opens_holds_nothing(running: Running) -> None:
    board, name = await running.bridge.board()
    for _ in range(5):
        async with page_of(running) as page:
            await page.say(f"open {board.address} 9600")
        await until_free(running, name)


async def test_an_unplugged_board_is_told_so_that_the_next_upload_does_not_wait(
    running: Running,
) -> None:
    board, _ = await running.bridge.board()
    async with page_of(running) as page:
        await page.open(board)
        await board.write("last w€".encode()[:-1])
        await page.read(board, 6)
        board.unplug()
        assert (await page.next("D"))["D"] == "\ufffd"
        closed = await page.next("Cmd")
        assert (closed["Cmd"], closed["Port"]) == ("Close", board.address)
        await page.error("trying to close", board.address)
        await page.say(f"send {board.address} x")
        await page.error("not open")
        await page.say(f"close {board.address}")
        await page.error("trying to close")
        again, _ = await running.bridge.board()
        assert (await page.open(again))["Cmd"] == "Open"
        await again.write(b"back")
        assert await page.read(again, 4) == "back"


async def test_a_pause_and_a_revoked_page_end_the_monitor(running: Running) -> None:
    board, name = await running.bridge.board()
    services = running.bridge.services
    async with page_of(running, FOREIGN) as page:
        await page.open(board)
        await services.boards.pause.begin()
        await page.error("trying to close")
        assert (await page.open(board))["Cmd"] == "OpenFail"
        services.boards.pause.end()
        assert (await page.open(board))["Cmd"] == "Open"
        services.origins.revoke(FOREIGN)
        await until_free(running, name)


async def test_an_upload_closes_the_monitors_of_its_own_origin_only(running: Running) -> None:
    board, name = await running.bridge.board()
    other, _ = await running.bridge.board("nano", "F412FA99")
    services = running.bridge.services
    serial = SerialPorts(services.boards, services.monitors, running.hub.push_list)
    running.hub.commands.update(serial.commands)
    async with page_of(running) as page, page_of(running, FOREIGN) as stranger:
        await page.open(board)
        await stranger.open(other)
        await serial.let_go(other.address, VENDOR)
        await serial.let_go(board.address, VENDOR)
        assert services.boards.find(name).holder is None
        closed = await page.next("Cmd")
        assert (closed["Cmd"], closed["Port"]) == ("Close", board.address)
        await page.error("trying to close", "A sketch is written")
        await other.write(b"untouched")
        assert await stranger.read(other, 9) == "untouched"
    async with page_of(running) as page:
        await page.open(board)
    await until_free(running, name)
    await serial.let_go(board.address, VENDOR)


async def test_a_page_without_the_scope_opens_nothing(running: Running) -> None:
    board, _ = await running.bridge.board()
    running.bridge.services.origins.allow(FOREIGN, frozenset({Scope.BOARDS}))
    async with page_of(running, FOREIGN) as page:
        failed = await page.open(board)
        assert (failed["Cmd"], "not allowed" in failed["Desc"]) == ("OpenFail", True)


async def test_our_own_page_and_the_drop_in_are_under_the_same_rules(running: Running) -> None:
    board, name = await running.bridge.board()
    own = await running.bridge.open(own=True)
    tab = await running.bridge.open(FOREIGN)
    async with page_of(running, FOREIGN) as page:
        channel = (await own.call("serial.open", board=name, baud=9600))["channel"]
        assert "the agent's own page" in (await page.open(board))["Desc"]
        await own.call("serial.close", channel=channel)
        await page.open(board)
        error = await own.fail("serial.open", board=name, baud=115200)
        assert error["data"]["facts"]["holder"] == f"the serial monitor of {FOREIGN}"
        channel = (await tab.call("serial.open", board=name, baud=115200))["channel"]
        await board.write(b"shared")
        assert await page.read(board, 6) == "shared"
        assert await tab.read(channel, 6) == b"shared"
        with pytest.raises(PortBusy):
            async with running.bridge.services.boards.lease(name, "a job"):
                pass


async def test_what_is_sent_before_a_close_leaves_and_what_is_sent_after_it_is_an_error(
    running: Running,
) -> None:
    board, _ = await running.bridge.board()
    async with page_of(running) as page:
        for _ in range(5):
            await page.open(board)
            await page.say(f"send {board.address} before")
            await page.say(f"close {board.address}")
            await page.say(f"send {board.address} after")
            await page.error("not open")
            assert await board.read(6) == b"before"
        await page.open(board)
        await page.say(f"sendraw {board.address} QUJD!")
        await page.error("first 3 bytes only")
        assert await board.read(3) == b"ABC"
        for words in ("send", f"send {board.address}", "sendraw  x"):
            await page.say(words)
            await page.error()


async def test_a_board_that_reads_nothing_holds_no_command_up_for_long(running: Running) -> None:
    board, name = await running.bridge.board()
    async with page_of(running) as page:
        await page.open(board)
        for _ in range(6):
            await page.say(f"send {board.address} " + "x" * 900_000)
        await page.error("reads too slowly", "900000 bytes")
        await page.say(f"close {board.address}")
        while (await page.next("Cmd"))["Cmd"] != "Close":
            pass
        assert any("did not read" in each.get("Error", "") for each in page.told)
        assert running.bridge.services.boards.find(name).holder is None


async def test_opening_at_1200_baud_restarts_the_board_and_counts_as_open_until_it_is_closed(
    running: Running,
) -> None:
    board, name = await running.bridge.board()
    async with page_of(running) as page:
        opened = await page.open(board, "1200")
        assert (opened["Cmd"], opened["Baud"]) == ("Open", 1200)
        assert board.rate() == 1200
        await page.until_listed(board, is_open=True)
        assert running.bridge.services.boards.find(name).holder is None
        await page.say(f"send {board.address} x")
        await page.error("not open")
        await page.say(f"close {board.address}")
        assert (await page.next("Cmd"))["Cmd"] == "Close"
        await page.open(board, "1200 timed")
        # Whoever does not close it gets the board at another rate all the same.
        assert (await page.open(board))["Baud"] == 115200
        assert (await page.open(board, "1200"))["Cmd"] == "OpenFail"
        await board.write(b"sketch")
        assert await page.read(board, 6) == "sketch"


async def test_a_board_that_restarted_has_left_its_port_and_no_page_has_it_open(
    running: Running,
) -> None:
    board, _ = await running.bridge.board()
    async with page_of(running) as page, page_of(running) as other:
        await page.open(board, "1200")
        await other.until_listed(board, is_open=True)
        board.unplug()
        closed = await page.next("Cmd")
        assert (closed["Cmd"], closed["Desc"]) == ("Close", "The board has restarted.")
        await page.error("restarted", "trying to close")
        await other.until_listed(board, is_open=False)


async def test_a_stuck_page_loses_only_its_own_data_and_is_told_how_much(running: Running) -> None:
    board, _ = await running.bridge.board()
    text = "".join(f"{number:07d}\n" for number in range(400_000))
    async with page_of(running) as page, page_of(running, max_queue=1) as stuck:
        await page.open(board, "115200 default")
        await stuck.open(board)
        before = psutil.Process().memory_info().rss
        sending = asyncio.ensure_future(board.write(text.encode()))
        assert await page.read(board, len(text)) == text
        await sending
        # Most of that is the page's own text, which is in this process, too.
        assert psutil.Process().memory_info().rss - before < 32 << 20
        await board.write(b"end")
        got, lost = "", 0
        while not got.endswith("end"):
            found = await stuck.next()
            got += found.get("D", "")
            if (error := found.get("Error", "")).endswith("than the board sends."):
                lost += int(error.split()[0])
        assert lost > 0
        assert len(got) + lost == len(text) + 3
        await stuck.say(f"close {board.address}")
        while (await stuck.next("Cmd"))["Cmd"] != "Close":
            pass
        assert not any("Error" in each for each in page.told)


async def test_sendnobuf_goes_before_what_waits_for_a_slow_board(running: Running) -> None:
    board, _ = await running.bridge.board()
    async with page_of(running) as page:
        await page.open(board)
        for _ in range(4):
            await page.say(f"send {board.address} " + "x" * 50_000)
        await page.say(f"sendnobuf {board.address} STOP")
        # What is after it in the same lane has been done, so that it is queued.
        await page.say(f"send {board.address}")
        await page.error("send PORT DATA")
        got = await board.read(200_004)
        assert got.index(b"STOP") < 190_000
        assert got.replace(b"STOP", b"") == b"x" * 200_000


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_pages_do_at_once_the_boards_are_free_in_the_end(
    running: Running, seed: int
) -> None:
    chance = random.Random(seed)
    boards = {}
    for name, number in (("uno", "F412FA65"), ("nano", "F412FA99")):
        boards[name], _ = await running.bridge.board(name, number)
    numbers = {"uno": "F412FA65", "nano": "F412FA99"}
    for _ in range(12):
        async with contextlib.AsyncExitStack() as stack:
            origins = (VENDOR, VENDOR, FOREIGN, None)
            pages = [
                await stack.enter_async_context(page_of(running, each, max_queue=None))
                for each in origins
            ]
            for _ in range(30):
                page, (name, board) = chance.choice(pages), chance.choice(list(boards.items()))
                match chance.randrange(12):
                    case 0 | 1 | 2 | 3:
                        kind = chance.choice(["", " timed", " default", " timedraw", " odd"])
                        rate = chance.choice(["9600", "9600", "115200", "1200"])
                        await page.say(f"open {board.address} {rate}{kind}")
                    case 4 | 5 | 6:
                        await page.say(f"close {board.address}")
                    case 7 | 8:
                        await page.say(f"send {board.address} hello")
                    case 9:
                        with contextlib.suppress(BlockingIOError):
                            os.write(board.master, b"world")
                    case 10:
                        await asyncio.sleep(chance.random() / 100)
                    case 11 if chance.random() < 0.3:
                        board.unplug()
                        boards[name], _ = await running.bridge.board(name, numbers[name])
            if chance.random() < 0.5:
                continue
            for page in pages:
                for board in boards.values():
                    await page.say(f"close {board.address}")
                await page.say("close the-last-one")
                while "the-last-one" not in await page.error():
                    pass
            # What a page of the round before was opening as it went takes a moment longer.
            for board in boards.values():
                await until_free(running, board.address)
    for board in boards.values():
        await until_free(running, board.address)
    async with page_of(running) as page:
        for board in boards.values():
            assert (await page.open(board, "9600"))["Cmd"] == "Open"
            await board.write(b"at last")
            text = ""
            while not text.endswith("at last"):  # something of before may have waited in the port
                text += await page.read(board, 1)
