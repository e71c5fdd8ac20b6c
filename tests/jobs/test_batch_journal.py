"""What a batch writes down survives, belongs to one command, and leaves the journal readable."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from agent.errors import BatchRunning, InputError, JournalFailed
from agent.jobs.batch_journal import BATCHES_MAX, open_batch
from agent.jobs.batch_records import Kept
from agent.jobs.batch_row import row_content
from agent.jobs.journal import open_journal
from tests.jobs.batch_world import make_row

if TYPE_CHECKING:
    from pathlib import Path

ERROR = InputError(field="name", problem="is taken").report()


async def test_what_was_written_down_is_there_again(tmp_path: Path):
    file = tmp_path / "journal.sqlite3"
    begun = Kept(n=1, board="a", since=1.5)
    failed = Kept(n=2, state="failed", board="b", job="7", error=ERROR, notes=["so"])
    journal = await open_batch(file, "b1", "May")
    await journal.begin("May", 3, 1.0)
    await journal.keep(begun, b"1")
    await journal.keep(Kept(n=3, board="c"), b"3")
    await journal.keep(failed, b"2")
    await journal.forget(3)
    await journal.close()
    again = await open_batch(file, "b1", "May")
    assert await again.load() == {1: begun, 2: failed}
    await again.close()
    other = await open_batch(file, "b2", "May")
    assert await other.load() == {}
    await other.close()


async def test_the_journal_of_jobs_works_in_the_same_file_in_any_order(tmp_path: Path):
    file = tmp_path / "journal.sqlite3"
    first = await open_batch(file, "b1", "May")
    jobs = await open_journal(file)
    assert await jobs.reserve() == "1"
    await first.begin("May", 1, 1.0)
    await first.keep(Kept(n=1), b"")
    await jobs.close()
    await first.close()
    jobs = await open_journal(file)
    assert await jobs.reserve() == "2"
    await jobs.close()


async def test_one_command_works_on_a_batch(tmp_path: Path):
    file = tmp_path / "journal.sqlite3"
    first = await open_batch(file, "b1", "May")
    with pytest.raises(BatchRunning):
        await open_batch(file, "b1", "May")
    other = await open_batch(file, "b2", "May")
    await other.close()
    await first.close()
    again = await open_batch(file, "b1", "May")
    await again.close()


async def test_a_file_that_is_no_journal_is_told(tmp_path: Path):
    file = tmp_path / "journal.sqlite3"
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(JournalFailed):
        await open_batch(file, "b1", "May")
    assert file.read_bytes().startswith(b"no database")


async def test_a_changed_batch_takes_over_the_rows_that_say_the_same(tmp_path: Path):
    file = tmp_path / "journal.sqlite3"
    any_row, named = make_row(1, name=""), make_row(2, by="board", value="x", model="")
    before = await open_batch(file, "b1", "May")
    await before.begin("May", 3, 1.0)
    await before.keep(Kept(n=1, state="done", board="a"), row_content(any_row))
    await before.keep(Kept(n=2, state="done", board="x"), row_content(named))
    await before.keep(Kept(n=3, state="done", board="c"), b"a row that is gone")
    await before.close()
    after = await open_batch(file, "b2", "May")
    earlier = await after.earlier("May")
    assert earlier is not None
    assert (earlier.id, earlier.rows, earlier.done) == ("b1", 3, 3)
    assert await after.earlier("June") is None
    await after.begin("May", 3, 2.0)
    keys = {row_content(named): [1], row_content(any_row): [2, 3]}
    assert await after.adopt("b1", keys) == 2
    assert {n: kept.board for n, kept in (await after.load()).items()} == {1: "x", 2: "a"}
    await after.close()


async def test_only_so_many_batches_are_kept(tmp_path: Path):
    file = tmp_path / "journal.sqlite3"
    oldest = await open_batch(file, "oldest", "May")
    await oldest.begin("May", 1, 0.0)
    await oldest.keep(Kept(n=1, state="done"), b"")
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT INTO batches (id, name, rows, begun_at) VALUES (?, 'May', 1, ?)",
            [(f"b{number}", float(number)) for number in range(1, BATCHES_MAX + 1)],
        )
    db.close()
    await oldest.begin("May", 1, 0.0)
    assert await oldest.load(), "the one that is worked on stays"
    await oldest.close()
    newest = await open_batch(file, "newest", "May")
    await newest.begin("May", 1, 1e9)
    await newest.close()
    gone = await open_batch(file, "oldest", "May")
    assert await gone.load() == {}
    await gone.close()
