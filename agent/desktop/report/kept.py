"""What Mooring keeps in files, read without an agent and without changing anything."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import JournalFailed
from agent.jobs.job import Job

if TYPE_CHECKING:
    from pathlib import Path

BUSY_S: Final = 2.0
"""How long the journal may be held by who writes; a commit takes milliseconds."""
FILE_LIMIT_BYTES: Final = 4_000_000
"""A larger file was not written by Mooring."""
_HOW: Final = ("mode=ro", "immutable=1")
"""SQLite cannot share a journal that rests on a read-only disk, but it can read it as it is."""


def read_json(file: Path) -> object:
    """The content of one of our files; None if there is none that can be read."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if file.stat().st_size <= FILE_LIMIT_BYTES:
            return msgspec.json.decode(file.read_bytes())
    return None


def read_jobs(file: Path, limit: int) -> list[Job]:
    """Jobs of the journal, newest first; those that cannot be read are left out.

    Raises :class:`JournalFailed`; no journal is no job.
    """
    if not file.exists():
        return []
    failure: sqlite3.Error | None = None
    for how in _HOW:
        try:
            return _read(f"{file.absolute().as_uri()}?{how}", limit)
        except sqlite3.Error as error:
            failure = failure or error
    raise JournalFailed(path=str(file), detail=str(failure)) from failure


def _read(uri: str, limit: int) -> list[Job]:
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as db:
        rows = db.execute(
            "SELECT data FROM jobs WHERE data IS NOT NULL ORDER BY id DESC LIMIT ?", (limit,)
        ).fetchall()
    jobs = []
    for (data,) in rows:
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            jobs.append(msgspec.json.decode(data, type=Job))
    return jobs
