"""``mooring service`` as a process, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.system("linux")


class Person:
    """Somebody who runs commands; nothing outside of ``home`` is touched."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "MOORING_HOME": str(home / "mooring home"),
            "XDG_CONFIG_DIRS": str(home / "xdg"),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agent", "service", *words],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def states(document: Any) -> dict[str, str]:
    return {way["way"]: way["state"] for way in document["ways"]}


@pytest.mark.needs("systemd")
def test_it_is_installed_reported_and_removed(person: Person) -> None:
    assert person.done("status")["at_login"] is False
    installed = person.done("install")
    assert installed["at_login"] is True
    assert states(installed) == {"xdg": "on", "systemd": "absent"}
    entry = person.home / ".config" / "autostart" / "mooring.desktop"
    assert f"MOORING_HOME={person.home}/mooring home" in entry.read_text()
    entry.write_text(entry.read_text() + "Hidden=true\n")
    told = person.run("status")
    assert "Starts at login: no" in told.stdout
    assert "switched off in the settings" in told.stderr
    assert states(person.done("uninstall")) == {"xdg": "absent", "systemd": "absent"}
    assert [path for path in person.home.rglob("*") if path.is_file()] == []


@pytest.mark.needs("systemd")
def test_one_way_takes_the_place_of_the_other(person: Person) -> None:
    person.done("install")
    assert states(person.done("install", "--headless")) == {"xdg": "absent", "systemd": "on"}
    assert states(person.done("install")) == {"xdg": "on", "systemd": "absent"}


def test_what_cannot_be_changed_is_told_with_its_place(person: Person) -> None:
    (person.home / ".config").write_text("no folder")
    done = person.run("install", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["code"] == "autostart-failed"
    assert "mooring.desktop" in done.stderr


def test_without_systemd_it_starts_with_the_desktop_only(person: Person) -> None:
    person.environ["PATH"] = str(person.home)
    assert person.done("install")["at_login"] is True
    done = person.run("install", "--headless")
    assert done.returncode == 4
    assert "no program systemctl" in done.stderr
