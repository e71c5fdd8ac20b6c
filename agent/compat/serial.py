"""``open``, ``close``, ``send``, ``sendnobuf``, ``sendraw``: serial monitors as pages know them.

A port is open for the page that opened it, which alone has its data and can close it; pages of one
origin may have the same port open side by side. Who else can share a board with whom is decided by
:mod:`agent.boards.monitor`, as for our own pages. Source: agent-api-compat, sections 7.2 to 7.6.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from agent.compat import messages
from agent.compat.buffers import Kind
from agent.compat.open_port import OpenPort
from agent.compat.sending import parse_send, raw_bytes, text_bytes
from agent.errors import MooringError, PortGone

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from agent.boards.board import Board, Via
    from agent.boards.monitor import Monitors
    from agent.compat.hub import Command
    from agent.compat.page import Page

RESTART_BAUD: Final = 1200
"""Opening a port with it restarts the board into its loader (agent-api-compat, section 7.3)."""
RESTART_S: Final = 5.0
"""How long a port that was opened for that counts as open; the published client closes it after 1 s."""
INPUT_BYTES: Final = 4 << 20
INPUT_TEXTS: Final = 65_536
"""What a page may have waiting for one board: a file sent in one go, or line by line."""
BAUD_DIGITS: Final = 10
_ENDS: Final = " \r\n"
"""What may stand around a command and is no part of it."""
WORDS_SHOWN: Final = 200
"""Characters of what a page named, in what it is told about it."""


class Lent(Protocol):
    """A board that is lent (``agent.boards.leases``)."""

    async def touch(self) -> None:
        """Tell the sketch to restart into the bootloader."""


class Boards(Protocol):
    """The boards of this computer (``agent.boards.service``)."""

    def list(self) -> list[Board]:
        """All of now."""

    def lease(
        self, board_id: str, holder: str, *, via: Via | None = None
    ) -> AbstractAsyncContextManager[Lent]:
        """Use a board alone; PortBusy names the holder."""


class SerialPorts:
    """The ports that pages have open. To be used in one event loop."""

    def __init__(self, boards: Boards, monitors: Monitors, push_list: Callable[[], None]) -> None:
        """``push_list`` tells every page which ports there are and which are open."""
        self._boards = boards
        self._monitors = monitors
        self._push_list = push_list
        self._pages: dict[Page, dict[str, OpenPort]] = {}
        self._leaving: dict[asyncio.Task[None], str] = {}
        """The ports of pages that are gone, until they are free."""

    @property
    def commands(self) -> dict[str, Command]:
        """What each verb does."""

        def text(data: str) -> tuple[bytes, bool]:
            return text_bytes(data), True

        return {
            "open": self.open,
            "close": self.close,
            "send": partial(self._send, text),
            "sendnobuf": partial(self._send, text, first=True),
            "sendraw": partial(self._send, raw_bytes),
        }

    def is_open(self, port: str) -> bool:
        """Whether some page has it open."""
        return port in self._leaving.values() or any(port in each for each in self._pages.values())

    async def open(self, page: Page, rest: str) -> None:
        """``PORT BAUD [default|timed|timedraw]``."""
        words = [word for word in rest.strip(_ENDS).split(" ") if word]
        port, baud, kind = (*words[:3], "", "", "")[:3]
        if not (baud.isascii() and baud.isdecimal() and len(baud) <= BAUD_DIGITS):
            page.say(messages.error("Which port, and at how many baud? open PORT BAUD [BUFFER]"))
            return
        try:
            opened = await self._open(page, port, int(baud), kind or Kind.DEFAULT.value)
        except MooringError as error:
            self._fail(page, port, int(baud), _words(error))
        except _Refused as refused:
            self._fail(page, port, int(baud), str(refused))
        else:
            page.say(opened.told("Open", "The port is open.", BufferType=opened.kind.value))
            self._push_list()
            opened.begin()

    async def close(self, page: Page, rest: str) -> None:
        """``PORT``."""
        port = rest.strip(_ENDS)
        opened = self._pages.get(page, {}).get(port)
        if opened is None:
            name = port[:WORDS_SHOWN]
            what = f"The serial port {name} that you were trying to close is not open in this page."
            page.say(messages.error(what))
            return
        await self._leave(opened)
        self._forget(opened)
        self._push_list()
        page.say(opened.told("Close", "The port is closed."))

    async def let_go(self, port: str, origin: str | None) -> None:
        """Close a port that pages of ``origin`` have open: a sketch is written to its board.

        Each page is told. Returns when the port is free of them, and of pages that are gone.
        """
        theirs = [
            opened
            for page, ports in self._pages.items()
            if page.origin == origin and (opened := ports.get(port)) is not None
        ]
        for opened in theirs:
            await self._leave(opened)
            self._ended(opened, "A sketch is written to the board.")
        leaving = {task for task, left in self._leaving.items() if left == port}
        if leaving:
            await asyncio.wait(leaving)

    def boards_changed(self) -> None:
        """The ports of boards that have left them for their loader are open no longer."""
        there = {port.address for board in self._boards.list() for port in board.ports}
        restarted = [
            opened
            for ports in self._pages.values()
            for opened in ports.values()
            if opened.watch is None and opened.port not in there
        ]
        for opened in restarted:
            opened.restarted()

    async def _open(self, page: Page, port: str, baud: int, kind: str) -> OpenPort:
        if not page.may("serial"):
            raise _Refused("This page was not allowed to use serial ports. Mooring's page can.")
        if kind not in {each.value for each in Kind}:
            raise _Refused(f"There is no buffer {kind[:WORDS_SHOWN]}; default, timed and timedraw.")
        before = self._pages.get(page, {}).get(port)
        if before is not None and before.watch is not None:
            if (before.baud, before.kind.value) != (baud, kind):
                raise _Refused(
                    f"This page has {port} open at {before.baud} baud with the buffer"
                    f" {before.kind.value}; close it first."
                )
            return before
        board = self._board_at(port)
        opened = OpenPort(page, port, baud, Kind(kind), self._ended)
        label = page.origin or "a program of this user"
        if baud == RESTART_BAUD:
            async with self._boards.lease(board.id, f"a restart for {label}", via="usb") as lease:
                await lease.touch()
            opened.count_as_open(RESTART_S)
        else:
            try:
                opened.watch = await self._monitors.join(
                    board.id,
                    baud,
                    opened,
                    party=page.origin or "programs",
                    label=label,
                    address=port,
                )
                await opened.watch.opened()
            except BaseException:
                await self._leave(opened)
                raise
        self._keep(opened)
        return opened

    def _board_at(self, port: str) -> Board:
        for board in self._boards.list():
            if any(each.kind == "serial" and each.address == port for each in board.ports):
                return board
        raise PortGone(port=port[:WORDS_SHOWN])

    def _fail(self, page: Page, port: str, baud: int, why: str) -> None:
        page.say(messages.compact(Cmd="OpenFail", Desc=why, Port=port, Baud=baud))
        self._push_list()

    async def _send(
        self,
        decode: Callable[[str], tuple[bytes, bool]],
        page: Page,
        rest: str,
        *,
        first: bool = False,
    ) -> None:
        """``PORT DATA…``; nothing is told if all goes well. ``first``: before all that waits."""
        sent = parse_send(rest)
        if sent is None:
            page.say(messages.error("Where to, and what? send PORT DATA"))
            return
        name = sent.port[:WORDS_SHOWN]
        opened = self._pages.get(page, {}).get(sent.port)
        watch = opened.watch if opened is not None else None
        if watch is None or watch.ended or not page.may("serial"):
            page.say(messages.error(f"{name} is not open in this page; nothing was sent to it."))
            return
        data, whole = decode(sent.data)
        if not whole:
            what = f"What was to be sent to {name} is base64 for its first {len(data)} bytes only."
            page.say(messages.error(what))
        if watch.queued + len(data) > INPUT_BYTES or watch.texts >= INPUT_TEXTS:
            what = f"The board at {name} reads too slowly; {len(data)} bytes were not sent to it."
            page.say(messages.error(what))
            return
        if data:
            watch.write(data, first=first)

    # Ends ---------------------------------------------------------------------------------------

    def _keep(self, opened: OpenPort) -> None:
        page = opened.page
        if page not in self._pages:
            self._pages[page] = {}
            page.when_gone(partial(self._gone, page))
        if page in self._pages:
            self._pages[page][opened.port] = opened
        else:
            self._leave_later(opened)

    def _forget(self, opened: OpenPort) -> bool:
        """Whether it was known."""
        ports = self._pages.get(opened.page, {})
        if ports.get(opened.port) is not opened:
            return False
        del ports[opened.port]
        return True

    def _gone(self, page: Page) -> None:
        for opened in self._pages.pop(page, {}).values():
            self._leave_later(opened)

    def _leave_later(self, opened: OpenPort) -> None:
        def left(task: asyncio.Task[None]) -> None:
            del self._leaving[task]
            self._push_list()

        task = asyncio.get_running_loop().create_task(self._leave(opened))
        self._leaving[task] = opened.port
        task.add_done_callback(left)

    async def _leave(self, opened: OpenPort) -> None:
        """Close the port, after what the page sent has left and the page was told what came."""
        await opened.finish()
        if opened.watch is not None:
            await self._monitors.leave(opened.watch)

    def _ended(self, opened: OpenPort, why: str) -> None:
        """A port is closed although its page did not ask for that."""
        if not self._forget(opened):
            return
        self._push_list()
        opened.page.say(opened.told("Close", why))
        # A page that waits for nothing takes only this as a sign that its monitor is closed.
        what = f"{why} The serial port {opened.port} that you were trying to close is closed."
        opened.page.say(messages.error(what))


class _Refused(Exception):
    """A port is not opened, and why."""


def _words(error: MooringError) -> str:
    report = error.report()
    return f"{report.title} {report.meaning} {report.remedy}"
