"""Files of many devices that grow: ``FILE.csv``, and ``FILE-2.csv`` … behind a thousand rows.

What is there stays: rows are added behind those that the files have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from agent.errors import InputError
from agent.protocols.nrf import csv
from agent.protocols.nrf.csv import FILE_CHARS, ROWS_MAX, BadRow, OnboardRow, Read, TokenRow
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")
PROBLEMS_SHOWN = 3


class Form(Protocol[T]):
    """What a kind of file holds."""

    def read(self, text: str) -> Read[T]:
        """Its rows; :class:`InputError` for what is no CSV."""

    def text(self, rows: Sequence[T]) -> str:
        """A file of at most 1000 rows."""


class Tokens:
    """Attestation tokens as the vendor's tool gathers them."""

    def read(self, text: str) -> Read[TokenRow]:
        """See :class:`Form`."""
        return csv.read_tokens(text)

    def text(self, rows: Sequence[TokenRow]) -> str:
        """See :class:`Form`."""
        return csv.token_file(rows).reveal()


class Onboarding:
    """Devices with certificates of their own."""

    def read(self, text: str) -> Read[OnboardRow]:
        """See :class:`Form`."""
        return csv.read_onboarding(text)

    def text(self, rows: Sequence[OnboardRow]) -> str:
        """See :class:`Form`."""
        return "".join(csv.onboarding_files(rows))


class RowFiles(Generic[T]):
    """The files of one list, the first of them ``first``."""

    def __init__(self, form: Form[T], first: Path, *, append: bool) -> None:
        """Read what is there; :class:`InputError` unless it may be added to, and for a bad row.

        Does not write yet.
        """
        self._form = form
        self._first = first
        self._parts: list[list[T]] = []
        self.made: list[Path] = []
        """Files that were written."""
        if not first.parent.is_dir():
            raise InputError(field="FILE", problem=f"there is no folder {first.parent}")
        if first.exists() and not append:
            raise InputError(field="FILE", problem=f"{first} exists already; add with --append")
        while (path := self._path(len(self._parts))).exists():
            read = read_rows(path, form.read)
            if read.bad:
                raise InputError(field=str(path), problem=bad_rows(read.bad))
            self._parts.append(list(read.rows))
        self.before = len(self.rows)
        """Rows that were there."""

    @property
    def rows(self) -> list[T]:
        """All rows of all files."""
        return [row for part in self._parts for row in part]

    def put(self, row: T, key: Callable[[T], str]) -> None:
        """Add a row, in the place of one with the same ``key``, and write its file.

        Each at once, so that nothing is lost if the next one takes forever.
        """
        number, part = self._place(row, key)
        path = self._path(number)
        write_rows(path, self._form.text(part))
        if path not in self.made:
            self.made.append(path)

    def _place(self, row: T, key: Callable[[T], str]) -> tuple[int, list[T]]:
        for number, part in enumerate(self._parts):
            for at, each in enumerate(part):
                if key(each) == key(row):
                    part[at] = row
                    return number, part
        if not self._parts or len(self._parts[-1]) >= ROWS_MAX:
            self._parts.append([])
        self._parts[-1].append(row)
        return len(self._parts) - 1, self._parts[-1]

    def _path(self, number: int) -> Path:
        if number == 0:
            return self._first
        return self._first.with_name(f"{self._first.stem}-{number + 1}{self._first.suffix}")


def read_rows(path: Path, read: Callable[[str], Read[T]]) -> Read[T]:
    """What ``read`` finds in a file; :class:`InputError` names the file and never its content."""
    text = read_text(path)
    try:
        return read(text)
    except InputError as error:
        problem = str(error.facts["problem"])
        raise InputError(field=clean_text(str(path)), problem=problem) from None


def read_text(path: Path) -> str:
    """The text of a file; :class:`InputError` names the file and never its content."""
    shown = clean_text(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(FILE_CHARS + 1)
        if len(data) > FILE_CHARS:
            raise InputError(field=shown, problem=f"is larger than {FILE_CHARS} bytes")
        return data.decode("utf-8-sig")
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
        raise InputError(field=shown, problem=problem) from None
    except UnicodeDecodeError:
        raise InputError(field=shown, problem="is not text (UTF-8)") from None


def write_rows(path: Path, text: str) -> None:
    """Replace a file, which only this user may read; :class:`InputError` if it cannot be written."""
    from agent.settings.files import write_private

    try:
        write_private(path, text.encode())
    except OSError as error:
        problem = f"cannot be written: {error.strerror or type(error).__name__}"
        raise InputError(field=str(path), problem=problem) from None


def bad_rows(bad: Iterable[BadRow]) -> str:
    """What is wrong with the first of these rows, in words."""
    told = [f"row {each.row} {each.problem}" for each in bad]
    more = f"; and {len(told) - PROBLEMS_SHOWN} more" if len(told) > PROBLEMS_SHOWN else ""
    return "; ".join(told[:PROBLEMS_SHOWN]) + more
