"""What the doctor finds: like an error, told before anybody ran into it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from agent.errors.base import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence


class Level(Enum):
    """How much a finding is in the way."""

    FINE = "fine"
    """Looked at, and nothing is wrong."""
    WARNING = "warning"
    """Something will not work, or not as well; the main job can be done."""
    PROBLEM = "problem"
    """This stops the main job, for a board or altogether."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at on this computer."""

    code: str
    """Stable, for programs and searches: ``serial-permission``."""
    area: str
    """What it is about: ``serial``, ``bluetooth``, …"""
    level: Level
    title: str
    """What was found."""
    meaning: str = ""
    """What it means; empty if it is fine."""
    mend: str = ""
    """What to do; empty if it is fine."""
    commands: list[str] = []
    """The commands in ``mend``, whole and ready to be copied."""
    fixable: bool = False
    """Whether the doctor can mend it itself without risk, when asked to."""
    will: str = ""
    """What it would do then, in a sentence; empty if it is not fixable."""
    facts: dict[str, Fact] = {}


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """How far an examination is; also the payload of ``doctor.progress``."""

    area: str
    """The part that was looked at last: ``serial``, ``bluetooth``, …"""
    done: int
    """Parts that were looked at; after a mend some are looked at again."""
    total: int
    """Parts that there are."""


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """All findings of one run."""

    findings: list[Finding]
    fixed: list[Finding] = []
    """What was found first and is no longer so, because the doctor mended it."""

    @property
    def sound(self) -> bool:
        """Nothing is in the way of the main job."""
        return is_sound(self.findings)


def is_sound(findings: Sequence[Finding]) -> bool:
    """Whether no finding is a problem."""
    return all(finding.level is not Level.PROBLEM for finding in findings)
