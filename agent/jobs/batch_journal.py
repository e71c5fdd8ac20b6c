"""What a batch has begun and ended, in the file of the journal: one line for each row.

Tables of its own, so that an older Mooring reads the rest of the file as before. A row is written
down, safe from a power cut, before its job is started.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

import msgspec

from agent.errors import BatchRunning, JournalFailed
from agent.jobs.batch_records import Kept
from agent.jobs.journal import BUSY_S, no_room
from agent.jobs.worker import Worker
from agent.settings import clean_text

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock

BATCHES_MAX: Final = 1000
"""Batches that are kept; older ones are forgotten, and would begin anew."""
_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS batches (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, rows INTEGER NOT NULL, begun_at REAL NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS batch_rows (
        batch TEXT NOT NULL REFERENCES batches (id) ON DELETE CASCADE, n INTEGER NOT NULL,
        key BLOB NOT NULL, state TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (batch, n))""",
    "CREATE INDEX IF NOT EXISTS batches_name ON batches (name, begun_at)",
)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of the journal."""

    id: str
    name: str
    rows: int
    begun_at: float
    """Unix seconds."""
    done: int


class BatchJournal:
    """One batch, which no other process works on meanwhile. Errors are :class:`JournalFailed`."""

    def __init__(self, worker: Worker, lock: FileLock, batch: str) -> None:
        """Use :func:`open_batch`."""
        self._worker = worker
        self._lock = lock
        self._batch = batch

    async def load(self) -> dict[int, Kept]:
        """What earlier runs wrote down, by the numbers of the rows."""

        def run(db: sqlite3.Connection) -> list[bytes]:
            found = db.execute("SELECT data FROM batch_rows WHERE batch = ?", (self._batch,))
            return [data for (data,) in found]

        rows = [msgspec.json.decode(data, type=Kept) for data in await self._worker.run(run)]
        return {kept.n: kept for kept in rows}

    async def begin(self, name: str, rows: int, at: float) -> None:
        """The batch is worked on; nothing happens if it is known."""

        def run(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT OR IGNORE INTO batches (id, name, rows, begun_at) VALUES (?, ?, ?, ?)",
                (self._batch, name, rows, at),
            )
            db.execute(
                "DELETE FROM batches WHERE id != ? AND id NOT IN "
                "(SELECT id FROM batches ORDER BY begun_at DESC, rowid DESC LIMIT ?)",
                (self._batch, BATCHES_MAX),
            )

        await self._worker.run(run)

    async def keep(self, kept: Kept, key: bytes) -> None:
        """Write a row down; ``key``: what it says in the manifest."""
        data = msgspec.json.encode(kept)

        def run(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT OR REPLACE INTO batch_rows (batch, n, key, state, data) "
                "VALUES (?, ?, ?, ?, ?)",
                (self._batch, kept.n, key, kept.state, data),
            )

        await self._worker.run(run, durable=True)

    async def forget(self, n: int) -> None:
        """Nothing was begun for this row."""

        def run(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM batch_rows WHERE batch = ? AND n = ?", (self._batch, n))

        await self._worker.run(run)

    async def earlier(self, name: str) -> Known | None:
        """The newest other batch of this name of which a row was begun."""

        def run(db: sqlite3.Connection) -> tuple[str, str, int, float, int] | None:
            row: tuple[str, str, int, float, int] | None = db.execute(
                "SELECT id, name, rows, begun_at, "
                "(SELECT count(*) FROM batch_rows WHERE batch = id AND state = 'done') "
                "FROM batches WHERE name = ? AND id != ? "
                "AND EXISTS (SELECT 1 FROM batch_rows WHERE batch = id) "
                "ORDER BY begun_at DESC, rowid DESC LIMIT 1",
                (name, self._batch),
            ).fetchone()
            return row

        found = await self._worker.run(run)
        if found is None:
            return None
        identity, of, rows, begun_at, done = found
        return Known(id=identity, name=of, rows=rows, begun_at=begun_at, done=done)

    async def adopt(self, earlier: str, keys: dict[bytes, list[int]]) -> int:
        """Take over what an earlier batch has of rows that say the same; how many those are.

        ``keys``: what each row says, without its number, with the numbers of those that say it.
        """

        def run(db: sqlite3.Connection) -> int:
            found = db.execute(
                "SELECT key, data FROM batch_rows WHERE batch = ? ORDER BY n", (earlier,)
            ).fetchall()
            free = {key: list(numbers) for key, numbers in keys.items()}
            taken = 0
            for key, data in found:
                if not free.get(key):
                    continue
                kept = msgspec.json.decode(data, type=Kept)
                n = kept.n if kept.n in free[key] else free[key][0]
                free[key].remove(n)
                kept = msgspec.structs.replace(kept, n=n)
                db.execute(
                    "INSERT OR REPLACE INTO batch_rows (batch, n, key, state, data) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (self._batch, n, key, kept.state, msgspec.json.encode(kept)),
                )
                taken += 1
            return taken

        return await self._worker.run(run, durable=True)

    async def close(self) -> None:
        """Release the file, and the batch for other processes."""
        await self._worker.close()
        self._lock.release()


async def open_batch(file: Path, batch: str, name: str) -> BatchJournal:
    """The rows of a batch in the journal's ``file``.

    Raises :class:`JournalFailed`, :class:`BatchRunning`: another process works on this batch.
    """
    from filelock import FileLock, Timeout

    if (full := no_room(file)) is not None:
        raise full
    lock = FileLock(file.with_name(f"{file.name}.{batch}.batch"), thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise BatchRunning(name=clean_text(name)) from None
    except OSError as error:
        raise JournalFailed(path=str(file), detail=error.strerror or "it is locked") from None
    worker = Worker(lambda: _connect(file), str(file))
    try:
        await worker.start()
    except BaseException:
        lock.release()
        raise
    return BatchJournal(worker, lock, batch)


def _connect(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA:
            db.execute(statement)
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db
