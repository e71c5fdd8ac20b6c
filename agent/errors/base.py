"""The root of all errors, their exit statuses, and how an error travels."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar, TypeAlias

import msgspec

Fact: TypeAlias = str | int | float | bool | None


class ExitStatus(IntEnum):
    """Exit status of a command (contract 1)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_BOARD = 3
    NO_ACCESS = 4
    INTERRUPTED = 130


class ErrorReport(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it travels: JSON-RPC ``error.data``, journal, ``--json``."""

    code: str
    title: str
    meaning: str
    remedy: str
    retryable: bool
    facts: dict[str, Fact] = {}


class MooringError(Exception):
    """Root of all errors that people see.

    Facts are given as keyword arguments and fill the ``{placeholders}`` of the three sentences;
    a fact that is missing shows as ``?``. Never pass a secret as a fact.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[ExitStatus] = ExitStatus.FAILED
    retryable: ClassVar[bool] = False
    title: ClassVar[str] = "Something went wrong."
    meaning: ClassVar[str] = ""
    remedy: ClassVar[str] = ""

    def __init__(self, **facts: Fact) -> None:
        self.facts = facts
        super().__init__(self.report().title)

    def report(self) -> ErrorReport:
        """The three sentences with their facts filled in."""
        shown = _Shown(self.facts)
        return ErrorReport(
            code=self.code,
            title=self.title.format_map(shown),
            meaning=self.meaning.format_map(shown).rstrip(),
            remedy=self.remedy.format_map(shown),
            retryable=self.retryable,
            facts=dict(self.facts),
        )


class _Shown(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class ReportedError(MooringError):
    """An error that arrived as a report, from the running agent or the journal."""

    code = "reported"

    def __init__(self, report: ErrorReport, exit_status: ExitStatus = ExitStatus.FAILED) -> None:
        self._report = report
        self.reported_exit_status = exit_status
        super().__init__(**report.facts)

    def report(self) -> ErrorReport:
        """The report as it arrived."""
        return self._report
