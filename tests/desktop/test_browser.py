"""The page in the person's browser; the browser is a program that notes what it was called with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from agent.desktop.browser import has_desktop, open_page, page_url

if TYPE_CHECKING:
    from pathlib import Path

START_S = 30.0
URL = "http://127.0.0.1:8991/#/job/3"


def note(folder: Path, name: str, told: Path) -> None:
    """A program of that name that writes its words and its bus to ``told``."""
    program = folder / name
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" "bus=$DBUS_SESSION_BUS_ADDRESS" > {told}.new\n'
        f"/bin/mv {told}.new {told}\n"
    )
    program.chmod(0o755)


def waited(path: Path) -> list[str]:
    until = time.monotonic() + START_S
    while not path.exists():
        assert time.monotonic() < until, "nothing was started"
        time.sleep(0.01)
    return path.read_text().splitlines()


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A desktop whose only programs are those in this folder."""
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("INVOCATION_ID", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("", "http://x/"),
        ("job/3", "http://x/#/job/3"),
        ("#/board/a%3Ab/setup", "http://x/#/board/a%3Ab/setup"),
        ('a b"<é\n', "http://x/#/a%20b%22%3C%C3%A9%0A"),
    ],
)
def test_a_place_becomes_an_address_whatever_it_holds(place: str, url: str) -> None:
    assert page_url("http://x/", place) == url


@pytest.mark.system("linux")
def test_a_desktop_is_known_by_its_display() -> None:
    assert has_desktop({"DISPLAY": ":0"})
    assert has_desktop({"WAYLAND_DISPLAY": "wayland-0"})
    assert not has_desktop({"DISPLAY": ""})


@pytest.mark.system("linux")
def test_the_browser_gets_the_address_and_the_environment_of_now(
    desktop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(desktop, "xdg-open", desktop / "told")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/of/the/person")
    assert open_page(URL)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "another")
    assert waited(desktop / "told") == [URL, "bus=unix:path=/of/the/person"]


@pytest.mark.system("linux")
def test_without_the_usual_program_the_next_one_is_taken_and_without_any_none(
    desktop: Path,
) -> None:
    assert not open_page(URL)
    note(desktop, "gio", desktop / "told")
    assert open_page(URL)
    assert waited(desktop / "told")[:2] == ["open", URL]


@pytest.mark.system("linux")
@pytest.mark.parametrize(
    ("chosen", "words"),
    [("mine", [URL]), ("mine --new %s", ["--new", URL]), ("'odd:gone:mine -x", ["-x", URL])],
)
def test_the_browser_that_the_person_chose_comes_first(
    desktop: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, words: list[str]
) -> None:
    note(desktop, "mine", desktop / "told")
    note(desktop, "xdg-open", desktop / "other")
    monkeypatch.setenv("BROWSER", chosen)
    assert open_page(URL)
    assert waited(desktop / "told")[:-1] == words


@pytest.mark.system("linux")
def test_without_a_display_nothing_is_started(
    desktop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    note(desktop, "xdg-open", desktop / "told")
    assert not open_page(URL)


@pytest.mark.system("linux")
def test_a_browser_of_an_agent_that_is_a_unit_gets_a_scope_of_its_own(
    desktop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(desktop, "systemd-run", desktop / "told")
    note(desktop, "xdg-open", desktop / "not")
    monkeypatch.setenv("INVOCATION_ID", "0" * 32)
    assert open_page(URL)
    words = waited(desktop / "told")
    assert words[:4] == ["--user", "--scope", "--quiet", "--collect"]
    assert words[4:7] == ["--", str(desktop / "xdg-open"), URL]


@pytest.mark.system("linux")
def test_a_browser_that_fails_is_logged(desktop: Path, caplog: pytest.LogCaptureFixture) -> None:
    (desktop / "xdg-open").write_text("#!/bin/sh\nexit 3\n")
    (desktop / "xdg-open").chmod(0o755)
    assert open_page(URL)
    until = time.monotonic() + START_S
    while "exit status 3" not in caplog.text:
        assert time.monotonic() < until
        time.sleep(0.01)
