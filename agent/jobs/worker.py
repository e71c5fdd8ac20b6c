"""One thread that owns a SQLite connection; calls that wait together share one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from agent.errors import DiskFull, JournalFailed

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

WAITING_MAX = 4096
"""Calls that may wait. Each job waits for one at a time, so this means that the disk hangs; the
call that finds the queue full fails, and its caller decides."""

BATCH_MAX = 256
"""Calls in one transaction, so that the first one does not wait for long."""


@dataclass(slots=True)
class _Call:
    run: Callable[[sqlite3.Connection], Any]
    durable: bool
    answer: asyncio.Future[Any]
    outcome: Any = None
    error: BaseException | None = None


class Worker:
    """Runs functions with the connection, in order, each batch in one transaction."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], name: str) -> None:
        self._connect = connect
        self._name = name
        self._calls: queue.Queue[_Call | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._opened: asyncio.Future[None] | None = None
        self._closed = False

    async def start(self) -> None:
        """Open the connection in its thread; :class:`JournalFailed` if that is not possible."""
        self._opened = asyncio.get_running_loop().create_future()
        self._thread.start()
        await self._opened

    async def run(self, run: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        """What ``run`` returns, once it is committed; ``durable``: and safe from a power cut."""
        call = _Call(run, durable, asyncio.get_running_loop().create_future())
        if self._closed:
            raise JournalFailed(path=self._name, detail="it is closed")
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            raise JournalFailed(path=self._name, detail="the disk does not keep up") from None
        outcome: T = await call.answer
        return outcome

    async def close(self) -> None:
        """Finish the calls that wait, then close the connection. May be called again."""
        if not self._closed:
            self._closed = True
            if self._thread.is_alive():
                await asyncio.to_thread(self._calls.put, None)
        await asyncio.to_thread(self._thread.join)

    # In the thread ---------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            db = self._connect()
        except sqlite3.Error as error:
            self._tell(self._opened, error=self._failed(error))
            return
        self._tell(self._opened)
        try:
            while batch := self._next():
                self._transact(db, batch)
        finally:
            db.close()

    def _next(self) -> list[_Call]:
        """The calls that wait, at least one; none: the journal is being closed."""
        batch: list[_Call] = []
        call = self._calls.get()
        while call is not None:
            batch.append(call)
            if len(batch) >= BATCH_MAX:
                return batch
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            # The end comes after these.
            self._calls.put(None)
        return batch

    def _transact(self, db: sqlite3.Connection, batch: list[_Call]) -> None:
        try:
            full = any(call.durable for call in batch)
            db.execute("PRAGMA synchronous = " + ("FULL" if full else "NORMAL"))
            db.execute("BEGIN IMMEDIATE")
            for call in batch:
                call.outcome = call.run(db)
            db.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - every job waits for this thread: it must not end
            _roll_back(db)
            if len(batch) > 1:
                # One bad call does not take the others with it.
                for call in batch:
                    self._transact(db, [call])
                return
            batch[0].error = self._failed(error)
        for call in batch:
            self._tell(call.answer, call.outcome, call.error)

    def _tell(
        self,
        answer: asyncio.Future[Any] | None,
        outcome: object = None,
        error: BaseException | None = None,
    ) -> None:
        def deliver() -> None:
            if answer is None or answer.done():
                return
            if error is None:
                answer.set_result(outcome)
            else:
                answer.set_exception(error)

        loop = answer.get_loop() if answer else None
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(deliver)

    def _failed(self, error: Exception) -> JournalFailed:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            return DiskFull(path=self._name, detail="nothing more can be written")
        # The database's own words hold no value; those of other exceptions may.
        said = str(error) if isinstance(error, sqlite3.Error | OSError) else type(error).__name__
        return JournalFailed(path=self._name, detail=said)


def _roll_back(db: sqlite3.Connection) -> None:
    # It fails where the database has done so by itself, on a full disk for instance.
    with contextlib.suppress(sqlite3.Error):
        if db.in_transaction:
            db.execute("ROLLBACK")
