"""A finding together with what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.errors import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agent.errors import ErrorReport, Fact, MooringError

    Fix = Callable[[], Awaitable[None]]
    """Mends; raises :class:`MooringError` or :class:`OSError` where it cannot."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding, and what the doctor can do about it without risk."""

    finding: Finding
    fix: Fix | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The same for the same thing at the next look."""
        return self.finding.code, self.finding.title


class Family(Protocol):
    """Findings about one part of the computer."""

    @property
    def area(self) -> str:
        """What they are about; the ``area`` of its findings."""

    async def look(self) -> Sequence[Found]:
        """What is so now; nothing where this system has no such part. Changes nothing."""


def fine(area: str, title: str, **facts: Fact) -> Found:
    """Nothing is wrong; ``title`` says what was looked at."""
    return Found(
        Finding(code=f"{area}-fine", area=area, level=Level.FINE, title=title, facts=facts)
    )


def found(
    area: str,
    code: str,
    level: Level,
    title: str,
    meaning: str,
    mend: str,
    *,
    facts: dict[str, Fact] | None = None,
    commands: Sequence[str] = (),
    fix: Fix | None = None,
    will: str = "",
) -> Found:
    """Something is wrong, in three sentences; ``will`` says what ``fix`` does.

    Of ``commands``, those that ``mend`` has are offered to be copied.
    """
    finding = Finding(
        code=code,
        area=area,
        level=level,
        title=title,
        meaning=meaning,
        mend=mend,
        commands=[command for command in commands if command in mend],
        fixable=fix is not None,
        will=will if fix is not None else "",
        facts=facts or {},
    )
    return Found(finding, fix)


def from_error(
    area: str,
    error: MooringError | ErrorReport,
    level: Level,
    *,
    commands: Sequence[str] = (),
    fix: Fix | None = None,
    will: str = "",
) -> Found:
    """The finding that an error is, with its own sentences and code; the rest as of :func:`found`."""
    report = error.report() if isinstance(error, Exception) else error
    finding = Finding(
        code=report.code,
        area=area,
        level=level,
        title=report.title,
        meaning=report.meaning,
        mend=report.remedy,
        commands=[command for command in commands if command in report.remedy],
        fixable=fix is not None,
        will=will if fix is not None else "",
        facts=report.facts,
    )
    return Found(finding, fix)
