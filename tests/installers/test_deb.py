"""What the Debian package holds, without building it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agent.desktop.autostart.program import Program
from agent.desktop.autostart.systemd import SHARED_DIRS, unit_text
from agent.desktop.autostart.way import LoginState
from agent.desktop.autostart.xdg import XdgAutostart, entry_text
from installers import deb
from installers.icon import LINUX_SIZES
from installers.tree import PackagingError, version

pytestmark = pytest.mark.system("linux")
PROGRAM = Program((deb.PROGRAM,))


@pytest.fixture
def stage(tmp_path, folder, icons):
    stage = tmp_path / "stage"
    stage.mkdir()
    texts = {"autostart": entry_text(PROGRAM), "unit": unit_text(PROGRAM)}
    deb.lay_out(stage, folder, icons, **texts)
    return stage


def names(stage):
    return {
        path.relative_to(stage).as_posix()
        for path in stage.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_it_holds_the_program_and_what_a_desktop_wants_beside_it(stage):
    sizes = {f"usr/share/icons/hicolor/{size}x{size}/apps/mooring.png" for size in LINUX_SIZES}
    assert {name for name in names(stage) if not name.startswith(deb.HOME)} == sizes | {
        "usr/bin/mooring",
        "usr/share/icons/hicolor/scalable/apps/mooring.svg",
        "usr/share/applications/mooring.desktop",
        "usr/share/doc/mooring/copyright",
        deb.AUTOSTART,
        deb.UNIT,
        deb.RULES,
    }
    assert (stage / "usr/bin/mooring").resolve() == stage / deb.PROGRAM.lstrip("/")


def test_only_the_program_can_be_run(stage):
    runnable = {
        path.relative_to(stage).as_posix()
        for path in stage.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o111
    }
    assert runnable == {deb.PROGRAM.lstrip("/")}
    assert all(path.stat().st_mode & 0o777 == 0o755 for path in stage.rglob("*") if path.is_dir())


def test_the_agent_knows_the_entry_of_the_package_as_its_own(stage, tmp_path):
    """So `mooring service` reports it, hides it, and shows it again, instead of adding another."""
    shared = tmp_path / "etc" / "autostart"
    shared.mkdir(parents=True)
    (shared / "mooring.desktop").symlink_to(stage / deb.AUTOSTART)
    here = Program((str(stage / deb.PROGRAM.lstrip("/")),))
    (stage / deb.AUTOSTART).write_text(entry_text(here))
    home = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(shared.parent), "PATH": ""}
    way = XdgAutostart(here, home)
    assert (way.status().state, way.status().detail) == (LoginState.ON, "")
    way.uninstall()
    assert way.status().state is LoginState.SWITCHED_OFF
    way.install()
    assert way.status().state is LoginState.ON
    assert not list((tmp_path / "home").rglob("*.desktop"))


def test_the_agent_looks_for_the_unit_where_the_package_has_it():
    assert f"/{deb.UNIT}".rpartition("/")[0] in SHARED_DIRS


def test_the_texts_are_asked_of_the_agent(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", deb.TEXTS_CODE], capture_output=True, text=True, check=True
    )
    assert deb.PROGRAM in done.stdout
    assert "Type=notify" in done.stdout


def test_the_control_file_tells_version_size_and_the_c_library(stage):
    deb.write_control(stage, "amd64")
    control = (stage / "DEBIAN/control").read_text()
    fields = dict(line.split(": ", 1) for line in control.splitlines() if not line.startswith(" "))
    assert fields["Version"] == version()
    assert fields["Architecture"] == "amd64"
    assert fields["Depends"] == "libc6 (>= 2.17)"
    sums = (stage / "DEBIAN/md5sums").read_text().splitlines()
    told = {name for name in names(stage) if not name.startswith("DEBIAN/")}
    assert {line.split("  ", 1)[1] for line in sums} == told - {"usr/bin/mooring"}


def test_the_c_library_is_read_from_the_programs_themselves(tmp_path):
    path = tmp_path / "lib.so.1"
    path.write_bytes(b"\x7fELF GLIBC_2.4 GLIBC_2.34 GLIBC_2.28")
    text = tmp_path / "told"
    text.write_bytes(b"GLIBC_2.99")
    assert deb.newest_libc([path, text]) == "2.34"


@pytest.mark.parametrize("name", deb.SCRIPTS)
def test_a_script_is_one_for_any_shell(name):
    script = deb.LINUX / "debian" / name
    done = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert script.read_text().startswith("#!/bin/sh\n")
    assert "\nset -e\n" in script.read_text()
    assert "bash" not in script.read_text()


@pytest.mark.parametrize("name", deb.SCRIPTS)
def test_a_step_that_dpkg_may_have_some_day_changes_nothing(name):
    script = deb.LINUX / "debian" / name
    done = subprocess.run(["sh", script, "some-day"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_scripts_and_the_package_mean_the_same_places():
    texts = {name: (deb.LINUX / "debian" / name).read_text() for name in deb.SCRIPTS}
    assert f"entry=/{deb.AUTOSTART}\n" in texts["postinst"]
    assert f"entry=/{deb.AUTOSTART}\n" in texts["prerm"]
    for name in ("postinst", "prerm"):
        assert f"link=/{deb.AUTOSTART_LINKS}/mooring.desktop\n" in texts[name]
    assert f"program={deb.PROGRAM}\n" in texts["prerm"]


def test_a_file_that_is_missing_is_named(tmp_path, folder, icons):
    (icons / "mooring-48.png").rename(icons / "away.png")
    try:
        with pytest.raises(PackagingError, match=r"mooring-48\.png is not there"):
            deb.lay_out(tmp_path / "stage", folder, icons, autostart="", unit="")
    finally:
        (icons / "away.png").rename(icons / "mooring-48.png")
