"""The rules of ``conftest.py`` do catch what they are there for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LINUX_ONLY

ROOT = Path(__file__).parent.parent
BLUEZ = re.compile(
    r"^(from|import) (dbus_fast|bumble|agent\.simulator\.ble_(bluez|adapter|device|gatt|objects)"
    r"|tests\.simulator\.(radios|bumble_air)|tests\.links\.(air|nm_bench)|tests\.blynk_network"
    r"|tests\.desktop\.tray\.(panel|shower))\b",
    re.MULTILINE,
)
"""Imports of what is installed on Linux only, and of modules that import it."""

ESCAPES = """
import socket
import pytest

def test_leaves_this_computer():
    with pytest.raises(RuntimeError):
        socket.create_connection(("192.0.2.1", 9), timeout=1)

def test_looks_up_a_name():
    with pytest.raises(RuntimeError):
        socket.getaddrinfo("example.org", 80)
"""
STAYS = """
import socket

def test_stays():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1])).close()
"""
CHILD = """
import subprocess, sys

def test_leaves_a_child():
    global kept
    kept = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
"""
SKIPS = """
import pytest

def test_runs(): pass
def test_skips(): pytest.skip("no moon")
"""
FILE_SKIPS = """
import pytest
pytest.importorskip("no_such_module_anywhere")
"""
OTHER_SYSTEM = """
import pytest

def test_runs(): pass
@pytest.mark.system("plan9")
def test_of_another_system(): assert False
"""


def run_pytest(folder: Path, source: str, *words: str) -> tuple[int, str]:
    path = folder / "test_sample.py"
    path.write_text(source)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*command, "-p", "tests.conftest", "--rootdir", str(folder), str(path), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_leaving_this_computer_fails_even_if_the_refusal_is_caught(tmp_path):
    status, output = run_pytest(tmp_path, ESCAPES)
    assert status == 1
    assert "2 errors" in output
    assert "192.0.2.1" in output
    assert "example.org" in output


def test_loopback_is_allowed(tmp_path):
    status, output = run_pytest(tmp_path, STAYS)
    assert status == 0, output


def test_a_child_left_behind_is_reported_and_ended(tmp_path):
    status, output = run_pytest(tmp_path, CHILD)
    assert status == 1
    assert "processes left behind" in output
    assert "input()" in output


@pytest.mark.parametrize(("words", "status"), [((), 0), (("--all",), 1)])
def test_a_skip_is_a_failure_under_all_only(tmp_path, words, status):
    found, output = run_pytest(tmp_path, SKIPS, *words)
    assert found == status, output
    assert "no moon" in output


@pytest.mark.parametrize(("words", "status"), [((), 5), (("--all",), 2)])
def test_a_file_that_skips_itself_is_a_failure_under_all(tmp_path, words, status):
    found, output = run_pytest(tmp_path, FILE_SKIPS, *words)
    assert found == status, output


def test_a_test_of_another_system_is_left_out_not_skipped(tmp_path):
    status, output = run_pytest(tmp_path, OTHER_SYSTEM, "--all")
    assert status == 0, output
    assert "1 passed, 1 deselected" in output


def test_all_tests_that_import_what_linux_alone_has_are_left_out_elsewhere():
    tests = ROOT / "tests"
    files = {path for path in tests.rglob("test_*.py") if BLUEZ.search(path.read_text("utf-8"))}
    assert {path.relative_to(tests).as_posix() for path in files} == set(LINUX_ONLY)
