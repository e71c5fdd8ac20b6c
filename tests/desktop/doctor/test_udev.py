"""Whether the rule is in force: real files below a folder that stands for the system."""

from __future__ import annotations

import os

import pytest

from agent.desktop.doctor import Doctor
from agent.desktop.doctor.udev import UdevRule
from agent.desktop.doctor.udev_rules import RULE_NAME
from tests.desktop.doctor.patient import ONLY_ROOT, as_nobody, codes, facts, look

pytestmark = pytest.mark.system("linux")
RULES = 'SUBSYSTEM=="tty", TAG+="uaccess"\n'


@pytest.fixture
def root(tmp_path):
    """A system with udev and without our rule."""
    (tmp_path / "run/udev").mkdir(parents=True)
    (tmp_path / "run/udev/control").touch()
    for folder in ("etc/udev/rules.d", "usr/lib/udev/rules.d"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


async def test_a_system_without_udev_has_no_finding(tmp_path):
    assert await codes(UdevRule(RULES, tmp_path)) == []


async def test_a_missing_rule_is_told_with_the_command(root):
    (one,) = await look(UdevRule(RULES, root))
    assert one.finding.code == "udev-rule-missing"
    assert "sudo tee /etc/udev/rules.d/60-mooring.rules" in one.finding.mend


async def test_the_rule_of_a_package_is_enough(root):
    (root / "usr/lib/udev/rules.d" / RULE_NAME).write_text(RULES)
    assert await codes(UdevRule(RULES, root)) == ["udev-fine"]


async def test_an_older_rule_is_told_and_the_administrators_file_counts_first(root):
    (root / "usr/lib/udev/rules.d" / RULE_NAME).write_text(RULES)
    (root / "etc/udev/rules.d" / RULE_NAME).write_text("# older\n")
    (one,) = await look(UdevRule(RULES, root))
    assert one.finding.code == "udev-rule-other"
    assert facts(one)["file"].startswith(str(root / "etc"))


async def test_a_rule_that_was_switched_off_stays_so(root):
    (root / "usr/lib/udev/rules.d" / RULE_NAME).write_text(RULES)
    (root / "etc/udev/rules.d" / RULE_NAME).symlink_to(os.devnull)
    seen = await Doctor([UdevRule(RULES, root)]).run(fix=True)
    assert [each.code for each in seen.findings] == ["udev-rule-masked"]
    assert (root / "etc/udev/rules.d" / RULE_NAME).is_symlink()


@ONLY_ROOT
async def test_with_sudo_it_is_installed_and_otherwise_not(root):
    for folder in (root, *list(root.parents)[:2]):
        folder.chmod(0o755)
    with as_nobody():
        (one,) = await look(UdevRule(RULES, root, environ={"SUDO_UID": "1000"}))
        assert not one.finding.fixable
    (one,) = await look(UdevRule(RULES, root, environ={}))
    assert not one.finding.fixable
    sudo = UdevRule(RULES, root, environ={"SUDO_UID": "1000"})
    seen = await Doctor([sudo]).run(fix=True)
    assert [each.code for each in seen.findings] == ["udev-fine"]
    assert [each.code for each in seen.fixed] == ["udev-rule-missing"]
    assert (root / "etc/udev/rules.d" / RULE_NAME).read_text() == RULES
