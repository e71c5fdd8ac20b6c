"""The LaunchAgent: the property list, and what launchctl says about it."""

from __future__ import annotations

import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

from agent.desktop.autostart import LoginState, Program
from agent.desktop.autostart.launchd import LABEL, LaunchAgent, plist_bytes
from agent.errors import AutostartFailed
from tests.desktop.autostart.conftest import AWKWARD, Home

pytestmark = pytest.mark.system("linux", "darwin")

LAUNCHCTL = """#!/bin/sh
# As launchctl(1) prints it; what was disabled is a file here.
case "$1" in
print-disabled)
    echo "disabled services = {"
    echo '    "com.example.other" => disabled'
    [ -f FOLDER/override ] && echo '    "LABEL" => '"$(cat FOLDER/override)"
    echo "}" ;;
enable)
    [ "$2" = gui/501/LABEL ] || exit 64
    [ -f FOLDER/locked ] && { echo "Could not enable service: 1: Operation not permitted" >&2; exit 1; }
    echo enabled > FOLDER/override ;;
esac
"""


class Mac:
    """A home with a stand-in for launchctl."""

    def __init__(self, home: Home) -> None:
        self.home = home
        tools = home.folder / "tools"
        tools.mkdir()
        launchctl = tools / "launchctl"
        text = LAUNCHCTL.replace("FOLDER", str(home.folder)).replace("LABEL", LABEL)
        launchctl.write_text(text)
        launchctl.chmod(0o755)
        home.environ["PATH"] = f"{tools}:{home.environ['PATH']}"
        self.override = home.folder / "override"
        self.plist = home.folder / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def way(self, program: Program) -> LaunchAgent:
        return LaunchAgent(program, self.home.environ, uid=501)


@pytest.fixture
def mac(home: Home) -> Mac:
    return Mac(home)


def test_what_was_installed_is_on_and_what_was_removed_leaves_nothing(mac: Mac) -> None:
    program = mac.home.program()
    way = mac.way(program)
    assert way.status().state is LoginState.ABSENT
    way.uninstall()
    way.install()
    status = way.status()
    assert (status.state, status.place, status.detail) == (LoginState.ON, str(mac.plist), "")
    way.uninstall()
    assert way.status().state is LoginState.ABSENT
    assert list(mac.plist.parent.iterdir()) == []


@pytest.mark.parametrize("word", ["disabled", "true"])
def test_what_launchctl_was_told_is_seen_and_an_install_switches_it_on(mac: Mac, word: str) -> None:
    way = mac.way(mac.home.program())
    way.install()
    mac.override.write_text(word)
    status = way.status()
    assert status.state is LoginState.SWITCHED_OFF
    assert "launchctl" in status.detail
    way.install()
    assert way.status().state is LoginState.ON


def test_a_property_list_that_is_disabled_is_off_unless_launchctl_was_told_otherwise(
    mac: Mac,
) -> None:
    program = mac.home.program()
    way = mac.way(program)
    way.install()
    mac.plist.write_bytes(
        plistlib.dumps({**plistlib.loads(plist_bytes(program)), "Disabled": True})
    )
    assert way.status().state is LoginState.SWITCHED_OFF
    mac.override.write_text("enabled")
    assert way.status().state is LoginState.ON


def test_an_enable_that_is_refused_is_told_in_the_words_of_launchctl(mac: Mac) -> None:
    way = mac.way(mac.home.program())
    mac.override.write_text("disabled")
    (mac.home.folder / "locked").touch()
    with pytest.raises(AutostartFailed) as caught:
        way.install()
    assert "Operation not permitted" in caught.value.report().meaning


@pytest.mark.parametrize("data", [b"", b"<plist>", plistlib.dumps({}), plistlib.dumps(["x"])])
def test_a_property_list_that_cannot_be_read_is_told(mac: Mac, data: bytes) -> None:
    mac.plist.parent.mkdir(parents=True)
    mac.plist.write_bytes(data)
    assert mac.way(mac.home.program()).status().state is LoginState.BROKEN


def test_a_program_that_is_gone_or_another_one_is_named(mac: Mac) -> None:
    old = mac.home.program("old")
    mac.way(old).install()
    assert "another Mooring" in mac.way(mac.home.program("new")).status().detail
    Path(old.words[0]).unlink()
    status = mac.way(old).status()
    assert status.state is LoginState.BROKEN
    assert old.words[0] in status.detail


def test_without_launchctl_the_files_alone_decide(home: Home) -> None:
    home.environ["PATH"] = str(home.folder)
    way = LaunchAgent(home.program(), home.environ, uid=501)
    way.install()
    assert way.status().state is LoginState.ON


@pytest.mark.needs("autostart")
@pytest.mark.parametrize("name", ["bin", AWKWARD, "<a> & 100% \"b\" 'c' \\d"])
def test_a_second_reader_finds_the_same_in_the_property_list(home: Home, name: str) -> None:
    program = home.program(name, home="/h o", folder="/tmp")
    (home.folder / "x.plist").write_bytes(plist_bytes(program))
    converted = home.folder / "x.bin"
    reader: list[str | Path] = (
        ["plutil", "-convert", "binary1", "-o", converted, home.folder / "x.plist"]
        if sys.platform == "darwin"
        else ["plistutil", "-i", home.folder / "x.plist", "-o", converted, "-f", "bin"]
    )
    subprocess.run(reader, check=True, capture_output=True)
    assert plistlib.loads(converted.read_bytes()) == {
        "Label": LABEL,
        "ProgramArguments": [*program.words, "run", "--no-page"],
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "LimitLoadToSessionType": "Aqua",
        "ProcessType": "Interactive",
        "WorkingDirectory": "/tmp",
        "EnvironmentVariables": {"MOORING_HOME": "/h o"},
    }
