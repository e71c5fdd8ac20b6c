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
    covers,
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


def complaints(folder: Path, rules: str) -> list[str]:
    """What udev says about a file of rules, in a view of the system that has no other one."""
    (folder / RULE_NAME).write_text(rules, encoding="utf-8")
    script = (
        f"mount --bind {folder} /etc/udev/rules.d && "
        "exec udevadm test --action=add /sys/class/mem/null"
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (done.stdout + done.stderr).splitlines()
    about = [line for line in lines if RULE_NAME in line]
    assert any("Reading" in line for line in about), lines
    return [line for line in about if "Reading" not in line]
