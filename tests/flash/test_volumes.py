"""Drives of bootloaders on the three systems."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flash.volumes import (
    INFO_BYTES_MAX,
    LoaderInfo,
    Mount,
    VolumeFinder,
    drive_letters,
    folder_places,
    parse_info,
    parse_mountinfo,
    places_here,
    read_info,
    usb_location,
)
from agent.simulator.uf2_volume import Uf2Volume

TABLE = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
35 22 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=1024k
98 22 8:17 / /media/ada/RPI-RP2 rw,nosuid,nodev shared:60 - vfat /dev/sdb1 rw,uid=1000
99 22 8:33 / /media/ada/My\\040board\\0112 rw - vfat /dev/sdc1 ro,uid=1000
garbage
100 22
"""


def test_the_mount_table_of_linux_is_read_with_its_escapes_and_optional_fields():
    mounts = parse_mountinfo(TABLE)
    assert mounts[2:] == [
        Mount("/media/ada/RPI-RP2", "8:17", "vfat", read_only=False),
        Mount("/media/ada/My board\t2", "8:33", "vfat", read_only=True),
    ]
    assert [mount.kind for mount in mounts] == ["ext4", "devtmpfs", "vfat", "vfat"]


@given(st.text())
def test_any_mount_table_is_read(text):
    parse_mountinfo(text)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        (
            "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb/sdb1",
            "1-2",
        ),
        ("/sys/devices/pci0/usb3/3-1/3-1.4/3-1.4.2/3-1.4.2:1.0/host2/x/block/sdc", "3-1.4.2"),
        ("/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/block/sda/sda1", None),
        ("", None),
    ],
)
def test_a_drive_knows_its_usb_socket(path, location):
    assert usb_location(path) == location


def test_the_file_of_the_rp2040_is_understood():
    text = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"
    assert parse_info(text) == LoaderInfo("UF2 Bootloader v3.0", "Raspberry Pi RP2", "RPI-RP2")


def test_a_strange_file_gives_empty_and_cleaned_fields():
    assert parse_info("") == LoaderInfo()
    assert parse_info("x\nBoard-ID: a\x1b[2Jb\nBoard-ID: second").board_id == "a·[2Jb"
    assert len(parse_info("Model: " + "m" * 5000).model) <= 200


def test_only_the_head_of_the_file_is_read(tmp_path):
    lines = b"loader\n" + b"x" * INFO_BYTES_MAX + b"\nModel: too far\n"
    (tmp_path / "INFO_UF2.TXT").write_bytes(lines)
    info = read_info(tmp_path)
    assert info is not None
    assert info.model == ""


def test_drives_of_bootloaders_are_found_among_other_folders(tmp_path):
    (tmp_path / "stick").mkdir()
    (tmp_path / "file").write_text("no folder")
    with Uf2Volume(tmp_path / "RPI-RP2"):
        finder = VolumeFinder(lambda: folder_places(tmp_path))
        (found,) = finder.find()
        assert found.path == tmp_path / "RPI-RP2"
        assert found.info.board_id == "RPI-RP2"
    assert finder.find() == []


def test_a_folder_that_is_not_there_holds_no_drives(tmp_path):
    assert folder_places(tmp_path / "nowhere") == []
    assert read_info(tmp_path / "nowhere") is None


def test_windows_names_its_drives_by_letter():
    assert drive_letters(0b1000_0000_0000_0000_0000_0000_0100) == ["C:\\"]
    assert drive_letters(0b1101) == ["A:\\", "C:\\", "D:\\"]


def test_this_system_lists_its_places():
    for place in places_here()():
        assert isinstance(place.path, Path)
