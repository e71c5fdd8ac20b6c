"""``system_parts.py``: what tests need of the system, and how a person gets it."""

from __future__ import annotations

import sys

import pytest

from tests import system_parts


@pytest.mark.parametrize("name", system_parts.PARTS)
def test_each_part_says_how_to_get_it(name):
    part = system_parts.PARTS[name]
    assert part.programs or part.judge
    assert all(package in part.how_to_get() for package in part.debian)
    assert part.judge is None or part.judge.name in part.how_to_get()


def test_a_part_without_its_programs_is_not_there():
    part = system_parts.Part((("no-such-program-at-all", "nor-this-one"),), ("nothing",), "nothing")
    assert not part.there()


def test_a_judge_stands_once_its_lock_was_installed_and_not_when_the_lock_has_changed(tmp_path):
    judge = system_parts.Judge("empty", home=tmp_path / "judges", locks=tmp_path)
    lock = tmp_path / "empty.lock"
    lock.write_text("# nothing\n")
    assert not judge.stands()
    said: list[str] = []
    judge.make(sys.executable, said.append)
    assert judge.stands(), said
    assert judge.python.exists()
    lock.write_text("no-such-package-at-all==1 --hash=sha256:00\n")
    assert not judge.stands()
    judge.make(sys.executable, said.append)
    assert not judge.stands()
    assert "made the environment of the judge empty" in said[0]
    assert "--require-hashes" in said[-1]


@pytest.mark.needs("socketio")
def test_a_judge_of_node_stands_once_its_lock_was_installed(tmp_path):
    locks, home = tmp_path / "locks", tmp_path / "judges"
    (locks / "empty").mkdir(parents=True)
    judge = system_parts.NodeJudge("empty", home=home, locks=locks)
    (locks / "empty" / "package.json").write_text('{"name": "empty"}')
    lock = locks / "empty" / "package-lock.json"
    lock.write_text('{"name": "empty", "lockfileVersion": 3, "packages": {"": {"name": "empty"}}}')
    said: list[str] = []
    judge.make(sys.executable, said.append)
    assert judge.stands(), said
    assert "made the environment of the judge empty" in said[0]
    lock.write_text('{"name": "empty", "lockfileVersion": 3, "packages": {"": {"name": "empt"}}}')
    assert not judge.stands()


def test_without_npm_a_judge_of_node_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    system_parts.NodeJudge("socketio", home=tmp_path).make(sys.executable, said.append)
    assert said == ["without Node.js and its npm the tests that need socketio are skipped"]


def test_what_would_change_a_computer_is_left_to_a_person(monkeypatch, tmp_path):
    absent = ((("no-such-program-at-all",),), ("nothing-like-this",), "nothing")
    parts = {"manager": system_parts.Part(*absent, by_hand=True)}
    monkeypatch.setattr(system_parts, "PARTS", parts)
    monkeypatch.setattr(system_parts, "can_install", lambda: True)
    monkeypatch.setattr(system_parts, "SERVICES_RUN", tmp_path)
    said: list[str] = []
    system_parts.provide_parts(said.append, sys.executable)
    how = parts["manager"].how_to_get()
    assert said == [f"without manager tests that need it are skipped: {how}"]


def test_what_only_spares_another_part_is_installed_by_itself_for_not_every_system_has_it(
    monkeypatch,
):
    none = (("no-such-program-at-all",),)
    parts = {
        "quick": system_parts.Part(none, ("quick-browser",), "speed", spares="slow"),
        "slow": system_parts.Part(none, ("browser",), "pages"),
    }
    monkeypatch.setattr(system_parts, "PARTS", parts)
    said: list[str] = []
    monkeypatch.setattr(system_parts, "can_install", lambda: False)
    system_parts.provide_parts(said.append, sys.executable)
    assert said[0] == f"without quick slow is used: {parts['quick'].how_to_get()}"
    installed: list[list[str]] = []

    def install(packages: list[str], _say: object) -> bool:
        installed.append(packages)
        return True

    monkeypatch.setattr(system_parts, "can_install", lambda: True)
    monkeypatch.setattr(system_parts, "apt_install", install)
    system_parts.provide_parts(said.append, sys.executable)
    assert installed == [["browser"], ["quick-browser"]]


@pytest.mark.parametrize("name", [n for n, p in system_parts.PARTS.items() if p.spares])
def test_what_a_part_spares_is_a_part(name):
    assert system_parts.PARTS[name].spares in system_parts.PARTS
