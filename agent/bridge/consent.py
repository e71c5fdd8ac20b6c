"""Questions to the person, whether a page may use the agent, and how long a no lasts. Pure.

Two clocks enter as arguments: ``now``, seconds of a clock that nobody sets, for how long a
question waits; ``wall``, Unix seconds, for what people read and what outlives the agent.
A question never changes while somebody reads it.
"""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from agent.bridge.scopes import Scope, ordered
from agent.errors import AskBusy, AskGone

if TYPE_CHECKING:
    from collections.abc import Iterable

OPEN_MAX = 5
"""Questions at a time: more of them nobody reads."""
ASKERS_MAX = 4
"""Windows of one page that wait for one answer."""
ANSWER_S = 120.0
"""A question waits so long for somebody who is at the computer but looks elsewhere."""
WINDOW_S = 60.0
NEW_MAX = 20
"""New questions within ``WINDOW_S``; a person answers some ten."""
NEW_PER_PAGE = 6
"""Of these, of one page: one that asks again and again must not leave the others without."""
QUIET_S = 600.0
"""So long after a question that nobody answered the same page asks without making itself heard."""
LOUD_MAX = 5
"""Questions that make themselves heard within ``QUIET_S``: a site can have any number of origins."""
SILENCE_S = 86_400.0
"""After a no: a day."""
SILENCES_MAX = 200
"""Pages that are silent; each costs a person a click. Beyond it the one that ends first goes."""
ENDED_MAX = 64
"""Questions of which is remembered how they ended, for whoever answers one too late."""


class Decision(StrEnum):
    """What a person says."""

    ALWAYS = "always"
    ONCE = "once"
    NO = "no"


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """An open question."""

    ask: str
    """Its id, which no other question ever had."""
    url: str
    """The page, as its browser names it: ASCII, names in other scripts as punycode."""
    wants: tuple[Scope, ...]
    """What it asks for."""
    has: tuple[Scope, ...]
    """What it has already."""
    since: float
    until: float
    """Unix seconds; after ``until`` the question is gone."""
    quiet: bool
    """It asked a short while ago and nobody answered, or many pages ask: show it without noise."""


@dataclass(slots=True)
class _Open:
    asking: Asking
    deadline: float
    askers: int = 1


class Questions:
    """The open questions, at most one of a page."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._new: deque[tuple[float, str]] = deque()
        self._unheard: dict[str, float] = {}
        """Pages with a question that nobody answered: when they may make noise again."""
        self._loud: deque[float] = deque(maxlen=LOUD_MAX)
        """When the last questions made noise."""
        self._ended: dict[str, str] = {}

    @property
    def asking(self) -> tuple[Asking, ...]:
        """All of them, oldest first."""
        return tuple(each.asking for each in self._open.values())

    def of(self, url: str) -> Asking | None:
        """The open question of a page."""
        return next((asking for asking in self.asking if asking.url == url), None)

    def ask(
        self, url: str, wants: Iterable[Scope], has: Iterable[Scope], *, now: float, wall: float
    ) -> Asking:
        """Open a question, or wait with others of the page for its answer; raises AskBusy.

        Each call is paired with one of :meth:`withdraw` unless the question ends before. Call
        :meth:`lapse` first.
        """
        asked = self.of(url)
        if asked is not None:
            same = self._open[asked.ask]
            if set(wants) <= set(asked.wants) and same.askers < ASKERS_MAX:
                same.askers += 1
                return asked
            raise AskBusy
        while self._new and self._new[0][0] <= now - WINDOW_S:
            self._new.popleft()
        mine = sum(each == url for _, each in self._new)
        if len(self._open) >= OPEN_MAX or len(self._new) >= NEW_MAX or mine >= NEW_PER_PAGE:
            raise AskBusy
        self._new.append((now, url))
        self._unheard = {each: until for each, until in self._unheard.items() if until > now}
        quiet = url in self._unheard or (
            len(self._loud) == LOUD_MAX and now < self._loud[0] + QUIET_S
        )
        if not quiet:
            self._loud.append(now)
        asking = Asking(
            ask=secrets.token_hex(8),
            url=url,
            wants=ordered(wants),
            has=ordered(has),
            since=wall,
            until=wall + ANSWER_S,
            quiet=quiet,
        )
        self._open[asking.ask] = _Open(asking, now + ANSWER_S)
        return asking

    def withdraw(self, ask: str, now: float) -> bool:
        """One window no longer waits; True: it was the last one, and the question is gone."""
        held = self._open.get(ask)
        if held is None:
            return False
        held.askers -= 1
        if held.askers:
            return False
        self._unanswered(held.asking, "The page was closed.", now)
        return True

    def find(self, ask: str, now: float) -> Asking:
        """An open question; raises AskGone, which says how it ended."""
        held = self._open.get(ask)
        if held is None:
            raise AskGone(how=self._ended.get(ask, "This agent has not asked it."))
        if now >= held.deadline:
            raise AskGone(how=_LATE)
        return held.asking

    def settle(self, asking: Asking, how: str) -> None:
        """The question was answered; ``how`` is a sentence for whoever comes too late."""
        del self._open[asking.ask]
        self._unheard.pop(asking.url, None)
        self._remember(asking.ask, how)

    def lapse(self, now: float) -> list[Asking]:
        """The questions that nobody answered in time; they are gone."""
        late = [held.asking for held in self._open.values() if now >= held.deadline]
        for asking in late:
            self._unanswered(asking, _LATE, now)
        return late

    def next_lapse(self) -> float | None:
        """When the next question ends by itself."""
        return min((held.deadline for held in self._open.values()), default=None)

    def _unanswered(self, asking: Asking, how: str, now: float) -> None:
        del self._open[asking.ask]
        # Bounded by NEW_MAX: older ones are forgotten at each new question.
        self._unheard[asking.url] = now + QUIET_S
        self._remember(asking.ask, how)

    def _remember(self, ask: str, how: str) -> None:
        self._ended[ask] = how
        if len(self._ended) > ENDED_MAX:
            del self._ended[next(iter(self._ended))]


_LATE = f"Nobody answered it within {ANSWER_S:g} seconds."


class RefusedOrigin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page to which a person said no."""

    url: str
    until: float
    """Unix seconds: before that it cannot ask again."""


class Silences:
    """The pages that cannot ask, because a person said no to them."""

    def __init__(self, refused: Iterable[RefusedOrigin] = ()) -> None:
        self._until: dict[str, float] = {each.url: each.until for each in refused}

    def until(self, url: str, wall: float) -> float | None:
        """When the page may ask again; None: it may.

        Never more than a day ahead: the clock may have been wrong when the no was said.
        """
        end = self._until.get(url)
        if end is None or end <= wall:
            return None
        self._until[url] = min(end, wall + SILENCE_S)
        return self._until[url]

    def list(self, wall: float) -> list[RefusedOrigin]:
        """Those that are silent, the one that ends first first."""
        ends = ((self.until(url, wall), url) for url in list(self._until))
        return [RefusedOrigin(url=url, until=end) for end, url in sorted(_held(ends))]

    def with_new(self, url: str, wall: float) -> Silences:
        """These and ``url``, for a day; those that are over are left out."""
        kept = [each for each in self.list(wall) if each.url != url][-(SILENCES_MAX - 1) :]
        return Silences([*kept, RefusedOrigin(url=url, until=wall + SILENCE_S)])

    def without(self, url: str, wall: float) -> Silences:
        """These, but ``url`` may ask."""
        return Silences(each for each in self.list(wall) if each.url != url)

    def __contains__(self, url: object) -> bool:
        return url in self._until


def _held(ends: Iterable[tuple[float | None, str]]) -> list[tuple[float, str]]:
    return [(end, url) for end, url in ends if end is not None]
