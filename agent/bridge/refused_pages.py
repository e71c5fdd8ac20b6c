"""Pages that were turned away although the person might want to allow them; for their eyes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent.bridge.limits import RateLimit
from agent.bridge.origin_url import is_origin
from agent.bridge.refusals import Refusals
from agent.settings.held import Held

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED_MAX: Final = 20
"""More sites than a person opens and wonders about; a site can have any number of origins."""
NEW_PER_S: Final = 1.0
"""After the first ones: a site that tries under one name after the other is not shown faster."""
TELL_AGAIN_S: Final = 10.0
"""A page that is turned away tries again every few seconds; its entry is renewed this often."""


class RefusedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page that looked for the agent and was not served."""

    url: str
    """Its origin."""
    at: float
    """When it last tried, some seconds more or less (Unix seconds)."""


class RefusedPages:
    """The last of them, newest first. To be used in one event loop."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.list: Held[tuple[RefusedPage, ...]] = Held(())
        """Whoever shows them follows this."""
        self._clock = clock
        self._rate = RateLimit(NEW_PER_S, REFUSED_MAX)
        self._log = Refusals()

    def add(self, origin: str) -> None:
        """It was turned away. What no page can be allowed as is passed over."""
        now = self._clock()
        pages = self.list.value
        known = next((page for page in pages if page.url == origin), None)
        if known is not None and abs(now - known.at) < TELL_AGAIN_S:
            return
        if known is None:
            if not is_origin(origin) or self._rate.take(now):
                return
            self._log.tell(f"{origin}, a page for the Arduino Create Agent")
        others = [page for page in pages if page.url != origin]
        self.list.set((RefusedPage(url=origin, at=now), *others[: REFUSED_MAX - 1]))

    def forget(self, is_settled: Callable[[str], bool]) -> None:
        """Forget those whose origin is allowed now, or was refused by the person."""
        self.list.set(tuple(page for page in self.list.value if not is_settled(page.url)))
