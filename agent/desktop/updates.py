"""Whether there is a newer Mooring: asked once a day, told, and never installed.

The address answers with one small JSON document (docs/updates.md). What it says is only text to
show and a page to open; the page must be on the same server. Without the Internet all is quiet.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import msgspec

from agent.clouds.clock import Clock, SystemClock
from agent.clouds.http import CloudHttp, Limits, Request
from agent.desktop.version_order import VERSION_CHARS, is_newer, version_order
from agent.errors import CloudAnswer, CloudError, Unreachable
from agent.settings import clean_text
from agent.settings.addresses import server_problem
from agent.settings.files import write_private
from agent.settings.notices import Update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.clouds.route import Routes
    from agent.settings.config import UpdatesConfig

PROJECT_URL: Final = "https://mooring.example/updates.json"
"""Where the project says which version is the newest; a name that is reserved and leads nowhere
until the project has an address (docs/updates.md)."""
FIRST_S: Final = 600.0
"""After a start there is other work to do, and a computer that has just woken up has no network."""
DAY_S: Final = 86_400.0
SPREAD_S: Final = 7200.0
"""At most so much is added to a day, so that a school's computers do not ask all at once."""
OFFLINE_S: Final = 3600.0
"""Until the next try where nothing could be sent: a laptop may be back at its network by then."""
LOOK_S: Final = 3600.0
"""Longest sleep: it does not count the time for which a computer is suspended."""
LIMITS: Final = Limits(connect_s=10.0, answer_s=20.0, body=16 * 1024)
"""The document is a few lines; nobody waits for it."""
KEPT_BYTES: Final = 64 * 1024
ETAG_CHARS: Final = 200
DATE_CHARS: Final = 40
NOTES_CHARS: Final = 500
NOT_MODIFIED: Final = 304

_log = logging.getLogger(__name__)


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version, as its address tells; cleaned and checked."""

    version: str
    url: str
    """A page where people get it."""
    date: str = ""
    notes: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the last answer was, so that a start does not ask again."""

    asked_url: str
    asked_at: float
    """Unix seconds."""
    etag: str = ""
    newest: Newest | None = None


def read_newest(data: bytes, asked_url: str) -> Newest:
    """The document of ``asked_url``; raises :class:`CloudAnswer` if it is none that can be used."""
    host = clean_text(urlsplit(asked_url).hostname or "")
    try:
        said = msgspec.json.decode(data, type=Newest)
        page = urljoin(asked_url, said.url)
        same = urlsplit(page).netloc.lower() == urlsplit(asked_url).netloc.lower()
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        detail = clean_text(f"It is no document about updates: {error}")
        raise CloudAnswer(cloud=host, detail=detail) from None
    if server_problem(page) is not None or not same:
        raise CloudAnswer(cloud=host, detail="Its page is on another server, or not safe.")
    version = said.version.strip()
    if version_order(version) is None:
        raise CloudAnswer(cloud=host, detail="Its version is none that can be compared.")
    return Newest(
        version=clean_text(version, VERSION_CHARS),
        url=page,
        date=clean_text(said.date, DATE_CHARS),
        notes=clean_text(" ".join(said.notes.split()), NOTES_CHARS),
    )


def read_kept(file: Path) -> Kept | None:
    """What the last answer was; None if there is none that can be read."""
    try:
        with file.open("rb") as opened:
            data = opened.read(KEPT_BYTES + 1)
        return msgspec.json.decode(data, type=Kept)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def known_update(kept: Kept | None, settings: UpdatesConfig, own_version: str) -> Newest | None:
    """A newer version than ``own_version`` that the address of the settings told of."""
    if kept is None or kept.newest is None or not settings.check:
        return None
    if kept.asked_url != asked_address(settings):
        return None
    return kept.newest if is_newer(kept.newest.version, own_version) else None


def asked_address(settings: UpdatesConfig) -> str:
    """Where to ask."""
    return settings.url or PROJECT_URL


class Updates:
    """Asks between :meth:`start` and :meth:`close`, with one timer."""

    def __init__(
        self,
        settings: Callable[[], UpdatesConfig],
        kept_file: Path,
        own_version: str,
        tell: Callable[[Update | None], None],
        *,
        routes: Routes,
        clock: Clock | None = None,
        spread: Callable[[], float] = random.random,
    ) -> None:
        """``tell`` gets a newer version, or None, at each change; ``spread`` gives 0 to 1."""
        self._settings = settings
        self._file = kept_file
        self._own_version = own_version
        self._tell = tell
        self._routes = routes
        self._clock = clock or SystemClock()
        self._day_s = DAY_S + SPREAD_S * spread()
        self._kept = read_kept(kept_file)
        self._not_before = self._clock.monotonic() + FIRST_S
        self._changed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def settings_changed(self) -> None:
        """Look at the settings again, and at once at another address."""
        self._changed.set()

    def start(self) -> None:
        """Ask when it is time, until :meth:`close`."""
        self._running = asyncio.create_task(self._run(), name="updates")

    async def close(self) -> None:
        """Ask no more."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait({running})

    async def _run(self) -> None:
        while True:
            settings = self._settings()
            newer = known_update(self._kept, settings, self._own_version)
            self._tell(None if newer is None else Update(version=newer.version, url=newer.url))
            wait_s = self._wait_s(settings)
            if wait_s <= 0:
                await self._ask(asked_address(settings))
            else:
                await self._sleep(wait_s)

    def _wait_s(self, settings: UpdatesConfig) -> float:
        """Seconds until the address is asked; 0: now."""
        if not settings.check:
            return float("inf")
        not_yet_s = self._not_before - self._clock.monotonic()
        kept = self._kept
        if kept is None or kept.asked_url != asked_address(settings):
            return not_yet_s
        ago_s = self._clock.wall() - kept.asked_at
        # A clock that was set back is no reason to wait longer than a day.
        return max(not_yet_s, self._day_s - ago_s if ago_s >= 0 else 0.0)

    async def _sleep(self, seconds: float) -> None:
        """Until it is time to look again, or the settings changed."""
        self._changed.clear()
        if seconds == float("inf"):
            await self._changed.wait()
            return
        sleeping = asyncio.ensure_future(self._clock.sleep(min(seconds, LOOK_S)))
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({sleeping, changing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (sleeping, changing):
                each.cancel()
            await asyncio.gather(sleeping, changing, return_exceptions=True)

    async def _ask(self, url: str) -> None:
        kept = self._kept
        before = kept if kept is not None and kept.asked_url == url else None
        try:
            newest, etag = await self._fetch(url, before)
        except CloudError as error:
            unsent = isinstance(error, Unreachable) and error.facts.get("sent") is False
            # Off line for a week is no news.
            level = logging.DEBUG if unsent else logging.INFO
            _log.log(level, "No word about newer versions: %s", error.report().meaning)
            self._not_before = self._clock.monotonic() + OFFLINE_S
            if unsent:
                return
            # It answered, if nothing of use: what was known stays.
            newest, etag = (before.newest, before.etag) if before is not None else (None, "")
        self._kept = Kept(asked_url=url, asked_at=self._clock.wall(), etag=etag, newest=newest)
        with contextlib.suppress(OSError):
            # On a full disk the next start asks again.
            write_private(self._file, msgspec.json.encode(self._kept), durable=False)

    async def _fetch(self, url: str, before: Kept | None) -> tuple[Newest | None, str]:
        parts = urlsplit(url)
        http = CloudHttp(
            title=clean_text(parts.hostname or ""),
            base_url=f"{parts.scheme}://{parts.netloc}",
            clock=self._clock,
            limits=LIMITS,
            routes=self._routes,
        )
        # The library's own name would tell which Python runs here.
        headers = {"User-Agent": "mooring"}
        if before is not None and before.etag:
            headers["If-None-Match"] = before.etag
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            answer = await http.send(Request("GET", path, headers=headers))
        finally:
            await http.close()
        if answer.status == NOT_MODIFIED and before is not None:
            return before.newest, before.etag
        if not answer.ok:
            detail = f"HTTP status {answer.status}."
            raise CloudAnswer(cloud=http.title, detail=detail, status=answer.status)
        etag = answer.etag or ""
        usable = len(etag) <= ETAG_CHARS and etag.isascii() and etag.isprintable()
        return read_newest(answer.body, url), etag if usable else ""
