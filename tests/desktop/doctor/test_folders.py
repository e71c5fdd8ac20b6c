"""Folders that really cannot be used, and a disk that is really full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.desktop.doctor import Doctor
from agent.desktop.doctor.folders import Folders
from agent.settings.paths import find_paths
from tests.desktop.doctor.patient import NOBODY, ONLY_ROOT, as_nobody, codes, give, is_root, look

ROOT = Path(__file__).parents[3]
POSIX = pytest.mark.system("linux", "darwin")
ON_A_SMALL_DISK = """
import asyncio, json, sys
from pathlib import Path
from agent.desktop.doctor.folders import Folders
from agent.settings.paths import find_paths
paths = find_paths({"MOORING_HOME": sys.argv[1]})
print(json.dumps([[one.finding.code, one.finding.level.value, one.finding.title]
                  for one in asyncio.run(Folders(paths).look())]))
"""


@pytest.fixture
def paths(tmp_path):
    found = find_paths({"MOORING_HOME": str(tmp_path / "home")})
    found.make()
    return found


def on_disk(mount: str, folder: Path, then: str = "true") -> list[list[str]]:
    """What is found in a folder on a disk of its own, which only that process sees."""
    folder.mkdir()
    script = f'mount {mount} tmpfs {folder} && cd {folder} && {then} && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"),
            *(sys.executable, "-c", ON_A_SMALL_DISK, str(folder / "home")),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert not done.returncode, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


async def test_folders_of_ones_own_with_room_are_fine_and_nothing_is_made(tmp_path):
    new = find_paths({"MOORING_HOME": str(tmp_path / "new")})
    assert await codes(Folders(new)) == ["disk-fine"]
    assert not new.config_dir.exists()


@pytest.mark.system("linux")
def test_a_full_disk_is_told(tmp_path):
    fill = "{ head -c 2000000 /dev/zero > fill 2>/dev/null || true; }"
    ((code, level, title),) = on_disk("-t tmpfs -o size=1m", tmp_path / "disk", fill)
    assert (code, level) == ("disk-full", "problem")
    assert "0.0 MB are free" in title


@pytest.mark.system("linux")
def test_a_disk_that_is_nearly_full_is_a_warning(tmp_path):
    ((code, level, _),) = on_disk("-t tmpfs -o size=64m", tmp_path / "disk")
    assert (code, level) == ("disk-scarce", "warning")


@pytest.mark.system("linux")
def test_a_disk_without_entries_for_files_is_told(tmp_path):
    fill = "{ for n in 1 2 3 4 5 6 7 8 9; do touch $n 2>/dev/null || true; done; }"
    ((code, level, _),) = on_disk("-t tmpfs -o size=1g,nr_inodes=6", tmp_path / "disk", fill)
    assert (code, level) == ("disk-files", "problem")


@pytest.mark.system("linux")
def test_a_read_only_disk_is_told(tmp_path):
    found = on_disk("-t tmpfs -o size=1g,ro", tmp_path / "disk")
    assert {(code, level) for code, level, _ in found} == {("folder-closed", "problem")}


async def test_a_file_in_place_of_a_folder_is_told(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "state").write_text("")
    paths = find_paths({"MOORING_HOME": str(tmp_path / "home")})
    (one,) = await look(Folders(paths))
    assert one.finding.code == "folder-file"
    assert str(paths.state_dir) in one.finding.title


@POSIX
@ONLY_ROOT
async def test_what_a_start_with_sudo_left_is_told_with_its_owner(paths):
    paths.state_dir.chmod(0o755)
    for folder in (paths.config_dir, *list(paths.config_dir.parents)[:3]):
        folder.chmod(0o755)
    with as_nobody():
        findings = await look(Folders(paths))
    by_path = {one.finding.facts["path"]: one.finding for one in findings}
    state = by_path[str(paths.state_dir)]
    assert state.code == "folder-owner"
    assert "belongs to root" in state.title
    assert f'chown -R "$USER" {paths.state_dir}' in state.mend


@POSIX
async def test_a_folder_that_was_closed_is_told(paths):
    paths.log_dir.chmod(0o500)
    if is_root():
        give(paths.log_dir, NOBODY, -1)
        for folder in (paths.config_dir, *list(paths.config_dir.parents)[:3]):
            folder.chmod(0o711)
    with as_nobody():
        findings = await look(Folders(paths))
    closed = [one.finding for one in findings if one.finding.facts["path"] == str(paths.log_dir)]
    assert [each.code for each in closed] == ["folder-closed"]


@POSIX
async def test_files_that_others_can_read_are_told_and_closed(paths):
    for secret in (paths.accounts_file, paths.gateway_file):
        secret.write_text("{}")
        secret.chmod(0o644)
    paths.data_dir.chmod(0o755)
    paths.log_file.write_text("")
    older = paths.log_dir / "mooring.log.1"
    older.write_text("")
    older.chmod(0o640)
    paths.log_file.chmod(0o600)
    seen = await Doctor([Folders(paths)]).run()
    # What others cannot get at, because its folder is closed, is nothing to mend.
    open_ones = {str(paths.accounts_file), str(paths.gateway_file), str(paths.data_dir)}
    assert {each.facts["path"] for each in seen.findings} == open_ones
    assert {each.code for each in seen.findings} == {"private-file"}
    assert seen.sound
    seen = await Doctor([Folders(paths)]).run(fix=True)
    assert {each.facts["path"] for each in seen.fixed} == open_ones
    assert [each.code for each in seen.findings] == ["disk-fine"]
    assert paths.accounts_file.stat().st_mode & 0o777 == 0o600
    assert paths.gateway_file.stat().st_mode & 0o777 == 0o600
    assert paths.data_dir.stat().st_mode & 0o777 == 0o700


@POSIX
@pytest.mark.parametrize(("login", "told"), [("me:hunter22@", True), ("", False)])
async def test_settings_that_hold_a_password_are_for_this_user_alone(paths, login, told):
    paths.config_file.write_text(f"[network]\nproxy = 'http://{login}proxy.example:3128'\n")
    paths.config_file.chmod(0o644)
    paths.config_dir.chmod(0o755)
    findings = await look(Folders(paths))
    private = [one.finding for one in findings if one.finding.code == "private-file"]
    assert [each.facts["path"] for each in private] == [str(paths.config_file)] * told
    assert "hunter22" not in str(private)


@POSIX
async def test_the_command_that_closes_a_file_does_so_whatever_it_is_called(tmp_path):
    paths = find_paths({"MOORING_HOME": str(tmp_path / "Anna's own; folder")})
    paths.make()
    paths.data_dir.chmod(0o755)
    (one,) = await look(Folders(paths))
    (command,) = one.finding.commands
    subprocess.run(["sh", "-c", command], check=True)
    assert paths.data_dir.stat().st_mode & 0o777 == 0o700
