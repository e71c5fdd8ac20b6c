"""Serial monitors: one link per board, shared by the watchers of one party.

The first watcher takes the lease and opens the link; the last one closes it. Who watches (a page of
ours, a page of somebody else's interface) is a :class:`Watcher`, which bounds what waits for it;
who may share with whom is decided here, for all of them by the same rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from agent.errors import InternalError, MooringError, PortBusy, PortGone

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from agent.boards.board import Board, Via
    from agent.errors import Paused
    from agent.links import Link

WRITE_BYTES: Final = 4096
"""Handed to the port at once: a board that reads slowly is then not taken for a stuck one."""

_logger = logging.getLogger(__name__)


class Lent(Protocol):
    """A board that is lent (``agent.boards.leases``)."""

    async def open(self, baud: int, address: str | None = None) -> Link:
        """Open its port, or the one of them at ``address``."""


class Lender(Protocol):
    """Who lends boards (``agent.boards.service``)."""

    def find(self, query: str) -> Board:
        """The board that ``query`` names; raises UnknownBoard or AmbiguousBoard."""

    def lease(
        self,
        board_id: str,
        holder: str,
        *,
        via: Via | None = None,
        recall: Callable[[Paused], None] | None = None,
    ) -> AbstractAsyncContextManager[Lent]:
        """Hold the board; raises PortBusy with the holder."""


class Watcher(Protocol):
    """Somebody who is told what a board sends."""

    def offer(self, data: bytes) -> None:
        """The board sent this. Returns at once: what waits is the watcher's own matter."""

    def end(self, error: MooringError) -> None:
        """The link ended by itself, and why; nothing follows."""


class Watch:
    """What one watcher has of a monitor: its place, and its way to the board."""

    __slots__ = ("_address", "monitor", "queued", "texts", "watcher")

    def __init__(self, monitor: Monitor, watcher: Watcher, address: str | None) -> None:
        self.monitor = monitor
        self.watcher = watcher
        self.queued = 0
        """Bytes of this watcher that wait for the board."""
        self.texts = 0
        """In so many pieces."""
        self._address = address

    @property
    def ended(self) -> bool:
        """Nothing can be written any more."""
        return self.monitor.task.done()

    async def opened(self) -> None:
        """Return when the link is open; raises :class:`MooringError` if it cannot be opened."""
        address = await self.monitor.opened()
        if self._address not in {None, address}:
            # Another port of the same board is watched, and a board is lent once.
            raise PortBusy(port=str(self._address), holder=self.monitor.holder)

    def write(
        self, data: bytes, written: asyncio.Future[None] | None = None, *, first: bool = False
    ) -> None:
        """Queue ``data`` for the board; ``written`` is resolved once the port has taken it.

        ``first``: before everything that waits.
        """
        self.monitor.write(self, data, written, first=first)


class _Piece(NamedTuple):
    """What waits for the board."""

    watch: Watch
    data: bytes
    written: asyncio.Future[None] | None

    def fits(self, watch: Watch, data: bytes) -> bool:
        """Whether ``data`` of ``watch`` can be added to it."""
        alike = self.watch is watch and self.written is None
        return alike and len(self.data) + len(data) <= WRITE_BYTES


class Monitor:
    """An open link that several watchers share; made by :class:`Monitors`."""

    def __init__(
        self, boards: Lender, board_id: str, baud: int, party: str, holder: str, address: str | None
    ) -> None:
        self.board_id = board_id
        self.baud = baud
        self.party = party
        self.holder = holder
        self.watches: list[Watch] = []
        self.closing = False
        """The last watcher left; the port is being given back."""
        self._address = address
        self._has_board = False
        """Until it gives it back, which nothing may interrupt."""
        self._recalled: MooringError | None = None
        self._boards = boards
        self._input: deque[_Piece] = deque()
        self._first: deque[_Piece] = deque()
        """What goes before it."""
        self._has_input = asyncio.Event()
        self._opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # Every opener may have left before the port turned out to be busy.
        self._opened.add_done_callback(lambda opened: opened.cancelled() or opened.exception())
        self.task = asyncio.create_task(self._run())

    async def opened(self) -> str:
        """The address of the link, once it is open."""
        return await asyncio.shield(self._opened)

    def write(
        self, watch: Watch, data: bytes, written: asyncio.Future[None] | None, *, first: bool
    ) -> None:
        """See :meth:`Watch.write`."""
        queue = self._first if first else self._input
        watch.queued += len(data)
        self._has_input.set()
        if written is None and len(queue) > 1:
            # The foremost one may be on its way. Small ones are one, so that a file that is sent
            # line by line to a slow board takes no more room than it has.
            last = queue[-1]
            if last.fits(watch, data):
                queue[-1] = _Piece(watch, last.data + data, None)
                return
        watch.texts += 1
        queue.append(_Piece(watch, data, written))

    async def close(self) -> None:
        """Close the link and give the lease back."""
        self.closing = True
        self.task.cancel()
        await asyncio.wait({self.task})

    def _let_go(self, why: MooringError) -> None:
        """The board is wanted back; watchers are told why."""
        if self._recalled is None and self._has_board and not self.closing:
            self._recalled = why
            self.task.cancel()

    async def _run(self) -> None:
        end: MooringError = PortGone(port=self.board_id)
        try:
            async with self._boards.lease(
                self.board_id, self.holder, via="usb", recall=self._let_go
            ) as lease:
                self._has_board = True
                try:
                    await self._relay(lease)
                finally:
                    self._has_board = False
        except MooringError as error:
            end = error
        except Exception as error:
            _logger.exception("the serial monitor of %s failed", self.board_id)
            end = InternalError(kind=type(error).__name__)
        finally:
            self._report(self._recalled or end)

    async def _relay(self, lease: Lent) -> None:
        link = await lease.open(self.baud, self._address)
        ways = {asyncio.create_task(self._read(link)), asyncio.create_task(self._write(link))}
        try:
            self._opened.set_result(link.address)
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            await link.close()

    async def _read(self, link: Link) -> None:
        while True:
            data = await link.receive()
            for watch in self.watches:
                watch.watcher.offer(data)

    async def _write(self, link: Link) -> None:
        while True:
            self._has_input.clear()
            while self._input or self._first:
                while self._first:
                    await self._write_next(self._first, link)
                if self._input:
                    await self._write_next(self._input, link)
            await self._has_input.wait()

    async def _write_next(self, queue: deque[_Piece], link: Link) -> None:
        watch, data, written = queue[0]
        for start in range(0, len(data), WRITE_BYTES):
            while self._first and queue is self._input:
                await self._write_next(self._first, link)
            await link.write(data[start : start + WRITE_BYTES])
        queue.popleft()
        watch.queued -= len(data)
        watch.texts -= 1
        if written is not None and not written.done():
            written.set_result(None)

    def _report(self, error: MooringError) -> None:
        for _, _, written in (*self._first, *self._input):
            if written is not None and not written.done():
                written.set_exception(error)
        if not self._opened.done():
            self._opened.set_exception(error)
            return
        for watch in tuple(self.watches):
            watch.watcher.end(error)


class Monitors:
    """All serial monitors of the agent."""

    def __init__(self, boards: Lender) -> None:
        self._boards = boards
        self._monitors: dict[str, Monitor] = {}

    async def join(
        self,
        query: str,
        baud: int,
        watcher: Watcher,
        *,
        party: str,
        label: str,
        address: str | None = None,
    ) -> Watch:
        """Let ``watcher`` watch the board that ``query`` names; await :meth:`Watch.opened` next.

        The link is shared with those of the same ``party``; ``label`` says to others who that is.
        ``address``: which port, of a board that has several. Whoever joined calls :meth:`leave` in
        the end, also after an error or an end. Raises UnknownBoard, AmbiguousBoard or PortBusy.
        """
        board_id = self._boards.find(query).id
        while (monitor := self._monitors.get(board_id)) is not None and (
            monitor.closing or monitor.task.done()
        ):
            await asyncio.wait({monitor.task})
            if self._monitors.get(board_id) is monitor:
                del self._monitors[board_id]
        if monitor is None:
            holder = f"the serial monitor of {label}"
            monitor = Monitor(self._boards, board_id, baud, party, holder, address)
            self._monitors[board_id] = monitor
        elif monitor.party != party:
            raise PortBusy(port=board_id, holder=monitor.holder)
        elif monitor.baud != baud:
            raise PortBusy(port=board_id, holder=f"{monitor.holder} at {monitor.baud} baud")
        watch = Watch(monitor, watcher, address)
        monitor.watches.append(watch)
        return watch

    async def leave(self, watch: Watch) -> None:
        """Stop watching; returns when the port is free, if this was the last watcher."""
        monitor = watch.monitor
        forget(watch)
        if monitor.watches or monitor.closing:
            return
        await monitor.close()
        if self._monitors.get(monitor.board_id) is monitor:
            del self._monitors[monitor.board_id]

    async def stop(self, limit_s: float) -> None:
        """Close all monitors: the agent ends, and waits only so long for ports that hang."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await asyncio.gather(*(monitor.close() for monitor in self._monitors.values()))


def forget(watch: Watch) -> None:
    """Take the watcher from its monitor, which goes on for the others; may be called again."""
    if watch in watch.monitor.watches:
        watch.monitor.watches.remove(watch)
