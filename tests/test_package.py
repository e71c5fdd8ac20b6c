"""What people install: the wheel holds everything that runs, and nothing else."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from agent import __version__

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (built,) = folder.glob("*.whl")
    assert built.name == f"mooring-{__version__}-py3-none-any.whl"
    return zipfile.Path(built)


def names(wheel: zipfile.Path) -> set[str]:
    return set(wheel.root.namelist())


def info(wheel: zipfile.Path, name: str) -> str:
    return (wheel / f"mooring-{__version__}.dist-info" / name).read_text(encoding="utf-8")


def test_the_wheel_holds_every_file_of_the_package(wheel):
    tracked = {
        str(path.relative_to(ROOT).as_posix())
        for path in (ROOT / "agent").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tracked <= names(wheel)
    assert {"agent/py.typed", "agent/catalog/boards.json"} <= names(wheel)


def test_the_wheel_holds_the_page(wheel):
    page = {name for name in names(wheel) if name.startswith("agent/web/")}
    for ending in (".html", ".css", ".js"):
        assert any(name.endswith(ending) for name in page), ending
    assert "agent/web/mooring.js" in page


def test_the_wheel_holds_nothing_else(wheel):
    outside = {name for name in names(wheel) if not name.startswith("agent/")}
    assert all(name.startswith(f"mooring-{__version__}.dist-info/") for name in outside)
    assert not any("test" in Path(name).name for name in names(wheel))
    assert not any("__pycache__" in name for name in names(wheel))


def test_the_command_is_called_mooring(wheel):
    points = configparser.ConfigParser()
    points.read_string(info(wheel, "entry_points.txt"))
    assert dict(points["console_scripts"]) == {"mooring": "agent.cli:main"}


def test_the_description_says_what_it_is_and_needs(wheel):
    metadata = Parser().parsestr(info(wheel, "METADATA"))
    assert metadata["Name"] == "mooring"
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Apache License" in info(wheel, "licenses/LICENSE")


def test_the_wheel_runs_away_from_the_tree(wheel, tmp_path):
    # Not by wheel.root: before Python 3.11.4 it cannot extract the folders that it invents.
    with zipfile.ZipFile(wheel.root.filename) as archive:
        archive.extractall(tmp_path / "site")
    code = "from agent.cli import main; main(['--version'])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "MOORING_HOME": str(tmp_path), "SYSTEMROOT": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert __version__ in done.stdout, done.stderr
