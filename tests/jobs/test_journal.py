"""The journal: kept in a file, shared by processes, clear about what is wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import JournalFailed
from agent.jobs.facts import CLAIMED, FLASHED, FLASHING, INTENT, SETTLED, Fact
from agent.jobs.job import Job, JobKind, JobState, Step
from agent.jobs.journal import SCHEMA_VERSION, SqliteJournal, open_journal, open_journal_or_memory
from agent.jobs.owner import OwnerLock
from agent.jobs.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    made = await open_journal(tmp_path / "journal.sqlite3")
    yield made
    await made.close()


async def new_job(journal: SqliteJournal, **changes: Any) -> Job:
    usual: dict[str, Any] = {
        "id": await journal.reserve(),
        "kind": JobKind.PROVISION,
        "board": "uno_r4_wifi-1",
        "title": "Setting up kitchen-sensor",
        "created_at": 1.0,
        "steps": [Step(id="read", name="Read the board")],
        "request": {"network": {"kind": "wifi", "ssid": "Café 🧀"}},
    }
    job = Job(**(usual | changes))
    await journal.save(job)
    return job


def fact(kind: str, at: float = 5.0, **data: Any) -> Fact:
    return Fact(kind=kind, data=data, at=at)


async def test_a_job_comes_back_as_it_was_kept(journal: SqliteJournal):
    job = await new_job(journal)
    assert await journal.get(job.id) == job
    assert await journal.list(10) == [job]


async def test_jobs_are_listed_newest_first_and_by_board(journal: SqliteJournal):
    jobs = [await new_job(journal, board=f"b{i % 2}") for i in range(4)]
    assert await journal.list(3) == jobs[:0:-1]
    assert await journal.list(9, "b1") == [jobs[3], jobs[1]]


async def test_a_reserved_number_without_a_job_is_not_listed(journal: SqliteJournal):
    await journal.reserve()
    assert await journal.list(9) == []


@pytest.mark.parametrize("name", ["99", "", "-1", "x", "1; DROP TABLE jobs", "9" * 40, "²"])
async def test_an_unknown_job_is_none(journal: SqliteJournal, name: str):
    await new_job(journal)
    assert await journal.get(name) is None
    assert await journal.facts(name) == []


async def test_facts_keep_their_order(journal: SqliteJournal):
    job = await new_job(journal)
    facts = [fact(INTENT, cloud="a", uhwid="u", name="n"), fact(CLAIMED, claim="c-1")]
    for each in facts:
        await journal.record(job.id, each)
    assert await journal.facts(job.id) == facts
    assert await journal.claims_since(5.0) == ["c-1"]
    assert await journal.claims_since(5.1) == []


async def test_what_has_not_ended_or_owes_a_claim_is_unsettled(journal: SqliteJournal):
    running = await new_job(journal)
    await new_job(journal, state=JobState.DONE)
    owing = await new_job(journal, state=JobState.FAILED)
    await journal.record(owing.id, fact(INTENT, cloud="a", uhwid="u", name="n"))
    assert await journal.unsettled() == [running, owing]
    await journal.record(owing.id, fact(SETTLED, how="undone"))
    assert await journal.unsettled() == [running]


async def test_what_is_kept_survives_the_process(tmp_path: Path):
    first = await open_journal(tmp_path / "j")
    job = await new_job(first)
    await first.close()
    second = await open_journal(tmp_path / "j")
    assert await second.list(9) == [job]
    assert await second.reserve() == "2"
    await second.close()


async def test_unfinished_jobs_of_another_process_are_its_own_until_it_ends(tmp_path: Path):
    first = await open_journal(tmp_path / "j")
    job = await new_job(first)
    second = await open_journal(tmp_path / "j")
    assert await second.unsettled() == []
    await first.close()
    assert await second.unsettled() == [job]
    third = await open_journal(tmp_path / "j")
    assert await third.unsettled(adopt=True) == [job]
    assert await second.unsettled() == [], "it belongs to the third now"
    await third.close()
    await second.close()
    assert not list(tmp_path.glob("*.owner"))


async def test_many_writers_at_once_lose_nothing(journal: SqliteJournal):
    jobs = await asyncio.gather(*(new_job(journal) for _ in range(64)))
    assert len({job.id for job in jobs}) == 64
    await asyncio.gather(
        *(journal.record(job.id, fact(CLAIMED, claim=job.id)) for job in jobs for _ in range(4))
    )
    assert len(await journal.claims_since(0)) == 256


async def test_one_bad_call_does_not_take_the_others_with_it(journal: SqliteJournal):
    job = await new_job(journal)
    results = await asyncio.gather(
        journal.record("9999", fact(CLAIMED, claim="nowhere")),
        journal.record(job.id, fact(CLAIMED, claim="c-1")),
        return_exceptions=True,
    )
    assert isinstance(results[0], JournalFailed)
    assert results[1] is None
    assert await journal.claims_since(0) == ["c-1"]


async def test_facts_survive_a_power_cut_and_snapshots_cost_no_wait_for_the_disk():
    said: list[str] = []

    def connect() -> sqlite3.Connection:
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.executescript("CREATE TABLE jobs (id, board, state, data, owing)")
        db.executescript("CREATE TABLE facts (job, kind, at, data)")
        db.set_trace_callback(said.append)
        return db

    worker = Worker(connect, "memory")
    await worker.start()
    journal = SqliteJournal(worker, OwnerLock(None), "memory")
    await journal.record("1", fact(INTENT, uhwid="u"))
    assert "PRAGMA synchronous = FULL" in said
    said.clear()
    await journal.save(Job(id="1", kind=JobKind.IDENTIFY, board="b", title="t", created_at=0))
    assert "PRAGMA synchronous = NORMAL" in said
    await journal.close()


async def test_a_call_that_fails_in_an_unforeseen_way_leaves_the_journal_usable(
    journal: SqliteJournal,
):
    job = await new_job(journal)
    with pytest.raises(JournalFailed):
        # No number of SQLite: an OverflowError, which is none of the database's own errors.
        await journal.list(1 << 80)
    assert await journal.list(1) == [job]


async def test_old_jobs_are_removed_but_none_that_owes_a_claim(tmp_path: Path):
    journal = await open_journal(tmp_path / "j")
    old = await new_job(journal, state=JobState.DONE)
    await journal.record(old.id, fact(CLAIMED, claim="gone"))
    owing = await new_job(journal, state=JobState.FAILED)
    await journal.record(owing.id, fact(INTENT, cloud="a", uhwid="u", name="n"))
    await journal.close()
    with sqlite3.connect(tmp_path / "j") as db:
        db.execute("UPDATE sqlite_sequence SET seq = 20000 WHERE name = 'jobs'")
    db.close()
    journal = await open_journal(tmp_path / "j")
    new = await new_job(journal)
    assert await journal.list(9) == [new, owing]
    assert await journal.facts(old.id) == []
    await journal.close()


async def test_a_job_of_a_newer_version_is_left_out(journal: SqliteJournal, tmp_path: Path):
    job = await new_job(journal)
    await new_job(journal)
    with sqlite3.connect(tmp_path / "journal.sqlite3") as db:
        db.execute("""UPDATE jobs SET data = '{"kind": "teleport"}' WHERE id = 2""")
    db.close()
    assert await journal.list(9) == [job]


def corrupt(path: Path) -> None:
    path.write_bytes(b"this is not a database, but long enough to be looked at" * 100)


def newer(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("spoil", [corrupt, newer, folder], ids=lambda f: f.__name__)
async def test_a_journal_that_cannot_be_used_is_told_and_replaced_by_memory(
    tmp_path: Path, spoil: Any
):
    path = tmp_path / "j"
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    journal, problem = await open_journal_or_memory(path)
    assert problem
    assert str(path) in str(problem)
    assert journal.where == ":memory:"
    job = await new_job(journal)
    assert await journal.list(9) == [job]
    await journal.close()
    assert before is None or path.read_bytes() == before
    assert not list(tmp_path.glob("*.owner"))


async def test_a_locked_journal_is_told(tmp_path: Path):
    db = sqlite3.connect(tmp_path / "j", isolation_level=None)
    db.execute("CREATE TABLE t (x)")
    db.execute("BEGIN EXCLUSIVE")
    journal, problem = await open_journal_or_memory(tmp_path / "j")
    assert problem
    assert "locked" in str(problem)
    await journal.close()
    db.close()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    journal, problem = await open_journal_or_memory(tmp_path / "file" / "j")
    assert problem
    await journal.close()


async def test_a_closed_journal_says_so_and_may_be_closed_again(tmp_path: Path):
    journal = await open_journal(tmp_path / "j")
    await journal.close()
    await journal.close()
    with pytest.raises(JournalFailed):
        await journal.reserve()


async def test_a_journal_of_an_earlier_version_keeps_its_open_claims(tmp_path: Path):
    file = tmp_path / "journal.sqlite3"
    journal = await open_journal(file)
    job = await new_job(journal, state=JobState.FAILED)
    await journal.record(job.id, fact(INTENT, cloud="a", uhwid="u", name="n"))
    await journal.close()
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("ALTER TABLE jobs RENAME COLUMN owing TO open_claim")
        db.execute("PRAGMA user_version = 1")
    journal = await open_journal(file)
    assert [each.id for each in await journal.unsettled()] == [job.id]
    await journal.close()


async def test_a_sketch_that_is_being_written_is_owed_until_it_is(journal: SqliteJournal):
    job = await new_job(journal, state=JobState.INTERRUPTED)
    await journal.record(job.id, fact(FLASHING, sha256="0", model="m", place=None))
    assert [each.id for each in await journal.unsettled()] == [job.id]
    await journal.record(job.id, fact(FLASHED, how="written"))
    assert await journal.unsettled() == []
