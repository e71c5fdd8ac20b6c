"""The list of pages that may use the agent."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from agent.bridge.origins import ORIGINS_MAX, Origins
from agent.bridge.scopes import Scope
from agent.errors import OriginsFull

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "origins.json"


def test_the_list_survives_a_restart(file: Path) -> None:
    origins = Origins(file, clock=lambda: 1234.5)
    assert origins.list() == []
    origins.allow("https://App.example.com/")
    again = Origins(file)
    assert [(entry.url, entry.since) for entry in again.list()] == [
        ("https://app.example.com", 1234.5)
    ]
    assert "https://app.example.com" in again
    assert "https://app.example.com/" not in again
    assert None not in again


@pytest.mark.skipif(sys.platform == "win32", reason="Windows protects the folder, not the mode")
def test_only_this_user_can_read_the_file(file: Path) -> None:
    Origins(file).allow("https://app.example.com")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_allowing_twice_keeps_the_first_time(file: Path) -> None:
    wall = 1.0
    origins = Origins(file, clock=lambda: wall)
    origins.allow("https://app.example.com")
    wall = 2.0
    assert origins.allow("https://app.example.com").since == 1.0


def test_revoking_tells_who_listens_and_is_kept(file: Path) -> None:
    origins = Origins(file)
    told: list[str] = []
    origins.when_revoked(told.append)
    origins.allow("https://app.example.com")
    origins.revoke("https://other.example.com")
    origins.revoke("https://APP.example.com")
    assert told == ["https://app.example.com"]
    assert Origins(file).list() == []


def test_the_list_has_an_end(file: Path) -> None:
    origins = Origins(file)
    for number in range(ORIGINS_MAX):
        origins.allow(f"https://app{number}.example.com")
    with pytest.raises(OriginsFull):
        origins.allow("https://more.example.com")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"origins": []}',
        '{"origins": [{"url": "https://a.example", "since": 1}], "refused": []}',
        '{"origins": [{"url": "https://a.example", "since": 1, "may": []}], "refused": []}',
        '{"origins": [{"url": "https://a.example", "since": 1, "may": ["all"]}], "refused": []}',
        '{"origins": [{"url": "http://evil.example", "since": 1, "may": ["boards"]}], "refused": []}',
        '{"origins": [{"url": "https://A.example", "since": 1, "may": ["boards"]}], "refused": []}',
        '{"origins": [{"url": "*", "since": 1, "may": ["boards"]}], "refused": []}',
    ],
)
def test_a_broken_file_allows_nobody_and_is_kept(
    file: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_text(text)
    origins = Origins(file)
    assert origins.list() == []
    assert (file.parent / "origins.json.broken").read_text() == text
    assert "no page is allowed" in caplog.text
    assert origins.problem is not None
    assert "origins.json.broken" in origins.problem.report().meaning
    origins.allow("https://app.example.com")
    assert json.loads(file.read_text())["origins"][0]["url"] == "https://app.example.com"


def test_a_file_that_is_not_ours_to_read_allows_nobody_and_stops_nothing(file: Path) -> None:
    file.mkdir(parents=True)
    origins = Origins(file)
    assert origins.problem is not None
    assert origins.list() == []
    origins.allow("https://app.example.com")
    assert Origins(file).problem is None


def test_a_time_that_no_calendar_has_is_a_broken_file(file: Path) -> None:
    file.parent.mkdir()
    entry = {"url": "https://app.example.com", "since": 1e300, "may": ["boards"]}
    file.write_text(json.dumps({"origins": [entry], "refused": []}))
    assert Origins(file).list() == []


def test_what_a_page_may_is_kept_exactly(file: Path) -> None:
    origins = Origins(file)
    origins.allow("https://app.example.com", frozenset({Scope.SERIAL}))
    assert Origins(file).may("https://app.example.com") == {Scope.BOARDS, Scope.SERIAL}
    assert origins.may("https://other.example.com") == frozenset()


def test_a_page_that_gets_less_is_told_like_one_that_is_revoked(file: Path) -> None:
    origins = Origins(file)
    told: list[str] = []
    origins.when_revoked(told.append)
    origins.allow("https://app.example.com", frozenset({Scope.BOARDS}))
    origins.allow("https://app.example.com")
    assert told == []
    origins.allow("https://app.example.com", frozenset({Scope.FLASH}))
    assert told == ["https://app.example.com"]


def test_nothing_is_written_when_nothing_changes(file: Path) -> None:
    origins = Origins(file)
    origins.revoke("https://app.example.com")
    assert not file.exists()
    origins.allow("https://app.example.com")
    before = file.stat().st_ino
    origins.allow("https://app.example.com")
    assert file.stat().st_ino == before
