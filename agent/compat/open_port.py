"""One serial port that one page has open: what the board sends, on its way to that page.

The page is given no more than it takes: above WINDOW nothing is said, data waits in the buffer of
the port, and the oldest is lost there, counted, and told. So a page that stops reading loses its own
data, never its connection, and costs a bounded amount of memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.boards.monitor import forget
from agent.compat import messages
from agent.compat.buffers import TICK_S, Buffer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.boards.monitor import Watch
    from agent.compat.buffers import Kind
    from agent.compat.page import Page
    from agent.errors import MooringError

WINDOW: Final = 64 << 10
"""What may be said to a page and not be sent yet, in characters.

The smallest message has fifty, so that a page that stops reading is far from the number of messages
at which it would be disconnected.
"""
LOOK_S: Final = 0.001
"""After which it is looked whether a page takes more; doubled each time that it does not, up to a
tick: a page that reads is not held up, one that stopped costs nothing."""
DRAIN_S: Final = 1.0
"""How long a port that is closed waits for the board to take what its page sent before."""


class OpenPort:
    """A watcher of the board's monitor, and what the page was told of it."""

    def __init__(
        self, page: Page, port: str, baud: int, kind: Kind, ended: Callable[[OpenPort, str], None]
    ) -> None:
        """``ended`` is called when the port was closed by somebody else, and why."""
        self.page = page
        self.port = port
        self.baud = baud
        self.kind = kind
        self.watch: Watch | None = None
        """None: it was opened to restart the board, and only counts as open."""
        self._ended = ended
        self._why: str | None = None
        """Why it ended, while the page does not know yet that it is open."""
        self._begun = False
        self._buffer = Buffer(kind)
        self._timer: asyncio.TimerHandle | None = None
        self._look_s = LOOK_S

    def told(self, command: str, what: str, **fields: str) -> str:
        """The message about a change of this port."""
        return messages.compact(Cmd=command, Desc=what, Port=self.port, Baud=self.baud, **fields)

    def begin(self) -> None:
        """The page knows that the port is open: tell it what has come since, and what comes."""
        if self._begun:
            return
        self._begun = True
        if self.watch is not None:
            self._say()
        if self._why is not None:
            self._over(self._why)

    def count_as_open(self, seconds: float) -> None:
        """It is no monitor; unless the page closes it, it ends after so long."""
        why = "The board was restarted."
        self._timer = asyncio.get_running_loop().call_later(seconds, self._over, why)

    def restarted(self) -> None:
        """The board left its port, which only counted as open; the next one may have another name."""
        self._why = "The board has restarted."
        if self._begun:
            self._over(self._why)

    def offer(self, data: bytes) -> None:
        """See :class:`agent.boards.monitor.Watcher`."""
        self._buffer.feed(data, asyncio.get_running_loop().time())
        if self._timer is None and self._begun:
            self._say()

    def end(self, error: MooringError) -> None:
        """See :class:`agent.boards.monitor.Watcher`."""
        self._why = error.report().title
        if self._begun:
            self._over(self._why)

    async def finish(self) -> None:
        """The page wants no more, or is gone: what it sent leaves first, as far as the board reads."""
        watch = self.watch
        if watch is not None and watch.queued and not watch.ended:
            written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            written.add_done_callback(lambda each: each.cancelled() or each.exception())
            watch.write(b"", written)
            await asyncio.wait({written}, timeout=DRAIN_S)
            if watch.queued:
                what = f"The board at {self.port} did not read the last {watch.queued} bytes."
                self.page.say(messages.error(what))
        self._empty()

    def _over(self, why: str) -> None:
        self._empty()
        if self.watch is not None:
            forget(self.watch)
        self._ended(self, why)

    def _say(self) -> None:
        """Say what is due, as far as the page takes it; the rest as soon as it is due and taken."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while (due := self._buffer.due) is not None:
            if due <= now and self.page.waiting >= WINDOW:
                due = now + self._look_s
                self._look_s = min(2 * self._look_s, TICK_S)
            if due > now:
                self._timer = loop.call_at(due, self._say)
                return
            self._look_s = LOOK_S
            self._tell(self._buffer.take(now))

    def _empty(self) -> None:
        """Nothing follows: say what waits, as far as the page takes it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._begun:
            return
        now = asyncio.get_running_loop().time()
        while self._buffer.due is not None and self.page.waiting < WINDOW:
            self._tell(self._buffer.take(now))
        if self._buffer.due is None:
            self._tell(self._buffer.end())
        self._buffer.clear()
        self._tell(None)

    def _tell(self, value: str | None) -> None:
        if self._buffer.dropped:
            lost, self._buffer.dropped = self._buffer.dropped, 0
            what = (
                f"{lost} bytes of {self.port} are lost: this page takes less than the board sends."
            )
            self.page.say(messages.error(what))
        if value is not None:
            self.page.say(messages.compact(P=self.port, D=value))
