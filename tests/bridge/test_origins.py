"""The list of pages that may use the agent."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bridge.origins import ORIGINS_MAX, Origins, normalise
from agent.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "origins.json"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://App.Example.COM/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("  https://app.example.com  ", "https://app.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    ],
)
def test_an_address_becomes_what_a_browser_sends(url: str, origin: str) -> None:
    assert normalise(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example.com",
        "null",
        "*",
        "https://",
        "https://*.example.com",
        "http://app.example.com",
        "http://127.0.0.1.example.com",
        "ftp://app.example.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "chrome-extension://abcdef",
        "https://app.example.com/page",
        "https://app.example.com?x",
        "https://app.example.com#x",
        "https://user:secret@app.example.com",
        "https://@app.example.com",
        "https://app.example.com:port",
        "https://app.example.com:99999",
        "https://app example.com",
        "https://app.example.com\\@evil.example",
        "https://[::1",
        "https://-x.example",
        "https://a..b",
        "https://" + "a" * 300 + ".example",
    ],
)
def test_what_no_page_can_have_or_nobody_can_trust_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        normalise(url)
    assert caught.value.facts["field"] == "url"


@given(st.text())
def test_normalising_is_total_and_stable(text: str) -> None:
    for url in (text, f"https://{text}"):
        try:
            origin = normalise(url)
        except InputError:
            continue
        assert normalise(origin) == origin


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
    times = iter([1.0, 2.0])
    origins = Origins(file, clock=lambda: next(times))
    origins.allow("https://app.example.com")
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
    with pytest.raises(InputError, match="revoke one first"):
        origins.allow("https://more.example.com")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"origins": [{"url": "https://a.example"}]}',
        '{"origins": [{"url": "http://evil.example", "since": 1}]}',
        '{"origins": [{"url": "https://A.example", "since": 1}]}',
        '{"origins": [{"url": "*", "since": 1}]}',
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
    origins.allow("https://app.example.com")
    assert json.loads(file.read_text())["origins"][0]["url"] == "https://app.example.com"
