"""Crashes of real processes: where they were is kept, what was in memory is not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARKER = "MARKER-secret"
RUN = """
import asyncio, ctypes, faulthandler, gc, os, sys, threading
from pathlib import Path
from agent.settings.crash import watch_crashes
from agent.settings.log import start_logging

watch_crashes(start_logging(Path(sys.argv[1]) / "mooring.log", "info", stderr=False))
password = "MARKER-" + "secret"

class Kept:
    def __repr__(self): return f"Kept({password})"
    def __del__(self): raise ValueError(password)

def hard(given):
    ctypes.string_at(0)
def abort(given):
    os.abort()
def soft(given):
    raise ValueError(f"cannot send {given}")
def thread(given):
    worker = threading.Thread(target=soft, args=(given,), name="worker")
    worker.start()
    worker.join()
def ignored(given):
    Kept()
    gc.collect()
def task(given):
    async def main():
        task = asyncio.create_task(asyncio.to_thread(soft, given))
        await asyncio.wait([task])
    asyncio.run(main())
    gc.collect()
def fine(given):
    pass
globals()[sys.argv[2]](password)
"""


def run(folder: Path, how: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, str(folder), how],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def everything(folder: Path, done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr + "".join(path.read_text() for path in folder.iterdir())


@pytest.mark.system("linux", "darwin")
@pytest.mark.parametrize(
    ("how", "told"), [("hard", "Segmentation fault"), ("abort", "Fatal Python error: Aborted")]
)
def test_a_hard_crash_leaves_its_place_and_the_next_start_logs_it(tmp_path, how, told):
    done = run(tmp_path, how)
    assert done.returncode < 0
    crash = tmp_path / "mooring.crash"
    text = crash.read_text()
    assert told in text
    assert f"in {how}" in text
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    assert MARKER not in everything(tmp_path, done)
    again = run(tmp_path, "fine")
    assert again.returncode == 0
    log = (tmp_path / "mooring.log").read_text()
    assert "An earlier run ended in a crash:" in log
    assert told in log
    assert crash.read_text() == ""
    run(tmp_path, "fine")
    assert (tmp_path / "mooring.log").read_text() == log, "told once"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("soft", "An exception that nobody caught:"),
        ("thread", "The thread worker ended with an exception:"),
        ("ignored", "An exception in a function could not be passed on:"),
        ("task", "Task exception was never retrieved"),
    ],
)
def test_an_exception_that_nobody_caught_is_logged_without_its_text(tmp_path, how, told):
    done = run(tmp_path, how)
    log = (tmp_path / "mooring.log").read_text()
    assert told in log
    assert "ValueError" in log
    assert MARKER not in everything(tmp_path, done)
    assert (done.returncode == 1) == (how == "soft")
    if how == "soft":
        assert done.stderr == "Mooring made a mistake (ValueError). The log has its place.\n"


def test_a_run_that_came_to_its_end_tells_of_no_crash(tmp_path):
    assert run(tmp_path, "fine").returncode == 0
    assert run(tmp_path, "fine").returncode == 0
    assert (tmp_path / "mooring.crash").read_text() == ""
    log = tmp_path / "mooring.log"
    assert not log.exists() or "crash" not in log.read_text()
