"""Follows the agent, shows what became of it, and does what a person chose."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agent.desktop.browser import page_url
from agent.desktop.tray.host import Shown
from agent.desktop.tray.item import (
    AnswerPage,
    CancelJob,
    ChooseBoard,
    GetUpdate,
    Opened,
    OpenPage,
    Quit,
    SetPause,
    StartAtLogin,
)
from agent.desktop.tray.memory import TrayMemory, load_memory, save_memory
from agent.desktop.tray.menu import View, build_menu, cost_of_quitting
from agent.desktop.tray.news import QUIET_KINDS, News, Notice, Withdraw
from agent.desktop.tray.state import describe, icon_of
from agent.errors import MooringError
from agent.jobs.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from agent.boards.board import BoardChanges
    from agent.desktop.tray.followed import Followed
    from agent.desktop.tray.host import TrayHost
    from agent.desktop.tray.item import Action, Decision
    from agent.jobs.job import Job, JobChange

UPDATE_S: Final = 0.25
"""What happens within this time is shown as one change; a job reports its progress many times a
second, and a panel draws its menu anew each time."""
FAILED_LIMIT: Final = 3
"""Jobs that did not work out and are still shown; the page has them all."""
RUNNING_LIMIT: Final = 300
"""Jobs looked at when the tray starts, to find those that run: more than can run at once."""

_log = logging.getLogger(__name__)


class Tray:
    """One tray; :meth:`run` it as long as the agent runs."""

    def __init__(self, host: TrayHost, agent: Followed, memory_file: Path) -> None:
        self._host = host
        self._agent = agent
        self._memory_file = memory_file
        self._login: bool | None = None
        self._chosen: str | None = None
        self._running: dict[str, Job] = {}
        self._failed: dict[str, Job] = {}
        self._news = News()
        self._saved = TrayMemory()
        self._update: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Be there until this is cancelled."""
        self._saved = load_memory(self._memory_file)
        self._chosen = self._saved.chosen
        with contextlib.ExitStack() as stack:
            stack.callback(self._stop)
            agent = self._agent
            stack.callback(agent.boards.subscribe(self._boards_changed))
            stack.callback(agent.jobs.subscribe(self._job_changed))
            for followed in (agent.notices, agent.update, agent.pause, agent.consent):
                if followed is not None:
                    stack.callback(followed.subscribe(self._soon))
            # What is plugged in already is no news; what begins to run from here on was heard.
            there = [board.id for board in self._agent.boards.list()]
            self._news = News([*self._saved.met, *there])
            await self._look()
            self._show()
            await self._host.run(self.act)

    def act(self, action: Action) -> None:
        """Do what a person chose; in the event loop."""
        match action:
            case OpenPage(place):
                self._failed.clear()
                self._show_page(place)
            case ChooseBoard(board):
                self._chosen = None if self._chosen == board else board
            case CancelJob(job):
                self._start(self._agent.jobs.cancel(job))
            case AnswerPage(ask, decision):
                self._start(self._answer(ask, decision))
            case GetUpdate():
                self._show_update()
            case SetPause(on):
                self._start(self._set_pause(on))
            case StartAtLogin(on):
                self._start(self._set_login(on))
            case Opened():
                # Somebody may have switched it elsewhere.
                self._start(self._look_at_login())
                return
            case Quit(agreed):
                self._end(agreed)
        self._soon()

    # --- what a person chose ---------------------------------------------------------------------

    def _show_page(self, place: tuple[str, ...]) -> None:
        way = "/".join(quote(part, safe="") for part in place)
        self._open(page_url(self._agent.page, way))

    def _open(self, url: str) -> None:
        # Not in the loop's own threads: the end would wait until the person closes the browser.
        threading.Thread(target=_opened, args=(self._agent.open_page, url), daemon=True).start()

    def _show_update(self) -> None:
        update = self._agent.update.value
        # The address came over the network: it must lead to a page, and start nothing here.
        if update is not None and update.url.startswith(("https://", "http://")):
            self._open(update.url)

    async def _set_pause(self, on: bool) -> None:
        pause = self._agent.pause
        if pause is not None and on:
            await pause.begin()
        elif pause is not None:
            pause.end()

    async def _answer(self, ask: str, decision: Decision) -> None:
        try:
            self._agent.answer(ask, decision)
        except MooringError as error:
            self._tell_failure(f"answer:{ask}", error)
            raise

    async def _set_login(self, on: bool) -> None:
        if self._agent.at_login is not None:
            try:
                await asyncio.to_thread(self._agent.at_login.set, on)
            except MooringError as error:
                self._tell_failure("login", error)
                raise
            finally:
                await self._look_at_login()

    async def _look_at_login(self) -> None:
        if self._agent.at_login is None:
            return
        before = self._login
        try:
            self._login = await asyncio.to_thread(self._agent.at_login.is_on)
        except (MooringError, OSError) as error:
            _log.warning("Tray: whether Mooring starts at login is not known: %s", error)
            self._login = None
        if self._login is not before:
            self._soon()

    def _end(self, agreed: bool) -> None:
        if agreed or not self._running:
            self._agent.quit_agent()
            return
        # The menu that was clicked is from before the job began; the one of now asks.
        cost = cost_of_quitting(len(self._running))
        self._tell(
            Notice(
                key="quit",
                title="Mooring is still needed",
                body=f"{cost}. Choose Quit Mooring again to do it all the same.",
            ),
            clicked=True,
        )

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(_told(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what happens in the agent ---------------------------------------------------------------

    async def _look(self) -> None:
        try:
            jobs = await self._agent.jobs.list(RUNNING_LIMIT)
        except MooringError as error:
            _log.warning("The tray does not know what runs: %s", error)
            jobs = []
        for job in reversed(jobs):
            if not job.state.final:
                self._running.setdefault(job.id, job)
        await self._look_at_login()

    def _boards_changed(self, changes: BoardChanges) -> None:
        self._news.appeared(changes.appeared)
        for job in [each for each in self._failed.values() if each.board in changes.vanished]:
            del self._failed[job.id]
        self._soon()

    def _job_changed(self, change: JobChange) -> None:
        job = change.snapshot
        known = job.id in self._running
        if not job.state.final:
            self._running[job.id] = job
            for earlier in [each for each in self._failed.values() if each.board == job.board]:
                del self._failed[earlier.id]
        elif not known:
            # The end of what an earlier run left; its person has gone.
            return
        else:
            del self._running[job.id]
        if job.state is JobState.FAILED and job.kind not in QUIET_KINDS:
            self._failed[job.id] = job
            while len(self._failed) > FAILED_LIMIT:
                del self._failed[next(iter(self._failed))]
        self._news.changed(job)
        self._soon()

    # --- showing ---------------------------------------------------------------------------------

    def _soon(self) -> None:
        if self._update is None:
            self._update = asyncio.get_running_loop().call_later(UPDATE_S, self._show)

    def _show(self) -> None:
        self._update = None
        agent = self._agent
        asking = tuple(agent.consent.asking) if agent.consent is not None else ()
        self._news.asked(asking)
        view = View(
            title=agent.title,
            boards=tuple(agent.boards.list()),
            jobs=tuple(self._running.values()),
            failed=tuple(self._failed.values()),
            chosen=self._chosen,
            problems=tuple(notice.title for notice in agent.notices.list()),
            asking=asking,
            update=agent.update.value,
            pause=None if agent.pause is None else agent.pause.state,
            at_login=self._login,
        )
        self._host.show(Shown(icon_of(view), describe(view), build_menu(view)))
        for news in self._news.due():
            self._tell(news)
        memory = TrayMemory(chosen=self._chosen, met=self._news.met)
        if memory != self._saved:
            self._saved = memory
            save_memory(self._memory_file, memory)

    def _tell(self, news: Notice | Withdraw, *, clicked: bool = False) -> None:
        """``clicked``: it is the answer to what somebody chose just now."""
        agent = self._agent
        # What is not told is in the menu and on the page.
        seen = agent.is_seen() and not clicked
        if isinstance(news, Withdraw) or (agent.tells() and not seen):
            self._host.tell(news)

    def _tell_failure(self, key: str, error: MooringError) -> None:
        report = error.report()
        body = f"{report.meaning} {report.remedy}"
        self._tell(Notice(key=key, title=report.title, body=body), clicked=True)

    def _stop(self) -> None:
        if self._update is not None:
            self._update.cancel()
        for task in self._tasks:
            task.cancel()


def _opened(open_page: Callable[[str], object], url: str) -> None:
    try:
        open_page(url)
    except OSError as error:
        _log.warning("Tray: no browser could be opened for %s: %s", url, error)


async def _told(work: Coroutine[object, object, None]) -> None:
    """Do it; what goes wrong is in the log, for there is nobody to raise it to."""
    try:
        await work
    except (MooringError, OSError) as error:
        _log.warning("Tray: %s", error)
