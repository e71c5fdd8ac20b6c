"""Files that are replaced as a whole, and what is on the disk when that is said."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agent.settings.files import sync_folder, write_private

ROOT = Path(__file__).parents[2]

SCRIPT = """
import sys
from pathlib import Path
from agent.settings.files import write_private

def seen(event, given):
    if event in ("open", "os.rename") and not isinstance(given[0], int):
        print(event, Path(given[0]).name)

sys.addaudithook(seen)
write_private(Path(sys.argv[1]), b"new", durable=sys.argv[2] == "durable")
"""


def events(path: Path, how: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), how],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.system("linux", "darwin")
def test_the_name_of_a_durable_file_is_on_the_disk_too(tmp_path: Path) -> None:
    file = tmp_path / "home" / "a.json"
    draft, renamed, folder = events(file, "durable")
    assert draft.startswith("open .a.json.")
    assert renamed.startswith("os.rename .a.json.")
    assert folder == "open home"
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(events(file, "fast")) == 2


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.mkdir()
    with pytest.raises(OSError, match=r"a\.json"):
        write_private(file, b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path) -> None:
    sync_folder(tmp_path / "nowhere")
