"""Whether the clock of this computer is right enough for certificates and tokens."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found
from agent.errors import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from agent.desktop.doctor.found import Found

AREA: Final = "clock"
SKEW_WARNING_S: Final = 120.0
"""Tokens of Arduino Cloud live for five minutes; half of that is left for the way there."""
SKEW_PROBLEM_S: Final = 86_400.0
"""A day: certificates that are renewed at the last moment are then refused."""
COMMAND: Final = "sudo timedatectl set-ntp true"
_MENDS: Final = {
    "linux": f"Have the clock set by the network: {COMMAND}",
    "darwin": "Switch on “Set time and date automatically” under System Settings, General.",
    "win32": "Press “Sync now” under Settings, Time and language, Date and time.",
}


class Clock:
    """Looks for the opposite of time: files of ours that are from the future. Needs no network."""

    area = AREA

    def __init__(self, files: Iterable[Path]) -> None:
        """``files`` that are written as Mooring runs."""
        self._files = list(files)

    async def look(self) -> Sequence[Found]:
        """The clock against the newest of the files."""
        newest, now = await asyncio.to_thread(self._newest), time.time()
        if newest <= now + SKEW_PROBLEM_S:
            return [fine(AREA, f"The clock says {_shown(now)}.")]
        return [
            found(
                AREA,
                "clock-back",
                Level.PROBLEM,
                f"The clock of this computer says {_shown(now)}, "
                f"but Mooring already ran on {_shown(newest)}.",
                "With a clock that is behind no certificate is valid, so no cloud can be reached.",
                mend(),
                commands=[COMMAND],
                facts={"behind_s": round(newest - now)},
            )
        ]

    def _newest(self) -> float:
        newest = 0.0
        for file in self._files:
            try:
                newest = max(newest, file.stat().st_mtime)
            except OSError:
                continue
        return newest


def skewed(there: float, whom: str) -> Found | None:
    """The finding for a clock that differs from the one of ``whom`` (Unix seconds; 0: unknown)."""
    now = time.time()
    off_s = now - there
    if not there or abs(off_s) < SKEW_WARNING_S:
        return None
    far = abs(off_s) >= SKEW_PROBLEM_S
    side = "ahead of" if off_s > 0 else "behind"
    return found(
        AREA,
        "clock",
        Level.PROBLEM if far else Level.WARNING,
        f"The clock of this computer is {_span(abs(off_s))} {side} the one of {whom}.",
        f"Here it is {_shown(now)}, there {_shown(there)}. "
        "Certificates and tokens count as not valid yet or as expired.",
        mend(),
        commands=[COMMAND],
        facts={"off_s": round(off_s)},
    )


def mend() -> str:
    """How a person sets the clock on this system."""
    return _MENDS.get(sys.platform, _MENDS["linux"])


def _shown(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _span(seconds: float) -> str:
    for size, name in ((31_556_952, "year"), (86_400, "day"), (3600, "hour"), (60, "minute")):
        count = round(seconds / size)
        if seconds >= size:
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{round(seconds)} seconds"
