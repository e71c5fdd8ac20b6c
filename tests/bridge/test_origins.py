"""The list of pages that may use the agent."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from agent.bridge.origins import ORIGINS_MAX, Origins
from agent.bridge.scopes import Scope
from agent.errors import OriginsFull, OriginsUnsaved

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "origins.json"


def opened(file: Path, **times: Any) -> Origins:
    """As an agent has it."""
    return Origins(file, file.parent.with_name("origins.lock"), **times)


def test_the_list_survives_a_restart(file: Path) -> None:
    origins = opened(file, clock=lambda: 1234.5)
    assert origins.list() == []
    origins.allow("https://App.example.com/")
    again = opened(file)
    assert [(entry.url, entry.since) for entry in again.list()] == [
        ("https://app.example.com", 1234.5)
    ]
    assert "https://app.example.com" in again
    assert "https://app.example.com/" not in again
    assert None not in again


@pytest.mark.system("linux", "darwin")  # Windows protects the folder, not the mode
def test_only_this_user_can_read_the_file(file: Path) -> None:
    opened(file).allow("https://app.example.com")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_allowing_twice_keeps_the_first_time(file: Path) -> None:
    wall = 1.0
    origins = opened(file, clock=lambda: wall)
    origins.allow("https://app.example.com")
    wall = 2.0
    assert origins.allow("https://app.example.com").since == 1.0


def test_revoking_tells_who_listens_and_is_kept(file: Path) -> None:
    origins = opened(file)
    told: list[str] = []
    origins.when_revoked(told.append)
    origins.allow("https://app.example.com")
    origins.revoke("https://other.example.com")
    origins.revoke("https://APP.example.com")
    assert told == ["https://app.example.com"]
    assert opened(file).list() == []


def test_the_list_has_an_end(file: Path) -> None:
    origins = opened(file)
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
    origins = opened(file)
    assert origins.list() == []
    assert (file.parent / "origins.json.broken").read_text() == text
    assert "no page is allowed" in caplog.text
    assert origins.problem is not None
    assert "origins.json.broken" in origins.problem.report().meaning
    origins.allow("https://app.example.com")
    assert json.loads(file.read_text())["origins"][0]["url"] == "https://app.example.com"


def test_a_file_that_is_not_ours_to_read_allows_nobody_and_stops_nothing(file: Path) -> None:
    file.mkdir(parents=True)
    origins = opened(file)
    assert origins.problem is not None
    assert origins.list() == []
    origins.allow("https://app.example.com")
    assert opened(file).problem is None


def test_a_time_that_no_calendar_has_is_a_broken_file(file: Path) -> None:
    file.parent.mkdir()
    entry = {"url": "https://app.example.com", "since": 1e300, "may": ["boards"]}
    file.write_text(json.dumps({"origins": [entry], "refused": []}))
    assert opened(file).list() == []


def test_what_a_page_may_is_kept_exactly(file: Path) -> None:
    origins = opened(file)
    origins.allow("https://app.example.com", frozenset({Scope.SERIAL}))
    assert opened(file).may("https://app.example.com") == {Scope.BOARDS, Scope.SERIAL}
    assert origins.may("https://other.example.com") == frozenset()


def test_a_page_that_gets_less_is_told_like_one_that_is_revoked(file: Path) -> None:
    origins = opened(file)
    told: list[str] = []
    origins.when_revoked(told.append)
    origins.allow("https://app.example.com", frozenset({Scope.BOARDS}))
    origins.allow("https://app.example.com")
    assert told == []
    origins.allow("https://app.example.com", frozenset({Scope.FLASH}))
    assert told == ["https://app.example.com"]


def test_nothing_is_written_when_nothing_changes(file: Path) -> None:
    origins = opened(file)
    origins.revoke("https://app.example.com")
    assert not file.exists()
    origins.allow("https://app.example.com")
    before = file.stat().st_ino
    origins.allow("https://app.example.com")
    assert file.stat().st_ino == before


APP, OTHER = "https://app.example.com", "https://other.example.com"


def test_two_agents_change_the_list_and_nothing_gets_lost(file: Path) -> None:
    one, two = opened(file), opened(file)
    one.allow(APP, frozenset({Scope.SERIAL}))
    two.allow(OTHER)
    one.refuse("https://no.example.com")
    two.add(APP, frozenset({Scope.FLASH}))
    after = opened(file)
    assert [each.url for each in after.list()] == [APP, OTHER]
    assert after.may(APP) == {Scope.BOARDS, Scope.SERIAL, Scope.FLASH}
    assert [each.url for each in after.refused()] == ["https://no.example.com"]


def test_what_another_agent_took_from_a_page_ends_with_the_next_change(file: Path) -> None:
    one, two = opened(file), opened(file)
    told: list[str] = []
    one.when_revoked(told.append)
    one.allow(APP)
    two.revoke(APP)
    one.allow(OTHER)
    assert told == [APP]
    assert [each.url for each in opened(file).list()] == [OTHER]


def test_a_page_that_another_agent_allowed_is_revoked_here(file: Path) -> None:
    one, two = opened(file), opened(file)
    two.allow(APP)
    one.revoke(APP)
    assert opened(file).list() == []


def test_who_cannot_have_the_lock_is_told_and_a_revocation_counts_all_the_same(file: Path) -> None:
    origins = opened(file, wait_s=0.05)
    origins.allow(APP)
    with FileLock(file.parent.with_name("origins.lock")):
        with pytest.raises(OriginsUnsaved, match="another program"):
            origins.allow(OTHER)
        with pytest.raises(OriginsUnsaved, match="another program"):
            origins.revoke(APP)
        assert origins.list() == []
        assert opened(file).list() != []
    origins.allow(OTHER)
    assert [each.url for each in opened(file).list()] == [OTHER]
