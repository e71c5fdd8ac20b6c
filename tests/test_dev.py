"""``dev.py``: what it says when it is called wrongly, and how it keeps ``.venv`` right."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dev

ROOT = Path(__file__).parent.parent


def run(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(folder / "dev.py"), *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_command_it_says_what_there_is():
    done = run()
    assert done.returncode == 0
    for name in dev.COMMANDS:
        assert f"dev.py {name}" in done.stdout


@pytest.mark.parametrize("words", [["tset"], ["lint", "agent"]])
def test_a_wrong_command_is_named_with_what_there_is(words):
    done = run(*words)
    assert done.returncode == 2
    assert words[-1] in done.stderr
    assert "python3 dev.py test" in done.stderr
    assert done.stdout == ""


def test_it_needs_no_package():
    # An isolated interpreter without site-packages, as on a new computer.
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "dev.py"), "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_old_python_is_named_with_what_is_needed(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; .* is 3\.9\.2"):
        dev.main(["test"])


def test_the_oldest_python_is_the_one_of_the_package():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    oldest = ".".join(map(str, dev.OLDEST_PYTHON))
    assert re.search(rf'requires-python = ">={re.escape(oldest)}"', text)


@pytest.mark.system("linux", "darwin")
def test_a_venv_that_was_broken_off_is_made_again(tmp_path):
    """Every state that an interrupted start can leave leads to a working one, without network."""
    (tmp_path / "dev.py").write_text((ROOT / "dev.py").read_text())
    for name in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text("")
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "__main__.py").write_text("print('runs')")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "a-python-that-was-removed")
    first = run("run", folder=tmp_path)
    assert (first.returncode, first.stdout) == (0, "runs\n"), first.stderr
    assert "making .venv" in first.stderr
    second = run("run", folder=tmp_path)
    assert (second.stdout, second.stderr) == ("runs\n", "")
    (tmp_path / "requirements.lock").write_text("# changed\n")
    third = run("run", folder=tmp_path)
    assert "installing" in third.stderr
    assert "making" not in third.stderr


def test_what_it_starts_compiles_this_tree_once(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environ = dev.tree_environ()
    assert "PYTHONDONTWRITEBYTECODE" not in environ
    assert environ["PYTHONPATH"] == str(ROOT)


def test_what_is_tested_beside_the_others_is_there_and_in_one_group_only():
    groups = [dev.paths_of(group) for group in dev.BESIDE]
    assert all(groups)
    paths = [dev.ROOT / path for group in groups for path in group]
    assert len(set(paths)) == len(paths)
    for path in paths:
        assert path.is_file() or list(path.rglob("test_*.py"))


@pytest.mark.parametrize("folder", ["cli", "jobs", "web"])
def test_a_folder_in_several_groups_is_there_whole(folder):
    paths = {path for group in dev.BESIDE for path in dev.paths_of(group)}
    files = {path.relative_to(dev.ROOT) for path in (dev.ROOT / "tests" / folder).glob("test_*.py")}
    assert files
    assert {str(file) for file in files} <= paths


def test_of_tests_beside_the_others_failures_are_told_without_the_progress_before_them(tmp_path):
    (tmp_path / "test_two.py").write_text(
        "def test_right():\n    pass\n\ndef test_wrong():\n    assert 'evidence' == ''\n",
        encoding="utf-8",
    )
    pytest_here = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), str(tmp_path)]
    _, _, status, output = dev.timed(("two", pytest_here))
    assert status == 1
    told = dev.findings(output)
    assert told.startswith("=")
    assert "FAILURES" in told.splitlines()[0]
    assert "evidence" in told
    assert "%]" not in told
    assert dev.last_line(output).startswith("=")
    assert "1 failed, 1 passed" in dev.last_line(output)


def test_output_without_failures_is_told_whole():
    assert dev.findings("no such file\n") == "no such file"
