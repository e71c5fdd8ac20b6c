"""The udev rule: current, complete, and understood by udev itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agent.catalog import Catalog, UsbId
from agent.desktop.doctor.udev_rules import (
    RULE_NAME,
    SHARED_VENDORS,
    VENDORS,
    udev_rules,
)

INSTALLED = Path(__file__).parents[3] / "installers" / "linux" / RULE_NAME
CATALOG = Catalog.load()
RULES = udev_rules(CATALOG.models)
IDS = sorted(
    {
        (each.vid, each.pid)
        for model in CATALOG.models
        for each in (*model.usb.sketch, *model.usb.bootloader, *model.usb.other)
    },
    key=str,
)


def covers(rules: str, usb: UsbId) -> bool:
    """Whether a file of rules gives the device with these ids to the person."""
    for line in rules.splitlines():
        if line.startswith("#") or 'TAG+="uaccess"' not in line:
            continue
        vendor = f'{{idVendor}}=="{usb.vid:04x}"' in line
        product = "{idProduct}" not in line or f'{{idProduct}}=="{usb.pid or 0:04x}"' in line
        if vendor and product:
            return True
    return False


def test_the_rule_of_the_packages_is_made_from_the_catalogue_of_today():
    assert INSTALLED.read_text(encoding="utf-8") == RULES, (
        "write it again: mooring doctor --udev-rules > installers/linux/60-mooring.rules"
    )


def test_every_board_of_the_catalogue_is_given_to_the_person():
    assert [ids for ids in IDS if not covers(RULES, UsbId(*ids))] == []


def test_a_device_of_somebody_else_is_not():
    for vid in SHARED_VENDORS:
        assert not covers(RULES, UsbId(vid, 0xFFFF))
    assert not covers(RULES, UsbId(0x046D, 0xC52B))


def test_every_maker_is_named_and_none_in_vain():
    assert {vid for vid, _ in IDS} == VENDORS.keys() | SHARED_VENDORS.keys()


def test_it_sorts_before_the_rules_that_act_on_its_tag():
    assert RULE_NAME < "70-uaccess.rules"
    assert RULE_NAME < "73-seat-late.rules"


@pytest.mark.system("linux")
@pytest.mark.needs("udev")
def test_udev_reads_it_without_a_complaint_and_would_complain(tmp_path):
    assert complaints(tmp_path, RULES) == []
    assert complaints(tmp_path, RULES.replace("TAG+=", "TUG+=", 1)) != []


@pytest.mark.system("linux")
@pytest.mark.needs("udev", "umockdev")
@pytest.mark.parametrize(
    ("vid", "pid", "given", "kept_away"),
    [
        (0x2341, 0x1002, True, True),  # UNO R4 WiFi
        (0x2341, 0xABCD, True, True),  # a board of Arduino that is in no catalogue
        (0x10C4, 0xEA60, True, False),  # a bridge, which may be in a modem as well
        (0x0403, 0x6006, False, False),  # a bridge that is in no board
        (0x12D1, 0x1001, False, False),  # a modem
    ],
)
def test_udev_gives_boards_to_the_person_and_nothing_else(tmp_path, vid, pid, given, kept_away):
    device, port = tags(tmp_path, vid, pid)
    assert ("uaccess" in device["TAGS"], "uaccess" in port["TAGS"]) == (given, given)
    assert ("ID_MM_DEVICE_IGNORE" in device) == ("ID_MM_PORT_IGNORE" in port) == kept_away


DEVICE = "/devices/pci0000:00/usb1/1-2"
PORT = f"{DEVICE}/1-2:1.0/tty/ttyACM0"
DESCRIPTION = """\
P: {device}
N: bus/usb/001/007
E: DEVNAME=/dev/bus/usb/001/007
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor={vid:04x}\\n
A: idProduct={pid:04x}\\n

P: {port}
N: ttyACM0
E: DEVNAME=/dev/ttyACM0
E: SUBSYSTEM=tty

"""


def tags(folder: Path, vid: int, pid: int) -> list[dict[str, str]]:
    """What udev makes of a simulated USB device and of its serial port."""
    (folder / "rules").mkdir()
    (folder / "rules" / RULE_NAME).write_text(RULES, encoding="utf-8")
    described = folder / "board.umockdev"
    described.write_text(DESCRIPTION.format(device=DEVICE, port=PORT, vid=vid, pid=pid))
    found = []
    for path in (DEVICE, PORT):
        lines = udevadm_test(
            folder / "rules", f"/sys{path}", before=("umockdev-run", f"--device={described}", "--")
        )
        properties = dict(line.split("=", 1) for line in lines if "=" in line)
        found.append({"TAGS": "", **properties})
    return found


def complaints(folder: Path, rules: str) -> list[str]:
    """What udev says about a file of rules, in a view of the system that has no other one."""
    (folder / RULE_NAME).write_text(rules, encoding="utf-8")
    about = [line for line in udevadm_test(folder, "/sys/class/mem/null") if RULE_NAME in line]
    assert any("Reading" in line for line in about)
    return [line for line in about if "Reading" not in line]


def udevadm_test(rules: Path, device: str, before: tuple[str, ...] = ()) -> list[str]:
    """What ``udevadm test`` prints where these rules are those of the administrator.

    Its notes go to a place that only it sees.
    """
    script = (
        f"mount --bind {rules} /etc/udev/rules.d && "
        "mount -t tmpfs tmpfs /run && "
        f"exec udevadm test --action=add {device}"
    )
    done = subprocess.run(
        [*before, "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).splitlines()
