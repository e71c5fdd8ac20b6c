"""Running the families, and mending: with families that misbehave."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from agent.desktop.doctor import Doctor
from agent.desktop.doctor.found import fine, found
from agent.errors import BluetoothOff, Level, Looked

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "agent" / "desktop" / "doctor"


class Part:
    """A part of a computer that is broken until it is mended."""

    def __init__(self, area="disk", *, broken=True, fails=None, helps=True, hangs=False):
        self.area = area
        self.broken, self.fails, self.helps, self.hangs = broken, fails, helps, hangs
        self.looks = 0
        self.looking = 0

    async def look(self):
        self.looks += 1
        self.looking += 1
        assert self.looking == 1
        await asyncio.sleep(0)
        self.looking -= 1
        if not self.broken:
            return [fine(self.area, "All is well.")]
        said = "It is broken.", "Bad.", "Mend."
        return [found(self.area, "broken", Level.PROBLEM, *said, fix=self.fix)]

    async def fix(self):
        if self.fails is not None:
            raise self.fails
        if self.hangs:
            await asyncio.Event().wait()
        self.broken = not self.helps


class Raises:
    area = "clock"

    async def look(self):
        raise KeyError("MARKER-secret")


class Hangs:
    area = "keyring"

    async def look(self):
        await asyncio.Event().wait()


def summary(findings):
    return [(each.area, each.code, each.level.value) for each in findings]


async def test_findings_come_in_the_order_of_the_families_and_nothing_is_changed():
    disk, page = Part("disk"), Part("page", broken=False)
    seen = await Doctor([disk, page]).run()
    assert summary(seen.findings) == [
        ("disk", "broken", "problem"),
        ("page", "page-fine", "fine"),
    ]
    assert seen.findings[0].fixable
    assert not seen.fixed
    assert not seen.sound
    assert disk.broken


async def test_who_waits_is_told_of_each_part_that_was_looked_at_once():
    told: list[Looked] = []
    await Doctor([Part("disk"), Part("page", broken=False)]).run(fix=True, looked=told.append)
    assert [(each.done, each.total) for each in told] == [(1, 2), (2, 2)]
    assert {each.area for each in told} == {"disk", "page"}


async def test_what_can_be_mended_is_mended_when_asked_and_looked_at_again():
    disk, page = Part("disk"), Part("page", broken=False)
    seen = await Doctor([disk, page]).run(fix=True)
    assert summary(seen.findings) == [("disk", "disk-fine", "fine"), ("page", "page-fine", "fine")]
    assert summary(seen.fixed) == [("disk", "broken", "problem")]
    assert seen.sound
    assert (disk.looks, page.looks) == (2, 1)


async def test_a_mend_that_fails_stays_a_finding_with_the_reason():
    for error, reason in (
        (OSError(13, "Permission denied"), "Permission denied"),
        (BluetoothOff(action="Press it."), "Bluetooth is switched off on this computer."),
    ):
        seen = await Doctor([Part(fails=error)]).run(fix=True)
        assert summary(seen.findings) == [("disk", "broken", "problem")]
        assert seen.findings[0].facts == {"fix_failed": reason}
        assert not seen.fixed


async def test_a_mend_that_did_not_help_is_not_called_mended():
    part = Part(helps=False)
    seen = await Doctor([part]).run(fix=True)
    assert summary(seen.findings) == [("disk", "broken", "problem")]
    assert not seen.fixed


async def test_one_family_that_fails_or_hangs_hides_no_other_and_quotes_nothing():
    seen = await Doctor([Raises(), Hangs(), Part()], look_limit_s=0.05).run()
    assert summary(seen.findings) == [
        ("clock", "doctor-failed", "warning"),
        ("keyring", "doctor-failed", "warning"),
        ("disk", "broken", "problem"),
    ]
    assert "KeyError" in seen.findings[0].title
    assert "MARKER" not in str(seen)


async def test_a_mend_that_hangs_is_given_up():
    part = Part(hangs=True)
    seen = await Doctor([part], fix_limit_s=0.05).run(fix=True)
    assert "longer than" in str(seen.findings[0].facts["fix_failed"])


def test_every_code_is_explained_to_people():
    texts = [path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py")]
    codes = {code for text in texts for code in re.findall(r'found\(\s*\w+,\s*"([a-z-]+)"', text)}
    assert {"serial-login", "certificate-file", "tray-none"} <= codes
    explained = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert [code for code in sorted(codes) if f"`{code}`" not in explained] == []


async def test_two_callers_take_turns():
    part = Part()
    doctor = Doctor([part])
    await asyncio.gather(doctor.run(), doctor.run())
    assert part.looks == 2
