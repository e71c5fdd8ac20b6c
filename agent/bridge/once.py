"""Permissions that were given once: they last while the page is connected and a little longer.

Never on disk. Time is an argument: seconds of a clock that nobody sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.bridge.scopes import Scope

AFTER_S = 300.0
"""After the last connection: long enough to load the page again or to mend a network."""
ONCE_MAX = 100
"""Permissions at a time; each costs a person a click."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one page was given once."""

    url: str
    since: float
    """Unix seconds."""
    may: frozenset[Scope]
    alone_since: float
    """When its last connection ended, or, if it had none, when it was given."""


class OnceGrants:
    """All of them, and the connections that keep them alive."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._visits: dict[str, int] = {}

    def may(self, url: str, now: float) -> frozenset[Scope]:
        """What the page may do by such a permission."""
        grant = self._grants.get(url)
        return grant.may if grant is not None and self._alive(grant, now) else frozenset()

    def holding(self, now: float) -> list[Grant]:
        """Those that hold."""
        return [grant for grant in self._grants.values() if self._alive(grant, now)]

    def give(self, url: str, may: frozenset[Scope], since: float, now: float) -> None:
        """Give ``may`` beside what the page has."""
        held = self.may(url, now)
        self._grants[url] = Grant(url, since, held | may, now)

    def drop(self, url: str) -> None:
        """End what the page has; one that has nothing is no error."""
        self._grants.pop(url, None)

    def enter(self, url: str) -> None:
        """A connection of the page began."""
        self._visits[url] = self._visits.get(url, 0) + 1

    def leave(self, url: str, now: float) -> None:
        """A connection of the page ended."""
        self._visits[url] -= 1
        if self._visits[url]:
            return
        del self._visits[url]
        grant = self._grants.get(url)
        if grant is not None:
            self._grants[url] = Grant(url, grant.since, grant.may, now)

    def lapse(self, now: float) -> bool:
        """Forget those whose time is over; says whether there were any."""
        over = [url for url, grant in self._grants.items() if not self._alive(grant, now)]
        for url in over:
            del self._grants[url]
        return bool(over)

    def next_lapse(self) -> float | None:
        """When the next one ends, unless its page comes back."""
        alone = (
            grant.alone_since + AFTER_S
            for grant in self._grants.values()
            if grant.url not in self._visits
        )
        return min(alone, default=None)

    def _alive(self, grant: Grant, now: float) -> bool:
        return grant.url in self._visits or now < grant.alone_since + AFTER_S
