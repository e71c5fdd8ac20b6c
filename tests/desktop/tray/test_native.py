"""The tray on Windows and macOS: pystray in the main thread, the agent beside it.

The library is the real one; only what it would draw on is this test's.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from agent.desktop.tray.host import Shown
from agent.desktop.tray.item import Action, CancelJob, OpenPage
from agent.desktop.tray.menu import View, build_menu
from agent.desktop.tray.native import BODY_LIMIT, HEAD_LIMIT, LINE_LIMIT, NativeTray
from agent.desktop.tray.news import Notice, Withdraw
from agent.desktop.tray.state import IconState
from tests.desktop.tray.samples import board, job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VIEW = View(boards=(board(1, name="R&D"), board(2)), jobs=(job(),), chosen="uno_r4_wifi-1")
SHOWN = Shown(IconState.WORKING, "1 job running", build_menu(VIEW))
LIMIT_S = 30.0


class Screen:
    """What the library was told to draw."""

    def __init__(self) -> None:
        self.drawn: Queue[tuple[str, Any]] = Queue()
        self.fails = False

    def until(self, what: str) -> Any:
        """Wait until this was drawn; what came before is passed over."""
        while True:
            kind, value = self.drawn.get(timeout=LIMIT_S)
            if kind == what:
                return value


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def load(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[Any, Any]]:
    """pystray with a back end that draws on ``screen``."""
    monkeypatch.setenv("PYSTRAY_BACKEND", "dummy")
    pystray = importlib.import_module("pystray")
    images = importlib.import_module("PIL.Image")

    class Icon(pystray.Icon):  # type: ignore[name-defined]  # the library has no types
        def __init__(self, *values: Any) -> None:
            super().__init__(*values)
            self.events: Queue[Callable[[], None] | None] = Queue()

        def _run(self) -> None:
            if screen.fails:
                raise OSError("no shell")
            self._mark_ready()
            while (event := self.events.get()) is not None:
                event()

        def _stop(self) -> None:
            self.events.put(None)

        def _show(self) -> None:
            screen.drawn.put(("visible", True))

        def _hide(self) -> None:
            screen.drawn.put(("visible", False))

        def _update_icon(self) -> None:
            screen.drawn.put(("icon", self.icon))
            self._icon_valid = True

        def _update_title(self) -> None:
            screen.drawn.put(("title", self.title))

        def _update_menu(self) -> None:
            screen.drawn.put(("menu", list(self.menu)))

        def _notify(self, message: str, title: str | None = None) -> None:
            screen.drawn.put(("notice", (title, message)))

    class Library:
        Menu, MenuItem = pystray.Menu, pystray.MenuItem

    library: Any = Library
    library.Icon = Icon
    return lambda: (library, images)


class Beside:
    """An agent in its thread, and the test in a further one: this one is the icon's."""

    def __init__(self, tray: NativeTray) -> None:
        self.tray = tray
        self.chosen: Queue[Action] = Queue()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: threading.Thread | None = None

    def run(self, check: Callable[[Beside], None]) -> None:
        """Run the agent until ``check`` is through."""

        def work() -> str:
            self.thread = threading.current_thread()
            return asyncio.run(self._agent(check))

        assert self.tray.beside(work) == "done"

    async def _agent(self, check: Callable[[Beside], None]) -> str:
        self.loop = asyncio.get_running_loop()
        task = asyncio.create_task(self.tray.run(self.chosen.put))
        self.tray.show(SHOWN)
        await asyncio.to_thread(check, self)
        task.cancel()
        await asyncio.wait({task})
        return "done"

    def call(self, function: Callable[..., None], *values: Any) -> None:
        """Call something in the event loop, as the tray does."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(function, *values)


@pytest.fixture
def beside(load: Callable[[], tuple[Any, Any]]) -> Iterator[Beside]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Beside(NativeTray(load))
    assert before == {number: signal.getsignal(number) for number in before}
    assert signal.set_wakeup_fd(-1) == -1


def line(menu: list[Any], start: str) -> Any:
    (found,) = [item for item in menu if item.text.startswith(start)]
    return found


def test_the_icon_is_in_the_main_thread_and_the_agent_is_not(beside, screen):
    def check(each: Beside) -> None:
        screen.until("visible")
        assert each.thread is not threading.main_thread()

    beside.run(check)
    assert beside.thread is not None
    assert not beside.thread.is_alive()


def test_the_whole_menu_arrives(beside, screen):
    def check(_: Beside) -> None:
        while not (menu := screen.until("menu")):
            pass
        assert line(menu, "Open Mooring").default
        chosen = line(menu, "R&&D" if sys.platform == "win32" else "R&D")
        assert (chosen.radio, chosen.checked) == (True, True)
        assert line(menu, "Arduino").checked is False
        assert line(menu, "Open Mooring").checked is None
        job_lines = list(line(menu, "Setting up").submenu)
        assert not line(job_lines, "Claim it").enabled
        assert sum(item.text == "- - - -" for item in menu) == 3

    beside.run(check)


def test_a_click_crosses_over_to_the_agent(beside, screen):
    def check(each: Beside) -> None:
        while not (menu := screen.until("menu")):
            pass
        line(list(line(menu, "Setting up").submenu), "Cancel")(None)
        assert each.chosen.get(timeout=LIMIT_S) == CancelJob("1")
        line(menu, "Open")(None)
        assert each.chosen.get(timeout=LIMIT_S) == OpenPage(("board", "uno_r4_wifi-1"))

    beside.run(check)


def test_each_change_is_drawn(beside, screen):
    def check(each: Beside) -> None:
        screen.until("visible")
        each.call(each.tray.show, Shown(IconState.ASKING, "x" * 500, build_menu(View())))
        assert screen.until("icon").size == (64, 64)
        assert len(screen.until("title")) == LINE_LIMIT
        assert line(screen.until("menu"), "No board")

    beside.run(check)


def test_a_notice_is_cut_to_what_windows_takes(beside, screen):
    def check(each: Beside) -> None:
        screen.until("visible")
        each.call(each.tray.tell, Withdraw("a"))
        each.call(each.tray.tell, Notice(key="a", title="t" * 300, body="b" * 300))
        head, body = screen.until("notice")
        assert (len(head), len(body)) == (HEAD_LIMIT, BODY_LIMIT)
        each.call(each.tray.tell, Notice(key="a", title="Done"))
        assert screen.until("notice") == ("Done", "Done")

    beside.run(check)


def test_where_no_icon_can_be_the_agent_runs_and_one_line_says_why(beside, screen, caplog):
    caplog.set_level("INFO", "agent")
    screen.fails = True

    def check(each: Beside) -> None:
        while not caplog.records:
            time.sleep(0.005)
        each.call(each.tray.show, SHOWN)
        each.call(each.tray.tell, Notice(key="a", title="Lost"))

    beside.run(check)
    assert [record.getMessage() for record in caplog.records] == ["Tray: no icon: no shell"]
    # The program would wait for them at its end.
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join(LIMIT_S)
            assert not thread.is_alive()


def test_without_the_library_the_agent_runs():
    def missing() -> tuple[Any, Any]:
        raise ImportError("No module named 'pystray'")

    tray = NativeTray(missing)
    assert tray.beside(lambda: "done") == "done"


def test_what_the_agent_raises_is_raised_in_the_main_thread(load):
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        NativeTray(load).beside(work)


def test_an_agent_that_ends_at_once_leaves_no_icon(load, screen):
    for _ in range(20):
        assert NativeTray(load).beside(lambda: 1) == 1


@pytest.mark.system("linux", "darwin")
def test_a_signal_reaches_the_agent_while_the_main_thread_is_inside_the_system(beside, screen):
    heard: Queue[bool] = Queue()

    def check(each: Beside) -> None:
        screen.until("visible")
        with each.tray.on_signal(lambda: heard.put(item=True)):
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(os.getpid(), number)
                assert heard.get(timeout=LIMIT_S)
        os.kill(os.getpid(), signal.SIGTERM)  # nobody listens: it is lost, and ends nothing

    beside.run(check)
