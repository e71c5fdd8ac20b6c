import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.boards.board import Port
from agent.boards.loader_drives import Drive, LoaderDrives
from agent.boards.mounts import MountListener
from agent.boards.usb_loaders import UsbFacts

ROM = UsbFacts(0x2E8A, 0x0003, "E0C9125B0D9B", 9)
SKETCH = UsbFacts(0x2E8A, 0xF00A, "E66138528350", 10)
DRIVE = Drive("/media/ada/RPI-RP2", "RPI-RP2", "1-2.3:1.0")


def on_linux(catalog, facts, *drives, ignore=()):
    return LoaderDrives(catalog.models, lambda: drives, ignore, look_up={"1-2.3": facts}.get)


def elsewhere(catalog, *drives):
    return LoaderDrives(catalog.models, lambda: drives, look_up=None)


def test_a_drive_has_the_facts_of_the_device_in_its_socket(catalog):
    ((port, node),) = on_linux(catalog, ROM, DRIVE).look()
    assert port == Port(
        kind="volume",
        address="/media/ada/RPI-RP2",
        vid=0x2E8A,
        pid=0x0003,
        serial_number="E0C9125B0D9B",
        location="1-2.3",
    )
    assert node == 9


@pytest.mark.parametrize("facts", [SKETCH, None])
def test_a_drive_that_outlives_its_loader_is_not_seen(catalog, facts):
    """Linux leaves it mounted; by then the sketch is in its socket, or nothing."""
    assert on_linux(catalog, facts, DRIVE).look() == []


def test_a_drive_without_a_socket_is_no_loader_where_all_drives_tell_theirs(catalog):
    assert on_linux(catalog, ROM, DRIVE._replace(location=None)).look() == []


def test_where_no_socket_is_told_the_loader_says_what_it_is(catalog):
    ((port, _),) = elsewhere(catalog, Drive("/Volumes/RPI-RP2", "RPI-RP2")).look()
    assert port == Port(kind="volume", address="/Volumes/RPI-RP2", vid=0x2E8A, pid=0x0003)
    assert elsewhere(catalog, Drive("/Volumes/X", "SAMD51-Other-v0")).look() == []


def test_ignored_drives_and_names_that_cannot_be_told_are_left_out(catalog):
    assert on_linux(catalog, ROM, DRIVE, ignore=[DRIVE.path]).look() == []
    for path in (os.fsdecode(b"/media/\xff"), "/media/a\x1b[2J"):
        assert on_linux(catalog, ROM, DRIVE._replace(path=path)).look() == []


async def test_a_started_source_is_looked_at_seldom(catalog):
    source = on_linux(catalog, ROM)
    source.start(lambda: None)
    assert source.poll_s == 5.0
    source.expecting = True
    assert source.poll_s == (5.0 if sys.platform == "linux" else 1.0)
    source.close()
    source.close()


@pytest.mark.system("linux")
async def test_the_table_of_mounts_can_be_waited_for_and_is_quiet_by_itself():
    woken = asyncio.Event()
    listener = MountListener()
    listener.start(woken.set)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not woken.is_set()
    listener.close()
    listener.close()


@pytest.mark.system("linux")
async def test_without_a_table_there_are_no_events(tmp_path):
    with pytest.raises(OSError, match="none"):
        MountListener(tmp_path / "none").start(lambda: None)


MOUNTS = """
import asyncio, subprocess, sys
from agent.boards.mounts import MountListener

async def main():
    for command in (["mount", "-t", "tmpfs", "none", sys.argv[1]], ["umount", sys.argv[1]]):
        woken = asyncio.Event()
        listener = MountListener()
        listener.start(woken.set)
        subprocess.run(command, check=True)
        await asyncio.wait_for(woken.wait(), 30)
        listener.close()
    print("heard")

asyncio.run(main())
"""
ALONE = ["unshare", "--mount", "--map-root-user"]

if shutil.which("unshare") and not subprocess.run([*ALONE, "true"], capture_output=True).returncode:
    # Not every system lets its users have mounts of their own.

    def test_a_drive_that_is_mounted_or_unmounted_is_heard_of(tmp_path):
        run = subprocess.run(
            [*ALONE, sys.executable, "-c", MOUNTS, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.stdout == "heard\n", run.stderr
