"""The manifest of a batch: a list of boards and what is done with each, checked as a whole.

CSV as spreadsheets write it, TOML or JSON; which one it is is seen from its beginning. Nothing in it
is a secret: passwords of networks come from elsewhere. Pure, but for what the caller hands in.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.jobs.batch_fields import DEFAULTS_ONLY, FIELDS, RowChecker
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from agent.jobs.batch_fields import Surroundings
    from agent.jobs.batch_row import Row

ROWS_MAX: Final = 100_000
"""A year of a line; each takes half a kilobyte of memory."""
MANIFEST_BYTES: Final = 32 << 20
"""More than so many rows take."""
ROWS: Final = "rows"
_SUFFIXES: Final = (".csv", ".toml", ".json")
_TABLE: Final = re.compile(r"^\s*\[\[", re.MULTILINE)
_SHOWN: Final = 60
"""Of a word that is quoted in a problem."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong."""

    where: str
    """``line 7``, or ``row 7`` where there are no lines to count; ``defaults``."""
    field: str = ""
    problem: str

    def __str__(self) -> str:
        return ", ".join(filter(None, [self.where, self.field])) + f": {self.problem}"


@dataclass(slots=True)
class Manifest:
    """What was read; to be used only if there are no problems."""

    name: str = ""
    """As the manifest calls the batch; empty: it does not."""
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def networks(self) -> list[str]:
        """The networks that rows name, each once."""
        return list(dict.fromkeys(row.network for row in self.rows if row.network))


def read_manifest(content: bytes, surroundings: Surroundings, suffix: str = "") -> Manifest:
    """All of it, with everything that is wrong; raises nothing.

    ``suffix`` of the file: ``.csv``, ``.toml`` or ``.json``; any other: seen from the content.
    """
    manifest = Manifest()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _broken(manifest, "is not text (UTF-8)")
    try:
        defaults, rows = _read(text, suffix.casefold())
    except _Broken as error:
        return _broken(manifest, error.problem, error.where)
    manifest.name = str(defaults.values.pop("batch", "")).strip()
    checker = RowChecker(surroundings)
    known = _keep_known(defaults, manifest.problems, {*FIELDS, *DEFAULTS_ONLY})
    for found in checker.check_defaults(known):
        manifest.problems.append(Problem(where=defaults.where, field=found[0], problem=found[1]))
    try:
        for source in rows:
            _read_row(source, known, checker, manifest)
            if len(manifest.rows) > ROWS_MAX:
                return _broken(manifest, f"has more than {ROWS_MAX} rows", source.where)
    except _Broken as error:
        return _broken(manifest, error.problem, error.where)
    if not manifest.rows and not manifest.problems:
        return _broken(manifest, "has no rows")
    return manifest


def _read_row(
    source: _Source, defaults: dict[str, Any], checker: RowChecker, manifest: Manifest
) -> None:
    given = _keep_known(source, manifest.problems, FIELDS.keys())
    made, wrong = checker.rows(defaults, given, len(manifest.rows) + 1, source.where)
    manifest.rows += made
    manifest.problems += [
        Problem(where=source.where, field=name, problem=problem) for name, problem in wrong
    ]


@dataclass(frozen=True, slots=True)
class _Source:
    """Values as they stand there."""

    where: str
    values: dict[str, Any]


class _Broken(Exception):
    def __init__(self, problem: str, where: str = "manifest") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where


def _broken(manifest: Manifest, problem: str, where: str = "manifest") -> Manifest:
    manifest.problems.append(Problem(where=where, problem=problem))
    return manifest


def _keep_known(
    source: _Source,
    problems: list[Problem],
    known: Collection[str],
) -> dict[str, Any]:
    """The values of known fields; an unknown one is named with what was perhaps meant."""
    kept = {}
    for name, value in source.values.items():
        if name in known:
            kept[name] = value
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; is {near[0]} meant?" if near else f"; known are {', '.join(sorted(known))}"
        if name.casefold() in {"password", "pin", "token", "secret"}:
            hint = ", because it is a secret: see docs/batch.md for where it comes from"
        problem = f"is not a field of a manifest{hint}"
        shown = clean_text(name, _SHOWN) or "a column without a name"
        problems.append(Problem(where=source.where, field=shown, problem=problem))
    return kept


# The three forms -----------------------------------------------------------------------------------


def _read(text: str, suffix: str) -> tuple[_Source, Iterator[_Source]]:
    if suffix == ".json" or (suffix not in _SUFFIXES and text.lstrip().startswith("{")):
        try:
            return _tables(json.loads(text))
        except json.JSONDecodeError as error:
            raise _Broken(f"is not valid JSON: {error.msg}", f"line {error.lineno}") from None
        except RecursionError:
            raise _Broken("is not valid JSON: it is nested too deep") from None
    if suffix == ".toml" or (suffix not in _SUFFIXES and _TABLE.search(text)):
        try:
            return _tables(tomllib.loads(text))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise _Broken(f"is not valid TOML: {clean_text(str(error), 200)}") from None
    return _csv(text)


def _tables(data: object) -> tuple[_Source, Iterator[_Source]]:
    rows = data.get(ROWS) if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(rows, list):
        raise _Broken(f"has no list of {ROWS}")
    if not all(isinstance(row, dict) for row in rows):
        raise _Broken(f"has something else than a table in its {ROWS}")
    sources = (_Source(f"row {n}", row) for n, row in enumerate(rows, 1))
    return _Source("defaults", {name: data[name] for name in data if name != ROWS}), sources


def _csv(text: str) -> tuple[_Source, Iterator[_Source]]:
    """Defaults as ``# name = value`` above the line with the names of the columns."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    defaults: dict[str, Any] = {}
    begin = 0
    for number, line in enumerate(lines):
        begin = number
        bare = line.strip().strip('"').strip()
        if bare and not bare.startswith("#"):
            break
        name, is_default, value = bare.lstrip("#").partition("=")
        if is_default:
            # A spreadsheet fills the line up with separators.
            defaults[name.strip()] = value.strip().rstrip(",;\t").strip().strip('"')
    else:
        raise _Broken("has no rows")
    head = lines[begin]
    separator = max(",;\t", key=head.count)
    rest = io.StringIO("\n".join(lines[begin:]) + "\n")
    return _Source("defaults", defaults), _csv_rows(rest, separator, begin)


def _csv_rows(rest: io.StringIO, separator: str, begin: int) -> Iterator[_Source]:
    reader = csv.reader(rest, delimiter=separator, strict=True)
    names: list[str] | None = None
    while True:
        line = begin + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _Broken(f"is not valid CSV: {error}", f"line {line}") from None
        if names is None:
            names = [name.strip() for name in cells]
            continue
        shown = [cell.strip() for cell in cells]
        if not any(shown) or shown[0].startswith("#"):
            continue
        values = {name: cell for name, cell in zip(names, shown, strict=False) if cell and name}
        more = [cell for cell in shown[len(names) :] if cell]
        if more:
            values[""] = more[0]
        yield _Source(f"line {line}", values)
