import os
from pathlib import Path

import pytest

from agent.links.holder import find_holder

pytestmark = pytest.mark.system("linux")


def test_the_process_that_has_the_device_open_is_found_by_any_name_of_it(tmp_path):
    device = tmp_path / "ttyACM0"
    device.touch()
    link = tmp_path / "by-id"
    link.symlink_to(device)
    with device.open():
        assert find_holder(str(link)) == (
            f"{Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})"
        )


def test_a_device_that_nobody_holds_has_no_holder(tmp_path):
    device = tmp_path / "ttyACM0"
    device.touch()
    assert find_holder(str(device)) is None


def test_a_system_without_proc_has_no_answer(tmp_path):
    assert find_holder("/dev/ttyACM0", tmp_path / "no-proc") is None


def test_a_hostile_program_name_is_cleaned(tmp_path):
    device = tmp_path / "ttyACM0"
    device.touch()
    folder = tmp_path / "proc" / "7"
    (folder / "fd").mkdir(parents=True)
    (folder / "fd" / "3").symlink_to(device)
    (folder / "comm").write_text("evil\x1b[2J\n")
    assert find_holder(str(device), tmp_path / "proc") == "evil·[2J (process 7)"
