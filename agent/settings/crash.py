"""What stays of a crash: where it was, and nothing that was in memory.

A hard crash (a defect of a library in C) ends the process at once. Python then writes the places
of all threads, without any value, into a file beside the log; the next start moves that into the
log. Exceptions that nobody caught end in the log as well, without their text (:mod:`.log`).
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Final

from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from agent.settings.log_file import LogFile

CRASH_BYTES: Final = 12_000
"""Of a crash that the log is told: a hundred threads' places are shorter."""

_log = logging.getLogger(__name__)


def watch_crashes(log: LogFile | None) -> Callable[[], None]:
    """Have crashes and uncaught exceptions of this process written down; the result ends that.

    ``log`` of this process, already in use; None: only exceptions, to whoever takes log records.
    """
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    sys.excepthook, threading.excepthook, sys.unraisablehook = _uncaught, _in_thread, _ignored
    stop_watching = _watch_hard_crashes(log.path.with_suffix(".crash")) if log else None

    def stop() -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before
        if stop_watching is not None:
            stop_watching()

    return stop


def _watch_hard_crashes(path: Path) -> Callable[[], None] | None:
    try:
        _tell_last_crash(path)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        _log.info("No crash can be written down: %s", error.strerror)
        return None
    faulthandler.enable(handle)

    def stop() -> None:
        atexit.unregister(stop)
        faulthandler.disable()
        # A process that came to its end did not crash, whatever Windows had told meanwhile.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
        with contextlib.suppress(OSError):
            os.close(handle)

    atexit.register(stop)
    return stop


def _tell_last_crash(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        told = file.read(CRASH_BYTES).decode("utf-8", "replace").strip()
        if told:
            lines = (f"  {clean_text(line)}" for line in told.splitlines())
            _log.error("An earlier run ended in a crash:\n%s", "\n".join(lines))


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("An exception that nobody caught:", exc_info=(kind, error, trace))
    if sys.stderr is not None:
        # Its text may quote anything, a password among it.
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"Mooring made a mistake ({kind.__name__}). The log has its place.\n")


def _in_thread(args: threading.ExceptHookArgs) -> None:
    error = args.exc_value
    if error is None or isinstance(error, SystemExit):
        return
    name = args.thread.name if args.thread is not None else "unknown"
    info = (args.exc_type, error, args.exc_traceback)
    _log.error("The thread %s ended with an exception:", name, exc_info=info)


def _ignored(args: sys.UnraisableHookArgs) -> None:
    # Not the object itself: how it shows itself may quote anything.
    kind = type(args.object).__name__
    error = args.exc_value or args.exc_type()
    info = (args.exc_type, error, args.exc_traceback)
    _log.error("An exception in a %s could not be passed on:", kind, exc_info=info)
