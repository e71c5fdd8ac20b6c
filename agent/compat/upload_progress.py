"""What pages hear of an upload, and how fast: a tool may print more than anybody can read.

Source: agent-api-compat, section 8.5.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from agent.compat import messages
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_CHARS: Final = 1000
"""Of one line; the tools' own are shorter, and longer ones were cut before."""
LINES_AT_ONCE: Final = 25
"""Told without a pause: more than most tools print at all."""
PAUSE_S: Final = 0.2
"""Between two such lots; so a page gets 125 lines a second at most, and sees each lot at once."""
KEPT: Final = 2 * LINES_AT_ONCE
"""Lines that wait; the oldest make room, and how many is told."""


def starting() -> str:
    """The first word; the client shows ``Cmd``."""
    return messages.compact(ProgrammerStatus="Starting", Cmd="Serial")


def busy(line: str) -> str:
    """A line of progress."""
    return messages.compact(ProgrammerStatus="Busy", Msg=clean_text(line, LINE_CHARS))


def done() -> str:
    """The end that everybody wants; the client believes it only with ``Flash``."""
    return messages.compact(ProgrammerStatus="Done", Flash="Ok")


def failed(why: str) -> str:
    """The other end; ``why`` is what the client shows."""
    return messages.compact(
        ProgrammerStatus="Error", Msg=clean_text(why, LINE_CHARS) or "The upload failed."
    )


def killed() -> str:
    """Somebody stopped it."""
    return messages.compact(ProgrammerStatus="Killed")


def kill_answer() -> str:
    """The original's answer to ``killupload``, which its client does not read."""
    return messages.compact(uploadStatus="Killed")


class Lines:
    """Lines on their way to pages, in order; what comes too fast is left out and counted."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """``tell`` is given one line at a time."""
        self._tell = tell
        self._waiting: deque[str] = deque()
        self._left_out = 0
        self._any = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def offer(self, line: str) -> None:
        """Tell this line soon. To be called in the event loop; never waits."""
        if len(self._waiting) == KEPT:
            self._waiting.popleft()
            self._left_out += 1
        self._waiting.append(line)
        self._any.set()

    async def close(self) -> None:
        """Tell what still waits, and end."""
        self._task.cancel()
        await asyncio.wait({self._task})
        self._some(len(self._waiting))

    def drop(self) -> None:
        """Tell nothing more."""
        self._waiting.clear()
        self._left_out = 0

    async def _run(self) -> None:
        while True:
            await self._any.wait()
            self._some(LINES_AT_ONCE)
            if not self._waiting:
                self._any.clear()
            await asyncio.sleep(PAUSE_S)

    def _some(self, most: int) -> None:
        if self._left_out:
            count, self._left_out = self._left_out, 0
            self._tell(f"({count} lines are left out)")
        for _ in range(min(most, len(self._waiting))):
            self._tell(self._waiting.popleft())
