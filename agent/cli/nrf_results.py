"""What became of the rows of a file, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.cli.output import clean_lines
from agent.cli.shell import status_of
from agent.errors import ExitStatus
from agent.protocols.nrf.bodies import ONBOARDING_TAG
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from agent.cli.output import Output
    from agent.errors import MooringError
    from agent.protocols.nrf.csv import BadRow

REASON_CHARS: Final = 500
_RULES: Final = {
    "made": f"A rule was made for the tag {ONBOARDING_TAG}.",
    "inactive": f"The rule of the tag {ONBOARDING_TAG} is switched off: the boards get no commands "
    "until somebody switches it on in the portal.",
}


class Results:
    """Rows with their results, in the order of the file."""

    def __init__(self, output: Output, done: str, before: str) -> None:
        """``done`` and ``before``: what has become of a row that went well, in words."""
        self._output = output
        self._words = {"done": done, "before": before, "failed": "failed"}
        self._rows: list[dict[str, Any]] = []
        self._unread: list[dict[str, Any]] = []
        self._failed: set[str] = set()
        self._rule: str | None = None
        self._error: MooringError | None = None

    def unread(self, path: Path, bad: BadRow) -> None:
        """A row that cannot be used."""
        self._unread.append({"file": str(path), "row": bad.row, "problem": bad.problem})

    def rule(self, rule: str | None) -> None:
        """What was found of the rule, before the first file."""
        if rule is not None and self._rule is None:
            self._rule = rule
            if rule in _RULES and not self._output.as_json:
                self._output.note(_RULES[rule], "yellow" if rule == "inactive" else None)

    def take(self, rows: Iterable[dict[str, Any]]) -> None:
        """The results of a file."""
        for row in rows:
            self._rows.append(row)
            if row["state"] == "failed":
                self._failed.add(row["device_id"])

    def stopped(self, error: MooringError, left: Sequence[str]) -> None:
        """The rest was not carried out, as far as is known."""
        self._error = error
        problem = error.report().title
        self.take({"device_id": each, "state": "failed", "problem": problem} for each in left)

    def failed(self, device_id: str) -> bool:
        """Whether this one is to be tried again."""
        return device_id in self._failed

    def end(self, left: Path | None, again: str) -> ExitStatus:
        """Show them; ``left`` is the file of those that failed, and ``again`` what takes it."""
        if self._output.as_json:
            self._output.document(
                {
                    "rows": self._rows,
                    "unread": self._unread,
                    "rule": self._rule,
                    "retry": None if left is None else str(left),
                    **({} if self._error is None else {"error": self._error.report()}),
                }
            )
        else:
            self._show(left, again)
        if self._error is not None:
            return status_of(self._error)
        return ExitStatus.FAILED if self._failed or self._unread else ExitStatus.DONE

    def _show(self, left: Path | None, again: str) -> None:
        shown = [
            (row["device_id"], self._words[row["state"]], clean_text(row["problem"], REASON_CHARS))
            for row in self._rows
        ]
        self._output.table(
            ("DEVICE", "RESULT", "WHY"), shown, empty="There was no row.", folds=True
        )
        for each in self._unread:
            told = f"{each['file']}, row {each['row']}: {each['problem']}"
            self._output.note(clean_text(told, REASON_CHARS), "yellow")
        if self._error is not None:
            self._output.explain(self._error.report())
        counts = [
            f"{sum(row['state'] == state for row in self._rows)} {words}"
            for state, words in self._words.items()
            if any(row["state"] == state for row in self._rows)
        ]
        counts += [f"{len(self._unread)} could not be read"] if self._unread else []
        self._output.line(clean_lines("; ".join(counts)) + ".", "bold")
        if left is not None:
            self._output.note(f"What failed is in {left}; again with: {again} {left}")
