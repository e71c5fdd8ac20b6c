"""The journal: jobs as they are, and facts that are only ever added.

:class:`Journal` is all that the service knows, small enough that a shared PostgreSQL could stand
in. :class:`SqliteJournal` keeps it in one file that several processes may have open.

Durability. The file is in WAL mode. A killed process loses nothing that was committed, whatever
``synchronous`` says; a power cut may lose the last commits with NORMAL. A snapshot of a job is
committed with NORMAL: the next one holds everything again. A fact about a claim is a debt at the
cloud that nothing else remembers, so it is committed with FULL (one fsync, some milliseconds).
Calls that wait at the same moment share one commit, so 32 boards do not queue for 32 fsyncs.

A full disk. A new job is refused before it starts (:class:`DiskFull`), while there still is room
for what must be undone. A snapshot that cannot be written is kept in memory until it can.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from agent.errors import DiskFull, JournalFailed
from agent.jobs.facts import CLAIMED, FLASHED, FLASHING, INTENT, SETTLED, Fact
from agent.jobs.job import Job, JobState
from agent.jobs.owner import OwnerLock
from agent.jobs.worker import Worker
from agent.settings.room import FULL_BYTES, free_bytes, size_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SCHEMA_VERSION = 2
MEMORY = ":memory:"
KEEP_JOBS = 10_000
"""Jobs that are kept, about 4 KB each; older ones that have ended are removed."""
LATE_MAX = 256
"""Jobs whose newest snapshot waits for room; no more run at once."""
BUSY_S = 2.0
"""How long another process may hold the file; its commits take milliseconds."""

_SCHEMA = """
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    board TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'reserved',
    owner TEXT NOT NULL,
    owing INTEGER NOT NULL DEFAULT 0,
    data BLOB
);
CREATE INDEX jobs_board ON jobs (board, id);
CREATE INDEX jobs_unsettled ON jobs (id)
    WHERE owing = 1 OR state IN ('running', 'asking');
CREATE TABLE facts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX facts_job ON facts (job, seq);
CREATE INDEX facts_kind ON facts (kind, at);
"""

_OPENING = frozenset({INTENT, FLASHING})
_ENDING = frozenset({SETTLED, FLASHED})
"""Facts that begin and end what a job owes: a claim to be settled, a sketch to be written. It never
owes both at a time."""
_LIVE = (JobState.RUNNING.value, JobState.ASKING.value)
_log = logging.getLogger(__name__)


class Journal(Protocol):
    """What the service needs to keep. Errors are :class:`JournalFailed`."""

    async def reserve(self) -> str:
        """The id of a new job."""

    async def save(self, job: Job) -> None:
        """Keep the job as it is now."""

    async def record(self, job: str, fact: Fact) -> None:
        """Add a fact; it survives a power cut once this returns."""

    async def facts(self, job: str) -> list[Fact]:
        """All facts of a job, oldest first."""

    async def claims_since(self, at: float) -> list[str]:
        """Ids of the claims that were recorded since ``at`` (Unix seconds)."""

    async def get(self, job: str) -> Job | None:
        """The job as last saved."""

    async def unsettled(self, *, adopt: bool = False) -> list[Job]:
        """Jobs that have not ended or still owe something, oldest first.

        Those of another process only once it is gone; with ``adopt`` they belong to this one then.
        """

    async def list(self, limit: int, board: str | None = None) -> list[Job]:
        """Jobs, newest first."""

    async def close(self) -> None:
        """Write what waits and release the file."""


class SqliteJournal:
    """A journal in a file, or in memory for as long as the process lives."""

    def __init__(self, worker: Worker, owner: OwnerLock, where: str) -> None:
        """Use :func:`open_journal`."""
        self._worker = worker
        self._owner = owner
        self.where = where
        """The file, or ``:memory:``."""
        self._late: dict[str, Job] = {}
        self._wanted: Path | None = None
        self._moving = asyncio.Lock()
        self.moved: Callable[[JournalFailed | None], Awaitable[None]] | None = None
        """Called when a journal that waited for room is in its file; with why, if it cannot be."""

    def wait_for_room(self, file: Path) -> None:
        """In memory only until there is room for ``file``; till then no job starts."""
        self._wanted = file

    async def reserve(self) -> str:
        """See :class:`Journal`; :class:`DiskFull` while there is no room for another job."""
        await self._require_room()

        def run(db: sqlite3.Connection) -> int:
            row = db.execute(
                "INSERT INTO jobs (owner) VALUES (?) RETURNING id", (self._owner.token,)
            ).fetchone()
            db.execute(
                "DELETE FROM jobs WHERE id <= ? AND owing = 0 AND state NOT IN (?, ?)",
                (row[0] - KEEP_JOBS, *_LIVE),
            )
            return int(row[0])

        return str(await self._worker.run(run))

    async def save(self, job: Job) -> None:
        """See :class:`Journal`."""
        data = msgspec.json.encode(job)

        def run(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE jobs SET board = ?, state = ?, data = ? WHERE id = ?",
                (job.board, job.state.value, data, int(job.id)),
            )

        try:
            await self._worker.run(run)
        except JournalFailed:
            self._late.pop(job.id, None)
            self._late[job.id] = job
            while len(self._late) > LATE_MAX:
                del self._late[next(iter(self._late))]
            raise
        # An older one that waits would overwrite this one.
        self._late.pop(job.id, None)

    async def record(self, job: str, fact: Fact) -> None:
        """See :class:`Journal`."""
        data = msgspec.json.encode(fact.data)

        def run(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO facts (job, kind, at, data) VALUES (?, ?, ?, ?)",
                (int(job), fact.kind, fact.at, data),
            )
            if fact.kind in _OPENING | _ENDING:
                db.execute(
                    "UPDATE jobs SET owing = ? WHERE id = ?", (fact.kind in _OPENING, int(job))
                )

        await self._worker.run(run, durable=True)

    async def facts(self, job: str) -> list[Fact]:
        """See :class:`Journal`."""

        def run(db: sqlite3.Connection) -> list[Any]:
            found = db.execute(
                "SELECT kind, data, at FROM facts WHERE job = ? ORDER BY seq", (_number(job),)
            )
            return found.fetchall()

        rows = await self._worker.run(run)
        return [Fact(kind=k, data=msgspec.json.decode(data), at=at) for k, data, at in rows]

    async def claims_since(self, at: float) -> list[str]:
        """See :class:`Journal`."""

        def run(db: sqlite3.Connection) -> list[Any]:
            found = db.execute("SELECT data FROM facts WHERE kind = ? AND at >= ?", (CLAIMED, at))
            return found.fetchall()

        return [msgspec.json.decode(data)["claim"] for (data,) in await self._worker.run(run)]

    async def get(self, job: str) -> Job | None:
        """See :class:`Journal`."""
        if job in self._late:
            return self._late[job]

        def run(db: sqlite3.Connection) -> list[Any]:
            return db.execute("SELECT id, data FROM jobs WHERE id = ?", (_number(job),)).fetchall()

        return next(iter(_jobs(await self._worker.run(run))), None)

    async def unsettled(self, *, adopt: bool = False) -> list[Job]:
        """See :class:`Journal`."""

        def run(db: sqlite3.Connection) -> list[Any]:
            found = db.execute(
                "SELECT id, data, owner FROM jobs "
                "WHERE owing = 1 OR state IN ('running', 'asking') ORDER BY id"
            ).fetchall()
            gone: list[Any] = []
            for number, data, owner in found:
                if not self._owner.alive(owner):
                    if adopt and owner != self._owner.token:
                        db.execute(
                            "UPDATE jobs SET owner = ? WHERE id = ?", (self._owner.token, number)
                        )
                    gone.append((number, data))
            return gone

        return _jobs(await self._worker.run(run))

    async def list(self, limit: int, board: str | None = None) -> list[Job]:
        """See :class:`Journal`."""

        def run(db: sqlite3.Connection) -> list[Any]:
            if board is None:
                found = db.execute(
                    "SELECT id, data FROM jobs WHERE data IS NOT NULL ORDER BY id DESC LIMIT ?",
                    (limit,),
                )
            else:
                found = db.execute(
                    "SELECT id, data FROM jobs WHERE board = ? AND data IS NOT NULL "
                    "ORDER BY id DESC LIMIT ?",
                    (board, limit),
                )
            return found.fetchall()

        return [self._late.get(job.id, job) for job in _jobs(await self._worker.run(run))]

    async def close(self) -> None:
        """See :class:`Journal`."""
        await self._write_late()
        await self._worker.close()
        self._owner.release()

    async def _require_room(self) -> None:
        file = self._wanted or (Path(self.where) if self.where != MEMORY else None)
        if file is None:
            return
        if (full := await asyncio.to_thread(no_room, file)) is not None:
            raise full
        if self._wanted is not None:
            async with self._moving:
                await self._move()
        await self._write_late()

    async def _move(self) -> None:
        """From memory into the file; nothing was written to memory, for no job was started."""
        if self._wanted is None:
            return
        failed, memory = None, self._worker
        try:
            self._worker, self._owner, self.where = await _open(self._wanted)
        except JournalFailed as error:
            failed = error
        else:
            await memory.close()
        self._wanted = None
        if self.moved is not None:
            await self.moved(failed)

    async def _write_late(self) -> None:
        for job in list(self._late.values()):
            try:
                await self.save(job)
            except JournalFailed as error:
                _log.warning("Job %s: %s", job.id, error)
                return


def no_room(file: Path) -> DiskFull | None:
    """Why no job can be written down on the disk of ``file``; None: there is room."""
    free = free_bytes(file)
    # A disk that cannot be written at all has another trouble.
    if free is None or free >= FULL_BYTES or not os.access(file.parent, os.W_OK):
        return None
    detail = f"{size_text(free)} are free, {size_text(FULL_BYTES)} are needed"
    return DiskFull(path=str(file), detail=detail)


async def open_journal(path: Path | None) -> SqliteJournal:
    """Open or make the journal; None: in memory. Raises :class:`JournalFailed`."""
    return SqliteJournal(*await _open(path))


async def _open(path: Path | None) -> tuple[Worker, OwnerLock, str]:
    where = str(path) if path else MEMORY
    owner = OwnerLock(path)

    def connect() -> sqlite3.Connection:
        db = sqlite3.connect(where, timeout=BUSY_S, isolation_level=None)
        try:
            _prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    worker = Worker(connect, where)
    try:
        owner.acquire()
        await worker.start()
    except OSError as error:
        raise JournalFailed(path=where, detail=error.strerror or type(error).__name__) from error
    except JournalFailed:
        owner.release()
        raise
    return worker, owner, where


async def open_journal_or_memory(path: Path) -> tuple[SqliteJournal, JournalFailed | None]:
    """The journal in ``path``; if that cannot be used, one in memory and the reason.

    The file is left as it is. The caller says so: without a file a crash cannot be repaired.
    Where there only is no room for it, no job starts until there is, and then it is opened.
    """
    try:
        return await open_journal(path), None
    except JournalFailed as error:
        failed, journal = error, await open_journal(None)
    if (full := no_room(path)) is not None:
        _log.warning("%s No job starts until there is room.", full)
        journal.wait_for_room(path)
        return journal, full
    _log.warning("%s Jobs are kept in memory only.", failed)
    return journal, failed


def _prepare(db: sqlite3.Connection) -> None:
    if _version(db) > SCHEMA_VERSION:
        msg = "it was written by a newer version of Mooring"
        raise sqlite3.DatabaseError(msg)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA foreign_keys = ON")
    # Taking the write lock now finds out whether the file can be written at all.
    db.execute("BEGIN IMMEDIATE")
    if _version(db) == 0:
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
    elif _version(db) == 1:
        # A claim was all that a job could owe.
        db.execute("ALTER TABLE jobs RENAME COLUMN open_claim TO owing")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _number(job: str) -> int:
    """The row of a job's id; -1, which is no row, for a text that is none."""
    return int(job) if job.isascii() and job.isdigit() and len(job) < 19 else -1


def _jobs(rows: list[Any]) -> list[Job]:
    jobs: list[Job] = []
    for number, data in rows:
        if data is None:
            continue
        try:
            jobs.append(msgspec.json.decode(data, type=Job))
        except msgspec.MsgspecError:
            _log.warning("Job %s of the journal cannot be read and is left out.", number)
    return jobs
