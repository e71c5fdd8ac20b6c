"""The web pages that may use the agent, those that must not ask, and the file of both.

What gives a page more is on disk before it counts. What takes something from a page counts at
once; if it cannot be written down, whoever asked for it is told. Another agent, or a command that
is one for a moment, may change the file too: each change begins with what stands there.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from agent.bridge.consent import SILENCE_S, RefusedOrigin, Silences
from agent.bridge.once import ONCE_MAX, OnceGrants
from agent.bridge.origin_url import is_origin, normalise
from agent.bridge.scopes import ALL, Scope, complete, ordered
from agent.errors import OriginsBroken, OriginsFull, OriginsUnsaved
from agent.settings.files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ORIGINS_MAX = 100
"""Nobody trusts more pages than this; a list that grows further is a mistake of some script."""
LATEST = 32_503_680_000.0
"""The year 3000: no time of a sound file is later."""
STORE_AGAIN_S = 60.0
"""Between two tries to write down what a full or locked disk did not take; nothing tells of room."""

LOCK_S = 2.0
"""A change takes some milliseconds; who holds the lock for longer hangs."""

_BROKEN = ".broken"
_NOT_ALLOWED = "Therefore it does not count: the page may do what it could do before."
_NOT_KEPT = (
    "It counts until the agent ends, unless it can be saved before; that is tried once a minute."
)

_logger = logging.getLogger(__name__)


class AllowedOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """A web page that may use the agent. One that has something always and more once is two."""

    url: str
    """Scheme, host and, unless it is the usual one, port: ``https://app.example.com``."""
    since: float
    """When it was allowed (Unix seconds)."""
    may: tuple[Scope, ...]
    """What it may do."""
    once: bool = False
    """Only as long as it is connected, and five minutes longer; else until it is revoked."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    since: float
    may: frozenset[Scope]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    origins: list[_Kept]
    refused: list[RefusedOrigin]


class Origins:
    """The list of allowed origins, and of those that were refused."""

    def __init__(
        self,
        file: Path,
        lock: Path,
        clock: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
        *,
        wait_s: float = LOCK_S,
    ) -> None:
        """Read ``file``; one that cannot be read allows nobody and is kept beside it.

        ``lock`` is held while it is changed, and waited for; it is made if missing.
        """
        self._file = file
        self._lock = lock
        self._wait_s = wait_s
        self._clock = clock
        self._now = now
        self._revoked: list[Callable[[str], None]] = []
        self._once = OnceGrants()
        self.unsaved: OriginsUnsaved | None = None
        """Why the file still gives what was taken from a page; None: it says what counts."""
        self._store_again_at = 0.0
        self.problem: OriginsBroken | None = None
        """Why the file gave nothing; None again as soon as there is a new one."""
        content, self.problem = _load(file)
        self._kept, self._silences = _lists(content)
        if any(each.until > clock() + SILENCE_S for each in content.refused):
            # The clock was wrong when the no was said; a day from now must be a day after restarts.
            with contextlib.suppress(OriginsUnsaved), self._changing(_NOT_KEPT):
                self._store(self._kept, self._silences, _NOT_KEPT)

    def list(self) -> list[AllowedOrigin]:
        """All of them, oldest first."""
        always = [
            AllowedOrigin(url=each.url, since=each.since, may=ordered(each.may))
            for each in self._kept.values()
        ]
        once = [
            AllowedOrigin(url=each.url, since=each.since, may=ordered(each.may), once=True)
            for each in self._once.holding(self._now())
        ]
        return sorted([*always, *once], key=lambda entry: (entry.since, entry.url, entry.once))

    def may(self, origin: str) -> frozenset[Scope]:
        """What a page may do whose browser sends this ``Origin``."""
        kept = self._kept.get(origin)
        always = kept.may if kept is not None else frozenset()
        return always | self._once.may(origin, self._now())

    def once(self, origin: str) -> bool:
        """Whether something that the page may do was given once."""
        return bool(self._once.may(origin, self._now()))

    def __contains__(self, origin: object) -> bool:
        """Whether a page whose browser sends this ``Origin`` may use the agent."""
        return isinstance(origin, str) and bool(self.may(origin))

    # What people decide -----------------------------------------------------------------------

    def allow(self, url: str, may: frozenset[Scope] = ALL) -> AllowedOrigin:
        """Let the origin of ``url`` do exactly ``may`` from now on; it may ask again as well.

        Raises :class:`InputError` if no page can have it, OriginsFull and OriginsUnsaved. What it
        could do beyond ``may`` ends, with its connections.
        """
        origin = normalise(url)
        before = self.may(origin)
        entry = self._keep(origin, complete(may))
        self._once.drop(origin)
        if before - entry.may:
            self._end(origin)
        return AllowedOrigin(url=origin, since=entry.since, may=ordered(entry.may))

    def add(self, origin: str, may: frozenset[Scope]) -> None:
        """Let it do ``may`` as well, always; raises OriginsFull and OriginsUnsaved."""
        entry = self._keep(origin, complete(may), more=True)
        if self._once.may(origin, self._now()) <= entry.may:
            self._once.drop(origin)

    def add_once(self, origin: str, may: frozenset[Scope]) -> None:
        """Let it do ``may`` as well, while it is connected; raises OriginsFull."""
        now = self._now()
        if len(self._once.holding(now)) >= ONCE_MAX and not self._once.may(origin, now):
            raise OriginsFull(count=ONCE_MAX)
        self._once.give(origin, complete(may), self._clock(), now)

    def revoke(self, url: str) -> str:
        """Forget the origin of ``url`` and end its connections; one that is not there is no error.

        It may ask again. Says which origin that is; raises OriginsUnsaved, and counts all the same.
        """
        origin = normalise(url)
        had = origin in self
        # After a failure the file may hold what is forgotten here, and give it back at the next start.
        stored = self._forget(origin) or self.unsaved is not None
        self._once.drop(origin)
        if had:
            self._end(origin)
        with self._changing(_NOT_KEPT):
            # What somebody else wrote meanwhile goes as well.
            if self._forget(origin) or stored:
                self._store(self._kept, self._silences, _NOT_KEPT)
        return origin

    def refuse(self, origin: str) -> None:
        """It cannot ask for a day; raises OriginsUnsaved, and counts all the same."""
        self._silences = self._silences.with_new(origin, self._clock())
        with self._changing(_NOT_KEPT):
            self._silences = self._silences.with_new(origin, self._clock())
            self._store(self._kept, self._silences, _NOT_KEPT)

    def silent_until(self, origin: str) -> float | None:
        """Until when (Unix seconds) it cannot ask; None: it may."""
        return self._silences.until(origin, self._clock())

    def refused(self) -> tuple[RefusedOrigin, ...]:
        """The pages that cannot ask, the one that may ask again first first."""
        return tuple(self._silences.list(self._clock()))

    # Connections ------------------------------------------------------------------------------

    def when_revoked(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` with each origin that loses something from now on."""
        self._revoked.append(callback)

    def enter(self, origin: str) -> None:
        """A connection of the page began; paired with :meth:`leave`."""
        self._once.enter(origin)

    def leave(self, origin: str) -> None:
        """A connection of the page ended."""
        self._once.leave(origin, self._now())

    # What time does ---------------------------------------------------------------------------

    def tick(self) -> bool:
        """Forget what was given once and is over, and try again to write down what was not.

        Says whether there was anything.
        """
        lapsed = self._once.lapse(self._now())
        return self._store_again() or lapsed

    def next_tick(self) -> float | None:
        """When (by the clock ``now``) there is something of that to do."""
        times = [self._once.next_lapse(), self._store_again_at if self.unsaved else None]
        return min((at for at in times if at is not None), default=None)

    # ------------------------------------------------------------------------------------------

    def _keep(self, origin: str, may: frozenset[Scope], *, more: bool = False) -> _Kept:
        """Write it down; ``more``: beside what it may do always."""
        with self._changing(_NOT_ALLOWED):
            known = self._kept.get(origin)
            if known is None and len(self._kept) >= ORIGINS_MAX:
                raise OriginsFull(count=ORIGINS_MAX)
            if known is not None and more:
                may |= known.may
            entry = _Kept(url=origin, since=known.since if known else self._clock(), may=may)
            kept = {**self._kept, origin: entry}
            silences = self._silences.without(origin, self._clock())
            if entry != known or origin in self._silences:
                self._store(kept, silences, _NOT_ALLOWED)
            self._kept, self._silences = kept, silences
            return entry

    def _forget(self, origin: str) -> bool:
        there = origin in self._kept or origin in self._silences
        self._kept.pop(origin, None)
        self._silences = self._silences.without(origin, self._clock())
        return there

    def _store_again(self) -> bool:
        if self.unsaved is None or self._now() < self._store_again_at:
            return False
        with contextlib.suppress(OriginsUnsaved), self._changing(_NOT_KEPT):
            self._store(self._kept, self._silences, _NOT_KEPT)
        return self.unsaved is None

    @contextlib.contextmanager
    def _changing(self, effect: str) -> Iterator[None]:
        """Nobody else changes the file meanwhile, and what it says counts from now on.

        Raises OriginsUnsaved.
        """
        from filelock import FileLock, Timeout

        held = FileLock(self._lock, timeout=self._wait_s)
        try:
            self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.acquire()
        except Timeout as error:
            raise self._not_stored("another program of yours changes it", effect) from error
        except OSError as error:
            raise self._not_stored(_detail(error), effect) from error
        try:
            self._take_up()
            yield
        finally:
            held.release()

    def _take_up(self) -> None:
        """Let count what somebody else wrote, unless the file lacks what was decided here."""
        found = None if self.unsaved is not None else _read(self._file)
        if found is None:
            return
        before = self._kept
        self._kept, self._silences = _lists(found)
        for origin, entry in before.items():
            if entry.may - self.may(origin):
                self._end(origin)

    def _store(self, kept: dict[str, _Kept], silences: Silences, effect: str) -> None:
        entries = [
            {"url": each.url, "since": each.since, "may": ordered(each.may)}
            for each in kept.values()
        ]
        content = {"origins": entries, "refused": silences.list(self._clock())}
        try:
            write_private(self._file, msgspec.json.encode(content))
        except OSError as error:
            raise self._not_stored(_detail(error), effect) from error
        self.unsaved = self.problem = None

    def _not_stored(self, detail: str, effect: str) -> OriginsUnsaved:
        _logger.error("%s cannot be written: %s", self._file, detail)
        unsaved = OriginsUnsaved(detail=detail, effect=effect, folder=str(self._file.parent))
        if effect == _NOT_KEPT:
            self.unsaved = unsaved
            self._store_again_at = self._now() + STORE_AGAIN_S
        return unsaved

    def _end(self, origin: str) -> None:
        for callback in self._revoked:
            callback(origin)


def _load(file: Path) -> tuple[_File, OriginsBroken | None]:
    found = _read(file)
    if found is not None:
        return found, None
    nobody = _File([], [])
    return (nobody, _set_aside(file)) if _is_there(file) else (nobody, None)


def _read(file: Path) -> _File | None:
    """What a sound file says; None: there is none, or it cannot be read."""
    try:
        content = msgspec.json.decode(file.read_bytes(), type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError):
        return None
    return content if _is_sound(content) else None


def _is_there(file: Path) -> bool:
    try:
        file.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _lists(content: _File) -> tuple[dict[str, _Kept], Silences]:
    kept = {entry.url: entry for entry in content.origins[:ORIGINS_MAX]}
    return kept, Silences(content.refused)


def _detail(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _is_sound(content: _File) -> bool:
    urls = [each.url for each in content.origins] + [each.url for each in content.refused]
    return all(map(is_origin, urls)) and all(
        Scope.BOARDS in each.may and 0 <= each.since <= LATEST for each in content.origins
    )


def _set_aside(file: Path) -> OriginsBroken:
    """Keep a file that cannot be read, so that the next write does not end it."""
    kept = file.with_name(file.name + _BROKEN)
    _logger.error("%s cannot be read: no page is allowed; it is kept as %s", file.name, kept.name)
    try:
        file.replace(kept)
    except OSError as error:
        _logger.error("%s cannot be kept: %s", file.name, error)
    return OriginsBroken(kept=str(kept))
