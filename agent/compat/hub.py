"""Who is connected, and what their commands do.

What a page asks is answered to it alone; lists may go to all. Commands of one page that concern
ports run in the order in which they came; those of other kinds run beside them, so that a list is
not late because a tool is fetched or a port is slow. Nobody waits for another page.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.compat import messages
from agent.errors import MooringError
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.compat.page import Page

Command: TypeAlias = Callable[["Page", str], Awaitable[None]]
"""Does one command of a page; the text is what stands after the verb and its blank, unchanged."""

COMMANDS: Final = 256_000
"""That wait for one page: the original agent's queue. A page that has more is disconnected."""
OTHER_COMMANDS: Final = 1000
"""The same of one kind that is not for ports; a page asks for the list every 1.5 seconds."""
COMMAND_CHARS: Final = 8 << 20
"""The same in characters: a file that a page sends to a slow board line by line."""
ECHO_CHARS: Final = 32 << 10
"""A command is repeated to its page, as the original does, unless so much waits for that page: the
echoes of a file that is sent line by line must not be what it is disconnected for."""
STOP_S: Final = 1.0
"""For commands that were cancelled: a port closes within milliseconds, and the agent is to end."""
_PORTS: Final = frozenset({"open", "close", "send", "sendnobuf", "sendraw"})
"""Verbs whose commands keep their order among each other."""

_log = logging.getLogger(__name__)


class _Lane:
    """Commands of one page that run one after the other."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Command, str]] = deque()
        self.task: asyncio.Task[None] | None = None


class _Caller:
    """A page and what it asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lanes: dict[str, _Lane] = {}
        self.chars = 0
        self.is_over = False
        """It asked for too much, and hears and gets nothing more."""


class Hub:
    """All pages. To be used in one event loop."""

    def __init__(self, list_text: Callable[[], str], greeting: Callable[[], list[str]]) -> None:
        """``list_text``: the message with the ports of now; ``greeting``: what a new page hears."""
        self.commands: dict[str, Command] = {}
        """What each verb does. A verb is matched by how a text begins, the longest one first."""
        self._list_text = list_text
        self._greeting = greeting
        self._callers: dict[str, _Caller] = {}

    @property
    def pages(self) -> tuple[Page, ...]:
        """Everybody who is connected, in the order of coming."""
        return tuple(caller.page for caller in self._callers.values())

    def tell_all(self, text: str) -> None:
        """Say it to everybody."""
        for page in self.pages:
            page.say(text)

    def tell_origin(self, origin: str | None, text: str) -> None:
        """Say it to the pages of one origin; None: to programs, and the agent's own page."""
        for page in self.pages:
            if page.origin == origin:
                page.say(text)

    def push_list(self) -> None:
        """Say to everybody which ports there are."""
        if self._callers:
            self.tell_all(self._list_text())

    def enter(self, page: Page) -> None:
        """It is connected: greet it."""
        self._callers[page.sid] = _Caller(page)
        for text in self._greeting():
            page.say(text)

    def leave(self, page: Page) -> None:
        """It is gone: forget what it still wanted."""
        caller = self._callers.pop(page.sid, None)
        if caller is not None:
            for lane in caller.lanes.values():
                lane.waiting.clear()
                if lane.task is not None:
                    lane.task.cancel()
        page.leave()

    def take(self, page: Page, text: str) -> None:
        """A command of the page; returns at once."""
        caller = self._callers.get(page.sid)
        if caller is None or caller.is_over:
            return
        verb = self._verb(text)
        if verb is None:
            page.say(messages.error(messages.NOT_UNDERSTOOD))
            return
        if page.waiting < ECHO_CHARS:
            page.say(text)
        is_for_port = verb in _PORTS
        lane = caller.lanes.setdefault("ports" if is_for_port else verb, _Lane())
        lane.waiting.append((self.commands[verb], text))
        caller.chars += len(text)
        most = COMMANDS if is_for_port else OTHER_COMMANDS
        if len(lane.waiting) > most or caller.chars > COMMAND_CHARS:
            _log.warning("a page asked for more than it can get, and is disconnected")
            caller.is_over = True
            page.close()
            return
        if lane.task is None:
            lane.task = asyncio.create_task(self._run(caller, lane))

    async def stop(self) -> None:
        """End what runs, or what of it ends in time; the wires are let go by who holds them."""
        tasks = [
            lane.task
            for caller in self._callers.values()
            for lane in caller.lanes.values()
            if lane.task is not None
        ]
        for page in self.pages:
            self.leave(page)
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    def _verb(self, text: str) -> str | None:
        lowered = text[:64].strip("\n").lower()
        found = [verb for verb in self.commands if lowered.startswith(verb)]
        return max(found, key=len, default=None)

    async def _run(self, caller: _Caller, lane: _Lane) -> None:
        try:
            while lane.waiting:
                command, text = lane.waiting.popleft()
                await self._do(caller.page, command, text.partition(" ")[2])
                caller.chars -= len(text)
                await asyncio.sleep(0)  # commands that wait for nothing leave room to others
        finally:
            lane.task = None

    async def _do(self, page: Page, command: Command, rest: str) -> None:
        """Run one command; whatever goes wrong in it is told, and ends there."""
        try:
            await command(page, rest)
        except MooringError as error:
            page.say(messages.error(clean_text(error.report().title)))
        except Exception:  # noqa: BLE001 - one command's defect is not the other commands' problem
            _log.error("a command failed", exc_info=True)
            page.say(messages.error("The command failed; the log of the agent says why."))
