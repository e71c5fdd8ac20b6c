"""Where lock and token are when the usual place cannot be written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from agent.settings.runtime_dir import choose_runtime_dir

ROOT = Path(__file__).parents[2]
CHOOSE = """
import sys
from pathlib import Path
from agent.settings.runtime_dir import choose_runtime_dir
print(choose_runtime_dir(Path(sys.argv[1])))
"""


def chosen_on_read_only_disk(folder: Path, temporary: Path) -> Path:
    script = f'mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"),
            *(sys.executable, "-c", CHOOSE, str(folder / "state" / "run")),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    return home, temporary


def test_a_folder_that_can_be_written_or_made_is_used(tmp_path):
    for wanted in (tmp_path, tmp_path / "none" / "run"):
        assert choose_runtime_dir(wanted) == wanted
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_no_reason_to_go_elsewhere(tmp_path):
    (tmp_path / "home").write_text("")
    before = set(Path(tempfile.gettempdir()).glob("mooring*"))
    assert choose_runtime_dir(tmp_path / "home" / "run") == tmp_path / "home" / "run"
    assert set(Path(tempfile.gettempdir()).glob("mooring*")) == before


@pytest.mark.system("linux")
def test_on_a_read_only_disk_every_program_finds_the_same_private_folder(folders):
    home, temporary = folders
    first = chosen_on_read_only_disk(home, temporary)
    assert first.parent == temporary
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    assert chosen_on_read_only_disk(home, temporary) == first


@pytest.mark.system("linux")
@pytest.mark.parametrize("how", ["open", "link", "file"])
def test_a_folder_there_that_may_be_somebody_elses_is_not_used(folders, how):
    home, temporary = folders
    other = chosen_on_read_only_disk(home, temporary)
    other.rmdir()
    if how == "open":
        other.mkdir(mode=0o777)
        other.chmod(0o777)
    elif how == "link":
        (temporary / "elsewhere").mkdir(mode=0o700)
        other.symlink_to(temporary / "elsewhere")
    else:
        other.write_text("")
    assert chosen_on_read_only_disk(home, temporary) == home / "state" / "run"
