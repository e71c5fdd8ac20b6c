"""How Mooring was installed is seen from where it is, and each way has its words."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

import pytest

from agent.desktop.installed import (
    DEB_PROGRAM,
    Installed,
    find_installed,
    own_installed,
    update_command,
    update_words,
)


def find(tmp_path, *, frozen=True, program="/x/mooring", package="/x/agent", system="linux"):
    return find_installed(
        frozen=frozen,
        program=Path(program),
        prefix=tmp_path,
        package=Path(package),
        system=system,
    )


@pytest.mark.parametrize(
    ("program", "system", "way"),
    [
        (DEB_PROGRAM, "linux", Installed.DEB),
        ("/home/ada/mooring/mooring", "linux", Installed.FOLDER),
        ("C:/Program Files/Mooring/mooring.exe", "win32", Installed.MSI),
        ("C:/Users/ada/AppData/Local/Programs/Mooring/mooringw.exe", "win32", Installed.SETUP),
        ("/Applications/Mooring.app/Contents/MacOS/mooring", "darwin", Installed.APP),
        ("/Users/ada/mooring/mooring", "darwin", Installed.FOLDER),
    ],
)
def test_a_program_is_known_by_its_place(tmp_path, program, system, way):
    assert find(tmp_path, program=program, system=system) is way


@pytest.mark.parametrize(
    ("mark", "way"), [("pipx_metadata.json", Installed.PIPX), ("uv-receipt.toml", Installed.UV)]
)
def test_a_package_is_known_by_what_its_installer_left(tmp_path, mark, way):
    (tmp_path / mark).touch()
    package = "/x/lib/python3.12/site-packages/agent"
    assert find(tmp_path, frozen=False, package=package) is way


def test_a_package_without_such_a_mark_is_pips_and_a_source_is_one(tmp_path):
    package = "/x/lib/python3.12/site-packages/agent"
    assert find(tmp_path, frozen=False, package=package) is Installed.PIP
    assert find(tmp_path, frozen=False) is Installed.SOURCE
    assert own_installed() is Installed.SOURCE


@pytest.mark.parametrize("way", Installed)
def test_each_way_says_what_to_do(way):
    words = update_words(way, "2.0")
    assert words
    assert "{" not in words
    command = update_command(way, "2.0")
    assert command in words
    assert bool(command) == words.startswith("run: ")


def test_the_words_name_the_files_that_are_published():
    assert update_command(Installed.PIPX, "2.0") == (
        "pipx install --force mooring-2.0-py3-none-any.whl"
    )
    assert "./mooring_2.0_" in update_command(Installed.DEB, "2.0")
    assert "mooring-2.0-setup.exe" in update_words(Installed.SETUP, "2.0")
    assert PurePosixPath(sys.executable).name in update_command(Installed.PIP, "2.0")
