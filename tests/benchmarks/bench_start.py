"""The agent as a person meets it: how soon the page answers, and what it costs while it idles."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STARTS = 5
IDLE_S = 10.0
"""Long enough that one wake-up per second shows in the measured share of a core."""
MIB = 1 << 20


def run() -> list[tuple[str, float, str, str | None]]:
    """Start five times, then idle once."""
    with tempfile.TemporaryDirectory(prefix="mooring-bench-") as home:
        starts = []
        for _ in range(STARTS):
            began = time.perf_counter()
            with agent(home) as (_, port):
                _get_page(port)
                starts.append(time.perf_counter() - began)
        with agent(home) as (process, port):
            _get_page(port)
            share, resident = _idle(psutil.Process(process.pid))
            again = statistics.median(_start_again(home) for _ in range(STARTS))
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "agent", "--help"],
            env=_environ(home),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        shown = time.perf_counter() - began
    return [
        (
            "start: run --headless to the first answer on /",
            statistics.median(starts),
            "s",
            "<= 0.8",
        ),
        ("start: a second one, until it has handed over and ended", again, "s", "<= 0.2"),
        ("idle: memory", resident / MIB, "MiB", "<= 50"),
        ("idle: share of a core", share * 100, "%", "<= 0.5"),
        ("start: mooring --help", shown, "s", None),
    ]


def _start_again(home: str) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "agent", "run", "--headless"],
        env=_environ(home),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


@contextmanager
def agent(home: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The agent in a process of its own, and its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "agent", "run", "--headless", "--json"],
        env=_environ(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        try:
            yield process, int(url.rstrip("/").rpartition(":")[2])
        finally:
            process.terminate()


def _environ(home: str) -> dict[str, str]:
    return {**os.environ, "MOORING_HOME": home, "PYTHONPATH": str(ROOT)}


def _get_page(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == http.client.OK


def _idle(process: psutil.Process) -> tuple[float, int]:
    """Share of a core, and resident bytes, while nobody asks anything."""
    before = process.cpu_times()
    time.sleep(IDLE_S)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return round(used / IDLE_S, 6), process.memory_info().rss
