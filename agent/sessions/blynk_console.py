"""A Blynk board over its serial console: the computer keeps its own network meanwhile.

The port carries the firmware's log and an echo of all that is typed; only what
:mod:`agent.protocols.blynk.console` makes of a line is used. Opening the port restarts many boards.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, TypeVar

from agent.protocols.blynk import console
from agent.protocols.blynk.failures import BY_CODE
from agent.protocols.blynk.info import console_info, make_scan, parse_devinfo
from agent.sessions.blynk import (
    ANSWER_LIMIT_S,
    CONFIGURE_LIMIT_S,
    SCAN_LIMIT_S,
    Outcome,
    Told,
    no_wifi,
    refused,
    silent,
)
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.errors import SketchHalted
    from agent.links.link import Link
    from agent.protocols.blynk.config import BlynkConfig, Way
    from agent.protocols.blynk.failures import Failure
    from agent.protocols.blynk.info import BoardInfo, Scan, SeenNetwork
    from agent.protocols.blynk.names import Generation

OPEN_LIMIT_S: Final = 12.0
"""For the first answer: opening a port restarts many boards, and they need some seconds."""
ASK_EVERY_S: Final = 1.0
"""A question may fall into a restart, or into the middle of a log line: then it is asked again."""
LOOK_EVERY_S: Final = 3.0
"""Between two looks whether a board that connects has an address: not every log tells."""

T = TypeVar("T")


async def open_blynk_console(link: Link, *, limit_s: float = OPEN_LIMIT_S) -> BlynkConsole:
    """Ask the board on ``link`` who it is; returns when it answered.

    Raises :class:`SketchHalted` after ``limit_s``. The link belongs to the session from now on and is
    closed if this raises.
    """
    session = BlynkConsole(link)
    try:
        await session.connect(limit_s)
    except BaseException:
        await session.close()
        raise
    return session


class BlynkConsole:
    """See :class:`agent.sessions.blynk.BlynkSession`; made by :func:`open_blynk_console`."""

    way: Way = "console"

    def __init__(
        self,
        link: Link,
        *,
        configure_limit_s: float = CONFIGURE_LIMIT_S,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._link = link
        self._reader = console.ConsoleReader()
        self._waiting: deque[console.Line] = deque()
        self._number = 0
        self._board: BoardInfo | None = None
        self.configure_limit_s = configure_limit_s
        self.look_every_s = look_every_s
        """Both are less for a board that is simulated faster."""

    @property
    def generation(self) -> Generation:
        """Of its firmware."""
        return 2 if self._board is None else self._board.generation

    async def connect(self, limit_s: float) -> None:
        """Get the first answer; once, by the function above."""
        await self._link.write(console.WAKE)
        self._board = await self._identify(limit_s)

    async def info(self) -> BoardInfo:
        """See the interface."""
        self._board = await self._identify(ANSWER_LIMIT_S)
        return self._board

    async def scan(self) -> Scan:
        """See the interface; the board does nothing else meanwhile."""
        if self._board is not None and not self._board.interfaces:
            raise no_wifi()
        found: list[SeenNetwork] = []
        damaged = False
        for line in await self._command(console.SCAN, SCAN_LIMIT_S):
            network = console.parse_row(line.data)
            if network is not None:
                found.append(network)
            damaged = damaged or (network is None and b" rssi:" in line.data)
        return make_scan(found, damaged=damaged)

    async def configure(self, config: BlynkConfig, told: Callable[[Told], None]) -> Outcome:
        """See the interface.

        Generation 1 tries a wrong password 500 times 50 s: after the limit it is told to stop, unless it
        is in the network: then only the cloud knows.
        """
        config.check_for(self.way, self.generation)
        steps = console.delivery(config, self.generation)
        # What it says now is of an attempt before, and it goes on saying so while it tries anew.
        follow = _Follow(told, await self._network_trouble())
        for step in steps:
            await self._deliver(step)
        told(Told("sent"))
        loop = asyncio.get_running_loop()
        end = loop.time() + self.configure_limit_s
        while follow.outcome is None and loop.time() < end:
            await self._look(follow, min(end, loop.time() + self.look_every_s))
        if follow.outcome is not None:
            return await self._reason(follow, follow.outcome)
        if follow.joined:
            return Outcome("unknown", joined=True)
        await self.give_up()
        return Outcome("failed", follow.trouble or BY_CODE[701])

    async def give_up(self) -> None:
        """See the interface."""
        await self._command(console.CONFIG_START, ANSWER_LIMIT_S)

    async def reset(self) -> None:
        """See the interface."""
        await self._command(console.ERASE, ANSWER_LIMIT_S)

    async def reboot(self) -> None:
        """See the interface."""
        await self._link.write(console.REBOOT)

    async def close(self) -> None:
        """See the interface."""
        await self._link.close()

    # --- inside ------------------------------------------------------------------------------

    async def _identify(self, limit_s: float) -> BoardInfo:
        said = await self._ask(console.DEVINFO, parse_devinfo, limit_s)
        commands = await self._ask(console.HELP, console.parse_help, ANSWER_LIMIT_S)
        generation = console.generation_of(commands)
        return console_info(said, generation, wifi="wifi" in commands)

    async def _ask(self, line: bytes, parse: Callable[[str], T | None], limit_s: float) -> T:
        """Until a line is the answer; asked again meanwhile, as these questions change nothing."""
        loop = asyncio.get_running_loop()
        end = loop.time() + limit_s
        while loop.time() < end:
            self._waiting.clear()
            await self._link.write(line)
            try:
                async with asyncio.timeout_at(min(end, loop.time() + ASK_EVERY_S)):
                    while True:
                        found = parse((await self._next()).text)
                        if found is not None:
                            return found
            except TimeoutError:
                continue
        why = "What runs on it is no firmware of Blynk with a console, or it is stuck."
        raise silent(why, limit_s)

    async def _deliver(self, step: console.Step) -> None:
        if not step.answers:
            await self._command(step.line, ANSWER_LIMIT_S)
            return
        self._waiting.clear()
        await self._link.write(step.line)
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                while (taken := console.parse_taken((await self._next()).text)) is None:
                    pass
        except TimeoutError:
            raise _fell_silent() from None
        if not taken.ok:
            raise refused("connect", taken.words)

    async def _command(self, line: bytes, limit_s: float) -> list[console.Line]:
        """What is heard until it is done; most commands answer nothing."""
        self._number += 1
        mark = console.marker(self._number)
        heard: list[console.Line] = []
        self._waiting.clear()
        await self._link.write(line + mark)
        loop = asyncio.get_running_loop()
        end = loop.time() + limit_s
        while loop.time() < end:
            try:
                async with asyncio.timeout_at(min(end, loop.time() + ASK_EVERY_S)):
                    while (each := await self._next()).data.strip() != mark.strip():
                        heard.append(each)
            except TimeoutError:
                # Its echo may have been torn by a line of the log.
                await self._link.write(mark)
            else:
                return heard
        raise _fell_silent()

    async def _reason(self, follow: _Follow, outcome: Outcome) -> Outcome:
        """Generation 2 knows more of a network that it did not get into than its log says."""
        if outcome.state != "failed" or outcome.joined or follow.named:
            return outcome
        failure = await self._network_trouble()
        return outcome if failure is None else Outcome("failed", failure)

    async def _network_trouble(self) -> Failure | None:
        """Why generation 2 did not get into the network that it tried last; None: no reason."""
        if self.generation == 1:
            return None
        for line in await self._command(console.WIFI_STATE[2], ANSWER_LIMIT_S):
            news = console.parse_news(line.text)
            if isinstance(news, console.Trouble) and not news.final:
                return news.failure
        return None

    async def _look(self, follow: _Follow, until: float) -> None:
        """Follow the log for a while; then ask, as not every board prints one."""
        try:
            async with asyncio.timeout_at(until):
                while follow.outcome is None:
                    follow.hear(await self._next())
        except TimeoutError:
            await self._link.write(console.WIFI_STATE[self.generation])

    async def _next(self) -> console.Line:
        while not self._waiting:
            self._waiting += self._reader.feed(await self._link.receive())
        return self._waiting.popleft()


def _fell_silent() -> SketchHalted:
    return silent("It was there a moment ago.", ANSWER_LIMIT_S)


class _Follow:
    """Makes news of a board that connects out of its lines."""

    def __init__(self, told: Callable[[Told], None], before: Failure | None) -> None:
        self._told = told
        self._before = before
        """A reason that it had before it was given anything."""
        self._last: Told | None = None
        self.joined = False
        self.trouble: Failure | None = None
        self.named = False
        """The board itself says why it gave up."""
        self.outcome: Outcome | None = None

    def hear(self, line: console.Line) -> None:
        """One line."""
        match console.parse_news(line.text):
            case console.Joined(address):
                self.joined, self.trouble = True, None
                self._tell(Told("joined", clean_text(address)))
            case console.Online():
                self._tell(Told("connected"))
                self.outcome = Outcome("connected", joined=True)
            case console.Trouble(failure, final=True):
                self.named = True
                self.outcome = Outcome("failed", failure, self.joined)
            case console.Trouble(failure) if failure != self._before:
                self.trouble = failure
                self._tell(Told("joining", failure.title))
            case console.State(name):
                self._state(name)

    def _state(self, name: str) -> None:
        match name:
            case "CONNECTING NET":
                self._tell(Told("joining"))
            case "CONNECTING CLOUD":
                self.joined = True
                self._tell(Told("connecting"))
            case "RUNNING":
                self._tell(Told("connected"))
                self.outcome = Outcome("connected", joined=True)
            case "WAIT CONFIG" | "ERROR":
                code = 702 if self.joined else 701
                self.outcome = Outcome("failed", self.trouble or BY_CODE[code], self.joined)

    def _tell(self, told: Told) -> None:
        if told != self._last:
            self._last = told
            self._told(told)
