"""One log file of one process: bounded, rotated, for this user only, and quiet when it fails.

Two processes never write or rotate the same file: who comes second writes ``mooring-2.log``. So a
file is renamed only while nobody of ours has it open, which Windows would refuse. Where another
program has it open there, the file is shortened in place.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Final

from agent.settings.text import clean_text

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import BaseFileLock

WRITERS_MAX: Final = 4
"""Processes of one user that log at the same time: the agent and some commands that work alone.
One more keeps no log; all files together are bounded."""
RECORD_CHARS: Final = 16_000
"""Of one record: a traceback of 100 frames. What is longer is cut and says so."""
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class LogFile(logging.Handler):
    """Appends records; what cannot be written is counted, and told once it can be again."""

    def __init__(self, path: Path, lock: BaseFileLock, *, max_bytes: int, files: int) -> None:
        """Use :func:`claim_log_file`. ``files`` counts the current one and its older ones."""
        super().__init__()
        self.path = path
        self._lock_file = lock
        self._max_bytes = max_bytes
        self._files = files
        self._handle: int | None = None
        self._lost = 0
        self._why = ""
        self._torn = False

    def require_open(self) -> None:
        """Open the file now; raises :class:`OSError`."""
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; never raises, and prints nothing."""
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 - a wrong format string must not end who logs
            # Python would print the record with all its arguments.
            self._lose(type(error).__name__)
            return
        if len(text) > RECORD_CHARS:
            text = f"{text[:RECORD_CHARS]} … (cut, {len(text)} characters)"
        try:
            self._write(text)
        except OSError as error:
            self._lose(error.strerror or type(error).__name__)
            self._close_file()

    def close(self) -> None:
        """Close the file and let another process have it; may be called again."""
        with self.lock or contextlib.nullcontext():
            self._close_file()
            self._lock_file.release(force=True)
        super().close()

    def _lose(self, why: str) -> None:
        self._lost += 1
        self._why = why

    def _write(self, text: str) -> None:
        if self._lost:
            text = (
                f"({self._lost} records before this one were lost: {clean_text(self._why)})\n{text}"
            )
        # After a disk was full in the middle of a line, a new one begins.
        start = "\n" if self._torn else ""
        data = f"{start}{text}\n".encode("utf-8", "backslashreplace")
        handle = self._ready(len(data))
        left = memoryview(data)
        while left:
            written = os.write(handle, left)
            left = left[written:]
            self._torn = bool(left)
        self._lost = 0

    def _ready(self, room: int) -> int:
        """The open file, in which ``room`` more bytes are within the bound."""
        handle = self._open()
        status = os.fstat(handle)
        if status.st_nlink == 0:  # somebody removed it
            self._close_file()
            return self._open()
        if not status.st_size or status.st_size + room <= self._max_bytes:
            return handle
        self._close_file()
        try:
            self._rotate()
        except OSError as error:
            handle = self._open()
            _shorten(handle, self._max_bytes // 2, error.strerror or type(error).__name__)
            return handle
        return self._open()

    def _open(self) -> int:
        if self._handle is None:
            self._handle = os.open(self.path, _FLAGS, 0o600)
            if hasattr(os, "fchmod"):
                os.fchmod(self._handle, 0o600)  # an older file, or a careless copy
        return self._handle

    def _close_file(self) -> None:
        if self._handle is not None:
            handle, self._handle = self._handle, None
            with contextlib.suppress(OSError):
                os.close(handle)

    def _rotate(self) -> None:
        older = [self.path.with_name(f"{self.path.name}.{n}") for n in range(1, self._files)]
        if not older:
            self.path.unlink()
            return
        for newer, place in reversed([*zip([self.path, *older[:-1]], older, strict=True)]):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(place)


def _shorten(handle: int, keep: int, why: str) -> None:
    """Drop the older part of a file that cannot be moved away."""
    os.lseek(handle, -keep, os.SEEK_END)
    kept = os.read(handle, keep).partition(b"\n")[2]
    os.ftruncate(handle, 0)
    told = f"(older records were dropped, because the file cannot be moved: {clean_text(why)})\n"
    os.write(handle, told.encode() + kept)


def claim_log_file(path: Path, *, max_bytes: int, files: int) -> LogFile | None:
    """The log in ``path``, or beside it where another process has that one; None: all are taken.

    Raises :class:`OSError` where no file can be made in that folder.
    """
    from filelock import FileLock, Timeout

    for number in range(1, WRITERS_MAX + 1):
        name = path.name if number == 1 else f"{path.stem}-{number}{path.suffix}"
        lock = FileLock(path.with_name(f".{name}.lock"), mode=0o600, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        log = LogFile(path.with_name(name), lock, max_bytes=max_bytes, files=files)
        try:
            log.require_open()
        except OSError:
            log.close()
            raise
        return log
    return None
