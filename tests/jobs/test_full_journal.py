"""The journal on a disk that is really full: in a process of its own, on a small disk of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.system("linux")
START = """
import asyncio, sys
from pathlib import Path
from agent.errors import DiskFull, JournalFailed
from agent.jobs.facts import INTENT, Fact
from agent.jobs.job import Job, JobKind, JobState
from agent.jobs.journal import open_journal, open_journal_or_memory

disk = Path(sys.argv[1])
file = disk / "state" / "journal.sqlite3"
fill = disk / "fill"
file.parent.mkdir()

def fill_up():
    try:
        with fill.open("wb", buffering=0) as out:
            while True:
                out.write(bytes(4096))
    except OSError:
        pass

def new(number, state=JobState.RUNNING, text="t"):
    return Job(id=number, kind=JobKind.IDENTIFY, board="b", title=text, created_at=1.0, state=state)

async def refused(journal):
    try:
        await journal.reserve()
    except DiskFull as error:
        return str(error)
    raise AssertionError("not refused")
"""

REFUSED = """
async def main():
    journal = await open_journal(file)
    number = await journal.reserve()
    await journal.save(new(number))
    fill_up()
    print(await refused(journal))
    # What is under way: a fact that cannot be written is told, a snapshot is kept for later.
    for part in range(400):
        try:
            await journal.record(number, Fact(kind=INTENT, data={"text": "x" * 9000}, at=1.0))
        except JournalFailed as error:
            assert isinstance(error, DiskFull), error
            break
    else:
        raise AssertionError("the disk never was full")
    ended = new(number, JobState.DONE, "x" * 9000)
    try:
        await journal.save(ended)
    except DiskFull:
        pass
    assert await journal.get(number) == ended
    assert await journal.list(9) == [ended]
    fill.unlink()
    assert await journal.reserve() == "2"
    await journal.close()
    again = await open_journal(file)
    assert await again.list(9) == [ended]
    await again.close()
    print("done")
asyncio.run(main())
"""

FULL_AT_START = """
async def main():
    first = await open_journal(file)
    number = await first.reserve()
    await first.save(new(number))
    await first.close()
    fill_up()
    told = []
    async def moved(why_not):
        told.append(why_not)
        told.append([job.id for job in await journal.unsettled(adopt=True)])
    journal, failed = await open_journal_or_memory(file)
    journal.moved = moved
    assert isinstance(failed, DiskFull), failed
    assert journal.where == ":memory:"
    print(await refused(journal))
    assert told == []
    fill.unlink()
    # Side by side: which of the two comes first is not said.
    assert sorted(await asyncio.gather(journal.reserve(), journal.reserve())) == ["2", "3"]
    assert journal.where == str(file)
    assert told == [None, ["1"]], "what an earlier run left is found once"
    await journal.close()
    print("done")
asyncio.run(main())
"""

LIMITED = """
import resource
async def main():
    journal = await open_journal(file)
    await journal.save(new(await journal.reserve()))
    # As a quota does: the disk has room, and this account may not use it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    failed = None
    for _ in range(200):
        try:
            await journal.save(new(await journal.reserve(), text="x" * 9000))
        except JournalFailed as error:
            failed = error
    assert failed is not None
    print(failed)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await journal.save(new(await journal.reserve(), text="after"))
    assert (await journal.list(1))[0].title == "after"
    await journal.close()
    print("done")
asyncio.run(main())
"""


def on_a_small_disk(folder: Path, script: str) -> list[str]:
    folder.mkdir()
    mount = f'mount -t tmpfs -o size=24m tmpfs {folder} && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"),
            *(sys.executable, "-c", START + script, str(folder)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_job_is_refused_before_it_starts_and_the_end_of_another_is_kept_until_there_is_room(
    tmp_path,
):
    told, done = on_a_small_disk(tmp_path / "disk", REFUSED)
    assert "0.0 MB are free, 16.8 MB are needed" in told
    assert done == "done"


def test_a_disk_that_is_full_at_the_start_is_used_as_soon_as_it_has_room(tmp_path):
    told, done = on_a_small_disk(tmp_path / "disk", FULL_AT_START)
    assert "The disk of" in told
    assert done == "done"


def test_a_limit_that_no_disk_tells_of_is_met_and_got_over(tmp_path):
    told, done = on_a_small_disk(tmp_path / "disk", LIMITED)
    assert "journal" in told
    assert done == "done"
