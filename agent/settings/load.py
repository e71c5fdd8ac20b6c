"""Reading ``config.toml``: the settings in it, or what is wrong, on which line, and the mend."""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError, SettingsBroken
from agent.settings.broken import BACKSLASH_MEND, Problem, encoding_problem, syntax_problem
from agent.settings.checks import CONTROL_PROBLEM, check_together
from agent.settings.keys import all_keys, build_config
from agent.settings.toml_text import line_of, toml_literal
from agent.settings.unknown import unknown_key, unknown_section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.errors import ErrorReport
    from agent.settings.config import Config
    from agent.settings.keys import Key

CONFIG_BYTES: Final = 64 * 1024
"""Many times a file with every setting and a comment on each; more is another file."""
DOTS: Final = 500
"""In one line, above which it is not read: names of very many parts take the reader very long."""
NAMES: Final = 100
"""In a setting that holds names with texts; none knows as many."""

_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Written:
    """What the file says."""

    data: bytes = b""
    text: str = ""
    """Without the mark that some editors put in front of UTF-8."""
    values: dict[str, Any] = field(default_factory=dict)
    """By the names of their keys."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def config(self) -> Config:
        """The settings, where there are no problems."""
        return build_config(self.values)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an agent works with."""

    config: Config
    problem: ErrorReport | None = None
    """Why these are not the settings that the person wrote."""


def read_settings(path: Path) -> Written:
    """What the file says, and what is wrong in it; raises :class:`SettingsBroken` if unreadable."""
    try:
        data = _read(path)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        mend = "See that this user may read the file and its folder."
        raise broken(path, [Problem(f"it cannot be read ({detail})", mend)]) from None
    return parse_settings(data)


def parse_settings(data: bytes) -> Written:
    """The same of the bytes of a file."""
    if len(data) > CONFIG_BYTES:
        text = f"it is larger than {CONFIG_BYTES // 1024} KiB, and none of ours"
        return Written(data, problems=[Problem(text, "Move it away; without it all is as usual.")])
    plain = data.removeprefix(_BOM)
    try:
        text = plain.decode()
    except UnicodeDecodeError as error:
        return Written(data, problems=[encoding_problem(plain, error.start)])
    if "\0" in text:
        return Written(data, problems=[encoding_problem(plain, plain.index(0))])
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > DOTS:
            problem = Problem("it has too many dots", "Delete this line.", line=number)
            return Written(data, text, problems=[problem])
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Written(data, text, problems=[syntax_problem(text, str(error))])
    except (RecursionError, ValueError):
        # A ValueError: Python reads no number of thousands of digits.
        problem = Problem("it nests too deeply, or a number is too long", "Delete that value.")
        return Written(data, text, problems=[problem])
    values, problems = _check(text, tables)
    return Written(data, text, values, sorted(problems, key=lambda each: each.line or 0))


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The settings of the file, or the usual ones without a file, and of the environment.

    Raises :class:`SettingsBroken`, or :class:`InputError` for a variable.
    """
    written = read_settings(path)
    if written.problems:
        raise broken(path, written.problems)
    return build_config(written.values | from_environment(environ))


def load_or_defaults(path: Path, environ: Mapping[str, str] = os.environ) -> Loaded:
    """The same for who works on in any case: with the usual settings and a problem."""
    problem: SettingsBroken | InputError | None = None
    values: dict[str, Any] = {}
    try:
        written = read_settings(path)
        if written.problems:
            raise broken(path, written.problems)
        values |= written.values
    except SettingsBroken as error:
        problem = error
    try:
        values |= from_environment(environ)
    except InputError as error:
        problem = problem or error
    return Loaded(build_config(values), None if problem is None else problem.report())


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings that variables take the place of; raises :class:`InputError`."""
    found: dict[str, Any] = {}
    for key in all_keys():
        text = environ.get(key.variable) if key.variable is not None else None
        if text:
            try:
                found[key.name] = key.read(text)
            except ValueError as error:
                raise InputError(field=key.variable, problem=str(error)) from None
    return found


def broken(path: Path, problems: list[Problem]) -> SettingsBroken:
    """The error for the first of them."""
    first, more = problems[0], len(problems) - 1
    also = f" ({more} more {'is' if more == 1 else 'are'} wrong)" if more else ""
    return SettingsBroken(
        place=str(path) if first.line is None else f"{path}, line {first.line}",
        problem=first.problem + also,
        mend=first.mend,
        path=str(path),
        line=first.line,
        key=first.key,
        more=more,
    )


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return b""
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no file"
        mend = "Move it away, or put a file with the settings in its place."
        raise broken(path, [Problem(f"it is {kind}", mend)])
    with path.open("rb") as file:
        return file.read(CONFIG_BYTES + 1)


def _check(text: str, tables: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    keys = all_keys()
    by_name = {key.name: key for key in keys}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for section, table in tables.items():
        if section not in {key.section for key in keys}:
            problems.append(unknown_section(text, section, table, keys))
        elif not isinstance(table, dict):
            line = line_of(text, (section,))
            mend = f"Write [{section}] on a line of its own, and its settings below it."
            problems.append(
                Problem(f"{section} is the name of a section", mend, key=section, line=line)
            )
        else:
            for name, value in table.items():
                key = by_name.get(f"{section}.{name}")
                if key is None:
                    problems.append(unknown_key(text, section, name, keys))
                    continue
                try:
                    values[key.name] = key.read(value)
                except ValueError as error:
                    problems.append(_wrong_value(text, key, value, str(error)))
    if not problems:
        together = check_together(build_config(values))
        problems += [
            _wrong_value(text, by_name[name], None, why)
            for name, why in together.items()
            if name in values
        ][:1]
    return values, problems


def _wrong_value(text: str, key: Key, value: object, why: str) -> Problem:
    path: tuple[str, ...] = (key.section, key.field)
    if isinstance(value, dict):
        path += _wrong_name(key, value)
    line = line_of(text, path)
    kind = key.schema.get("type", "string")
    if isinstance(value, str) and kind not in {"string", "array", "object"}:
        why += ", without quotes"
    elif not isinstance(value, str | None) and kind == "string":
        why += ", in quotes"
    mend = f"Correct it, or delete it: then it is {toml_literal(key.plain(key.default))}."
    if why == CONTROL_PROBLEM and "\\" in text:
        mend = BACKSLASH_MEND
    return Problem(f"{key.name} {why}", mend, key=key.name, line=line)


def _wrong_name(key: Key, value: dict[str, Any]) -> tuple[str, ...]:
    """Of a setting that holds names with texts, the one that cannot be used; empty: all of it.

    One that does not fit the others is found by leaving it out; the later one of two.
    """
    if len(value) <= NAMES:
        for name in reversed(value):
            if _is_right(key, {other: each for other, each in value.items() if other != name}):
                return (name,)
    return next(((name,) for name, each in value.items() if not _is_right(key, {name: each})), ())


def _is_right(key: Key, value: dict[str, Any]) -> bool:
    try:
        key.read(value)
    except ValueError:
        return False
    return True
