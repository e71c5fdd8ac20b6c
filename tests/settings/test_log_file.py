"""The log under a flood, over restarts, of several processes, on a full disk, with files held."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.settings.log import LOG_FILE_BYTES, LOG_FILES
from agent.settings.log_file import RECORD_CHARS, WRITERS_MAX, LogFile, claim_log_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
SMALL = 4000
CHILD = """
import logging, sys
from pathlib import Path
from agent.settings.log_file import claim_log_file
log = claim_log_file(Path(sys.argv[1]), max_bytes=4000, files=3)
log.setFormatter(logging.Formatter("%(message)s"))
print(log.path.name, flush=True)
for n in range(int(sys.argv[3])):
    log.handle(logging.makeLogRecord({"msg": f"{sys.argv[2]} {n:05}"}))
print("wrote", flush=True)
sys.stdin.read()
"""
FULL = """
import logging, os, sys
from pathlib import Path
from agent.settings.log_file import claim_log_file
folder = Path(sys.argv[1])
log = claim_log_file(folder / "mooring.log", max_bytes=1_000_000, files=3)
log.setFormatter(logging.Formatter("%(message)s"))
def say(text): log.handle(logging.makeLogRecord({"msg": text}))
say("before")
fill = folder / "fill"
try:
    with fill.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
except OSError:
    pass
for n in range(3000):
    say(f"while it is full {n:04}")
fill.unlink()
say("after")
"""


@pytest.fixture
def claim(tmp_path: Path) -> Iterator[Callable[[], LogFile]]:
    logs: list[LogFile] = []

    def claim_one() -> LogFile:
        log = claim_log_file(tmp_path / "mooring.log", max_bytes=SMALL, files=3)
        assert log is not None
        log.setFormatter(logging.Formatter("%(message)s"))
        logs.append(log)
        return log

    yield claim_one
    for log in logs:
        log.close()


def say(log: LogFile, text: str, *args: object) -> None:
    log.handle(logging.LogRecord("agent", logging.INFO, "", 1, text, args, None))


def start(path: Path, word: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), word, str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.glob("mooring*.log*")}


def test_a_flood_from_many_threads_stays_within_the_bound_and_tears_no_line(tmp_path, claim):
    log = claim()

    def flood(word: str) -> None:
        for number in range(2000):
            say(log, "%s %05d", word, number)

    threads = [threading.Thread(target=flood, args=(word,)) for word in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sizes(tmp_path)
    assert set(found) == {"mooring.log", "mooring.log.1", "mooring.log.2"}
    assert max(found.values()) <= SMALL
    lines = [line for name in found for line in (tmp_path / name).read_text().splitlines()]
    assert all(re.fullmatch(r"[abcd] \d{5}", line) for line in lines)
    assert len(lines) == len(set(lines))
    newest = (tmp_path / "mooring.log").read_text().splitlines()[-1]
    assert newest.endswith("01999")


def test_what_the_agent_keeps_at_most_is_a_few_megabytes():
    assert WRITERS_MAX * LOG_FILES * LOG_FILE_BYTES <= 12_000_000


def test_one_huge_record_is_cut_and_says_so(tmp_path, claim):
    log = claim()
    say(log, "x" * 5_000_000)
    say(log, "after it")
    text = "".join((tmp_path / name).read_text() for name in reversed(sizes(tmp_path)))
    assert len(text) < RECORD_CHARS + 200
    assert "… (cut, 5000000 characters)" in text
    assert "after it" in text


def test_a_restart_goes_on_where_the_last_run_stopped(tmp_path, claim):
    for run in range(60):
        log = claim()
        say(log, f"run {run} " + "x" * 90)
        log.close()
    found = sizes(tmp_path)
    assert set(found) == {"mooring.log", "mooring.log.1"}
    assert max(found.values()) <= SMALL
    assert "run 59" in (tmp_path / "mooring.log").read_text()


def test_two_processes_write_and_rotate_files_of_their_own(tmp_path):
    path = tmp_path / "mooring.log"
    children = [start(path, word, 3000) for word in ("one", "two")]
    names = []
    for child in children:
        assert child.stdout is not None
        names.append(child.stdout.readline().strip())
    for child in children:
        out, _ = child.communicate()
        assert out == "wrote\n"
        assert child.returncode == 0
    assert sorted(names) == ["mooring-2.log", "mooring.log"]
    for name, word in zip(names, ("one", "two"), strict=True):
        lines = []
        for file in (tmp_path / f"{name}.2", tmp_path / f"{name}.1", tmp_path / name):
            assert file.stat().st_size <= SMALL
            lines += file.read_text().splitlines()
        numbers = [int(line.removeprefix(f"{word} ")) for line in lines]
        assert numbers == list(range(numbers[0], 3000)), "nothing of the other, nothing missing"


def test_a_killed_process_leaves_its_file_to_the_next_one(tmp_path):
    child = start(tmp_path / "mooring.log", "one", 1)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "mooring.log"
    child.kill()
    child.communicate()
    log = claim_log_file(tmp_path / "mooring.log", max_bytes=SMALL, files=3)
    assert log is not None
    assert log.path.name == "mooring.log"
    log.close()


def test_more_processes_than_files_go_without(tmp_path, claim):
    names = [claim().path.name for _ in range(WRITERS_MAX)]
    assert names == ["mooring.log", "mooring-2.log", "mooring-3.log", "mooring-4.log"]
    assert claim_log_file(tmp_path / "mooring.log", max_bytes=SMALL, files=3) is None


@pytest.mark.system("linux", "darwin")
def test_a_file_that_cannot_be_moved_is_shortened_in_place(tmp_path, claim):
    # What Windows does with a file that another program has open.
    (tmp_path / "mooring.log.1" / "held").mkdir(parents=True)
    (tmp_path / "mooring.log.2" / "held").mkdir(parents=True)
    log = claim()
    for number in range(2000):
        say(log, "%05d", number)
    text = (tmp_path / "mooring.log").read_text()
    assert len(text) <= SMALL
    head, *rest = text.splitlines()
    assert "older records were dropped" in head
    assert [int(line) for line in rest] == list(range(int(rest[0]), 2000))


@pytest.mark.system("win32")
def test_a_file_that_another_program_has_open_is_shortened_in_place(tmp_path, claim):
    log = claim()
    say(log, "first")
    with (tmp_path / "mooring.log").open("rb"):
        for number in range(2000):
            say(log, "%05d", number)
        assert (tmp_path / "mooring.log").stat().st_size <= SMALL
        assert "older records were dropped" in (tmp_path / "mooring.log").read_text()
    assert (tmp_path / "mooring.log").read_text().endswith("01999\n")


@pytest.mark.system("linux", "darwin")
def test_a_log_that_somebody_removed_is_made_anew(tmp_path, claim):
    log = claim()
    say(log, "first")
    (tmp_path / "mooring.log").unlink()
    say(log, "second")
    assert (tmp_path / "mooring.log").read_text() == "second\n"


def test_a_wrong_format_string_costs_its_record_and_shows_no_argument(tmp_path, claim, capfd):
    log = claim()
    say(log, "%d", "MARKER")
    say(log, "next")
    assert (tmp_path / "mooring.log").read_text() == (
        "(1 records before this one were lost: TypeError)\nnext\n"
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.system("linux")
def test_a_full_disk_loses_records_says_how_many_and_prints_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs -o size=64k tmpfs {disk} && "$@" && cat {disk}/mooring.log'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"),
            *(sys.executable, "-c", FULL, str(disk)),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *before, told, after = done.stdout.splitlines()
    assert before[0] == "before"
    assert after == "after"
    lost = re.fullmatch(
        r"\((\d+) records before this one were lost: No space left on device\)", told
    )
    assert lost
    whole = [line for line in before[1:] if re.fullmatch(r"while it is full \d{4}", line)]
    assert 3000 - len(whole) - int(lost[1]) in {0, 1}, "only a line that was torn is in neither"
