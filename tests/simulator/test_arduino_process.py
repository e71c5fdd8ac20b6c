"""The simulated Arduino Cloud as a program."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LIMIT_S = 30
"""Starts in a fifth of a second; a busy machine may take several seconds."""


@contextmanager
def start(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "agent.simulator.arduino_cloud", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.system("linux", "darwin")
def test_it_prints_its_address_keeps_the_account_in_a_file_and_takes_it_away(
    tmp_path: Path,
) -> None:
    file = tmp_path / "account.json"
    with start("--port", "0", "--json", "--credentials", str(file)) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        assert where["credentials"] == str(file)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        account = json.loads(file.read_text())
        form = {
            "grant_type": "client_credentials",
            "client_id": account["client_id"],
            "client_secret": account["client_secret"],
            "audience": "https://api2.arduino.cc/iot",
        }
        url = f"{where['base_url']}/iot/v1/clients/token"
        with urllib.request.urlopen(url, urlencode(form).encode(), timeout=LIMIT_S) as answer:
            assert json.load(answer)["access_token"]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, errors) == (0, "")
    assert not file.exists()


@pytest.mark.system("linux", "darwin")
def test_without_options_it_prints_two_lines(tmp_path: Path) -> None:
    with start() as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        file = Path(process.stdout.readline().strip())
        assert json.loads(file.read_text())["client_secret"]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert not file.parent.exists()


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text("mine")
    with start("--credentials", str(file)) as process:
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "cannot start" in errors
    assert file.read_text() == "mine"
