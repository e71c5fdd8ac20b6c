"""Consent: pages ask, a person answers, and whoever shows the questions is told.

Everything happens at once and in order; only the ends of questions and of permissions that were
given once need a timer. The page's side is :meth:`Consent.ask`, the person's :meth:`answer`.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from agent.bridge.consent import ANSWER_S, Asking, Decision, Questions, RefusedOrigin
from agent.bridge.origin_url import normalise
from agent.bridge.origins import AllowedOrigin
from agent.bridge.refused_pages import RefusedPage
from agent.bridge.scopes import ALL, Scope, complete, ordered
from agent.errors import (
    AskExpired,
    ErrorReport,
    MooringError,
    OriginRefused,
    OriginSilenced,
    OriginsUnsaved,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.bridge.origins import Origins

    Later: TypeAlias = Callable[[float, Callable[[], None]], Callable[[], None]]
    Tell: TypeAlias = Callable[["AskMessage"], None]


class AskOpen(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="asking"):
    """The person is being asked."""

    until: float
    """Unix seconds; nobody has answered by then: refused."""


class AskAllowed(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="allowed"):
    """The page may use the agent."""

    may: tuple[Scope, ...]
    """All that it may do now. It can be less than it asked for."""
    once: bool
    """Some of it as long as it is connected, and five minutes longer."""


class AskRefused(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="refused"):
    """The page gets nothing more than it has."""

    error: ErrorReport


AskMessage: TypeAlias = AskOpen | AskAllowed | AskRefused


class OriginsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Which pages may use the agent, which ask, which must not ask, and which were not let in."""

    origins: list[AllowedOrigin]
    asking: list[Asking]
    refused: list[RefusedOrigin]
    turned_away: list[RefusedPage] = []
    """Those that looked for the Arduino Create Agent, newest first: nothing was decided about them."""


class GoingOn(msgspec.Struct, frozen=True, kw_only=True):
    """A job that goes on although the page that began it was revoked."""

    job: str
    """Its id."""
    title: str


class Revoked(OriginsDocument, frozen=True, kw_only=True):
    """The same after a page was revoked, and what goes on of it."""

    jobs: list[GoingOn] = []
    """Newest first; a half set up board would be worse, so only a person ends them."""


def _later(delay_s: float, action: Callable[[], None]) -> Callable[[], None]:
    return asyncio.get_running_loop().call_later(delay_s, action).cancel


class Consent:
    """The questions of one agent."""

    def __init__(
        self,
        origins: Origins,
        *,
        clock: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
        later: Later = _later,
    ) -> None:
        """``clock`` tells Unix seconds, ``now`` seconds that nobody sets; ``origins`` has the same.

        ``later`` runs an action after so many seconds and returns what prevents it.
        """
        self.origins = origins
        self._clock = clock
        self._now = now
        self._later = later
        self._questions = Questions()
        self._waiting: dict[str, list[Tell]] = {}
        self._subscribers: list[Callable[[], None]] = []
        self._timer: Callable[[], None] | None = None

    # For whoever shows the questions ----------------------------------------------------------

    @property
    def asking(self) -> tuple[Asking, ...]:
        """The open questions, oldest first; at most five."""
        return self._questions.asking

    def document(self) -> OriginsDocument:
        """Everything that a list of pages shows."""
        return OriginsDocument(
            origins=self.origins.list(),
            asking=list(self.asking),
            refused=list(self.origins.refused()),
        )

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` at each change of :meth:`document`; returns what ends it."""
        self._subscribers.append(callback)

        def end() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return end

    # The person -------------------------------------------------------------------------------

    def answer(self, ask: str, decision: Decision) -> None:
        """Answer an open question; the first answer counts.

        Raises AskGone for one that is not open (any more), and OriginsFull and OriginsUnsaved for a
        yes that could not be kept: then it does not count and the question stays open.
        """
        asked = self._questions.find(ask, self._now())
        try:
            if decision is Decision.ALWAYS:
                self.origins.add(asked.url, frozenset(asked.wants))
            elif decision is Decision.ONCE:
                self.origins.add_once(asked.url, frozenset(asked.wants))
            else:
                self.origins.refuse(asked.url)
        except OriginsUnsaved:
            if decision is Decision.NO:
                self._settle(asked, f"It was answered: {decision}.")
            raise
        self._settle(asked, f"It was answered: {decision}.")

    def allow(self, url: str, may: frozenset[Scope] = ALL) -> None:
        """Let a page do exactly ``may``; an open question of it is answered by that.

        Raises what :meth:`Origins.allow` raises.
        """
        origin = self.origins.allow(url, may).url
        self._settle(self._questions.of(origin), "The page was allowed in another way.")

    def revoke(self, url: str) -> None:
        """Forget a page, allowed or refused; an open question of it ends, and it may ask again.

        Raises InputError, and OriginsUnsaved: then it counts until the agent ends.
        """
        origin = normalise(url)
        try:
            self.origins.revoke(origin)
        finally:
            self._settle(self._questions.of(origin), "The page was revoked.")

    # The page ---------------------------------------------------------------------------------

    def ask(self, url: str, wants: frozenset[Scope], tell: Tell) -> Callable[[], None]:
        """Ask for a page; ``tell`` gets :class:`AskOpen`, if need be, and then the outcome.

        The result, called once or more, withdraws. Raises InputError for an origin that can never
        be allowed, OriginSilenced and AskBusy.
        """
        origin = normalise(url)
        now = self._now()
        self._tick()
        wants = complete(wants)
        has = self.origins.may(origin)
        if wants <= has:
            tell(self._allowed(origin))
            return lambda: None
        until = self.origins.silent_until(origin)
        if until is not None:
            raise OriginSilenced(origin=origin, until=until)
        asked = self._questions.ask(origin, wants - has, has, now=now, wall=self._clock())
        waiting = self._waiting.setdefault(asked.ask, [])
        waiting.append(tell)
        tell(AskOpen(until=asked.until))
        if len(waiting) == 1:
            self._changed()
        return partial(self._withdraw, asked.ask, tell)

    def enter(self, origin: str) -> Callable[[], None]:
        """A connection of an allowed page began; call the result once when it ended."""
        self.origins.enter(origin)

        def leave() -> None:
            self.origins.leave(origin)
            self._schedule()

        return leave

    # ------------------------------------------------------------------------------------------

    def _withdraw(self, ask: str, tell: Tell) -> None:
        waiting = self._waiting.get(ask, [])
        if tell not in waiting:
            return
        waiting.remove(tell)
        if self._questions.withdraw(ask, self._now()):
            del self._waiting[ask]
            self._changed()

    def _settle(self, asked: Asking | None, how: str) -> None:
        """A decision was made: end the question, if there is one, and tell everybody."""
        if asked is not None:
            self._questions.settle(asked, how)
            self._tell(asked.ask, self._outcome(asked))
        self._changed()

    def _outcome(self, asked: Asking) -> AskMessage:
        until = self.origins.silent_until(asked.url)
        if until is not None:
            return _refused(OriginSilenced(origin=asked.url, until=until))
        if asked.url in self.origins:
            return self._allowed(asked.url)
        return _refused(OriginRefused(origin=asked.url))

    def _allowed(self, origin: str) -> AskAllowed:
        return AskAllowed(may=ordered(self.origins.may(origin)), once=self.origins.once(origin))

    def _tell(self, ask: str, message: AskMessage) -> None:
        for tell in self._waiting.pop(ask, []):
            tell(message)

    def _tick(self) -> None:
        """End what time has ended."""
        late = self._questions.lapse(self._now())
        for asked in late:
            error = AskExpired(origin=asked.url, seconds=ANSWER_S)
            self._tell(asked.ask, _refused(error))
        if self.origins.tick() or late:
            self._changed()
        else:
            self._schedule()

    def _changed(self) -> None:
        self._schedule()
        for callback in list(self._subscribers):
            callback()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer()
            self._timer = None
        times = [self._questions.next_lapse(), self.origins.next_tick()]
        first = min((at for at in times if at is not None), default=None)
        if first is not None:
            self._timer = self._later(max(0.0, first - self._now()), self._tick)


def _refused(error: MooringError) -> AskRefused:
    return AskRefused(error=error.report())
