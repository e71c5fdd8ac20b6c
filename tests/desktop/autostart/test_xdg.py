"""XDG autostart: what is written, what is reported, and what the system's own programs make of it."""

from __future__ import annotations

import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from agent.desktop.autostart import LoginState, Program
from agent.desktop.autostart.desktop_entry import exec_words, read_desktop_entry
from agent.desktop.autostart.xdg import ENTRY_NAME, FORBIDDEN, XdgAutostart, entry_text
from agent.errors import AutostartFailed
from tests.desktop.autostart.conftest import AWKWARD, Home

START_S = 30.0
"""A start takes milliseconds; this is when the test gives up."""


def entry(home: Home) -> Path:
    return home.config / "autostart" / ENTRY_NAME


def brought(home: Home, program: Program) -> Path:
    """What a package brings for everybody."""
    path = home.shared / "autostart" / ENTRY_NAME
    path.parent.mkdir(parents=True)
    path.write_text(entry_text(program))
    return path


def test_what_was_installed_is_on_and_what_was_removed_leaves_nothing(home: Home) -> None:
    way = XdgAutostart(home.program(), home.environ)
    assert way.status().state is LoginState.ABSENT
    way.uninstall()  # nothing to do is no error
    way.install()
    status = way.status()
    assert (status.state, status.place, status.detail) == (LoginState.ON, str(entry(home)), "")
    assert stat.S_IMODE(entry(home).stat().st_mode) == 0o600
    way.install()
    way.uninstall()
    assert way.status().state is LoginState.ABSENT
    assert list(entry(home).parent.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("Hidden=true", "settings of the desktop"),
        ("X-GNOME-Autostart-enabled=false", "X-GNOME-Autostart-enabled"),
        ("X-MATE-Autostart-enabled=false", "X-MATE-Autostart-enabled"),
        ("OnlyShowIn=KDE;", "GNOME:Unity"),
        ("NotShowIn=XFCE;GNOME;", "GNOME:Unity"),
    ],
)
def test_what_was_switched_off_elsewhere_is_seen_and_an_install_switches_it_on(
    home: Home, line: str, where: str
) -> None:
    home.environ["XDG_CURRENT_DESKTOP"] = "Unity:GNOME"
    way = XdgAutostart(home.program(), home.environ)
    way.install()
    text = entry(home).read_text().replace("X-GNOME-Autostart-enabled=true\n", "")
    entry(home).write_text(text + line + "\n")
    status = way.status()
    assert status.state is LoginState.SWITCHED_OFF
    assert where in status.detail
    way.install()
    assert way.status().state is LoginState.ON


def test_an_entry_for_this_desktop_is_on(home: Home) -> None:
    home.environ["XDG_CURRENT_DESKTOP"] = "ubuntu:GNOME"
    way = XdgAutostart(home.program(), home.environ)
    way.install()
    entry(home).write_text(entry(home).read_text() + "OnlyShowIn=GNOME;\nNotShowIn=KDE;\n")
    assert way.status().state is LoginState.ON


def test_a_program_that_is_gone_is_named(home: Home) -> None:
    program = home.program()
    way = XdgAutostart(program, home.environ)
    way.install()
    Path(program.words[0]).unlink()
    status = way.status()
    assert status.state is LoginState.BROKEN
    assert program.words[0] in status.detail
    entry(home).write_text("[Desktop Entry]\nType=Application\n")
    assert way.status().state is LoginState.BROKEN
    entry(home).write_bytes(b"\xff\x00")
    assert way.status().state is LoginState.BROKEN


def test_an_entry_that_starts_another_mooring_is_told(home: Home) -> None:
    XdgAutostart(home.program("old"), home.environ).install()
    status = XdgAutostart(home.program("new"), home.environ).status()
    assert status.state is LoginState.ON
    assert "another Mooring" in status.detail


def test_what_a_package_brought_is_used_hidden_and_shown_again(home: Home) -> None:
    program = home.program()
    shared = brought(home, program)
    way = XdgAutostart(program, home.environ)
    assert (way.status().state, way.status().place) == (LoginState.ON, str(shared))
    way.uninstall()
    assert (way.status().state, way.status().place) == (LoginState.SWITCHED_OFF, str(entry(home)))
    way.install()
    assert way.status().state is LoginState.ON
    assert not entry(home).exists(), "the entry of the package serves"
    other = XdgAutostart(home.program("other"), home.environ)
    other.install()
    assert (other.status().place, other.status().detail) == (str(entry(home)), "")


def test_a_folder_that_cannot_be_written_is_named(home: Home) -> None:
    home.config.write_text("a file where the folder should be")
    with pytest.raises(AutostartFailed) as caught:
        XdgAutostart(home.program(), home.environ).install()
    assert str(entry(home)) in str(caught.value)


@pytest.mark.parametrize("char", FORBIDDEN)
def test_a_name_that_not_every_desktop_starts_is_refused(home: Home, char: str) -> None:
    way = XdgAutostart(home.program(f"a{char}b"), home.environ)
    with pytest.raises(AutostartFailed, match=r"a.b/mooring"):
        way.install()
    assert way.status().state is LoginState.ABSENT


def test_a_name_that_env_takes_for_a_variable_is_refused_where_env_is_needed(home: Home) -> None:
    XdgAutostart(home.program("a=b"), home.environ).install()
    with pytest.raises(AutostartFailed):
        XdgAutostart(home.program("a=b", home="/h"), home.environ).install()


@pytest.mark.parametrize("name", ["a\nExec=evil", "tab\t", "bell\a"])
def test_a_name_that_would_begin_a_new_line_is_refused(name: str) -> None:
    with pytest.raises(AutostartFailed):
        Program((f"/opt/{name}/mooring",))


@pytest.mark.system("linux")
@pytest.mark.needs("autostart")
@pytest.mark.parametrize("name", ["bin", AWKWARD])
def test_the_validator_of_desktop_entries_finds_nothing(home: Home, name: str) -> None:
    XdgAutostart(home.program(name, home="/h o", folder="/tmp"), home.environ).install()
    done = subprocess.run(
        ["desktop-file-validate", entry(home)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def waited(path: Path) -> list[str]:
    until = time.monotonic() + START_S
    while not path.exists():
        assert time.monotonic() < until, "nothing was started"
        time.sleep(0.01)
    return path.read_text().splitlines()


@pytest.mark.system("linux")
@pytest.mark.needs("autostart")
@pytest.mark.parametrize("name", ["bin", AWKWARD])
def test_a_starter_of_desktops_starts_it_unless_it_is_hidden(home: Home, name: str) -> None:
    (home.folder / "work").mkdir()
    program = home.program(name, home=str(home.folder / "h o"), folder=str(home.folder / "work"))
    way = XdgAutostart(program, home.environ)
    way.install()

    def login() -> None:
        subprocess.run(
            ["dex", "-a", "-e", "GNOME"], env=home.environ, capture_output=True, check=True
        )

    login()
    assert waited(home.told) == [
        *(*program.words, "run", "--no-page"),
        f"home={program.home}",
        f"in={program.folder}",
    ]
    home.told.unlink()
    entry(home).write_text(entry(home).read_text() + "Hidden=true\n")
    assert way.status().state is LoginState.SWITCHED_OFF
    # What is started in its place shows that this login is over.
    other = home.config / "autostart" / "zz.desktop"
    other.write_text(f"[Desktop Entry]\nType=Application\nName=z\nExec=touch {home.folder}/after\n")
    login()
    waited(home.folder / "after")
    assert not home.told.exists()


def generated(home: Home, **more: str) -> list[Path]:
    """Units that systemd makes of the entries at login."""
    folders = [home.folder / f"units{number}" for number in range(3)]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    generator = "/usr/lib/systemd/user-generators/systemd-xdg-autostart-generator"
    environ = {**home.environ, **more}
    subprocess.run([generator, *folders], env=environ, capture_output=True, check=True)
    return [path for folder in folders for path in folder.glob("app-*.service")]


@pytest.mark.system("linux")
@pytest.mark.needs("systemd")
@pytest.mark.parametrize("name", ["bin", AWKWARD])
def test_systemd_makes_a_unit_of_it_that_starts_the_same_words(home: Home, name: str) -> None:
    program = home.program(name, home=str(home.folder / "h o"))
    XdgAutostart(program, home.environ).install()
    (unit,) = generated(home, XDG_CURRENT_DESKTOP="GNOME")
    done: Any = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", unit],
        env=home.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = unit.read_text().splitlines()
    (start,) = [line for line in lines if line.startswith("ExecStart=")]
    for word in (*program.words[1:], "run", "--no-page"):
        assert word in start
    entry(home).write_text(entry(home).read_text() + "Hidden=true\n")
    unit.unlink()
    assert generated(home, XDG_CURRENT_DESKTOP="GNOME") == []


def test_the_entry_for_a_package_starts_the_installed_program() -> None:
    fields = read_desktop_entry(entry_text(Program(("/usr/bin/mooring",))))
    assert exec_words(fields["Exec"]) == ["/usr/bin/mooring", "run", "--no-page"]
    assert fields["TryExec"] == "/usr/bin/mooring"
    assert "Path" not in fields
