"""One connected page or program, and everything that ends with its connection."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agent.bridge.origin_url import short_origin
from agent.bridge.outbox import Outbox
from agent.bridge.scopes import ALL, ordered
from agent.errors import ScopeRefused
from agent.settings.text import SHOWN_TEXT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.bridge.relay import Channel
    from agent.bridge.scopes import Scope
    from agent.bridge.uploads import Offer

OWN = "own"
"""The party of the agent's own page and of this user's programs."""

NUMBERS = 255
"""The first byte of a binary message says what it belongs to; 0 is not used."""

_logger = logging.getLogger(__name__)


class Peer:
    """Who is at the other end, what waits for it, what it holds.

    ``party`` is the unit of privacy: the own page and this user's programs are one party and see
    everything; each foreign origin is a party of its own and sees what it started itself.
    """

    def __init__(
        self,
        *,
        origin: str | None,
        own: bool,
        may: Callable[[], frozenset[Scope]] = frozenset,
    ) -> None:
        """``may`` says at each moment what a foreign page was allowed; an own peer may do all."""
        self.origin = origin
        self.own = own
        self._may = may
        self.party = OWN if own or origin is None else origin
        self.outbox = Outbox()
        self.channels: dict[int, Channel] = {}
        """Open serial channels by number."""
        self.offers: dict[int, Offer] = {}
        """Files that it sends, by number."""
        self._last_number = 0
        self._cleanups: dict[str, Callable[[], Awaitable[None] | None]] = {}

    @property
    def label(self) -> str:
        """Who this is, for people and the log."""
        if self.origin is None:
            return "a program of this user"
        return "the agent's own page" if self.own else short_origin(self.origin, SHOWN_TEXT_LIMIT)

    @property
    def may(self) -> frozenset[Scope]:
        """What it may do now."""
        return ALL if self.own else self._may()

    def require(self, scopes: frozenset[Scope]) -> None:
        """Raise ScopeRefused unless it may do all of that."""
        missing = scopes - self.may
        if missing:
            raise ScopeRefused(
                scopes=", ".join(ordered(missing)), may=", ".join(ordered(self.may)) or "nothing"
            )

    def new_number(self) -> int:
        """A number for binary messages that nothing of this peer has.

        It is the next one after the last, so that late data does not meet something new.
        """
        number = self._last_number % NUMBERS + 1
        while number in self.channels or number in self.offers:
            number = number % NUMBERS + 1
        self._last_number = number
        return number

    def holds(self, name: str) -> bool:
        """Whether something called ``name`` ends with this connection."""
        return name in self._cleanups

    def hold(self, name: str, cleanup: Callable[[], Awaitable[None] | None]) -> None:
        """Run ``cleanup`` when the connection ends; a second one of that name replaces the first."""
        self._cleanups[name] = cleanup

    def drop(self, name: str) -> None:
        """The thing called ``name`` has ended by itself."""
        self._cleanups.pop(name, None)

    def end(self, name: str) -> None:
        """Give up the thing called ``name`` now, if there is one; its cleanup does not wait."""
        cleanup = self._cleanups.pop(name, None)
        if cleanup is not None:
            cleanup()

    async def gone(self) -> None:
        """The connection ended: give up everything, newest first. One failure stops no other."""
        while self._cleanups:
            name, cleanup = self._cleanups.popitem()
            try:
                result = cleanup()
                if result is not None:
                    await result
            except Exception:
                _logger.exception("giving up %s of %s failed", name, self.label)
        self.outbox.clear()
