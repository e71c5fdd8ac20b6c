"""Where the agent keeps its files."""

from __future__ import annotations

import sys

import pytest

from agent.errors import FolderFailed
from agent.settings.paths import Paths, find_paths


def folders(paths: Paths) -> list[str]:
    return [
        str(folder)
        for folder in (
            paths.config_dir,
            paths.data_dir,
            paths.state_dir,
            paths.cache_dir,
            paths.log_dir,
            paths.runtime_dir,
        )
    ]


def files(paths: Paths) -> list[str]:
    return [
        str(file)
        for file in (
            paths.config_file,
            paths.journal_file,
            paths.accounts_file,
            paths.origins_file,
            paths.settings_lock,
            paths.lock_file,
            paths.instance_file,
            paths.log_file,
        )
    ]


def test_mooring_home_holds_everything(tmp_path):
    paths = find_paths({"MOORING_HOME": str(tmp_path)})
    assert all(each.startswith(str(tmp_path)) for each in folders(paths) + files(paths))
    assert paths.config_file == tmp_path / "config.toml"


def test_no_two_files_are_the_same(tmp_path):
    found = files(find_paths({"MOORING_HOME": str(tmp_path)}))
    assert len(set(found)) == len(found)


def test_a_relative_home_is_made_absolute():
    assert find_paths({"MOORING_HOME": "here"}).data_dir.is_absolute()


def test_a_tilde_means_the_users_folder():
    assert "~" not in str(find_paths({"MOORING_HOME": "~/boards"}).data_dir)


def test_without_a_home_the_folders_are_those_of_the_system():
    paths = find_paths({})
    assert all("mooring" in folder.lower() for folder in folders(paths))
    assert paths.runtime_dir == paths.state_dir / "run"


@pytest.mark.system("linux")
def test_the_folder_of_the_login_session_is_used_where_there_is_one(tmp_path):
    paths = find_paths({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert paths.runtime_dir == tmp_path / "mooring"


@pytest.mark.parametrize("session", ["", "relative", "/no/such/folder"])
def test_a_session_folder_that_cannot_be_used_is_not_used(session):
    paths = find_paths({"XDG_RUNTIME_DIR": session})
    assert paths.runtime_dir == paths.state_dir / "run"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(FolderFailed) as caught:
        find_paths({"MOORING_HOME": str(tmp_path / "home")}).make()
    assert str(tmp_path / "home") in caught.value.report().title
    assert "MOORING_HOME" in caught.value.report().remedy


def test_the_folders_are_made_and_may_exist_already(tmp_path):
    paths = find_paths({"MOORING_HOME": str(tmp_path / "deep" / "home")})
    paths.make()
    paths.make()
    assert paths.state_dir.is_dir()


@pytest.mark.system("linux", "darwin")
def test_the_folders_can_be_read_by_their_user_only(tmp_path):
    paths = find_paths({"MOORING_HOME": str(tmp_path / "home")})
    paths.make()
    assert sys.platform != "win32"
    for folder in (paths.data_dir, paths.state_dir, paths.log_dir, paths.runtime_dir):
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.system("linux", "darwin")
def test_folders_that_cannot_be_used_are_no_obstacle_and_what_is_lost_is_told(tmp_path):
    paths = find_paths({"MOORING_HOME": str(tmp_path / "home")})
    paths.make()
    for folder in (paths.log_dir, paths.cache_dir):
        folder.rmdir()
        folder.write_text("in the way")
    lost = paths.make()
    assert lost is not None
    report = lost.report()
    assert report.code == "not-kept"
    assert str(tmp_path / "home") in report.title
    assert "sketches that it fetches, its log" in report.meaning
    paths.log_dir.unlink()
    lost = paths.make()
    assert lost is not None
    assert str(paths.cache_dir) in lost.report().title
