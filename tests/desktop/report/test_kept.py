"""Files are read as they are, and nothing is changed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from agent.desktop.report.kept import read_jobs, read_json
from agent.errors import JournalFailed
from agent.jobs.job import Job, JobKind
from agent.jobs.journal import open_journal

ROOT = Path(__file__).parents[3]
READ = """
import sys
from pathlib import Path
from agent.desktop.report.kept import read_jobs
print([job.id for job in read_jobs(Path(sys.argv[1]), 9)])
"""


async def journal_with_jobs(file: Path, count: int) -> None:
    journal = await open_journal(file)
    for _ in range(count):
        number = await journal.reserve()
        await journal.save(
            Job(id=number, kind=JobKind.IDENTIFY, board="b", title="t", created_at=1.0)
        )
    await journal.close()


async def test_the_newest_jobs_are_read_while_the_journal_is_in_use(tmp_path):
    file = tmp_path / "a ? # journal"
    await journal_with_jobs(file, 3)
    journal = await open_journal(file)
    assert [job.id for job in read_jobs(file, 2)] == ["3", "2"]
    await journal.close()


async def test_what_is_not_there_or_is_no_journal(tmp_path):
    assert read_jobs(tmp_path / "none", 9) == []
    broken = tmp_path / "broken"
    broken.write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalFailed, match="not a database"):
        read_jobs(broken, 9)
    assert broken.read_bytes() == b"not a database at all" * 100


async def test_a_job_that_cannot_be_read_is_left_out(tmp_path):
    file = tmp_path / "j"
    await journal_with_jobs(file, 2)
    with sqlite3.connect(file) as db:
        db.execute("UPDATE jobs SET data = x'ff00' WHERE id = 2")
    db.close()
    assert [job.id for job in read_jobs(file, 9)] == ["1"]


@pytest.mark.system("linux")
async def test_a_journal_on_a_read_only_disk_is_read(tmp_path):
    await journal_with_jobs(tmp_path / "state" / "j", 2) if (tmp_path / "state").mkdir() else None
    await journal_with_jobs(tmp_path / "state" / "j", 2)
    folder = tmp_path / "state"
    script = f'mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"),
            *(sys.executable, "-c", READ, str(folder / "j")),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "['2', '1']", done.stderr


def test_files_of_ours_are_read_and_others_are_none(tmp_path):
    file = tmp_path / "f"
    assert read_json(file) is None
    file.write_text('{"a": 1}')
    assert read_json(file) == {"a": 1}
    for content in (b"{", b"\xff\xfe", b"[" * 10_000):
        file.write_bytes(content)
        assert read_json(file) is None
    file.write_bytes(b" " * 5_000_000)
    assert read_json(file) is None
