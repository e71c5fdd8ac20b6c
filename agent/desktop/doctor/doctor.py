"""Runs the families of findings, and mends what can be mended without risk when asked to."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from agent.desktop.doctor.found import found
from agent.errors import Examination, Level, Looked, MooringError
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.desktop.doctor.found import Family, Fix, Found
    from agent.errors import Finding

LOOK_LIMIT_S: Final = 30.0
"""For one family. The slowest ask a cloud (10 s to connect) or start programs (20 s each)."""
FIX_LIMIT_S: Final = 30.0
"""For one mend; the slowest waits for the Bluetooth service."""

_logger = logging.getLogger(__name__)


class Doctor:
    """Looks at everything at once. One run at a time: a second caller waits for its turn."""

    def __init__(
        self,
        families: Sequence[Family],
        *,
        look_limit_s: float = LOOK_LIMIT_S,
        fix_limit_s: float = FIX_LIMIT_S,
    ) -> None:
        self._families = list(families)
        self._look_limit_s = look_limit_s
        self._fix_limit_s = fix_limit_s
        self._turn = asyncio.Lock()

    async def run(
        self, *, fix: bool = False, looked: Callable[[Looked], None] = lambda _progress: None
    ) -> Examination:
        """Look; with ``fix`` mend what is fixable, and look again at what that was about.

        ``looked`` is called at each part that was looked at the first time.

        Findings come in the order of the families. What could not be mended stays a finding, with
        the reason in its fact ``fix_failed``.
        """
        async with self._turn:
            seen = await self._first_look(looked)
            if not fix:
                return Examination(findings=_findings(seen))
            return await self._mend(seen)

    async def _first_look(self, looked: Callable[[Looked], None]) -> list[list[Found]]:
        done = 0

        async def look(family: Family) -> list[Found]:
            nonlocal done
            seen = await self._look_at(family)
            done += 1
            looked(Looked(area=family.area, done=done, total=len(self._families)))
            return seen

        return list(await asyncio.gather(*map(look, self._families)))

    async def _mend(self, seen: list[list[Found]]) -> Examination:
        failed: dict[tuple[str, str], str] = {}
        mended: list[Found] = []
        touched: list[int] = []
        for number, each in enumerate(seen):
            for one in each:
                if one.fix is not None:
                    touched.append(number)
                    mended.append(one)
                    problem = await self._fix(one.fix)
                    if problem:
                        failed[one.key] = problem
        touched = sorted(set(touched))
        again = await self._look([self._families[number] for number in touched])
        for number, each in zip(touched, again, strict=True):
            seen[number] = [_with_reason(one, failed.get(one.key)) for one in each]
        left = {one.key for each in again for one in each}
        fixed = [one.finding for one in mended if one.key not in left]
        return Examination(findings=_findings(seen), fixed=fixed)

    async def _look(self, families: Sequence[Family]) -> list[list[Found]]:
        return list(await asyncio.gather(*map(self._look_at, families)))

    async def _look_at(self, family: Family) -> list[Found]:
        try:
            async with asyncio.timeout(self._look_limit_s):
                return list(await family.look())
        except TimeoutError:
            reason = f"it took longer than {self._look_limit_s:g} s"
        except Exception as error:
            # One part that cannot be examined must not hide what the others found.
            _logger.exception("%s could not be examined", family.area)
            reason = type(error).__name__
        return [
            found(
                family.area,
                "doctor-failed",
                Level.WARNING,
                f"One thing could not be examined: {family.area} ({reason}).",
                "Whether something is wrong there is not known.",
                "Try again; if it stays, it is worth a bug report.",
                facts={"reason": reason},
            )
        ]

    async def _fix(self, fix: Fix) -> str:
        """Mend one thing; the reason if that failed."""
        try:
            async with asyncio.timeout(self._fix_limit_s):
                await fix()
        except TimeoutError:
            return f"it took longer than {self._fix_limit_s:g} s"
        except MooringError as error:
            return error.report().title
        except OSError as error:
            return clean_text(error.strerror or type(error).__name__)
        return ""


def _with_reason(one: Found, reason: str | None) -> Found:
    if reason is None:
        return one
    facts = {**one.finding.facts, "fix_failed": reason}
    return type(one)(msgspec.structs.replace(one.finding, facts=facts), one.fix)


def _findings(seen: list[list[Found]]) -> list[Finding]:
    return [one.finding for each in seen for one in each]
