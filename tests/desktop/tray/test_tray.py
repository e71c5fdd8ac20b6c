"""The tray follows the agent and does what a person chose."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from agent.boards.board import BoardChanges
from agent.boards.pause import Pause
from agent.desktop.tray.followed import Followed
from agent.desktop.tray.item import (
    AnswerPage,
    CancelJob,
    ChooseBoard,
    GetUpdate,
    MenuItem,
    Opened,
    OpenPage,
    Quit,
    SetPause,
    StartAtLogin,
)
from agent.desktop.tray.memory import TrayMemory, load_memory, save_memory
from agent.desktop.tray.news import Notice, Withdraw
from agent.desktop.tray.state import IconState
from agent.desktop.tray.tray import FAILED_LIMIT, Tray
from agent.errors import FolderFailed, JournalFailed, OriginsFull, UnknownJob
from agent.jobs.job import JobChange, JobState
from agent.settings.held import Held
from agent.settings.notices import Notices, Update
from tests.desktop.tray.samples import Asks, board, job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from agent.boards.board import Board
    from agent.desktop.tray.host import Act, Shown
    from agent.jobs.job import Job

PAGE = "http://127.0.0.1:8991/"
LIMIT_S = 30.0


class Agent:
    """The parts of an agent that the tray follows, and the place where it is shown."""

    def __init__(self) -> None:
        self.plugged: list[Board] = []
        self.journal: list[Job] = []
        self.journal_fails = False
        self.cancelled: list[str] = []
        self.opened: list[str] = []
        self.ended = 0
        self.shown: list[Shown] = []
        self.told: list[Notice | Withdraw] = []
        self.starts_at_login: bool | None = False
        self.login_fails = False
        self.login_unreadable = False
        self.act: Act | None = None
        self._boards: dict[int, Callable[[BoardChanges], None]] = {}
        self._jobs: dict[int, Callable[[JobChange], None]] = {}

    # boards, jobs and start at login, as the tray asks for them

    def list(self) -> list[Board]:
        return list(self.plugged)

    def subscribe(self, callback: Callable[[BoardChanges], None]) -> Callable[[], None]:
        self._boards[id(callback)] = callback
        return lambda: self._boards.clear()

    def is_on(self) -> bool | None:
        if self.login_unreadable:
            raise FolderFailed(path="/autostart", detail="no permission")
        return self.starts_at_login

    def set(self, on: bool) -> None:
        if self.login_fails:
            raise FolderFailed(path="/autostart", detail="read-only")
        self.starts_at_login = on

    # the host

    def show(self, shown: Shown) -> None:
        self.shown.append(shown)

    def tell(self, news: Notice | Withdraw) -> None:
        self.told.append(news)

    async def run(self, act: Act) -> None:
        self.act = act
        await asyncio.get_running_loop().create_future()

    # what happens

    def plug(self, *boards: Board) -> None:
        self.plugged += boards
        self._say(BoardChanges(appeared=list(boards)))

    def unplug(self, gone: Board) -> None:
        self.plugged.remove(gone)
        self._say(BoardChanges(vanished=[gone.id]))

    def _say(self, changes: BoardChanges) -> None:
        for callback in list(self._boards.values()):
            callback(changes)

    def work(self, *jobs: Job) -> None:
        for each in jobs:
            change = JobChange(job=each.id, state=each.state, snapshot=each)
            for callback in list(self._jobs.values()):
                callback(change)

    async def choose(self, action: Any) -> None:
        assert self.act is not None
        self.act(action)

    @property
    def icon(self) -> IconState:
        return self.shown[-1].icon

    def line(self, start: str) -> MenuItem | None:
        found = [item for item in self.shown[-1].menu if item.label.startswith(start)]
        return found[0] if found else None

    @property
    def open_place(self) -> Any:
        opened = self.line("Open Mooring")
        assert opened is not None
        return opened.action

    @property
    def subscribers(self) -> int:
        return len(self._boards) + len(self._jobs)


class Jobs:
    """The jobs of an agent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def list(self, limit: int) -> list[Job]:
        if self._agent.journal_fails:
            raise JournalFailed(detail="disk full")
        return self._agent.journal[:limit]

    async def cancel(self, job: str) -> None:
        if job == "gone":
            raise UnknownJob(job=job)
        self._agent.cancelled.append(job)

    def subscribe(self, callback: Callable[[JobChange], None]) -> Callable[[], None]:
        self._agent._jobs[id(callback)] = callback
        return lambda: self._agent._jobs.clear()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not true():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def tray(agent: Agent, file: Path, **facts: Any) -> AsyncIterator[None]:
    """The tray of this agent, until the context ends."""

    def quit_agent() -> None:
        agent.ended += 1

    followed = Followed(
        boards=agent,
        jobs=Jobs(agent),
        page=PAGE,
        open_page=agent.opened.append,
        quit_agent=quit_agent,
        **facts,
    )
    made = Tray(agent, followed, file)
    task = asyncio.create_task(made.run())
    await until(lambda: agent.act or task.done())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), task.exception()
        assert agent.subscribers == 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tray.json"


@pytest.fixture
def agent() -> Agent:
    return Agent()


async def test_it_shows_what_is_there_when_it_starts_and_tells_nothing_of_it(agent, file):
    agent.plugged = [board(name="kitchen")]
    agent.journal = [job(2, JobState.DONE), job(1)]
    async with tray(agent, file):
        assert agent.line("kitchen – being set up")
        assert agent.icon is IconState.WORKING
        assert agent.told == []


async def test_it_starts_without_a_journal(agent, file, caplog):
    agent.journal_fails = True
    async with tray(agent, file):
        assert agent.icon is IconState.IDLE
    assert "does not know what runs" in caplog.text


async def test_what_happens_at_the_same_time_is_shown_once(agent, file):
    async with tray(agent, file):
        before = len(agent.shown)
        agent.plug(board(1))
        for _ in range(100):
            agent.work(job())
        agent.plug(board(2))
        await until(lambda: len(agent.shown) > before)
        assert len(agent.shown) == before + 1
        assert [each.title for each in agent.told if isinstance(each, Notice)] == [
            "2 boards are plugged in"
        ]


async def test_a_board_of_an_earlier_run_is_not_announced_again(agent, file):
    async with tray(agent, file):
        agent.plug(board())
        await until(lambda: agent.told)
    again = Agent()
    async with tray(again, file):
        again.plug(board())
        await until(lambda: again.line("Arduino"))
        assert again.told == []


async def test_the_mark_stays_over_restarts_and_leads_to_the_board(agent, file):
    agent.plugged = [board(1), board(2)]
    async with tray(agent, file):
        await agent.choose(ChooseBoard("uno_r4_wifi-2"))
        await until(lambda: agent.open_place == OpenPage(("board", "uno_r4_wifi-2")))
    again = Agent()
    again.plugged = agent.plugged
    async with tray(again, file):
        assert again.open_place == OpenPage(("board", "uno_r4_wifi-2"))
        await again.choose(ChooseBoard("uno_r4_wifi-2"))
        await until(lambda: again.open_place == OpenPage())
        assert load_memory(file).chosen is None


async def test_the_page_opens_at_its_place_and_foreign_text_stays_inside_it(agent, file):
    async with tray(agent, file):
        for place in ((), ("board", "uno-1"), ("job", "7"), ("board", "a/b?c#d e")):
            await agent.choose(OpenPage(place))
        await until(lambda: len(agent.opened) == 4)
        assert sorted(agent.opened) == [
            PAGE,
            f"{PAGE}#/board/a%2Fb%3Fc%23d%20e",
            f"{PAGE}#/board/uno-1",
            f"{PAGE}#/job/7",
        ]


async def test_a_browser_that_stays_open_holds_nothing_up(file):
    browser = Browser()
    agent = Agent()
    agent.opened = browser
    async with tray(agent, file):
        await agent.choose(OpenPage())
        await until(browser.opened.is_set)
        agent.plug(board())
        await until(lambda: agent.line("Arduino"))
    # What ends the event loop waits for its threads.
    loop = asyncio.get_running_loop()
    await asyncio.wait_for(loop.shutdown_default_executor(), LIMIT_S)
    browser.closed.set()


class Browser(list[str]):
    """Returns when the person closes it, as some do."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()
        self.closed = threading.Event()

    def append(self, value: str) -> None:
        del value
        self.opened.set()
        self.closed.wait(LIMIT_S)


async def test_a_browser_that_cannot_be_started_is_in_the_log(file, caplog):
    agent = Agent()
    agent.opened = Broken()
    async with tray(agent, file):
        await agent.choose(OpenPage())
        await until(lambda: "no browser could be opened" in caplog.text)


class Broken(list[str]):
    """No browser."""

    def append(self, value: str) -> None:
        raise OSError(value)


async def test_a_job_is_cancelled_and_one_that_is_gone_is_a_line_in_the_log(agent, file, caplog):
    async with tray(agent, file):
        await agent.choose(CancelJob("gone"))
        await agent.choose(CancelJob("1"))
        await until(lambda: agent.cancelled == ["1"])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_a_job_that_did_not_work_out_is_shown_until_somebody_looks(agent, file):
    agent.plugged = [board()]
    async with tray(agent, file):
        agent.work(job(), job(state=JobState.FAILED))
        await until(lambda: agent.icon is IconState.PROBLEM)
        assert agent.line("Setting up sensor-1 – did not work")
        await agent.choose(OpenPage(("job", "1")))
        await until(lambda: agent.icon is IconState.IDLE)


@pytest.mark.parametrize("end", ["another job on the board", "the board is unplugged"])
async def test_a_failure_is_forgotten_when_it_is_overtaken(agent, file, end):
    async with tray(agent, file):
        agent.plug(board())
        agent.work(job(), job(state=JobState.FAILED))
        await until(lambda: agent.icon is IconState.PROBLEM)
        if end == "the board is unplugged":
            agent.unplug(agent.plugged[0])
            await until(lambda: agent.icon is IconState.IDLE)
        else:
            agent.work(job(9, board=board().id))
            await until(lambda: agent.icon is IconState.WORKING)


async def test_failures_are_bounded(agent, file):
    async with tray(agent, file):
        for number in range(FAILED_LIMIT + 3):
            agent.work(job(number), job(number, JobState.FAILED))
        await until(lambda: agent.icon is IconState.PROBLEM)
        labels = [item.label for item in agent.shown[-1].menu if "did not work" in item.label]
        assert labels == [f"Setting up sensor-{number} – did not work" for number in (3, 4, 5)]


async def test_the_end_of_what_an_earlier_run_left_is_no_news(agent, file):
    async with tray(agent, file):
        agent.work(job(1, JobState.FAILED), job(2))
        await until(lambda: agent.icon is IconState.WORKING)
        assert agent.told == []


async def test_problems_of_the_agent_are_shown_as_long_as_they_last(agent, file):
    notices = Notices()
    failed = JournalFailed(path="/home/ann/journal.db", detail="disk full").report()
    notices.set("journal", failed)
    async with tray(agent, file, notices=notices):
        assert agent.icon is IconState.PROBLEM
        assert agent.line(failed.title)
        notices.set("journal", None)
        await until(lambda: agent.icon is IconState.IDLE)
        assert agent.line(failed.title) is None


class Consent:
    """The questions of pages."""

    def __init__(self) -> None:
        self.asking: list[Asks] = []
        self.answers: list[tuple[str, str]] = []
        self.changed = Held(0)
        self.full = False

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        return self.changed.subscribe(callback)

    def ask(self, *asking: Asks) -> None:
        self.asking = list(asking)
        self.changed.set(self.changed.value + 1)

    def answer(self, ask: str, decision: str) -> None:
        if self.full:
            raise OriginsFull(limit=9)
        self.answers.append((ask, decision))
        self.ask()


async def test_a_page_that_asks_is_shown_told_of_and_answered(agent, file):
    consent = Consent()
    async with tray(agent, file, consent=consent, answer=consent.answer):
        consent.ask(Asks())
        await until(lambda: agent.icon is IconState.ASKING)
        assert agent.line("https://app.example.com asks")
        await agent.choose(AnswerPage("q1", "once"))
        await until(lambda: agent.icon is IconState.IDLE)
        assert consent.answers == [("q1", "once")]
        assert agent.line("https://app") is None
        assert [type(each) for each in agent.told] == [Notice, Withdraw]


async def test_an_answer_that_does_not_count_is_said_so(agent, file, caplog):
    consent = Consent()
    consent.full = True
    async with tray(agent, file, consent=consent, answer=consent.answer, is_seen=lambda: True):
        await agent.choose(AnswerPage("q1", "always"))
        await until(lambda: agent.told)
        (told,) = agent.told
        assert isinstance(told, Notice)
        assert told.title == OriginsFull(limit=9).report().title
    assert "Tray" in caplog.text


@pytest.mark.parametrize(
    "facts", [{"tells": lambda: False}, {"is_seen": lambda: True}], ids=["silenced", "page visible"]
)
async def test_nothing_is_told_that_nobody_wants_or_somebody_sees(agent, file, facts):
    consent = Consent()
    async with tray(agent, file, consent=consent, **facts):
        consent.ask(Asks())
        agent.plug(board())
        await until(lambda: agent.icon is IconState.ASKING and agent.line("Arduino"))
        assert agent.told == []
        consent.ask()
        await until(lambda: agent.told)
        assert agent.told == [Withdraw("ask:q1")]


async def test_a_newer_version_leads_to_its_address_and_nowhere_else(agent, file):
    update: Held[Update | None] = Held(None)
    async with tray(agent, file, update=update):
        await agent.choose(GetUpdate())
        for url in ("file:///etc/passwd", "javascript:alert(1)"):
            update.set(Update(version="1.1", url=url))
            await agent.choose(GetUpdate())
        update.set(Update(version="1.2", url="https://example.com/1.2"))
        await until(lambda: agent.line("Mooring 1.2 is there"))
        await agent.choose(GetUpdate())
        await until(lambda: agent.opened)
        assert agent.opened == ["https://example.com/1.2"]


async def test_a_pause_waits_for_jobs_and_is_undone(agent, file):
    pause = Pause()
    async with tray(agent, file, pause=pause):
        with pause.held(None):
            await agent.choose(SetPause(on=True))
            await until(lambda: agent.line("Pausing after 1 job"))
            await agent.choose(SetPause(on=False))
            await until(lambda: agent.line("Pause"))
            await agent.choose(SetPause(on=True))
        await until(lambda: agent.line("Resume"))
        assert agent.shown[-1].icon is IconState.PAUSED
        await agent.choose(SetPause(on=False))
        await until(lambda: agent.line("Pause"))
        await until(lambda: agent.icon is IconState.IDLE)


async def test_without_a_pause_there_is_nothing_to_switch(agent, file):
    async with tray(agent, file):
        await agent.choose(SetPause(on=True))
        await agent.choose(SetPause(on=False))
        assert agent.line("Pause") is None


async def test_quitting_is_done_at_once_while_nothing_runs(agent, file):
    async with tray(agent, file):
        await agent.choose(Quit())
        assert agent.ended == 1


async def test_quitting_is_asked_about_when_a_job_began_while_the_menu_was_open(agent, file):
    async with tray(agent, file):
        agent.work(job())
        await agent.choose(Quit())
        assert agent.ended == 0
        (told,) = agent.told
        assert isinstance(told, Notice)
        assert "A job is running and would be stopped" in told.body
        await agent.choose(Quit(agreed=True))
        assert agent.ended == 1


async def test_start_at_login_is_switched_and_shown_as_it_then_is(agent, file):
    async with tray(agent, file, at_login=agent):
        await agent.choose(StartAtLogin(on=True))
        await until(lambda: (item := agent.line("Start at Login")) and item.checked)
        assert agent.starts_at_login is True


async def test_start_at_login_that_cannot_be_changed_is_a_line_in_the_log(agent, file, caplog):
    agent.login_fails = True
    async with tray(agent, file, at_login=agent):
        await agent.choose(StartAtLogin(on=True))
        await until(lambda: caplog.records)
        assert "/autostart" in caplog.text
        (told,) = agent.told
        assert isinstance(told, Notice)
        assert "/autostart" in f"{told.title} {told.body}"
        item = agent.line("Start at Login")
        assert item is not None
        assert not item.checked


async def test_what_was_switched_elsewhere_is_seen_when_the_menu_is_opened(agent, file):
    async with tray(agent, file, at_login=agent):
        agent.starts_at_login = True
        await agent.choose(Opened())
        await until(lambda: (item := agent.line("Start at Login")) and item.checked)


async def test_start_at_login_that_cannot_be_read_costs_its_line_only(agent, file, caplog):
    agent.login_unreadable = True
    async with tray(agent, file, at_login=agent):
        assert agent.line("Start at Login") is None
        assert agent.line("Quit Mooring")
    assert "/autostart" in caplog.text


async def test_without_start_at_login_there_is_no_such_line(agent, file):
    async with tray(agent, file):
        assert agent.line("Start at Login") is None


@pytest.mark.parametrize("text", ["", "{", '{"chosen": 3}', "[1]", "\udcff"])
async def test_a_damaged_memory_costs_the_mark_and_nothing_else(agent, file, text, caplog):
    file.write_bytes(text.encode(errors="surrogateescape"))
    async with tray(agent, file):
        assert agent.open_place == OpenPage()
    assert "is not used" in caplog.text


async def test_a_disk_that_refuses_costs_the_memory_and_nothing_else(agent, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    agent.plugged = [board()]
    async with tray(agent, blocked / "tray.json"):
        await agent.choose(ChooseBoard(board().id))
        await until(lambda: agent.open_place != OpenPage())
    assert "tray.json" in caplog.text


def test_a_memory_is_read_as_it_was_written(file):
    memory = TrayMemory(chosen="a", met=["a", "b"])
    save_memory(file, memory)
    assert load_memory(file) == memory
