"""A Blynk board over its own access point, which this computer has joined before.

What is sent travels over open Wi-Fi and in the address of the request: it is never logged, and the
session is kept short. After the settings the access point of generation 1 goes within a second; if it
comes back, the board failed and :meth:`BlynkHttp.info` says why. That of generation 2 stays.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from agent.errors import PortGone
from agent.links.plain_http import get
from agent.protocols.blynk import http
from agent.protocols.blynk.failures import from_code
from agent.protocols.blynk.info import parse_board_info
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.links.plain_http import Reply
    from agent.protocols.blynk.config import BlynkConfig, Way
    from agent.protocols.blynk.info import BoardInfo, Scan

LOOK_EVERY_S: Final = 2.0
"""Between two looks at a board that tries its settings: an attempt takes some seconds at least."""


class BlynkHttp:
    """See :class:`agent.sessions.blynk.BlynkSession`."""

    way: Way = "http"

    def __init__(
        self,
        host: str = http.ADDRESS,
        port: int = http.PORT,
        *,
        local: str | None = None,
        configure_limit_s: float = CONFIGURE_LIMIT_S,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._host = host
        self._port = port
        self._local = local
        self._board: BoardInfo | None = None
        self.configure_limit_s = configure_limit_s
        """A board that is simulated faster has less."""
        self._look_every_s = look_every_s

    async def info(self) -> BoardInfo:
        """See the interface; the board's light shows from now on that somebody sets it up."""
        reply = await self._get(http.INFO)
        board = parse_board_info(reply.body) if reply.status == 200 else None
        if board is None:
            why = "There is a web server, but it is not that of a Blynk board."
            raise silent(why, ANSWER_LIMIT_S)
        self._board = board
        return board

    async def scan(self) -> Scan:
        """See the interface; the list of generation 1 may be damaged by a name with quotes."""
        board = self._board or await self.info()
        reply = await self._get(http.SCAN, SCAN_LIMIT_S)
        if reply.status != 200:
            raise no_wifi()
        return http.parse_scan(reply.body, board.generation)

    async def configure(self, config: BlynkConfig, told: Callable[[Told], None]) -> Outcome:
        """See the interface.

        That all is well no board tells here: ``unknown``, most often because its access point goes.
        """
        board = self._board or await self.info()
        config.check_for(self.way, board.generation)
        reply = await self._get(http.config_target(config).reveal())
        taken, words = http.parse_message(reply.body)
        if reply.status != 200 or not taken:
            raise refused("take its settings", words)
        told(Told("sent"))
        if board.generation == 1:
            return Outcome("unknown")
        return await self._follow(board.last_error)

    async def give_up(self) -> None:
        """Nothing: a board makes one attempt with what it got here."""

    async def reset(self) -> None:
        """See the interface; generation 2 forgets its networks alone."""
        reply = await self._get(http.RESET)
        taken, words = http.parse_message(reply.body)
        if not taken:
            raise refused("forget its settings", words)

    async def reboot(self) -> None:
        """See the interface."""
        try:
            await self._get(http.REBOOT)
        except PortGone:
            return

    async def close(self) -> None:
        """Nothing is open between two requests."""

    # --- inside ------------------------------------------------------------------------------

    async def _follow(self, before: int) -> Outcome:
        """Until the board names a reason, or the time is up.

        Its access point goes to the channel of the network that it joins, so it may be away for a while.
        It does not forget the reason of an earlier attempt: the same one once more is not seen.
        """
        try:
            async with asyncio.timeout(self.configure_limit_s):
                while True:
                    await asyncio.sleep(self._look_every_s)
                    with contextlib.suppress(PortGone):
                        board = await self.info()
                        if board.last_error != before:
                            failure = from_code(board.last_error)
                            if failure is None:  # what was wrong before is not any more
                                return Outcome("unknown")
                            return Outcome("failed", failure, failure.part == "cloud")
        except TimeoutError:
            return Outcome("unknown")

    async def _get(self, target: str, limit_s: float = ANSWER_LIMIT_S) -> Reply:
        return await get(
            self._host,
            self._port,
            target,
            limit_s=limit_s,
            body_bytes=http.BODY_BYTES,
            local=self._local,
        )
