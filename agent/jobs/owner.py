"""Which process a job belongs to: a lock that the system releases when the process dies.

Several processes may use one journal (commands that work alone). A job that is not finished was
left by a crash only if its owner is gone.
"""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock


class OwnerLock:
    """The lock of this process beside the journal; a journal in memory needs none."""

    def __init__(self, journal: Path | None) -> None:
        self.token = uuid.uuid4().hex
        self._journal = journal
        self._lock: FileLock | None = None

    def acquire(self) -> None:
        """Take the lock; :class:`OSError` if the folder cannot be written."""
        if self._journal is not None:
            lock = self._lock_of(self.token)
            lock.acquire(blocking=False)
            self._lock = lock

    def release(self) -> None:
        """Give it back and remove the file. May be called again."""
        if self._lock is not None:
            self._lock.release()
            self._remove(self.token)
            self._lock = None

    def alive(self, token: str) -> bool:
        """Whether another process with ``token`` is alive; False for this one's own."""
        from filelock import Timeout

        if token == self.token or self._journal is None or not self._path(token).exists():
            return False
        lock = self._lock_of(token)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return True
        lock.release()
        self._remove(token)
        return False

    def _lock_of(self, token: str) -> FileLock:
        from filelock import FileLock

        return FileLock(self._path(token), thread_local=False)

    def _path(self, token: str) -> Path:
        journal = self._journal or Path()
        return journal.with_name(f"{journal.name}.{token}.owner")

    def _remove(self, token: str) -> None:
        # A lock file that somebody else removed or still holds open is no harm.
        with contextlib.suppress(OSError):
            self._path(token).unlink(missing_ok=True)
