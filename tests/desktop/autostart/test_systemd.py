"""The unit of the user: what is written, what systemctl makes of it, and what is reported."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.desktop.autostart import LoginState, Program
from agent.desktop.autostart.systemd import FORBIDDEN, UNIT_NAME, SystemdUnit, unit_text
from agent.errors import AutostartFailed
from tests.desktop.autostart.conftest import AWKWARD, Home

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("systemd")]


def unit(home: Home) -> Path:
    return home.config / "systemd" / "user" / UNIT_NAME


def way_of(home: Home, program: Program) -> SystemdUnit:
    return SystemdUnit(program, home.environ, shared=[], linger=str(home.folder / "linger"))


def systemctl(home: Home, *words: str) -> None:
    environ = {**home.environ, "SYSTEMD_OFFLINE": "1"}
    subprocess.run(["systemctl", "--user", "-q", *words, UNIT_NAME], env=environ, check=True)


def test_what_was_installed_is_on_and_what_was_removed_leaves_nothing(home: Home) -> None:
    way = way_of(home, home.program())
    assert way.status().state is LoginState.ABSENT
    way.uninstall()  # nothing to do is no error
    way.install()
    status = way.status()
    assert (status.state, status.place, status.detail) == (LoginState.ON, str(unit(home)), "")
    link = unit(home).parent / "default.target.wants" / UNIT_NAME
    assert link.is_symlink()
    way.install()
    way.uninstall()
    assert way.status().state is LoginState.ABSENT
    assert not [path for path in home.config.rglob("*") if path.is_file() or path.is_symlink()]


def test_what_was_disabled_or_masked_elsewhere_is_seen_and_an_install_switches_it_on(
    home: Home,
) -> None:
    way = way_of(home, home.program())
    way.install()
    systemctl(home, "disable")
    status = way.status()
    assert (status.state, status.detail) == (
        LoginState.SWITCHED_OFF,
        "For systemd the unit is disabled.",
    )
    way.install()
    assert way.status().state is LoginState.ON
    unit(home).unlink()
    systemctl(home, "mask")
    status = way.status()
    assert status.state is LoginState.SWITCHED_OFF
    assert "masked" in status.detail
    way.install()
    assert way.status().state is LoginState.ON


def test_a_program_that_is_gone_is_named(home: Home) -> None:
    old = home.program("old (1)")
    way_of(home, old).install()
    other = way_of(home, home.program("new"))
    assert (other.status().state, other.status().detail) == (
        LoginState.ON,
        "It starts another Mooring than this.",
    )
    Path(old.words[0]).unlink()
    for way in (way_of(home, old), other):
        assert way.status().state is LoginState.BROKEN
        assert old.words[0] in way.status().detail


def test_what_a_package_brought_is_used_if_it_starts_the_same(home: Home) -> None:
    program = home.program()
    shared = home.folder / "lib"
    shared.mkdir()
    (shared / UNIT_NAME).write_text(unit_text(program))
    # Where systemctl looks for units that packages of this person bring.
    home.environ["XDG_DATA_HOME"] = str(home.folder / "data")
    brought = home.folder / "data" / "systemd" / "user"
    brought.mkdir(parents=True)
    (brought / UNIT_NAME).write_text(unit_text(program))
    way = SystemdUnit(program, home.environ, shared=[str(brought)])
    status = way.status()
    assert (status.state, status.place) == (LoginState.ABSENT, str(brought / UNIT_NAME))
    assert "not enabled" in status.detail
    way.install()
    assert (way.status().state, way.status().place) == (LoginState.ON, str(brought / UNIT_NAME))
    assert not unit(home).exists()
    way.uninstall()
    assert way.status().state is LoginState.ABSENT
    other = SystemdUnit(home.program("other"), home.environ, shared=[str(brought)])
    other.install()
    assert (other.status().place, other.status().detail) == (str(unit(home)), "")


def test_a_unit_that_is_enabled_for_everybody_is_masked_by_an_uninstall(home: Home) -> None:
    program = home.program()
    home.environ["XDG_DATA_HOME"] = str(home.folder / "data")
    brought = home.folder / "data" / "systemd" / "user"
    (brought / "default.target.wants").mkdir(parents=True)
    (brought / UNIT_NAME).write_text(unit_text(program))
    (brought / "default.target.wants" / UNIT_NAME).symlink_to(brought / UNIT_NAME)
    way = SystemdUnit(program, home.environ, shared=[str(brought)])
    # It starts by no doing of this person; for systemd it is enabled all the same.
    way.uninstall()
    assert way.status().state is LoginState.ABSENT
    way.install()
    assert way.status().state is LoginState.ON


def test_the_manager_reads_the_units_again_only_if_one_changed(home: Home) -> None:
    tools = home.folder / "tools"
    tools.mkdir()
    asked = home.folder / "asked"
    systemctl_itself = shutil.which("systemctl")
    tool = tools / "systemctl"
    tool.write_text(f'#!/bin/sh\necho "$*" >> {asked}\nexec {systemctl_itself} "$@"\n')
    tool.chmod(0o755)
    home.environ["PATH"] = f"{tools}:{home.environ['PATH']}"
    way = way_of(home, home.program())
    way.uninstall()
    assert "daemon-reload" not in asked.read_text()
    way.install()
    assert asked.read_text().count("daemon-reload") == 1
    way.uninstall()
    way.uninstall()
    assert asked.read_text().count("daemon-reload") == 2


def test_a_start_with_the_computer_is_told(home: Home) -> None:
    way = way_of(home, home.program())
    way.install()
    home.environ["USER"] = "ann"
    (home.folder / "linger").mkdir()
    (home.folder / "linger" / "ann").touch()
    assert "before the login" in way.status().detail


def test_without_systemd_nothing_is_installed_and_the_reason_is_told(home: Home) -> None:
    home.environ["PATH"] = str(home.folder)
    way = way_of(home, home.program())
    assert way.status().state is LoginState.ABSENT
    way.uninstall()
    with pytest.raises(AutostartFailed) as caught:
        way.install()
    assert "no program systemctl" in caught.value.report().meaning
    assert not unit(home).exists()


@pytest.mark.parametrize("char", FORBIDDEN)
def test_a_name_that_systemd_refuses_is_refused(home: Home, char: str) -> None:
    with pytest.raises(AutostartFailed):
        way_of(home, home.program(f"a{char}b")).install()


@pytest.mark.parametrize("name", ["bin", AWKWARD, "100% of $HOME"])
def test_the_verifier_of_units_finds_nothing(home: Home, name: str) -> None:
    program = home.program(name, home=str(home.folder / 'h "o" 5%'), folder=str(home.folder))
    way_of(home, program).install()
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", unit(home)],
        env={**os.environ, **home.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    # It says in words what is wrong, and ends well even so.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
