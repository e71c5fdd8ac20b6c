"""The tray on Windows and macOS: pystray's icon, which wants the main thread.

So the agent's event loop runs in another thread there (:meth:`NativeTray.beside`), and what is
chosen crosses over to it. Python runs signal handlers in the main thread only, which is inside the
system's own loop and returns to Python at its next event; a socket takes the signal to the agent at
once (``signal.set_wakeup_fd``).
Sources: bench-desktop, 2.4; pystray, ``_win32.py`` and ``_darwin.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import signal
import socket
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agent.desktop.tray.host import TITLE, Shown
from agent.desktop.tray.icons import rgba
from agent.desktop.tray.item import OpenPage
from agent.desktop.tray.news import Notice
from agent.desktop.tray.state import IconState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.desktop.tray.host import Act
    from agent.desktop.tray.item import Action, MenuItem
    from agent.desktop.tray.news import Withdraw

T = TypeVar("T")

ICON_SIZE: Final = 64
"""Pixels; the systems scale it to what they need."""
READY_LIMIT_S: Final = 10.0
"""The system makes an icon within a fraction of a second; longer, and it will not."""
LINE_LIMIT: Final = 127
"""Characters of the icon's line (Windows, ``NOTIFYICONDATA.szTip``)."""
HEAD_LIMIT: Final = 63
"""Characters of a notification's title (Windows, ``szInfoTitle``)."""
BODY_LIMIT: Final = 255
"""Characters of a notification's text (Windows, ``szInfo``)."""
_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGBREAK")
"""Those that ask a program to end, where the system has them."""

_log = logging.getLogger(__name__)


def load_pystray() -> tuple[Any, Any]:
    """The modules pystray and PIL.Image. Raises ImportError or OSError where no icon can be."""
    if sys.platform == "darwin" and not _has_screen():
        raise OSError("nobody is logged in at the screen")
    return importlib.import_module("pystray"), importlib.import_module("PIL.Image")


def _has_screen() -> bool:
    """MacOS ends a program that asks for an icon where there is no screen, as over SSH."""
    return importlib.import_module("Quartz").CGSessionCopyCurrentDictionary() is not None


class NativeTray:
    """A host for the tray (:class:`agent.desktop.tray.host.TrayHost`), and owner of the main thread.

    ``load`` gives pystray and PIL's module ``Image``; it is called in the main thread.
    """

    def __init__(self, load: Callable[[], tuple[Any, Any]] = load_pystray) -> None:
        self._load = load
        self._library: Any = None
        self._images: Any = None
        self._icon: Any = None
        self._shown = Shown(IconState.IDLE, "", ())
        self._drawn: IconState | None = None
        self._choose: Callable[[Action], None] = _ignore
        self._ready = threading.Event()
        self._problem = ""
        self._listener: Callable[[], None] | None = None

    # --- the main thread --------------------------------------------------------------------------

    def beside(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread and the icon in this one, the main one, until ``work`` returns.

        Returns what ``work`` returns, and raises what it raises.
        """
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised again in the main thread
                result.set_exception(error)
            finally:
                self._stop()

        with self._signals():
            agent = threading.Thread(target=run, name="agent")
            agent.start()
            try:
                self._icon = self._make()
                self._icon.run(self._appeared)
            except Exception as error:  # noqa: BLE001 - each system fails in its own way; the agent runs on
                self._problem = str(error) or type(error).__name__
                self._release()
            finally:
                self._ready.set()
            agent.join()
        return result.result()

    def _make(self) -> Any:  # noqa: ANN401 - pystray has no types
        self._library, self._images = self._load()
        menu = self._library.Menu(self._items)
        return self._library.Icon("mooring", self._image(IconState.IDLE), TITLE, menu)

    @contextlib.contextmanager
    def on_signal(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call ``listener``, in a thread of its own, at each signal that asks for the end."""
        self._listener = listener
        try:
            yield
        finally:
            self._listener = None

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        before = {number: signal.getsignal(number) for number in _numbers()}
        wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        _take_signals()
        reader = threading.Thread(target=self._listen, args=(ours,), name="signals")
        reader.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            theirs.close()
            reader.join()
            ours.close()

    def _listen(self, ours: socket.socket) -> None:
        while number := ours.recv(1):
            if number[0] in _numbers() and self._listener is not None:
                self._listener()

    def _appeared(self, icon: object) -> None:
        """pystray, in a thread of its own: the system's loop runs."""
        del icon
        if self._problem:
            return
        if sys.platform == "darwin":
            # pystray ends the program at once when it hears SIGINT there, jobs or no jobs.
            self._in_main_thread(_take_signals)
        self._ready.set()
        self._in_main_thread(self._apply)

    def _release(self) -> None:
        """Let the thread go in which pystray waits for an icon that will not come."""
        if self._icon is not None:
            # Nothing public ends it, and the program would wait for it at its end, for good.
            with contextlib.suppress(Exception):
                self._icon._mark_ready()  # noqa: SLF001 - see above

    def _stop(self) -> None:
        # Before it is ready it cannot be stopped, and would then run for good.
        self._ready.wait(READY_LIMIT_S)
        if not self._problem:
            self._in_main_thread(self._icon.stop)

    # --- the event loop's thread ------------------------------------------------------------------

    def show(self, shown: Shown) -> None:
        """See :class:`agent.desktop.tray.host.TrayHost`."""
        self._shown = shown
        if self._there():
            self._in_main_thread(self._apply)

    def tell(self, news: Notice | Withdraw) -> None:
        """See :class:`agent.desktop.tray.host.TrayHost`; nothing can be taken back here."""
        if isinstance(news, Notice) and self._there():
            head, body = news.title[:HEAD_LIMIT], (news.body or news.title)[:BODY_LIMIT]
            # In a thread: macOS starts a program for it and waits.
            threading.Thread(target=self._safely, args=(self._icon.notify, body, head)).start()

    def _there(self) -> bool:
        return self._ready.is_set() and not self._problem

    async def run(self, act: Act) -> None:
        """See :class:`agent.desktop.tray.host.TrayHost`."""
        loop = asyncio.get_running_loop()

        def choose(action: Action) -> None:
            # The loop may have ended while the menu was open.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(act, action)

        self._choose = choose
        try:
            await asyncio.to_thread(self._ready.wait, READY_LIMIT_S)
            if self._problem:
                _log.info("Tray: no icon: %s", self._problem)
            await loop.create_future()
        finally:
            self._choose = _ignore

    # --- pystray ----------------------------------------------------------------------------------

    def _apply(self) -> None:
        self._safely(self._change)

    def _change(self) -> None:
        shown = self._shown
        if shown.icon is not self._drawn:
            self._icon.icon = self._image(shown.icon)
            self._drawn = shown.icon
        self._icon.title = (f"{TITLE}: {shown.line}" if shown.line else TITLE)[:LINE_LIMIT]
        self._icon.update_menu()
        self._icon.visible = True

    def _safely(self, change: Callable[..., None], *values: str) -> None:
        try:
            change(*values)
        except Exception as error:  # noqa: BLE001 - each system fails in its own way; the agent runs on
            _log.info("Tray: %s", error)

    def _in_main_thread(self, change: Callable[[], None]) -> None:
        """AppKit must be called there; Windows takes it from any thread."""
        if sys.platform == "darwin" and not self._problem:
            importlib.import_module("PyObjCTools.AppHelper").callAfter(change)
        else:
            change()

    def _image(self, state: IconState) -> object:
        size = (ICON_SIZE, ICON_SIZE)
        return self._images.frombytes("RGBA", size, rgba(state, ICON_SIZE))

    def _items(self) -> list[object]:
        """pystray: the lines of the menu as it is now."""
        return [self._item(item) for item in self._shown.menu]

    def _item(self, item: MenuItem) -> object:
        menu = self._library.Menu
        if item.separator:
            return menu.SEPARATOR

        def click() -> None:
            if item.action is not None:
                self._choose(item.action)

        return self._library.MenuItem(
            # Windows takes an ampersand for the mark of the next letter's key.
            item.label.replace("&", "&&") if sys.platform == "win32" else item.label,
            menu(*map(self._item, item.children)) if item.children else click,
            checked=None if item.mark is None else lambda _: item.checked,
            radio=item.mark == "radio",
            default=isinstance(item.action, OpenPage) and item.key == "open",
            enabled=item.enabled,
        )


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]


def _take_signals() -> None:
    """Have them go to the socket alone; in the main thread."""
    for number in _numbers():
        signal.signal(number, _heard_elsewhere)


def _heard_elsewhere(*_: object) -> None:
    """A handler, so that the system does not end the program; the socket tells who acts."""


def _ignore(_: object) -> None:
    """While no agent runs nothing can be done."""
