"""The newest lines of the logs, and what a crash left; reads only, never raises."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOG_LINES: Final = 400
"""Of the newest log: some hours of a busy desk, or weeks of a quiet one."""
OTHER_LINES: Final = 60
"""Of each log that a second process kept."""
LINE_CHARS: Final = 2000
TAIL_BYTES: Final = 256_000
"""Read from the end of a file, for so many lines of usual length."""


def newest_logs(log_file: Path) -> list[tuple[str, list[str]]]:
    """Name and lines of each log that is there, the agent's own first; older parts are joined."""
    found = [(log_file.name, _lines(log_file, LOG_LINES))]
    others = sorted(_glob(log_file.parent, f"{log_file.stem}-*{log_file.suffix}"))
    found += [(other.name, _lines(other, OTHER_LINES)) for other in others]
    for crash in sorted(_glob(log_file.parent, f"{log_file.stem}*.crash")):
        found.append((crash.name, _tail(crash).splitlines()[:OTHER_LINES]))
    return [(name, lines) for name, lines in found if lines]


def _lines(file: Path, count: int) -> list[str]:
    lines = _tail(file).splitlines()
    if len(lines) < count:
        # It was begun a short while ago; what was before is in the older file.
        lines = _tail(file.with_name(f"{file.name}.1")).splitlines() + lines
    return [line if len(line) <= LINE_CHARS else f"{line[:LINE_CHARS]}…" for line in lines[-count:]]


def _tail(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - TAIL_BYTES))
            data = opened.read(TAIL_BYTES)
    except OSError:
        return ""
    if size > TAIL_BYTES:
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", "replace")


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return list(folder.glob(pattern))
    except OSError:
        return []
