"""The list of results of a batch: one line of CSV for each row that has ended. Never a secret.

Lines are only added, each in one write, so that a kill leaves whole lines; what it kept from being
written is added by the next run. A row that was tried again has several lines, and the last counts.
"""

from __future__ import annotations

import csv
import io
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agent.errors import InputError
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent.jobs.batch_records import Kept

COLUMNS: Final = (
    "row",
    "state",
    "device",
    "board",
    "hardware_id",
    "socket",
    "error",
    "seconds",
    "link",
    "file",
    "ended_at",
)
_FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet would take for a formula."""
TEXT_CHARS: Final = 500


class Results:
    """The file; made when the first row has ended."""

    def __init__(self, path: Path) -> None:
        """Raises :class:`InputError` where it cannot be written."""
        self.path = path
        try:
            with path.open("rb") as file:
                self._told = _told(file.read().decode("utf-8-sig", errors="replace"))
        except FileNotFoundError:
            self._told = set()
            if not os.access(path.parent, os.W_OK):
                raise self._failed("its folder cannot be written") from None
        except OSError as error:
            raise self._failed(error.strerror or "it cannot be read") from None

    def catch_up(self, kept: Iterable[Kept]) -> None:
        """Add what is missing of rows that have ended."""
        for each in kept:
            if (str(each.n), _time(each)) not in self._told:
                self.add(each)

    def add(self, kept: Kept) -> None:
        """Add the line of a row that has ended; raises :class:`InputError` if that fails."""
        text = "" if self._begun() else _line(COLUMNS)
        cells = (
            str(kept.n),
            kept.state,
            kept.device,
            kept.board,
            kept.hardware_id,
            kept.socket,
            kept.error.code if kept.error is not None else "",
            "" if kept.seconds is None else f"{kept.seconds:.1f}",
            kept.link,
            " ".join(kept.files),
            _time(kept),
        )
        text += _line([_plain(cell) for cell in cells])
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, text.encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise self._failed(error.strerror or "it cannot be written") from None

    def _begun(self) -> bool:
        """Whether there are lines; a line that was cut off is ended first."""
        try:
            with self.path.open("rb+") as file:
                size = file.seek(0, os.SEEK_END)
                if size:
                    file.seek(size - 1)
                    if file.read(1) != b"\n":
                        file.write(b"\r\n")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failed(error.strerror or "it cannot be written") from None
        return size > 0

    def _failed(self, why: str) -> InputError:
        effect = "What is done to boards is kept in the journal, and this file is completed later."
        return InputError(field=clean_text(str(self.path)), problem=why, effect=effect)


def _told(text: str) -> set[tuple[str, str]]:
    """Row and time of each line."""
    found = set()
    for cells in csv.reader(io.StringIO(text)):
        if len(cells) == len(COLUMNS):
            found.add((cells[0], cells[-1]))
    return found


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _plain(cell: str) -> str:
    """Foreign text as one cell that is text."""
    shown = clean_text(cell, TEXT_CHARS)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _time(kept: Kept) -> str:
    return datetime.fromtimestamp(kept.ended_at, UTC).isoformat(timespec="milliseconds")
