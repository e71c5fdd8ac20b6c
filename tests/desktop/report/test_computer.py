"""Which Mooring this is and how it came there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from agent.desktop.report.computer import LIBRARIES, computer_lines, installed_as

ROOT = Path(__file__).parents[3]


def test_version_system_python_and_libraries_are_told():
    text = "\n".join(computer_lines({"LANG": "de_DE.UTF-8", "SSH_CONNECTION": "10.0.0.7 22"}))
    assert re.search(r"^Mooring \d+\.\d+\.\d+", text)
    assert "Python 3." in text
    assert re.search(r"msgspec \d", text)
    assert "LANG=de_DE.UTF-8, SSH_CONNECTION is set" in text
    assert "10.0.0.7" not in text


def test_the_libraries_are_those_that_mooring_needs():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [re.split(r"[^\w-]", each)[0] for each in needed] == list(LIBRARIES)


@pytest.mark.parametrize(
    ("place", "frozen", "told"),
    [
        ("/opt/mooring/mooring", True, "package with everything inside"),
        ("/home/a/.local/pipx/venvs/mooring/lib/python3/site-packages/agent/x.py", False, "pipx"),
        ("/home/a/.local/share/uv/tools/mooring/lib/site-packages/agent/x.py", False, "uv"),
        ("/usr/lib/python3/dist-packages/agent/x.py", False, "pip"),
        ("/home/a/mooring/agent/x.py", False, "source"),
    ],
)
def test_its_place_tells_how_it_was_installed(place, frozen, told):
    assert told in installed_as(Path(place), frozen=frozen)
